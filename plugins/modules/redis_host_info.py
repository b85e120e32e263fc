#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_host_info
short_description: Tell what the host knows about its Redis or Valkey server
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - "Reads what a diagnosis needs from the host itself, whether or not the server runs: its unit or container, its process, its log,
    the kernel's settings, memory, disk and firewall."
  - It only reads, talks to no Redis, and needs nothing on the host but Python.
  - "It never fails because a part cannot be read: why not stands in RV(denied), and says where C(become) would help."
attributes:
  check_mode:
    support: full
    description: The module changes nothing.
  diff_mode:
    support: none
    description: The module changes nothing.
options:
  port:
    description:
      - Port of the server. It decides which process, unit and container are meant.
    type: int
    default: 6379
  unit:
    description:
      - Name of the service unit. Without it, units are found by their names (C(redis), C(redis-server), C(redis-sentinel), C(redis@NAME)
        and the same of Valkey), by their process, and by the port in their configuration.
    type: str
  container:
    description:
      - Name or id of the container, of Docker or Podman. Without it, the one that publishes the port.
    type: str
  data_dir:
    description:
      - The data directory. Without it, the directory that the process works in, else C(dir) of the configuration file.
    type: path
  config_file:
    description:
      - The configuration file. Without it, the one that the unit names.
    type: path
  log_lines:
    description:
      - How many lines of the log to return at most; lines that do not matter are left out.
    type: int
    default: 20
seealso:
  - module: aragora.redis.redis_info
  - name: Redis administration
    description: What Redis wants from the kernel.
    link: https://redis.io/docs/latest/operate/oss_and_stack/management/admin/
"""

EXAMPLES = r"""
- name: See what the host knows
  aragora.redis.redis_host_info:
  become: true
  register: evidence

- name: See what the host knows about another instance
  aragora.redis.redis_host_info:
    port: 6380
    unit: redis-server@second

- name: Stop where the kernel killed Redis
  ansible.builtin.assert:
    that: evidence.host.oom is none or evidence.host.oom | length == 0
"""

RETURN = r"""
host:
  description:
    - What was found. A part that was looked for and is not there is empty; one that could not be looked at is null, and named in
      RV(denied). Filter P(aragora.redis.better_snapshot#filter) puts it into a snapshot.
  returned: always
  type: dict
  contains:
    port:
      description: The port that was asked for.
      type: int
    listeners:
      description: Who accepts TCP connections on the port, C(address), C(port), C(waiting) (connections not accepted yet).
      type: list
      elements: dict
    unit:
      description:
        - The service unit, C(name), C(load_state), C(active_state), C(sub_state), C(result) (V(oom-kill), V(exit-code), …), C(restarts)
          since it was last started by hand, C(exit_code), C(exit_status), C(main_pid), C(file_state), C(restart), C(user), C(group),
          C(config_file), C(active_seconds), C(changed_seconds) since its state changed, C(open_files) that it allows from its next start.
        - C(switched_off) is V(masked) or V(disabled) where a person did that and it does not run, else null.
      type: dict
    container:
      description:
        - The container, C(engine), C(name), C(image), C(status), C(running), C(paused), C(oom_killed), C(exit_code), C(error), C(restarts),
          C(restart_policy), C(memory_limit_bytes), C(pid), C(changed_seconds) since it was started or ended, C(published_ports).
      type: dict
    process:
      description:
        - The process that listens on the port, else the one that the unit or the container names, else one that calls itself a server of
          this port. C(pid), C(name), C(user), C(title), C(state) (a letter as of C(ps)), C(rss_bytes), C(swap_bytes), C(threads),
          C(thp_disabled) (for itself), C(open_files_soft), C(open_files_hard), C(age_seconds), C(cpu_percent) of a core for a moment,
          C(listens_on) (addresses; null where that needs root).
      type: dict
    config:
      description:
        - The configuration file, C(path), some C(settings) that count from the next start on, C(directives), all that the file and those
          it includes set (secrets masked), and C(arguments), names of settings that the unit gives as arguments.
        - C(settings) and C(directives) are null where the file cannot be read, C(directives) also for a container.
      type: dict
    kernel:
      description: C(overcommit_memory), C(swappiness), C(somaxconn), C(transparent_huge_pages) (V(always), V(madvise) or V(never)).
      type: dict
    memory:
      description:
        - C(total_bytes), C(available_bytes), C(swap_total_bytes), C(swap_free_bytes) of the machine.
        - C(cgroup_limit_bytes), the least limit of the cgroups around the process, null without one; C(cgroup_used_bytes) with one.
      type: dict
    disk:
      description:
        - The filesystem of the data directory, C(path), C(mount), C(filesystem), C(read_only), C(total_bytes), C(free_bytes),
          C(free_percent), C(inodes_free_percent); C(rdb_bytes) and C(rdb_age_seconds) of the last RDB file.
      type: dict
    files:
      description:
        - C(config), C(config_folder) and C(data), each with C(path), C(owner), C(group), C(mode) and C(writable) for the server's user.
      type: dict
    firewall:
      description: Rules that keep packets from the port, C(source), C(chain), C(verdict), C(rule). Sets and jumps are not followed.
      type: list
      elements: dict
    network:
      description: Links that carry addresses, by name, with C(addresses) and C(speed_mbit) (null where the driver tells none).
      type: dict
    log:
      description:
        - C(lines), the last that matter, C(age_seconds), C(by), C(text), secrets masked.
        - C(reason), why the last start failed (V(bad_directive), V(port_in_use), V(aof_corrupt), …), null when it did not;
          C(reason_line), C(config_line), C(config_line_number) are the words of Redis.
        - C(restarts_recently), restarts by systemd in the last 15 minutes.
      type: dict
    oom:
      description:
        - Servers that the kernel killed for want of memory, C(pid), C(name), C(age_seconds), C(rss_bytes), C(cgroup) (whether a limit was
          reached, not the machine's memory).
      type: list
      elements: dict
denied:
  description: What could not be read, by part, and why.
  returned: always
  type: dict
  sample:
    firewall: "needs root (-b): nft -j: Operation not permitted (you must be root)"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._host_reading import host_argument_spec, read


def main() -> None:
    module = AnsibleModule(argument_spec=host_argument_spec(), supports_check_mode=True)
    try:
        result = read(module.params)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

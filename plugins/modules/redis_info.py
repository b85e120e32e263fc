#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_info
short_description: Take a snapshot of a Redis or Valkey server in whatever state it is
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Reads everything that a diagnosis needs over one connection in few round trips, and only reads.
  - "An ill server is no error: why it cannot be used stands in RV(snapshot.availability), what it refuses to tell in RV(snapshot.denied)."
  - The snapshot is what the filter P(aragora.redis.diagnose#filter) judges, at once or later from a file.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: The module changes nothing.
  diff_mode:
    support: none
    description: The module changes nothing.
options:
  targets:
    description:
      - Many servers in one call, as URLs; they are read side by side and share all other options.
      - The result is RV(snapshots) in the same order, in place of RV(snapshot).
    type: list
    elements: str
  gather_subset:
    description:
      - What to read, V(all) or any of V(info), V(config), V(rates), V(slowlog), V(clients), V(latency), V(memory), V(acl), V(modules),
        V(cluster), V(sentinel). A name with V(!) in front is left out. V(info) is always read.
      - V(keyspace) is not among V(all), it has to be named (V([all, keyspace])). It reads a sample of the keys after everything else, for
        1.5 seconds at most, as M(aragora.redis.redis_keyspace) with its defaults; of the database with the most keys.
      - With more than 8 O(targets) it is left out; it would measure this process.
    type: list
    elements: str
    default: [all]
  window:
    description:
      - Seconds between the two readings that make RV(snapshot.rates); meanwhile a PING is sent every 10 ms for C(latency.probe).
      - With V(0) there is no second reading, and no rates. With more than 8 O(targets) there is no probe, it would measure this process.
    type: float
    default: 1.0
  slowlog_entries:
    description:
      - How many entries of the slow log to read at most, newest first.
    type: int
    default: 256
  clients_limit:
    description:
      - Up to how many connected clients CLIENT LIST is asked for. It has no limit of its own, and holds the server while it is
        written (about 17 ms for 10,000 clients).
    type: int
    default: 20000
  mask_arguments:
    description:
      - Whether slow-log arguments beyond the command and the pattern of its key are replaced by V(***).
      - With V(false) they may hold personal data; those of AUTH and similar commands stay hidden.
    type: bool
    default: true
  save_to:
    description:
      - Folder on the controller to write the snapshots of O(targets) to, in place of returning them; hundreds of them are slow for Ansible
        to carry. It is made with mode 0700, the files with 0600, and they are named by the servers. It has to be empty.
      - In check mode nothing is written, and the snapshots are returned.
    type: path
  fail_on_unavailable:
    description:
      - Whether to fail when a server cannot be used, for playbooks that only go on with a healthy one.
    type: bool
    default: false
seealso:
  - module: aragora.redis.redis_client_info
  - module: aragora.redis.redis_config
  - module: aragora.redis.redis_keyspace
  - module: aragora.redis.redis_latency
  - module: aragora.redis.redis_slowlog
  - name: INFO
    description: What the fields mean.
    link: https://redis.io/docs/latest/commands/info/
"""

EXAMPLES = r"""
- name: Take a snapshot of the local server
  aragora.redis.redis_info:
  register: redis

- name: Stop here unless it can be used
  aragora.redis.redis_info:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    gather_subset: [info]
    window: 0
    fail_on_unavailable: true

- name: Read three servers side by side
  aragora.redis.redis_info:
    targets:
      - redis://10.0.0.1
      - redis://10.0.0.2
      - rediss://ops@cache.example.com:6380
    login_password: "{{ vault_redis_password }}"
    gather_subset: ["!clients"]
"""

RETURN = r"""
snapshot:
  description:
    - What was read. Parts that were not asked for, do not apply or were refused are null.
  returned: unless O(targets) is given
  type: dict
  contains:
    schema:
      description: Version of this structure.
      type: int
      sample: 1
    server:
      description: Who answered.
      type: dict
      contains:
        host:
          description: Name or address, null for a Unix socket.
          type: str
        port:
          description: Port, null for a Unix socket.
          type: int
        socket:
          description: Path of the Unix socket, else null.
          type: str
        url:
          description: The URL with its password masked.
          type: str
          sample: redis://ops:***@10.0.0.1:6379
        local:
          description: Whether nothing but the machine itself could have answered (loopback or Unix socket).
          type: bool
        product:
          description: V(redis) or V(valkey).
          type: str
        version:
          description: Version of the product (Valkey's own, not the Redis version that it reports for old clients).
          type: str
        run_id:
          description: Changes with each start of the server.
          type: str
        mode:
          description: V(standalone), V(cluster) or V(sentinel).
          type: str
        role:
          description: V(master) or V(slave), in the server's words.
          type: str
    availability:
      description: How the first conversation went.
      type: dict
      contains:
        state:
          description:
            - V(up), or why not; V(refused), V(timeout), V(hung), V(dns), V(unreachable), V(reset), V(tls), V(auth_required),
              V(auth_failed), V(no_permission), V(max_clients), V(loading), V(busy), V(protected) or V(not_redis).
          type: str
        reason:
          description:
            - "Where a state has several: V(script), V(function) or V(module) for V(busy);
              V(wrong_password) or V(no_password_set) for V(auth_failed);
              V(expired), V(not_yet_valid), V(unknown_ca), V(hostname_mismatch), V(plain_on_tls_port), V(tls_on_plain_port),
              V(client_certificate_required) and others for V(tls); V(no_socket) or V(socket_permission) for V(refused);
              V(too_much) for V(not_redis);
              the code of PING's error (V(misconf), V(masterdown)) for V(up)."
          type: str
        error:
          description: The original text.
          type: str
        connect_ms:
          description: Milliseconds until the connection (and TLS) stood.
          type: float
        ping_ms:
          description: Milliseconds of the first exchange (AUTH and PING).
          type: float
        eta_seconds:
          description: Seconds until the data set is loaded, while it loads.
          type: int
        certificate:
          description:
            - The certificate that the server showed, validated or not, C(not_before), C(not_after), C(days_left), C(subject) and C(issuer)
              (common names, else organisations). Null without TLS.
          type: dict
    info:
      description: "Every section of INFO in lower case with typed values; C(db0), C(cmdstat_*) and their like are mappings."
      type: dict
    config:
      description: CONFIG GET, with secrets masked.
      type: dict
    auth:
      description: What may be said about the passwords; C(requirepass_set), C(masterauth_set), C(masterauth_equals_requirepass).
      type: dict
    rates:
      description:
        - Change per second over the window; C(window_seconds), C(stats), C(cpu) (CPU seconds per second), C(commands) (calls by command),
          C(command_seconds) (time spent in commands, seconds per second), C(errors) (by code), C(aof_delayed_fsync),
          C(master_repl_offset) (bytes that replicas are to hear).
        - What this module sent itself is taken off C(total_commands_processed) and C(ping).
      type: dict
    slowlog:
      description:
        - C(length), C(entries) (newest first) and C(groups) of the entries younger than an hour, as in M(aragora.redis.redis_slowlog).
      type: dict
    clients:
      description:
        - C(total), C(normal), C(idle_over_hour), C(blocked), C(pubsub), C(replicas), C(normal_memory_bytes); C(by_address), C(by_user) and
          C(by_library), each at most 20 groups as in M(aragora.redis.redis_client_info); C(worst), the ten clients with the most memory;
          C(monitors), clients that run MONITOR; C(sentinels), how many Sentinels are connected, by the names of their connections;
          C(applications), C(name) of users and C(connections) as them, without replicas, masters, monitors and Sentinels.
        - This module's own connection is not among them.
      type: dict
    latency:
      description:
        - C(probe) with C(samples), C(p50), C(p95), C(p99), C(max) in milliseconds.
        - C(events) of LATENCY LATEST by name, with C(at), C(last_ms), C(max_ms).
        - C(histogram) by command as in M(aragora.redis.redis_latency), where the server keeps it (Redis 7.0 and newer, Valkey).
      type: dict
    memory:
      description: C(stats) of MEMORY STATS, C(doctor) the text of MEMORY DOCTOR.
      type: dict
    acl:
      description:
        - C(whoami), the user C(default) without its password hashes, and in the same form C(users), those of C(clients.applications) with
          their C(connections); null where one of the two parts could not be read.
      type: dict
    modules:
      description: Loaded modules, C(name) and C(ver).
      type: list
      elements: dict
    cluster:
      description:
        - In cluster mode; C(info) of CLUSTER INFO, C(nodes) of CLUSTER NODES with C(id), C(address), C(flags), C(master_id), C(link),
          C(slots), C(moving) and C(replicas) (those of a master that work); C(uncovered_slots), which no working master serves.
        - C(moving_slots), the slots that this node hands over or takes, C(slot), C(node) and C(to) or C(from); other nodes know nothing
          of them.
      type: dict
    sentinel:
      description: In Sentinel mode, what it knows.
      type: dict
      contains:
        id:
          description: Its id, by which other Sentinels know it (not C(server.run_id)).
          type: str
        tilt:
          description: Whether it stands by, because it does not trust its clock.
          type: bool
        tilt_seconds:
          description: Since when, in seconds; null where it does not stand by, or does not say so (before Redis 7.0).
          type: int
        masters:
          description:
            - SENTINEL MASTERS, with Sentinel's own names (C(name), C(ip), C(port), C(runid), C(role-reported), C(quorum), …), numbers
              typed, C(flags) as a list, and without passwords.
            - Each with C(replicas) of SENTINEL REPLICAS and C(sentinels) of SENTINEL SENTINELS in the same form, and
              C(quorum_check) of SENTINEL CKQUORUM as C(ok) and C(text). These are asked of the first 100 masters only, and null of the
              others; RV(snapshot.denied) says so.
          type: list
          elements: dict
    keyspace:
      description:
        - What a sample of the keys tells, where O(gather_subset) names it and the server has keys, as
          RV(aragora.redis.redis_keyspace#module:keyspace) with C(mask_keys); there are patterns in it and no names of keys.
      type: dict
    host:
      description: Null; a place for what is known about the machine from elsewhere.
      type: dict
    application:
      description: Null; a place for what is known about the application from elsewhere.
      type: dict
    previous:
      description:
        - Null; a place for what has changed since an earlier report. P(aragora.redis.diagnose_targets#filter) puts it there.
      type: dict
    denied:
      description: What could not be read, by part, in the server's own words.
      type: dict
      sample:
        config: "NOPERM User ops has no permissions to run the 'config|get' command"
snapshots:
  description: One RV(snapshot) a target, in the order of O(targets).
  returned: when O(targets) is given and not O(save_to)
  type: list
  elements: dict
saved:
  description: "Where the snapshots are, in the order of O(targets): C({name, path, state}), with the state of the server."
  returned: when O(targets) and O(save_to) are given
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import hide_url_secrets
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._gather import answer
from ansible_collections.aragora.redis.plugins.module_utils._gather_plan import info_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **info_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    hide_url_secrets(module, [module.params["url"], *(module.params["targets"] or [])])
    try:
        result = answer(module.params)
    except ValueError as error:
        module.fail_json(msg=str(error))
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

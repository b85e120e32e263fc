#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_latency
short_description: Measure how long a Redis or Valkey server takes to answer, and read what it knows about that itself
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Sends a PING every 10 ms for some time, and reads the latency events of the server and its times by command.
  - It only reads, unless O(monitor) or O(reset_events) is given.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Reads and probes for O(window), leaves the latency monitor and the events alone, and says what it would do.
  diff_mode:
    support: full
    description: Shows the names of the events that are reset, and a threshold of the latency monitor that could not be put back.
options:
  window:
    description:
      - Seconds to send PINGs for. With V(0) there is no probe.
    type: float
    default: 1.0
  monitor:
    description:
      - Switch the latency monitor on for a while, and then put its old threshold back.
      - It is put back as well when the module fails or is ended by SIGINT, SIGTERM or SIGHUP, and over a new connection where the first
        one breaks. Only SIGKILL and the loss of the machine leave it on. RV(monitor.restored) says how it ended.
      - A threshold that was changed and put back is no change, so RV(ignore:changed) is V(false).
      - A threshold that somebody else sets in the meantime is left alone.
    type: dict
    suboptions:
      threshold:
        description:
          - Record what takes at least this many milliseconds, the server's C(latency-monitor-threshold).
        type: int
        required: true
      seconds:
        description:
          - For how long. The probe runs for the same time, in place of O(window).
        type: float
        required: true
  reset_events:
    description:
      - Whether the server shall forget the events that are returned. Their history is read and reset in one transaction, so that no
        sample is lost in between; events that are new by then stay.
    type: bool
    default: false
seealso:
  - module: aragora.redis.redis_info
  - module: aragora.redis.redis_slowlog
  - name: Latency monitoring
    description: What the events mean.
    link: https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency-monitor/
"""

EXAMPLES = r"""
- name: Measure for five seconds
  aragora.redis.redis_latency:
    window: 5
  register: latency

- name: Name the slowest command
  ansible.builtin.debug:
    msg: "{{ latency.histogram | dict2items | sort(attribute='value.p99_us') | last }}"
  when: latency.histogram | default({}, true) | length > 0

- name: Watch for a minute what takes 10 ms or more
  aragora.redis.redis_latency:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    monitor: {threshold: 10, seconds: 60}
  register: watched

- name: Read the events once more and forget them
  aragora.redis.redis_latency:
    window: 0
    reset_events: true
"""

RETURN = r"""
probe:
  description: Round-trip times of PING in milliseconds.
  returned: always
  type: dict
  contains:
    samples:
      description: How many PINGs were answered.
      type: int
    p50:
      description: Median; not there without samples.
      type: float
    p99:
      description: 99th percentile.
      type: float
    max:
      description: The longest.
      type: float
events:
  description: The events of LATENCY LATEST by name; null where the server refuses it. A latency monitor that is off records none.
  returned: always
  type: dict
  sample:
    command: {at: 1795419840, last_ms: 18, max_ms: 340, history: [{at: 1795419840, ms: 18}]}
  contains:
    at:
      description: When it happened last, as a Unix time by the server's clock.
      type: int
    last_ms:
      description: How long it took then, in milliseconds.
      type: int
    max_ms:
      description: The longest ever.
      type: int
    history:
      description: The last samples, 160 at most and one a second, with C(at) and C(ms), oldest first.
      type: list
      elements: dict
histogram:
  description:
    - What each command has taken since the server was started or its statistics were reset, by command; Redis 7.0 and newer, and Valkey.
    - Null where the server has no such statistics.
  returned: always
  type: dict
  sample:
    get: {calls: 1012, p50_us: 1.003, p99_us: 9.023, buckets: [[1, 600], [16, 1012]]}
  contains:
    calls:
      description: How often it was called.
      type: int
    p50_us:
      description: Median in microseconds. Where C(latency-tracking-info-percentiles) does not keep it, the bound of its bucket.
      type: float
    p99_us:
      description: 99th percentile in microseconds, in the same way.
      type: float
    buckets:
      description: "C([microseconds, calls that took no longer]), growing; the bounds double."
      type: list
      elements: list
monitor:
  description: What became of O(monitor); null without it.
  returned: always
  type: dict
  contains:
    threshold:
      description: As O(monitor.threshold).
      type: int
    seconds:
      description: As O(monitor.seconds).
      type: float
    previous:
      description: The threshold before, in milliseconds; V(0) is off.
      type: int
    switched:
      description: Whether it was switched on; not in check mode.
      type: bool
    restored:
      description: Whether the old threshold is back; null where it was not switched on.
      type: bool
    reason:
      description: Why it is not back, else null.
      type: str
    now:
      description: The threshold as it is now, or null where that is not known.
      returned: when it is not back
      type: int
    events:
      description: Names of the events that were recorded in that time.
      type: list
      elements: str
reset:
  description: Names of the events that the server has forgotten; in check mode, that it would.
  returned: always
  type: list
  elements: str
denied:
  description: What could not be read, C(events) or C(histogram), in the server's own words.
  returned: always
  type: dict
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._interrupts import Interrupted, interruptible
from ansible_collections.aragora.redis.plugins.module_utils._latency_server import begun, check_options, measure, report, unfinished
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation

MONITOR = {"threshold": {"type": "int", "required": True}, "seconds": {"type": "float", "required": True}}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_argument_spec(),
            "window": {"type": "float", "default": 1.0},
            "monitor": {"type": "dict", "options": MONITOR},
            "reset_events": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    monitor = None
    try:
        check_options(module.params)
        with conversation(module) as client, interruptible():
            monitor = begun(client, module.params)
            told = measure(client, module.params, module.check_mode, monitor)
    except (ValueError, Unavailable, Interrupted) as error:
        module.fail_json(**unfinished(error, monitor))
    result, warning = report(told, monitor)
    if warning:
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What redis_info is asked for: its options, and the plan that they mean. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._endpoint import check_timeouts
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import NAMED_PARTS, chosen_parts

# With more servers at once the probe would measure how busy this process is, and so would the pace at which keys are read.
MOST_PROBED = 8


@dataclass(frozen=True)
class Plan:
    """What to read and how long to watch."""

    parts: frozenset[str]
    window: float
    slowlog_entries: int
    connect_timeout: float
    timeout: float
    clients_limit: int
    mask_arguments: bool
    probe: bool


def info_argument_spec() -> dict[str, Any]:
    """The options of redis_info beside those of the connection."""
    return {
        "targets": {"type": "list", "elements": "str", "no_log": True},
        "gather_subset": {"type": "list", "elements": "str", "default": ["all"]},
        "window": {"type": "float", "default": 1.0},
        "slowlog_entries": {"type": "int", "default": 256},
        "clients_limit": {"type": "int", "default": 20_000},
        "mask_arguments": {"type": "bool", "default": True},
        "save_to": {"type": "path"},
        "fail_on_unavailable": {"type": "bool", "default": False},
    }


def make_plan(options: dict[str, Any]) -> Plan:
    """The plan that redis_info's options mean. ValueError names an option that cannot be meant."""
    check_timeouts(options)
    if not 0 <= options["window"] <= 60:
        raise ValueError(f"window is {options['window']:g}: give seconds from 0 to 60")
    for name, most in (("slowlog_entries", 100_000), ("clients_limit", 1_000_000)):
        if not 0 <= options[name] <= most:
            raise ValueError(f"{name} is {options[name]}: give a number from 0 to {most}")
    few = len(options["targets"] or [""]) <= MOST_PROBED
    parts = chosen_parts(options["gather_subset"])
    return Plan(
        parts=frozenset(parts if few else parts - {*NAMED_PARTS}),
        window=options["window"],
        slowlog_entries=options["slowlog_entries"],
        connect_timeout=options["connect_timeout"],
        timeout=options["timeout"],
        clients_limit=options["clients_limit"],
        mask_arguments=options["mask_arguments"],
        probe=few,
    )

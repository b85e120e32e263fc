# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plans by the names of their actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._plans import (
    application,
    clients,
    failover,
    flush,
    memory,
    memory_tidy,
    network,
    pools,
    prevent,
    replicas,
    replication,
    restore,
    rolling,
    scripts,
    service,
    slow_commands,
)
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

# What people read of a plan.
SENTENCES = ("refused", "steps", "seen")
TEXTS = ("idle", "short")
LONGEST = 1_000
# {action: (snapshot, options) → {refused, steps, settings, …}}
PLANS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]] = {
    "restart": service.restart,
    "wait": service.wait,
    "check_network": network.plan,
    "failover": failover.plan,
    "kill_script": scripts.plan,
    "rolling_restart": rolling.restart,
    "rolling_upgrade": rolling.upgrade,
    "heal_replication": replication.plan,
    "tune_memory": memory.plan,
    "tidy_memory": memory_tidy.plan,
    "tune_clients": clients.plan,
    "slow_commands": slow_commands.plan,
    "restart_application": application.restart,
    "tune_pools": pools.plan,
    "prevent": prevent.plan,
    "migrate_to_sentinel": replicas.migrate,
    "add_replica": replicas.add_replica,
    "remove_replica": replicas.remove_replica,
    "restore": restore.plan,
    "flush": flush.plan,
}


def plan(name: str, snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """What the action would do to the server of the snapshot. A server that cannot be asked is a reason to refuse.

    ValueError for an action that does not exist, and for options that cannot be meant.
    """
    if name not in PLANS:
        raise ValueError(f"there is no plan for '{name}': choose from {', '.join(PLANS)}")
    found = {"refused": [], "steps": [], "settings": {}, **PLANS[name](snapshot, options)}
    # Names and errors in them are whatever somebody sent, and Ansible shows a failure as it is.
    lists = {key: [clean(text, LONGEST) for text in found[key]] for key in SENTENCES if key in found}
    return {**found, **lists, **{key: clean(found[key], LONGEST) for key in TEXTS if key in found}}

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is still missing before a server is as somebody wants it: sentences, from INFO and CLUSTER INFO. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ROLES = {"master": "master", "replica": "slave"}
MIB = 1024 * 1024


def check_wishes(wishes: Mapping[str, Any]) -> None:
    """ValueError for wishes that cannot come true together, or numbers that cannot be meant."""
    for name, most in (("wait_timeout", 86_400), ("settled", 3_600), ("replicas", 100), ("max_lag_bytes", 2**50)):
        value = wishes[name]
        if value is not None and not 0 <= value <= most:
            raise ValueError(f"{name} is {value:g}: give a number from 0 to {most}")
    if wishes["settled"] > wishes["wait_timeout"]:
        raise ValueError(f"settled is {wishes['settled']:g} s, longer than wait_timeout ({wishes['wait_timeout']:g} s)")
    if wishes["role"] == "replica" and wishes["canary"]:
        raise ValueError("a canary is written to a master: leave out canary, or give role=master")


def missing(info: Mapping[str, Any], cluster: Mapping[str, Any] | None, wishes: Mapping[str, Any]) -> list[str]:
    """One sentence for each wish that has not come true yet; empty when all have."""
    persistence, replication = info.get("persistence") or {}, info.get("replication") or {}
    return [
        *_loading(persistence),
        *_role(replication, wishes["role"]),
        *_replicas(replication, wishes["replicas"], wishes["max_lag_bytes"]),
        *_link(replication, wishes["max_lag_bytes"]),
        *([] if not wishes["no_save"] else _saving(persistence)),
        *([] if not wishes["cluster_ok"] else _cluster(cluster)),
    ]


def _loading(persistence: Mapping[str, Any]) -> list[str]:
    if not persistence.get("loading"):
        return []
    percent, eta = persistence.get("loading_loaded_perc"), persistence.get("loading_eta_seconds")
    return [f"it is loading its data ({percent} %, {eta} s left by its own estimate)"]


def _role(replication: Mapping[str, Any], wanted: str | None) -> list[str]:
    role = replication.get("role")
    return [f"its role is {role}, not {wanted}"] if wanted and role != ROLES[wanted] else []


def _replicas(replication: Mapping[str, Any], wanted: int | None, most: int | None) -> list[str]:
    """How many replicas of a master are online and close enough."""
    if not wanted:
        return []
    rows = [row for name, row in replication.items() if name.startswith("slave") and isinstance(row, Mapping)]
    offset = int(replication.get("master_repl_offset") or 0)
    online = [row for row in rows if row.get("state") == "online"]
    near = [row for row in online if most is None or offset - int(row.get("offset") or 0) <= most]
    if len(near) >= wanted:
        return []
    far = len(online) - len(near)
    behind = f", {far} of them more than {(most or 0) / MIB:.1f} MiB behind" if far else ""
    return [f"{len(online)} of {wanted} replicas are online{behind}"]


def _link(replication: Mapping[str, Any], most: int | None) -> list[str]:
    """Whether a replica is in step with its master."""
    if replication.get("role") != "slave":
        return []
    if replication.get("master_sync_in_progress"):
        left = int(replication.get("master_sync_left_bytes") or 0)
        return ["it is being synchronised by its master" + (f" ({left} bytes left)" if left > 0 else "")]
    if replication.get("master_link_status") != "up":
        return [f"its link to the master is {replication.get('master_link_status')}"]
    behind = int(replication.get("slave_read_repl_offset") or 0) - int(replication.get("slave_repl_offset") or 0)
    return [f"it is {behind} bytes behind what it has received"] if most is not None and behind > most else []


def _saving(persistence: Mapping[str, Any]) -> list[str]:
    names = {"rdb_bgsave_in_progress": "a save", "aof_rewrite_in_progress": "a rewrite of the AOF"}
    return [f"{words} is running" for name, words in names.items() if persistence.get(name)]


def _cluster(cluster: Mapping[str, Any] | None) -> list[str]:
    if cluster is None:
        return ["it is no node of a cluster"]
    state, covered = cluster.get("cluster_state"), cluster.get("cluster_slots_ok")
    return [] if state == "ok" else [f"the state of the cluster is {state}, {covered} of 16384 slots are served"]

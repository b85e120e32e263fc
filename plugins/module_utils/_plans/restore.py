# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restore would do to a server. Pure; whether the backup is whole was found out before, by loading it into a throw-away server.

``{refused: [sentence], steps: [sentence], temporary: {setting: value}, backs_up, address, pid}``: ``temporary`` are the values to which
what is set for a while goes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _backup
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import thresholds
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import part_or_empty

NOTHING: dict[str, Any] = {"refused": [], "steps": [], "temporary": {}, "backs_up": False, "address": "", "pid": None}
LOOPBACK = "127.0.0.1"
ACCEPT = "to accept that: redis_restore_accept_data_loss=true"
SENTINELS = (
    "Sentinels watch this master, and would put a replica in its place meanwhile: have them forget it first (SENTINEL REMOVE NAME on "
    "each), restore, and give it back to them (SENTINEL MONITOR; or the playbook setup_sentinel)"
)
FAR = (
    "it is on another machine, and copies the data from a throw-away server there: give an inventory with the host in it (-i), or the "
    "address of this machine at which it finds it (redis_restore_address)"
)
LEFT = (
    "it is a replica of {master}, which does not answer: if that was the throw-away server of a restore that was killed, make it a master "
    "again (REPLICAOF NO ONE), look which data it has, and run this again; else restore its master"
)
CONTAINED = "it runs in the container {name}, where {loopback} is not its host: give the address at which it finds its host ({variable})"


def plan(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a snapshot.

    ``options``: ``{found, tested, accept_data_loss, backup, address}``; ``found`` is the result of redis_backup_store, ``tested`` that of
    redis_restore in check mode, which may both have failed (``msg``); ``backup`` whether one of what is there is taken first.
    """
    facts = Facts(snapshot, thresholds.merged(None), "store")
    if facts.state() != "up":
        return {**NOTHING, "refused": [f"its state is {facts.state()}: a backup is restored into a server that works and is a master"]}
    found, tested = options.get("found") or {}, options.get("tested") or {}
    refused = [*_unfit(facts, options)]
    trouble = [str(part["msg"]) for part in (found, tested) if part.get("msg")]
    refused += trouble[:1] if not refused else []
    if not refused and not (found.get("backup") and tested.get("counted") is not None):
        refused.append("the backup was not tested, so it is not restored")
    held, keys = _held(facts)
    if held and not options.get("accept_data_loss"):
        refused.append(f"it holds {held}, which would be replaced: {ACCEPT}")
    if refused:
        return {**NOTHING, "refused": refused}
    backs_up = bool(held and options.get("backup"))
    return {
        **NOTHING,
        "steps": _steps(facts, found, tested, held if backs_up else "", keys),
        "temporary": _temporary(facts),
        "backs_up": backs_up,
        "address": options.get("address") or LOOPBACK,
        "pid": part_or_empty(facts, "process").get("pid"),
    }


def _unfit(facts: Facts, options: Mapping[str, Any]) -> list[str]:
    """Why no backup can be restored into this server in this way."""
    if facts.get_or("server.mode", None) == "sentinel":
        return ["it is a Sentinel, which holds no data"]
    if facts.get_or("info.cluster.cluster_enabled", 0):
        return ["it is a node of a cluster, which cannot copy from a single server: load it elsewhere, and redis-cli --cluster import it"]
    replication = facts.get_or("info.replication", None) or {}
    if replication.get("role") != "master":
        master = f"{replication.get('master_host')}:{replication.get('master_port')}"
        is_left = replication.get("master_host") == (options.get("address") or LOOPBACK) and replication.get("master_link_status") == "down"
        return [LEFT.format(master=master) if is_left else f"it is a replica: restore its master {master}"]
    refused = [SENTINELS] if facts.get_or("clients.sentinels", 0) else []
    container = part_or_empty(facts, "container")
    if options.get("address"):
        return refused
    if container:
        words = {"name": container.get("name"), "loopback": LOOPBACK, "variable": "redis_restore_address"}
        return [*refused, CONTAINED.format(**words)]
    here = facts.get_or("host", None) or facts.get_or("server.local", None)
    return refused if here else [*refused, FAR]


def _held(facts: Facts) -> tuple[str, int]:
    """(what the server holds now, in words; the number of its keys)."""
    rows = _backup.keyspace(facts.get_or("info", None) or {})
    keys = sum(row["keys"] for row in rows.values())
    functions = int(facts.number_or("info.memory.number_of_functions", 0))
    by_db = ", ".join(f"{db}: {row['keys']}" for db, row in rows.items())
    told = [f"{keys} keys ({by_db})"] if rows else []
    told += [f"{functions} functions"] if functions else []
    return " and ".join(told), keys


def _steps(facts: Facts, found: Mapping[str, Any], tested: Mapping[str, Any], backed_up: str, keys: int) -> list[str]:
    steps = [f"take a backup of what is there now: {backed_up}"] if backed_up else []
    now = _backup.total(tested["counted"])
    steps.append(f"restore {found.get('sentence')}, which was loaded into a throw-away server and counted: {now} keys in place of {keys}")
    steps.append("meanwhile clients can read what was there before, and cannot write; for as long as the new data is loaded, they wait")
    replicas = int(facts.number_or("info.replication.connected_slaves", 0))
    if replicas:
        steps.append(f"its {replicas} replicas synchronise anew (a full sync)")
    if facts.get_or("info.persistence.aof_enabled", 0):
        steps.append("its append-only file is written anew, which is waited for")
    expiring = sum(int(row["expires"]) for row in tested["counted"].values())
    if expiring:
        steps.append(f"{expiring} of its keys have a TTL: those whose time is over by now are gone")
    return steps


def _temporary(facts: Facts) -> dict[str, str]:
    """What the server needs for a while to log in at the throw-away server."""
    found = {} if (facts.get_or("auth", None) or {}).get("masterauth_set") else {"masterauth": ""}
    return {**found, **({"tls-replication": "yes"} if facts.get_or("config.tls-replication", "no") == "yes" else {})}

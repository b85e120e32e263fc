# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the data of a server would suffer when it is restarted, or started after it went down. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, count
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import part_or_empty
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.membership import Member

# A cache may be lost; what else Redis is used for may not.
PRECIOUS = ("store", "session", "queue")
SYNCING = ("wait_bgsave", "send_bulk", "send_bulk_and_stream", "bg_transfer")


def of_a_restart(facts: Facts) -> tuple[list[str], str]:
    """(what a running server would lose, one sentence each; how it is saved first, empty where nothing is to be saved)."""
    replicas, keys = int(facts.number_or("info.replication.connected_slaves", 0)), _keys(facts)
    saves, changes = _saves(facts), int(facts.number_or("info.persistence.rdb_changes_since_last_save", 0))
    risks = _syncs(facts)
    if _is_master(facts) and replicas and facts.get_or("clients.sentinels", 0):
        risks.append("Sentinels watch this master: fail over first (SENTINEL FAILOVER NAME), then restart it as a replica")
    if facts.get_or("info.persistence.aof_last_write_status", "ok") != "ok":
        risks.append("the last write to its append-only file failed: what came since is in its memory only")
    risks += [_forgotten(facts, saves)] if keys and not _is_fed(facts) and _forgotten(facts, saves) else []
    if saves in ("rdb", "aof") or not keys:
        save = f"save its data first (BGSAVE): {_counted(changes, 'change')} since the last save"
        return risks, save if saves == "rdb" and changes else ""
    nothing = "it saves nothing" if saves == "nothing" else "it does not tell whether it saves (CONFIG)"
    if _is_master(facts) and replicas:
        risks.append(f"{nothing}, and would empty its {_counted(replicas, 'replica')}: fail over first")
    alone = not replicas if _is_master(facts) else not _is_fed(facts)
    if alone and facts.workload_role in PRECIOUS and (changes or _no_file(facts)):
        held = f"{_counted(changes, 'change')} and {_counted(keys, 'key')} are in its memory only"
        how = "BGSAVE writes them to its RDB file, which it loads when it starts"
        risks.append(f"{nothing}, and is used as a {facts.workload_role}: {held} ({how})")
    return risks, ""


def cold(facts: Facts) -> str:
    """What else is to be known of the start after a restart."""
    if _saves(facts) != "nothing" or not _keys(facts) or _is_fed(facts):
        return ""
    if _is_master(facts) and facts.workload_role == "cache":
        return f"it is a cache and saves nothing, so its {_counted(_keys(facts), 'key')} will be gone"
    return "it saves nothing by itself, so what is written until it stops will be gone"


def of_a_start(facts: Facts, options: Mapping[str, Any]) -> tuple[list[str], str]:
    """(what a server that is down would do to its replicas, what is known of the data that it will load)."""
    expected = expected_replicas(options)
    settings = part_or_empty(facts, "config").get("settings") or {}
    master = str(settings.get("replicaof") or settings.get("slaveof") or "no one").lower()
    if not master.startswith("no one"):
        return [], f"it is a replica of {':'.join(master.split())}, and gets what it lacks from there"
    keeps = _keeps(settings)
    known = _loads(facts, keeps)
    if keeps == "aof" or (keeps == "rdb" and not _no_file(facts)):
        return [], known
    holders, others = _peers(facts, options)
    if others:
        return [], f"{known}; {', '.join(others)} is the master of its group by now"
    if holders:
        whose = f"the data is on its replicas {', '.join(holders)}, which it would overwrite"
    elif expected and (keeps == "nothing" or (keeps == "rdb" and part_or_empty(facts, "unit").get("changed_seconds") is not None)):
        whose = f"would overwrite the {_counted(expected, 'replica')} that it should have (redis_expected_replicas)"
    else:
        return [], known
    return [f"{known}, and {whose}: let a replica take over first (REPLICAOF NO ONE there)"], known


def _loads(facts: Facts, keeps: str) -> str:
    """What a server that is down will load, by its configuration and its RDB file."""
    size, age = facts.get_or("host.disk.rdb_bytes", None), facts.get_or("host.disk.rdb_age_seconds", None)
    file = f"its RDB file of {int(size):,} bytes, {_age(age)} old" if size else ""
    if keeps == "aof":
        return "it loads its append-only file"
    if keeps == "rdb":
        return f"it loads {file}" if file else "it has no RDB file, so it starts empty" if _no_file(facts) else "it saves its data (RDB)"
    if keeps == "nothing":
        return f"it saves nothing, and loads {file}" if file else "it saves nothing, so it starts empty"
    return f"it is not known whether it saves; it loads {file}" if file else "nothing is known of its data"


def expected_replicas(options: Mapping[str, Any]) -> int:
    """The number of replicas, which an inventory may give as text. ValueError for what is none."""
    text = str(options.get("expected_replicas") or 0)
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"redis_expected_replicas is '{text}': give the number of replicas that each master should have")
    return int(text)


def _saves(facts: Facts) -> str:
    """How a running server keeps its data: ``aof``, ``rdb``, ``nothing``, or empty where it does not tell."""
    points = facts.get_or("config.save", None)
    if points is None:
        points = facts.get_or("host.config.settings.save", None)
    if points:
        return "rdb"
    if facts.get_or("info.persistence.aof_enabled", 0):
        return "aof"
    return "" if points is None else "nothing"


def _keeps(settings: Mapping[str, str]) -> str:
    """As :func:`_saves`, by the configuration that counts from the next start on. Without save points in it the server has its own."""
    if not settings:
        return ""
    if settings.get("appendonly") == "yes":
        return "aof"
    return "rdb" if settings.get("save", "default").strip() else "nothing"


def _forgotten(facts: Facts, saves: str) -> str:
    """Why it would not load what it saves: how it runs is not how its unit starts it. Empty where it would, or where that is not known."""
    settings = (part_or_empty(facts, "config").get("settings") or {}) if part_or_empty(facts, "unit") else {}
    if not settings:
        return ""
    runs, starts = bool(facts.get_or("info.persistence.aof_enabled", 0)), settings.get("appendonly") == "yes"
    if starts and not runs:
        first = "CONFIG SET appendonly yes writes one first"
        return f"it is configured for appendonly yes and runs without: it would load an append-only file that lacks its data ({first})"
    if saves == "aof" and runs and not starts:
        kept = "CONFIG REWRITE makes it last"
        return f"it keeps an append-only file and is configured for appendonly no: it would not load what is only there ({kept})"
    return ""


def _is_fed(facts: Facts) -> bool:
    """Whether it is a replica that gets its data from its master."""
    return not _is_master(facts) and facts.get_or("info.replication.master_link_status", "up") == "up"


def _no_file(facts: Facts) -> bool:
    """Whether its data directory is known, and holds no RDB file."""
    return bool(facts.get_or("host.disk.path", None)) and not facts.get_or("host.disk.rdb_bytes", None)


def _is_master(facts: Facts) -> bool:
    return bool(facts.get_or("info.replication.role", "master") == "master")


def _keys(facts: Facts) -> int:
    return sum(count(db, "keys") for db in (facts.get_or("info.keyspace", None) or {}).values())


def _syncs(facts: Facts) -> list[str]:
    """Full synchronisations that a restart would break off."""
    rows = facts.get_or("info.replication", None) or {}
    fed = [f"{row.get('ip')}:{row.get('port')}" for row in rows.values() if isinstance(row, Mapping) and row.get("state") in SYNCING]
    found = [f"a full sync of its replica {', '.join(fed)} is going on, and would begin again"] if fed else []
    if rows.get("master_sync_in_progress"):
        found.append("its master is synchronising it fully, which would begin again")
    return found


def _peers(facts: Facts, options: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """(replicas that hold data of this server, other masters of its group), by name, among the servers that were looked at."""
    group, names, port = options.get("group"), options.get("names") or [], facts.get_or("server.port", None)
    holders, masters = [], []
    for item in options.get("peers") or []:
        peer = Member(str(item.get("name")), item.get("snapshot") or {})
        follows = str(peer.replication.get("master_host")) in names and peer.replication.get("master_port") == port
        mine = bool(group) and item.get("group") == group
        keys = _keys(Facts(peer.snapshot, {}, "store"))
        holders += [peer.name] if peer.is_replica and (mine or follows) and keys else []
        masters += [peer.name] if peer.is_master and mine and (keys or peer.replication.get("connected_slaves")) else []
    return holders, masters


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _age(seconds: Any) -> str:
    return "of unknown age" if seconds is None else f"{int(seconds) // 60} min" if seconds >= 120 else f"{int(seconds)} s"

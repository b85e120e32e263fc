# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a walk over a group does to one server when its turn comes. Pure.

``{refused, steps, settings, idle, role, switch, unit, product, version}``. Everything is told by the servers: whoever was started, or
has the release, already, has had its turn, so a walk that was broken off goes on where it ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _rdb_versions
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import thresholds
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts
from ansible_collections.aragora.redis.plugins.module_utils._plans import service

NOTHING: dict[str, Any] = {"refused": [], "steps": [], "settings": {}, "switch": False, "unit": "", "product": "", "version": ""}
UNITS = {"redis": "redis-server", "valkey": "valkey-server"}
# Settings whose files another user would have to read.
FILES = ("aclfile", "tls-cert-file", "tls-key-file", "tls-ca-cert-file", "tls-ca-cert-dir", "unixsocket")
MIB = 1024 * 1024
Snapshot = Mapping[str, Any]


def restart(snapshot: Snapshot, options: Mapping[str, Any]) -> dict[str, Any]:
    """``options``: ``{young, max_lag_bytes, peers: [{name, snapshot}], watched: [sentence], stopped: [sentence], asked}``."""
    up = _uptime(snapshot, options)
    young = service._number(options, "young", "redis_rolling_young")
    if isinstance(up, int) and up < young:
        words = f"it was started {up} s ago, so it has had its turn; to restart it all the same: redis_rolling_young=0"
        return {**NOTHING, "idle": f"nothing to do: {words}", "refused": list(options.get("stopped") or [])}
    return _turn(snapshot, options, "restart")


def _uptime(snapshot: Snapshot, options: Mapping[str, Any]) -> Any:
    """For how long it had been up when the walk began: nobody grows old by waiting for the others."""
    mine = snapshot["server"].get("run_id")
    seen = [peer["snapshot"] for peer in _peers(options, snapshot) if mine and peer["snapshot"]["server"].get("run_id") == mine]
    return _info((seen or [snapshot])[0], "server").get("uptime_in_seconds")


def upgrade(snapshot: Snapshot, options: Mapping[str, Any]) -> dict[str, Any]:
    """``options`` as for :func:`restart`, and ``{package, candidate}``, the package's version that apt would install."""
    package, candidate = str(options.get("package") or ""), str(options.get("candidate") or "")
    product = "valkey" if package.startswith("valkey") else "redis"
    version = candidate.partition(":")[2].partition("-")[0] if ":" in candidate else candidate.partition("-")[0]
    version = version.partition("+")[0]
    if not version or candidate == "(none)":
        unknown = f"apt knows no package {package}: see redis_rolling_package, and the sources of its host"
        return {**NOTHING, "refused": [*(options.get("stopped") or []), unknown if snapshot.get("host") else service.BY_URL]}
    server = snapshot["server"]
    if (server["product"], server["version"]) == (product, version):
        return {
            **NOTHING,
            "idle": f"nothing to do: it runs {product.capitalize()} {version}",
            "refused": list(options.get("stopped") or []),
        }
    found = _turn(snapshot, options, f"upgrade {server['product'] or 'it'} {server['version'] or ''} to {product} {version} ({candidate})")
    found.update({"product": product, "version": version})
    for peer in _peers(options, snapshot):
        seen = peer["snapshot"]["server"]
        wrong = _rdb_versions.refusal(seen["product"], seen["version"], product, version) if seen["version"] else None
        found["refused"] += [f"{peer['name']}: {wrong}"] if wrong else []
    if product == "valkey" and server["product"] == "redis":
        found["refused"] += _strange_files(snapshot)
        found["unit"] = UNITS[product]
        if found["steps"]:
            found["steps"].insert(
                -1, "its configuration goes to /etc/valkey/valkey.conf, redis-server is switched off; the master gives it the data"
            )
    return {**found, "steps": [] if found["refused"] else found["steps"]}


def _turn(snapshot: Snapshot, options: Mapping[str, Any], what: str) -> dict[str, Any]:
    """What both walks do."""
    facts = Facts(snapshot, thresholds.merged(None), "store")
    unit, refused = service._service(facts)
    refused = [*(options.get("stopped") or []), *_group(options, snapshot), *refused]
    asked = options.get("asked") or {}
    is_master = _info(snapshot, "replication").get("role") == "master"
    steps = []
    if is_master:
        trouble = list(asked.get("refused") or ([asked["msg"]] if asked.get("msg") else []))
        # Who wins is asked again when its turn comes; a plan tells what is known now.
        refused += [f"no switchover away from it: {text}" for text in trouble]
        refused += [] if trouble or asked.get("plan") else ["no switchover away from it: nobody was asked"]
        steps += list(asked.get("plan") or [])
    if unit.get("way") == "container":
        refused.append(f"it runs in the container {unit.get('name')}, whose image is not changed by a playbook")
    words = {"started": "start it, its turn was broken off; then "} if snapshot["availability"]["state"] == "refused" else {}
    steps.append(f"{words.get('started', '')}{what} (unit {unit.get('name')})")
    steps.append("wait until it follows its master" + (" and all Sentinels agree" if options.get("has_sentinels") else ""))
    base = {**NOTHING, "switch": is_master, "unit": str(unit.get("name") or ""), "role": "slave"}
    return {**base, "refused": refused, "steps": [] if refused else steps}


def _group(options: Mapping[str, Any], snapshot: Snapshot) -> list[str]:
    """What was wrong in the group before anybody was touched."""
    peers = _peers(options, snapshot)
    masters = [peer["name"] for peer in peers if _info(peer["snapshot"], "replication").get("role") == "master"]
    found = [*(options.get("watched") or [])]
    if len(masters) != 1:
        found.append(f"{len(masters)} masters are among {', '.join(peer['name'] for peer in peers)}: one has to be")
    mended = options.get("mended") or []
    down = [peer["name"] for peer in peers if peer["snapshot"]["availability"]["state"] != "up" and peer["name"] not in mended]
    # The only one that is down is the one whose turn was broken off: it comes first.
    if len(down) > 1 or (down and snapshot["availability"]["state"] == "up"):
        found.append(f"{', '.join(down)} cannot be asked")
    for peer in peers:
        found += [f"{peer['name']}: {text}" for text in _ill(peer["snapshot"], options)]
    return found


def _ill(snapshot: Snapshot, options: Mapping[str, Any]) -> list[str]:
    replication, persistence = _info(snapshot, "replication"), _info(snapshot, "persistence")
    found = []
    if persistence.get("loading"):
        found.append("it loads its data")
    if replication.get("role") == "slave" and replication.get("master_link_status") != "up":
        found.append(f"its link to the master is {replication.get('master_link_status')}")
    rows = [row for name, row in replication.items() if name.startswith("slave") and isinstance(row, Mapping)]
    behind = [int(replication.get("master_repl_offset") or 0) - int(row.get("offset") or 0) for row in rows]
    if any(row.get("state") != "online" for row in rows):
        found.append("a replica of it is being synchronised")
    if behind and max(behind) > int(options.get("max_lag_bytes") or MIB):
        found.append(f"a replica of it is {max(behind) / MIB:.1f} MiB behind")
    disk, used = (snapshot.get("host") or {}).get("disk") or {}, _info(snapshot, "memory").get("used_memory")
    free = disk.get("free_bytes")
    if isinstance(free, int) and isinstance(used, int) and free < 2 * used:
        found.append(f"its disk has {free / MIB:.0f} MiB free, less than twice its data ({used / MIB:.0f} MiB)")
    return found


def _peers(options: Mapping[str, Any], snapshot: Snapshot) -> Sequence[Mapping[str, Any]]:
    return options.get("peers") or [{"name": "it", "snapshot": snapshot}]


def _strange_files(snapshot: Snapshot) -> list[str]:
    config = snapshot.get("config") or {}
    own = [f"{name} {config[name]}" for name in FILES if str(config.get(name, "")).startswith(("/etc/redis/", "/run/redis/"))]
    return [f"its configuration names files that Valkey's user cannot use ({', '.join(own)}): move them first"] if own else []


def _info(snapshot: Snapshot, section: str) -> Mapping[str, Any]:
    return (snapshot.get("info") or {}).get(section) or {}

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tune_clients would do to a server: room for connections with its arithmetic, and whose idle connections go. Pure.

``{refused: [sentence], steps: [sentence], settings: {name: value}, slot: {…}, kill: {…}, file_limit: {…}}``: ``slot`` are options of
redis_client_slot for a server that has no connection left, ``kill`` those of redis_client_kill, ``file_limit`` is ``{unit, files}`` of the
drop-in that would be written. What is empty is not done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _client_limits, _setting_readers
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import buffers, connections, thresholds, workload
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing, percent
from ansible_collections.aragora.redis.plugins.module_utils._plans import client_buffers

# What Redis itself sets unless it is told otherwise.
KEEPALIVE = 300
IDLE_SECONDS = 3600
FILTERS = {"address": "addresses", "user": "users", "library": "libraries"}
NOTHING: dict[str, Any] = {"refused": [], "steps": [], "settings": {}, "slot": {}, "kill": {}, "file_limit": {}}
RULES = {rule.id: rule for rule in (*connections.RULES, *buffers.RULES)}


@dataclass
class Draft:
    """The plan as far as it was thought. ``notes`` are reasons why something is not done, ``waits`` what a restart will bring."""

    facts: Facts
    given: Mapping[str, Any]
    steps: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    kill: dict[str, Any] = field(default_factory=dict)
    file_limit: dict[str, Any] = field(default_factory=dict)
    leaving: int = 0

    def has(self, *names: str) -> bool:
        """Whether one of these findings is there."""
        return any(_speaks(self.facts, name) for name in names)

    def set(self, name: str, before: Any, after: Any, why: str) -> None:
        """One setting, unless it is so already."""
        if str(before) != str(after):
            self.settings[name] = after
            self.steps.append(f"{name} {before} → {after}: {why}")


def plan(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a snapshot. ``options``: ``{maxclients, timeout, memory, kill_idle, kill_most, slot_seconds, close_sockets,
    raise_file_limit}``, the first three may be empty. ValueError for odd ones.
    """
    given = _read(options)
    facts = Facts(snapshot, thresholds.merged(None), workload.judged_as(snapshot)["role"])
    state = facts.state()
    if state == "max_clients":
        return _without_a_slot(facts, given)
    if state != "up":
        return {**NOTHING, "refused": [f"the server cannot be asked ({state}): tune_clients needs one that answers"]}
    draft = Draft(facts, given)
    for part in (_kill, _room, _timeout, _keepalive, client_buffers.add):
        part(draft)
    if draft.settings and not facts.get_or("config", None):
        draft.refused.append(f"it does not show its settings ({_denied(facts)}): set them where the service is managed")
    if draft.notes and not draft.steps:
        draft.refused += draft.notes
    steps = draft.steps + draft.notes + draft.waits if draft.steps else []
    done = {"settings": draft.settings, "kill": draft.kill, "file_limit": draft.file_limit}
    return {**NOTHING, "refused": draft.refused, "steps": steps, **done}


def _without_a_slot(facts: Facts, given: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing can be read: what is known is that somebody has to go first."""
    wanted, most = given["maxclients"], _client_limits.allowed_by(_files(facts))
    to = f"to {wanted:,}" if wanted else "by 45 %"
    cap = f", but not beyond the {most:,} that its open files allow" if most else ""
    steps = [
        f"knock for {given['slot_seconds']} s until a client goes, for Redis keeps no spare connection, and raise maxclients {to}{cap}",
        f"look who holds them, and close up to {given['kill_most']} of a client that leaks them, idle for {given['kill_idle']} s",
    ]
    refused = []
    if given["close_sockets"]:
        steps.insert(1, f"where nobody goes, close up to {given['kill_most']} sockets of the address that holds most, by ss -K on the host")
        if not facts.get_or("host", None):
            refused.append("redis_clients_close_sockets closes sockets on the host, and this server is known by its URL only")
    slot = {"maxclients": wanted, "most": most, "wait_timeout": given["slot_seconds"]}
    return {**NOTHING, "refused": refused, "steps": steps, "slot": {name: value for name, value in slot.items() if value is not None}}


def _kill(draft: Draft) -> None:
    """Idle connections of the one who leaks them, and of nobody else."""
    try:
        found = connections.leaker(draft.facts)
    except Missing:
        return
    if not found:
        return
    kind, group = found
    idle, most = draft.given["kill_idle"], draft.given["kill_most"]
    # The snapshot counts who is idle for over an hour; of a shorter time it only tells that there are at least as many.
    known = group["idle_over_hour"]
    who = f"{kind} {group['name']}, which holds {group['connections']} of {draft.facts.integer('clients.total')} connections"
    if idle >= IDLE_SECONDS and not known:
        draft.notes.append(f"{who}, has left none of them idle for {idle} s: mend its pool, or give a shorter redis_clients_kill_idle")
        return
    draft.leaving = min(known, most) if idle <= IDLE_SECONDS else 0
    draft.kill = {FILTERS[kind]: [group["name"]], "min_idle": idle, "most": most}
    draft.steps.append(f"close up to {most} connections of {who}, if they are idle for {idle} s; they cannot come back, clients reconnect")


def _room(draft: Draft) -> None:
    """maxclients, as far as the open files reach."""
    facts, given = draft.facts, draft.given["maxclients"]
    try:
        shares = connections.shares(facts)
    except Missing:
        if given:
            draft.refused.append("the server does not tell how many clients it allows")
        return
    now, connected = shares["maxclients"], shares["connected_clients"]
    if given and given < connected:
        draft.refused.append(
            f"redis_clients_maxclients={given} is below the {connected} that are connected: new ones would be refused at once"
        )
    staying = connected - draft.leaving
    # Who rejects has had as many as it allows, however many there are at this moment.
    needed = max(staying, now) if draft.has("clients_rejected") else staying
    full = percent(needed, now) >= facts.limit("clients_high_warning_percent")
    wanted = given or (_client_limits.enough(needed) if full else now)
    if wanted == now:
        return
    files = _files(facts)
    most = _client_limits.allowed_by(files)
    limit = min(wanted, most) if most is not None else wanted
    if limit < wanted:
        _more_files(draft, wanted, files or 0)
    if limit > now or given:
        had = f"of the {files:,} that the process may have" if files else "which the server itself refuses where it may not have them"
        who = f"{connected} are connected" + (f", {draft.leaving} of them go" if draft.leaving else "")
        draft.set("maxclients", now, limit, f"{who}; it takes {limit} + 32 = {_client_limits.files_for(limit)} open files, {had}")


def _more_files(draft: Draft, wanted: int, files: int) -> None:
    """The process may not open as many files as wanted clients need: a drop-in when that is allowed, and a sentence."""
    unit, needs = draft.facts.get_or("host.unit.name", None), _client_limits.files_for(wanted)
    said = f"maxclients {wanted} needs {needs:,} open files and the process may have {files:,}, which Redis cannot change while it runs"
    again = "after a restart (restart.yml, one server at a time) run tune_clients again"
    if not draft.given["raise_file_limit"]:
        draft.notes.append(f"{said}: redis_clients_raise_file_limit=true writes it into the unit")
    elif not unit:
        draft.notes.append(f"{said}, and it is run by no unit that is known: raise the limit where it is started")
    elif draft.facts.number_or("host.unit.open_files", 0) >= needs:
        draft.waits.append(f"{said}; its unit {unit} allows it by now: {again}")
    else:
        draft.file_limit = {"unit": unit, "files": needs}
        draft.steps.append(f"LimitNOFILE={needs} in a drop-in of {unit}, for {said}; {again}")


def _timeout(draft: Draft) -> None:
    given, now = draft.given["timeout"], int(draft.facts.number_or("config.timeout", -1))
    if given is not None:
        draft.set("timeout", now, given, "as asked for")
    elif now == 0 and draft.has("clients_idle", "clients_leaking"):
        why = "Redis then closes what has sent nothing for an hour, but no subscribers and none that wait"
        draft.set("timeout", now, IDLE_SECONDS, why)


def _keepalive(draft: Draft) -> None:
    if draft.has("keepalive_off"):
        draft.set("tcp-keepalive", 0, KEEPALIVE, "so that the connections of peers that died are closed")


def _files(facts: Facts) -> int | None:
    """How many files the process may open; None where that is unlimited or nobody tells. Redis raises the soft limit itself."""
    return int(facts.number_or("host.process.open_files_hard", 0)) or None


def _speaks(facts: Facts, name: str) -> bool:
    try:
        return RULES[name].judge(facts) is not None
    except Missing:
        return False


def _denied(facts: Facts) -> str:
    return str(facts.get_or("denied.config", None) or "nobody says why")


def _read(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as numbers. ValueError names the variable."""
    return {
        "maxclients": _number(options, "maxclients", 1, None),
        "timeout": _number(options, "timeout", 0, None),
        "memory": str(options.get("memory") or ""),
        "kill_idle": _number(options, "kill_idle", 1, IDLE_SECONDS),
        "kill_most": _number(options, "kill_most", 1, 100),
        "slot_seconds": _number(options, "slot_seconds", 0, 30),
        "close_sockets": _switch(options.get("close_sockets")),
        "raise_file_limit": _switch(options.get("raise_file_limit")),
    }


def _number(options: Mapping[str, Any], name: str, least: int, default: int | None) -> Any:
    given = options.get(name)
    if given is None or given == "":
        return default
    try:
        number = _setting_readers.read_integer(given)
    except ValueError as error:
        raise ValueError(f"redis_clients_{name} is '{given}': {error}") from None
    if number < least:
        raise ValueError(f"redis_clients_{name} is {number}: give at least {least}")
    return number


def _switch(given: Any) -> bool:
    return bool(given) and _setting_readers.read_switch(given)

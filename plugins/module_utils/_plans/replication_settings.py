# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings that heal_replication puts right, with their arithmetic. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _setting_readers
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import high_availability, replication
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import room
from ansible_collections.aragora.redis.plugins.module_utils._plans.replication_group import Group
from ansible_collections.aragora.redis.plugins.module_utils._plans.replication_options import Options

MIB = 1024 * 1024
# Redis's own defaults, below which nothing is set.
BACKLOG, HARD, SOFT = 1 * MIB, 256 * MIB, 64 * MIB
# A backlog that outgrows the data helps nobody: of the memory that the server may use, so much at most.
SHARE = 0.1
# A replica that is away for as long as the backlog lasts still has the copy before it.
COPIES = 2
RULES = {rule.id: rule for rule in (*replication.RULES,)}
WINDOW = next(rule for rule in high_availability.RULES if rule.id == "split_brain_window")
MAX_LAG = 10

Found = tuple[dict[str, Any], list[str]]


def of(facts: Facts, group: Group, options: Options) -> Found:
    """(settings, steps) for a server whose link is well, or is mended in the same run."""
    settings, steps = dict[str, Any](), list[str]()
    for found, said in (_read_only(facts), _backlog(facts, options), _window(facts, group, options)):
        settings.update(found)
        steps += said
    return settings, steps


def _read_only(facts: Facts) -> Found:
    if not _speaks("replica_writable", facts):
        return {}, []
    why = "what is written here is lost at the next copy; from now on it is refused with READONLY"
    return {"replica-read-only": "yes"}, [f"replica-read-only → yes: {why}"]


def _backlog(facts: Facts, options: Options) -> Found:
    if not _speaks("full_sync_repeated", facts):
        return {}, []
    now, rate = int(facts.number_or("info.replication.repl_backlog_size", BACKLOG)), facts.number_or("rates.master_repl_offset", 0)
    most = _most(facts)
    wanted = min(max(4 * now, int(rate * options.away)), most)
    size = -(-wanted // MIB) * MIB
    settings, steps = dict[str, Any](), list[str]()
    if size > now:
        bound = f", at most {_mib(most)} of its memory" if wanted == most else ""
        settings["repl-backlog-size"] = size
        steps.append(
            f"repl-backlog-size {_mib(now)} → {_mib(size)}: {rate / MIB:.2f} MiB a second are written, and a replica may be away "
            f"{options.away} s; at least four times what was too small{bound}"
        )
    found, said = _buffers(facts, max(size, now))
    return {**settings, **found}, steps + said


def _buffers(facts: Facts, backlog: int) -> Found:
    """What a replica may be behind before its connection is closed: more than the backlog, or that is for nothing. 0 has no bound."""
    text = facts.get_or("config.client-output-buffer-limit", None)
    if text is None:
        return {}, []
    limits = _setting_readers.read_buffers(text)
    hard, soft, seconds = limits.get("replica") or limits.get("slave") or (HARD, SOFT, 60)
    new_hard = max(hard, HARD, COPIES * 2 * backlog) if hard else 0
    new_soft = max(soft, SOFT, COPIES * backlog) if soft else 0
    if (new_hard, new_soft) == (hard, soft):
        return {}, []
    value = f"{new_hard} {new_soft} {max(seconds, 60)}"
    why = "whoever is further behind is closed, and begins again with a whole copy"
    shown = f"{_mib(hard)}/{_mib(soft)} → {_mib(new_hard)}/{_mib(new_soft)}"
    return {"client-output-buffer-limit": {"replica": value}}, [f"client-output-buffer-limit replica {shown}: {why}"]


def _most(facts: Facts) -> int:
    """The largest backlog, by the limit of the server or the memory of its host."""
    try:
        limit = facts.number_or("info.memory.maxmemory", 0) or room(facts)[0]
    except Missing:
        limit = 0
    return max(4 * MIB, int(limit * SHARE)) if limit else 256 * MIB


def _window(facts: Facts, group: Group, options: Options) -> Found:
    """A master that is cut off should stop; its replicas need the same for the day of their promotion."""
    if not options.min_replicas or "config" not in facts.snapshot or not facts.get_or("config", None):
        return {}, []
    try:
        verdicts = WINDOW.judge(group.members)
    except Missing:
        return {}, []
    if not any(verdict.severity == "warning" for verdict in verdicts.values()):
        return {}, []
    wanted = {"min-replicas-to-write": options.min_replicas, "min-replicas-max-lag": MAX_LAG}
    changed = {name: value for name, value in wanted.items() if not int(facts.number_or(f"config.{name}", 0))}
    why = "a master that no replica hears stops taking writes, which a failover would throw away"
    return changed, [f"{name} → {value}: {why}" for name, value in changed.items()]


def _speaks(rule_id: str, facts: Facts) -> bool:
    try:
        return RULES[rule_id].judge(facts) is not None
    except Missing:
        return False


def _mib(size: float) -> str:
    return f"{size / MIB:g} MiB" if size < 10 * MIB else f"{size / MIB:.0f} MiB"

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tune_clients would do about buffers of clients: a bound on what they may hold. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _setting_readers
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.memory_facts import MEMORY

MIB = 1024 * 1024
# All clients together: this share of the data, or as much for each of them, whatever is more. Both are half of what is found too much.
SHARE = 0.05
EACH = 100 * 1024
# What Redis allows subscribers unless it is told otherwise: hard limit, soft limit, seconds.
OLD_LIMITS = "32mb 8mb 60"
CLASSES = ("normal", "pubsub")


def add(draft: Any) -> None:
    """Add to the draft of :mod:`clients` what bounds the buffers; redis_clients_memory wins, else only where they are found too large."""
    facts, given = draft.facts, draft.given["memory"]
    if not given and not draft.has("client_buffers_large"):
        return
    now = facts.get_or("config.maxmemory-clients", None)
    if now is None:
        _old(draft, given)
    elif given:
        _check(given)
        if _setting_readers.read_size_or_percent(given) != _setting_readers.read_size_or_percent(now):
            draft.set("maxmemory-clients", now, given, "as asked for")
    elif str(now) != "0":
        draft.notes.append(f"maxmemory-clients is {now} already, and clients hold too much all the same: give redis_clients_memory")
    else:
        limit = _limit(facts)
        why = f"clients that hold most are closed when all together hold more than {limit // MIB} MiB; replicas do not count"
        draft.set("maxmemory-clients", now, limit, why)


def _limit(facts: Facts) -> int:
    data = facts.number_or(MEMORY + "maxmemory", 0) or facts.number(MEMORY + "used_memory") - facts.number(MEMORY + "mem_clients_normal")
    return max(MIB, int(data * SHARE) // MIB * MIB, facts.integer("info.clients.connected_clients") * EACH)


def _old(draft: Any, given: str) -> None:
    """Before Redis 7.0 each client has its own limit, by its class."""
    text = draft.facts.get_or("config.client-output-buffer-limit", None)
    if text is None:
        draft.notes.append("it does not tell what its clients' buffers may hold")
        return
    limits = _setting_readers.read_buffers(text)
    if given:
        _check(given, percent=False)
    wanted = f"{given} 0 0" if given else OLD_LIMITS
    free = [name for name in CLASSES if given or not any(limits.get(name, (0, 0, 0))[:2])]
    changed = {name: wanted for name in free if limits.get(name) != _setting_readers.read_buffers(f"{name} {wanted}")[name]}
    if not changed:
        if not draft.has("client_buffers_large"):
            return
        draft.notes.append(f"client-output-buffer-limit is '{text}' already: give redis_clients_memory, what one client may hold")
        return
    draft.settings["client-output-buffer-limit"] = changed
    draft.steps.append(
        f"client-output-buffer-limit {', '.join(f'{name} {limit}' for name, limit in changed.items())}: "
        "a client whose replies wait beyond that is closed (this release has no maxmemory-clients)"
    )


def _check(given: str, *, percent: bool = True) -> None:
    try:
        (_setting_readers.read_size_or_percent if percent else _setting_readers.read_size)(given)
    except ValueError as error:
        raise ValueError(f"redis_clients_memory is '{given}': {error}") from None

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a playbook of the collection says of itself: what it does, whether it plans first, and which roles it is about. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

OURS = "aragora.redis."
# Roles that a playbook uses beside the one that it is about.
BESIDE = ("redis_guard", "redis_diagnosis", "redis_application")
# What a play says of itself beside the variables that it gives to its roles.
IMPORTS = ("ansible.builtin.import_role", "ansible.builtin.include_role")


def told(text: str) -> tuple[str, bool]:
    """(what it does, whether it plans until it is told to apply), by the comment at the top of a playbook."""
    words = " ".join(line[1:].strip() for line in text.split("\n- ", 1)[0].splitlines() if line.startswith("#"))
    return re.split(r"(?<=[.?)]) Plans only|[;,] see roles/", words)[0].rstrip("."), "Plans only" in words


def entry_points(plays: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(role, entry point) of every role that a playbook uses, once each, in its order."""
    return list(dict.fromkeys((role, point) for role, point, dummy in _used(plays)))


def own(plays: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Those of the roles that it is about."""
    used = entry_points(plays)
    return [pair for pair in used if pair[0] not in BESIDE] or [pair for pair in used if pair[0] != "redis_guard"]


def settled(plays: Sequence[Mapping[str, Any]]) -> set[str]:
    """The variables that it gives to its roles itself."""
    return {name for dummy, dummy, names in _used(plays) for name in names}


def _used(plays: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, list[str]]]:
    for play in plays:
        given = list(play.get("vars", {}))
        for role in play.get("roles", []):
            named = {"role": role} if isinstance(role, str) else dict(role)
            yield named.pop("role").removeprefix(OURS), "main", given + list(named)
        for task in play.get("tasks", []):
            for role in (task[name] for name in IMPORTS if name in task):
                yield role["name"].removeprefix(OURS), role.get("tasks_from", "main"), given + list(task.get("vars", {}))

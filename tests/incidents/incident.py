# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An incident as a file of this folder describes it: found by its name, ``i<number>_<what it is>.py``."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.incidents.kept import Known
from tests.incidents.lab import Inject
from tests.lab import servers
from tests.lab.scenarios.scenario import ANY

FOLDER = Path(__file__).resolve().parent
FILE = re.compile(r"i(\d+)([a-z]?)_(\w+)\.py")


@dataclass(frozen=True)
class Incident:
    """``inject(lab)`` makes it; ``first`` is the id that the report must name first, None when nothing above a notice may be said.

    ``explains``: ids that must stand below the first finding. ``reason``: that of the availability. ``alone``: it needs the machine for
    itself. ``as_given``: the playbooks log in as inject() says, and not as the users that need least, because it is about the login.
    ``only``: nothing else above a notice may be said. ``servers``: those of the matrix that can show it, all of them when empty.
    ``mends``: the action that takes it away, or with ``lessened`` takes its sting; ``given`` are variables for it. ``holds``: keys that the
    server must hold afterwards, where nobody can look before, because it is down.

    ``refuses``: the action must be refused, and say this. Then ``first`` may be left out, which saves the diagnosis; ``playbook`` is
    called in place of the action's own; ``ledger`` is {file: content}, given the server's name, of what the guard finds there.
    """

    number: str
    name: str
    title: str
    inject: Inject
    first: str | None
    explains: tuple[str, ...]
    reason: str | None
    servers: tuple[str, ...]
    alone: bool
    only: bool
    as_given: bool = False
    mends: str | None = None
    lessened: bool = False
    given: dict[str, Any] = field(default_factory=dict)
    holds: Known | None = None
    refuses: str | None = None
    playbook: str = ""
    ledger: Callable[[str], dict[str, str]] | None = None

    @property
    def eligible(self) -> list[str]:
        """Names of the servers that can show it, whether they are on this machine or not."""
        return [name for name in servers.matrix() if name in (self.servers or servers.matrix())]

    def chosen(self, everywhere: bool) -> list[str]:
        """The servers that it is made on: all of them, or one, another one for each incident."""
        if everywhere or self.servers == ANY:
            return self.eligible
        return self.eligible[int(self.number.rstrip("abcdefgh")) % len(self.eligible) :][:1]


def every() -> list[Incident]:
    """All incidents, in the order of their numbers."""
    found = [(int(match[1]), match[2], path) for path in FOLDER.iterdir() if (match := FILE.fullmatch(path.name))]
    return [_loaded(path) for *dummy, path in sorted(found)]


def _loaded(path: Path) -> Incident:
    module = importlib.import_module(f"{__package__}.{path.stem}")
    match = FILE.fullmatch(path.name)
    if not match or not module.__doc__:
        raise ValueError(f"{path.name} needs a docstring of one line that says what happens")
    return Incident(
        number=match[1].lstrip("0") + match[2],
        name=path.stem,
        title=module.__doc__.strip().rstrip("."),
        inject=module.inject,
        first=getattr(module, "first", None) if hasattr(module, "refuses") else module.first,
        explains=getattr(module, "explains", ()),
        reason=getattr(module, "reason", None),
        servers=getattr(module, "servers", ()),
        alone=getattr(module, "alone", False),
        only=getattr(module, "only", False),
        as_given=getattr(module, "as_given", False),
        mends=getattr(module, "mends", None),
        lessened=getattr(module, "lessened", False),
        given=getattr(module, "given", {}),
        holds=getattr(module, "holds", None),
        refuses=getattr(module, "refuses", None),
        playbook=getattr(module, "playbook", ""),
        ledger=getattr(module, "ledger", None),
    )

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an application runs on its host: its unit or container, its process, and the variables that it has and that it will get.

Variables are secrets: they stay in this object, and what is said of them goes through :meth:`Service.hide`.
"""

from __future__ import annotations

import functools
import glob
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _application_text as words
from ansible_collections.aragora.redis.plugins.module_utils import _application_unit, _environment_file, _host_container, _host_log
from ansible_collections.aragora.redis.plugins.module_utils import _host_commands as commands
from ansible_collections.aragora.redis.plugins.module_utils import _host_files as files
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import Denied

SHOWN = ("name", "active_state", "sub_state", "result", "restarts", "switched_off", "active_seconds", "pid")
JOURNAL_LINES = 5_000


class Service:
    """An application that runs, or should. ``denied`` says what could not be read."""

    def __init__(self, profile: Mapping[str, Any]) -> None:
        """Read it all; what cannot be read is None and named in ``denied``."""
        self.profile = profile
        self.denied: dict[str, str] = {}
        self.told: dict[str, Any] = {}
        self.is_known = bool(profile["unit"] or profile["container"])
        try:
            self.told = self._container() if profile["container"] else self._unit() if profile["unit"] else {}
        except Denied as denied:
            self.denied["service"] = str(denied)
        self.is_container = bool(self.told.get("engine"))
        self.unseen: set[str] = set()
        self.next: dict[str, str] | None = self._attempt("environment", self._next)
        self.running: dict[str, str] | None = self._attempt("process", self._running) if self.pid else None
        self.secrets = words.secrets_in(self.next or {}) | words.secrets_in(self.running or {})

    @property
    def pid(self) -> int | None:
        """Its main process."""
        return self.told.get("pid")

    @property
    def user(self) -> str | None:
        """As whom its own commands run; None is whoever the container says."""
        return self.profile["user"] or self.told.get("user")

    @property
    def folder(self) -> str:
        """Where its own commands run."""
        return self.profile["working_directory"] or self.told.get("folder") or "/"

    @property
    def variables(self) -> dict[str, str]:
        """With which variables its own commands run: its process's, else those of its next start."""
        return _application_unit.for_commands({**(self.next or {}), **(self.running or {})} if self.running else self.next or {})

    @property
    def python(self) -> str | None:
        """Its Python."""
        places = _application_unit.python_of(self.told.get("program"))
        return self.profile["python"] or next((place for place in places if Path(place).exists()), None)

    def shown(self) -> dict[str, Any]:
        """What may be said of it."""
        return {name: self.told.get(name) for name in SHOWN} if self.told else {}

    def hide(self, text: object) -> str:
        """A text without what its environment keeps secret."""
        return words.masked(" ".join(str(text).split()), self.secrets)

    def journal(self, minutes: int) -> list[dict[str, Any]]:
        """What it has logged lately, unmasked, oldest first."""
        if self.is_container:
            text = commands.run(self.told["engine"], "logs", "--since", f"{minutes}m", self.told["name"], both=True)
            return _host_log.plain(text, self.told["name"])[-JOURNAL_LINES:]
        if not self.profile["unit"]:
            raise Denied("no unit and no container is given: nobody knows its log")
        window = ("--since", f"-{minutes}min", "--lines", str(JOURNAL_LINES))
        text = commands.run("journalctl", "--unit", self.profile["unit"], *window, "--no-pager", "--output", "short-unix", both=True)
        if os.geteuid() != 0 and ("insufficient permissions" in text or "not seeing messages from other users" in text):
            raise Denied(f"{commands.NEEDS_ROOT}: the journal of {self.profile['unit']}")
        return _host_log.journal(text, time.time())

    def _attempt(self, part: str, take: Any) -> Any:
        try:
            return take()
        except Denied as denied:
            self.denied[part] = str(denied)
        except OSError as error:
            self.denied[part] = f"{error.filename or part}: {error.strerror or error}"
        return None

    def _unit(self) -> dict[str, Any]:
        if not Path("/run/systemd/system").is_dir():
            raise Denied("systemd does not run here")
        text = commands.run(
            "systemctl", "show", "--no-pager", f"--property={_application_unit.PROPERTIES}", "--", _unit_name(self.profile["unit"])
        )
        return _application_unit.unit(text, time.clock_gettime(time.CLOCK_MONOTONIC))

    def _container(self) -> dict[str, Any]:
        trouble = "neither docker nor podman is installed"
        for engine in commands.ENGINES:
            if not shutil.which(engine, path=f"{os.environ.get('PATH', '')}:{commands.SYSTEM_PATH}"):
                continue
            try:
                text = commands.run(engine, "inspect", "--type", "container", "--", self.profile["container"])
            except Denied as denied:
                trouble = str(denied)
                continue
            return _application_unit.container(text, engine, functools.partial(_host_container.age, now=time.time()))
        raise Denied(trouble)

    def _next(self) -> dict[str, str] | None:
        """Files that the unit does not name are read by the application itself, or by compose: for a unit they are the weakest."""
        own = self.told.get("files") or []
        extra = [path for path in self.profile["environment_files"] if path not in own]
        if not (self.told or extra):
            return None
        read, more = [_read(path) for path in own], [_read(path) for path in extra]
        if self.is_container:
            return _application_unit.next_start(self.told["variables"], more, [])
        begun = _application_unit.next_start(self.told.get("variables") or {}, read, self.told.get("unset") or [])
        whole = {**_environment_file.effective({}, more), **begun}
        self.unseen = set(whole) - set(begun)
        return whole

    def _running(self) -> dict[str, str]:
        return _application_unit.of_process(files.text(files.PROC / str(self.pid) / "environ"))


def _unit_name(name: str) -> str:
    return name if "." in name else f"{name}.service"


def _read(path: str) -> dict[str, str]:
    """The variables of an environment file, or of all that a pattern means; empty where none is there."""
    found: dict[str, str] = {}
    matching = sorted(Path("/").glob(path[1:])) if glob.has_magic(path) else [Path(path)]
    for one in matching:
        try:
            found.update(_environment_file.parse(files.text(one)))
        except FileNotFoundError:
            continue
    return found

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conversation that makes the host part of a snapshot: what runs there, what it has, and what stands in its way.

It only reads, and it never fails because something cannot be read: that stands in ``denied``. A part that was looked for and is not there
is empty; one that could not be looked at is None.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _host_commands as commands
from ansible_collections.aragora.redis.plugins.module_utils import _host_config, _host_log, _host_proc, _host_units
from ansible_collections.aragora.redis.plugins.module_utils import _host_files as files
from ansible_collections.aragora.redis.plugins.module_utils import _host_processes as processes
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import Denied

# As long as it takes to tell a busy process from an idle one by clock ticks of 10 ms.
CPU_WINDOW = 0.25
RECENT_SECONDS = 900
# What serves the reading itself and is nobody's business, or may hold secrets.
PRIVATE = {"unit": ("arguments", "working_directory"), "process": ("uid", "gids"), "memory": ("cgroup_path",), "container": ("id",)}
ODD = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)


def host_argument_spec() -> dict[str, Any]:
    """The options of redis_host_info."""
    return {
        "port": {"type": "int", "default": 6379},
        "unit": {"type": "str"},
        "container": {"type": "str"},
        "data_dir": {"type": "path"},
        "config_file": {"type": "path"},
        "log_lines": {"type": "int", "default": 20},
    }


def check(options: dict[str, Any]) -> None:
    """ValueError names an option that cannot be meant."""
    if not 0 < options["port"] < 65536:
        raise ValueError(f"port is {options['port']}: give a number from 1 to 65535")
    if not 0 <= options["log_lines"] <= 1000:
        raise ValueError(f"log_lines is {options['log_lines']}: give a number from 0 to 1000")
    for name in ("unit", "container"):
        if str(options[name] or "").startswith("-"):
            raise ValueError(f"{name} is '{options[name]}': a name does not begin with a dash")


def read(options: dict[str, Any]) -> dict[str, Any]:
    """``{changed, host, denied}``; see the RETURN block of redis_host_info. ValueError for options that make no sense."""
    check(options)
    reading = Reading(options)
    reading.take()
    return {"changed": False, "host": reading.shown(), "denied": reading.denied}


class Reading:
    """The parts as they come in; later ones need earlier ones."""

    def __init__(self, options: dict[str, Any]) -> None:
        """Nothing is read yet."""
        self.options = options
        self.port: int = options["port"]
        self.host: dict[str, Any] = {"port": self.port}
        self.denied: dict[str, str] = {}
        self.settings: dict[str, str] = {}
        self.pid: int | None = None

    def part(self, name: str, take: Callable[[], Any]) -> Any:
        """Read a part into its place; None, with the reason in ``denied``, where that is not to be had."""
        try:
            self.host[name] = take()
        except Denied as denied:
            self.host[name], self.denied[name] = None, str(denied)
        except ODD as error:
            self.host[name], self.denied[name] = None, f"not understood: {type(error).__name__}: {error}"
        return self.host[name]

    def take(self) -> None:
        """Read everything."""
        self.part("listeners", lambda: processes.listeners(self.port))
        self.part("unit", self._unit)
        self.part("container", self._container)
        self.part("process", self._process)
        before = processes.cpu_ticks(self.pid) if self.pid else None
        self.part("config", self._config)
        self.part("kernel", lambda: files.kernel(self.pid))
        self.part("memory", lambda: files.memory(self.pid))
        self.part("disk", self._disk)
        self.part("files", self._files)
        self.part("firewall", lambda: commands.firewall(self.port))
        self.part("network", commands.network)
        self.part("log", self._log)
        self.part("oom", self._oom)
        if before and self.host["process"]:
            time.sleep(max(0.0, before[0] + CPU_WINDOW - time.monotonic()))
            self.host["process"]["cpu_percent"] = processes.cpu_percent(before, processes.cpu_ticks(self.pid or 0))

    def shown(self) -> dict[str, Any]:
        """What the caller gets."""
        host = dict(self.host)
        for name, hidden in PRIVATE.items():
            host[name] = host[name] and {key: value for key, value in host[name].items() if key not in hidden}
        host["listeners"] = [{key: item[key] for key in item if key != "inode"} for item in host["listeners"] or []]
        return host

    def _unit(self) -> dict[str, Any]:
        units = commands.units(self.options["unit"])
        inodes = [item["inode"] for item in self.host["listeners"] or []]
        self.pid = processes.find_process(self.port, inodes)
        if self.options["unit"]:
            if not units:
                raise Denied(f"the unit '{self.options['unit']}' does not exist here")
            return units[0]
        ports = {unit["name"]: port for unit in units if (port := _port(unit))}
        return _host_units.choose(units, self.port, self.pid, ports)

    def _container(self) -> dict[str, Any]:
        owner = files.text_or(f"/proc/{self.pid}/cgroup") if self.pid else ""
        return commands.container(self.options["container"], self.port, owner)

    def _process(self) -> dict[str, Any]:
        # The port of a container may be held by the engine's proxy.
        inside, main_pid = (self.host["container"] or {}).get("pid"), (self.host["unit"] or {}).get("main_pid")
        self.pid = inside or self.pid or processes.find_process(self.port, [], main_pid)
        if not self.pid:
            return {}
        try:
            found = processes.process(self.pid)
        except (FileNotFoundError, ProcessLookupError):
            self.pid = None
            return {}
        found["title"] = _host_log.masked(found["title"])
        return {**found, "cpu_percent": None, "listens_on": processes.listens_on(self.pid)}

    def _config(self) -> dict[str, Any]:
        unit = self.host["unit"] or {}
        # The usual places are a guess: only where nothing is known of what runs, or ran.
        usual = () if unit or self.pid or self.host["container"] else files.USUAL_CONFIGS
        path, settings, trouble = files.first_config(self.options["config_file"], unit.get("config_file"), *usual)
        if path in usual and _host_config.port_of(settings) != self.port:
            path, settings = None, {}
        arguments = _host_units.options_of(unit.get("arguments") or [])
        self.settings = {**settings, **{name: value for name, value in arguments.items() if name in _host_config.WANTED}}
        if trouble:
            self.denied["config"] = trouble
        if not path:
            return {}
        shown = None if trouble else _host_config.shown(self.settings)
        return {"path": path, "settings": shown, "directives": self._directives(path), "arguments": sorted(arguments)}

    def _directives(self, path: str) -> dict[str, str] | None:
        """What the file sets. The file of a container lies elsewhere, and its arguments are not known."""
        if self.host["container"] or "config" in self.denied:
            return None
        try:
            return dict(sorted(files.directives(path).items()))
        except (OSError, Denied) as error:
            self.denied["config"] = str(error)
            return None

    def _data_dir(self) -> tuple[str, str] | None:
        """(path, where it is seen from here) of the data directory."""
        given = self.options["data_dir"] or self.settings.get("dir") or (self.host["unit"] or {}).get("working_directory") or ""
        cwd = files.link(self.pid, "cwd") if self.pid and not self.options["data_dir"] else None
        # Redis works in its data directory; the link leads there also where it lies in a container.
        if cwd:
            return cwd, f"/proc/{self.pid}/cwd"
        return (given, given) if given.startswith("/") else None

    def _disk(self) -> dict[str, Any]:
        place = self._data_dir()
        if not place:
            if self.pid:
                raise Denied(f"{commands.NEEDS_ROOT}: /proc/{self.pid}/cwd, or give data_dir")
            return {}
        return files.disk(*place, self.settings.get("dbfilename"), self.pid)

    def _files(self) -> dict[str, Any]:
        process, unit = self.host["process"] or {}, self.host["unit"] or {}
        uid, gids = process.get("uid"), process.get("gids") or []
        if uid is None:
            uid, gids = files.user_ids(unit.get("user") or ("root" if unit else None))
        config, place = (self.host["config"] or {}).get("path"), self._data_dir()
        wanted = {"config": config, "config_folder": str(Path(config).parent) if config else None, "data": place and place[1]}
        found = {name: files.permissions(path, uid, gids) for name, path in wanted.items() if path}
        if place and "data" in found:
            found["data"]["path"] = place[0]
        return found

    def _log(self) -> dict[str, Any] | None:
        sources: list[list[dict[str, Any]]] = []
        unit, container, logfile = self.host["unit"], self.host["container"], self.settings.get("logfile") or ""
        trouble = []
        for wanted, take in (
            (container, lambda: commands.container_log(container, commands.JOURNAL_LINES)),
            (unit, lambda: commands.journal(unit["name"])),
            (logfile.startswith("/"), lambda: _host_log.plain(files.text(logfile, files.TAIL_BYTES), logfile)),
        ):
            try:
                sources += [take()] if wanted else []
            except FileNotFoundError:
                continue  # nothing was ever logged there
            except (Denied, OSError) as error:
                trouble.append(str(error))
        if trouble:
            self.denied["log"] = "; ".join(trouble)
        return _merged_log(sources, self.options["log_lines"]) if sources or not trouble else None

    def _oom(self) -> list[dict[str, Any]]:
        unit, container = (self.host["unit"] or {}).get("name"), (self.host["container"] or {}).get("id")
        path = (self.host["memory"] or {}).get("cgroup_path") or "/"
        known = [word for word in (unit, container) if word]
        # A server that a person starts is of another session each time.
        own = "/user.slice/" if path.startswith("/user.slice/") else path
        return commands.oom_kills(_host_proc.SERVERS, [*known, own])


def _port(unit: dict[str, Any]) -> int | None:
    """The port that a unit's server is configured for, as far as that can be read: by arguments, file, or the title of its process."""
    given = _host_units.options_of(unit["arguments"]).get("port")
    if given and given.isdigit():
        return int(given)
    path, settings, trouble = files.first_config(unit["config_file"])
    if path and not trouble:
        return _host_config.port_of(settings)
    shown = _host_proc.title_ports(processes.title(unit["main_pid"])) if unit["main_pid"] else []
    return shown[0] if shown else None


def _merged_log(sources: Sequence[list[dict[str, Any]]], most: int) -> dict[str, Any]:
    """One log of several: each gives its share of the lines, the first that knows a reason gives it."""
    share = most // max(1, len(sources))
    logs = [_host_log.told(lines, share, RECENT_SECONDS) for lines in sources]
    if not logs:
        return {}
    why = next((log for log in logs if log["reason"]), logs[0])
    restarts = [log["restarts_recently"] for log in logs if log["restarts_recently"] is not None]
    return {**why, "lines": [line for log in logs for line in log["lines"]], "restarts_recently": max(restarts, default=None)}

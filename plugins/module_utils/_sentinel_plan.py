# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a declaration would change on one Sentinel. Pure: options and what the Sentinel says in, steps out.

The address of a group that is watched already is never touched: a failover may have moved the master, and Sentinel knows better.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._secrets import MASK, is_secret

Words = tuple[str, ...]
# {option: what Sentinel calls it}, in the order in which they are set: names have to resolve before one is announced.
OF_SENTINEL = {
    "resolve_hostnames": "resolve-hostnames",
    "announce_hostnames": "announce-hostnames",
    "announce_ip": "announce-ip",
    "announce_port": "announce-port",
    "peer_user": "sentinel-user",
    "peer_password": "sentinel-pass",
}
OF_MONITOR = {
    "quorum": "quorum",
    "down_after_milliseconds": "down-after-milliseconds",
    "failover_timeout": "failover-timeout",
    "parallel_syncs": "parallel-syncs",
}
# These cannot be read from a Sentinel.
LOGIN = {"auth_user": "auth-user", "auth_pass": "auth-pass"}
LEAST = {"quorum": 1, "down_after_milliseconds": 1, "failover_timeout": 1, "parallel_syncs": 1}
NOT_WATCHED = "not watched"
# Sentinel writes names and logins to its file as they are, and does not start with a file that it cannot read.
UNREADABLE = re.compile(r"[\s\"'\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Step:
    """One command, what it changes in words, and the command that takes it back where there is one."""

    command: Words
    subject: str
    before: str
    after: str
    back: Words | None = None

    @property
    def secret(self) -> bool:
        """Whether the texts must not be shown."""
        return is_secret(self.subject)


def check(options: Mapping[str, Any]) -> None:
    """ValueError for a declaration that cannot be meant."""
    names = [monitor["name"] for monitor in options["monitors"]]
    for option in ("peer_user", "peer_password"):
        _check_readable(option, options[option])
    for monitor in options["monitors"]:
        name = monitor["name"]
        if monitor["state"] == "present":
            for option in ("name", *LOGIN):
                _check_readable(f"{option} of '{name}'", monitor[option])
        if names.count(name) > 1:
            raise ValueError(f"the group '{name}' is declared twice: give each name once")
        for option, least in LEAST.items():
            if monitor[option] is not None and monitor[option] < least:
                raise ValueError(f"{option} of '{name}' is {monitor[option]}: give a number from {least}")
        if monitor["auth_user"] and not monitor["auth_pass"]:
            raise ValueError(f"auth_user of '{name}' is given without auth_pass: give both")


def _check_readable(what: str, text: str | None) -> None:
    if text and UNREADABLE.search(text):
        raise ValueError(f"{what} holds a space or a quote, and a Sentinel would not start again with that in its file: give one without")


def plan(
    options: Mapping[str, Any], masters: Mapping[str, Mapping[str, Any]], config: Mapping[str, str], logins: Mapping[str, Mapping[str, str]]
) -> list[Step]:
    """The steps from what is to what is declared. ``logins`` are those to compare with, by group; a group without any is not compared."""
    steps = [step for option, name in OF_SENTINEL.items() for step in _setting(name, options[option], config)]
    for monitor in options["monitors"]:
        steps += _monitor(monitor, masters.get(monitor["name"]), logins.get(monitor["name"]))
    return steps


def forget(monitor: Mapping[str, Any], master: Mapping[str, Any], known: Iterable[Mapping[str, Any]], quorum: str) -> list[Step]:
    """SENTINEL RESET where the Sentinel remembers one that is gone. ValueError where it still answers, or this is no time to forget.

    A Sentinel that forgets has to find all others again; while a master is failed over it would have nobody to promote.
    """
    name, gone = monitor["name"], set(monitor["forget"])
    found = {address_of(row): set(row.get("flags") or []) for row in known if address_of(row) in gone}
    alive = sorted(address for address, flags in found.items() if not {"s_down", "disconnected"} & flags)
    if alive:
        raise ValueError(f"{', '.join(alive)} of '{name}' still answers and would be found again: stop it first")
    trouble = {"s_down", "o_down", "failover_in_progress", "force_failover"} & set(master.get("flags") or [])
    if found and (trouble or not quorum.startswith("OK")):
        raise ValueError(f"nothing of '{name}' is forgotten now ({', '.join(sorted(trouble)) or quorum}): wait until the group is well")
    # The name is taken as a pattern.
    pattern = re.sub(r"([*?\[\]\\])", r"\\\1", name)
    return [Step(("SENTINEL", "RESET", pattern), f"{name} remembers", ", ".join(sorted(found)), "")] if found else []


def _setting(name: str, raw: Any, config: Mapping[str, str]) -> list[Step]:
    wanted = {None: None, True: "yes", False: "no"}.get(raw, str(raw)) if not isinstance(raw, int) or isinstance(raw, bool) else str(raw)
    before = config.get(name, "")
    if wanted is None or wanted == before:
        return []
    return [Step(("SENTINEL", "CONFIG", "SET", name, wanted), name, before, wanted, ("SENTINEL", "CONFIG", "SET", name, before))]


def _monitor(wanted: Mapping[str, Any], now: Mapping[str, Any] | None, login: Mapping[str, str] | None) -> list[Step]:
    name = wanted["name"]
    if wanted["state"] == "absent":
        # What Sentinel knew of the group cannot be brought back by a command.
        return [Step(("SENTINEL", "REMOVE", name), name, address_of(now), NOT_WATCHED)] if now else []
    if now:
        return [*_numbers(wanted, now), *(_login(wanted, login) if login is not None else [])]
    missing = [option for option in ("host", "quorum") if not wanted[option]]
    if missing:
        raise ValueError(f"the group '{name}' is not watched yet, and {' and '.join(missing)} of its master is not given")
    begin = ("SENTINEL", "MONITOR", name, str(wanted["host"]), str(wanted["port"]), str(wanted["quorum"]))
    step = Step(begin, name, NOT_WATCHED, f"{wanted['host']}:{wanted['port']}", ("SENTINEL", "REMOVE", name))
    return [step, *_numbers(wanted, {"quorum": wanted["quorum"]}), *_login(wanted, {})]


def _numbers(wanted: Mapping[str, Any], now: Mapping[str, Any]) -> list[Step]:
    steps = []
    for option, setting in OF_MONITOR.items():
        value, before = wanted[option], now.get(setting)
        if value is not None and value != before:
            back = None if before is None else ("SENTINEL", "SET", wanted["name"], setting, str(before))
            shown = "" if before is None else str(before)
            step = Step(("SENTINEL", "SET", wanted["name"], setting, str(value)), f"{wanted['name']} {setting}", shown, str(value), back)
            steps.append(step)
    return steps


def _login(wanted: Mapping[str, Any], now: Mapping[str, str]) -> list[Step]:
    steps = []
    for option, setting in LOGIN.items():
        value, before = wanted[option], now.get(setting, "")
        if value is not None and value != before:
            back = ("SENTINEL", "SET", wanted["name"], setting, before)
            steps.append(Step(("SENTINEL", "SET", wanted["name"], setting, value), f"{wanted['name']} {setting}", before, value, back))
    return steps


def logins_of(text: str) -> dict[str, dict[str, str]]:
    """``{group: {auth-user, auth-pass}}`` from the text of a Sentinel's own file, every watched group with at least an empty mapping."""
    found: dict[str, dict[str, str]] = {}
    for words in _directives(text):
        if words[0] == "monitor" and len(words) > 1:
            found.setdefault(words[1], {})
        elif words[0] in LOGIN.values() and len(words) > 2:
            found.setdefault(words[1], {})[words[0]] = words[2]
    return found


def settings_of(text: str, name: str) -> dict[str, list[str]]:
    """{directive: its values} of one group in the text of a Sentinel's own file."""
    return {words[0]: words[2:] for words in _directives(text) if len(words) > 2 and words[1] == name}


def id_in(text: str) -> str | None:
    """Whose file it is."""
    return next((words[1] for words in _directives(text) if words[0] == "myid" and len(words) > 1), None)


def _directives(text: str) -> Iterable[list[str]]:
    """The words of each line that begins with ``sentinel``, after that word."""
    for line in text.splitlines():
        head, dummy, rest = line.strip().partition(" ")
        if head.lower() == "sentinel" and rest:
            try:
                # Without quotes a backslash is one.
                words = shlex.split(rest) if {"'", '"'} & set(rest) else rest.split()
            except ValueError:
                words = rest.split()
            if words:
                yield [words[0].lower(), *words[1:]]


def address_of(master: Mapping[str, Any]) -> str:
    """host:port of a master as a Sentinel has it."""
    return f"{master.get('ip')}:{master.get('port')}"


def diff(steps: Iterable[Step], address: str) -> dict[str, Any]:
    """Ansible's diff; a secret shows that it changes and not what it is."""
    listed = list(steps)
    before = {step.subject: (MASK if step.before else "") if step.secret else step.before for step in listed}
    after = {step.subject: (f"{MASK} (changed)" if step.after else "") if step.secret else step.after for step in listed}
    return {"before_header": address, "after_header": address, "before": before, "after": after}


def missing(master: Mapping[str, Any], quorum: str, sentinels: int | None, replicas: int | None) -> list[str]:
    """What is not yet there of a group, one sentence each. ``quorum`` is what CKQUORUM says."""
    name, known = master.get("name"), int(master.get("num-other-sentinels") or 0) + 1
    found = []
    if {"s_down", "o_down", "disconnected"} & set(master.get("flags") or []):
        found.append(f"the master of '{name}' ({address_of(master)}) is down for it")
    if sentinels and known < sentinels:
        found.append(f"{known} of {sentinels} Sentinels of '{name}' are known")
    if replicas and int(master.get("num-slaves") or 0) < replicas:
        found.append(f"{master.get('num-slaves')} of {replicas} replicas of '{name}' are known")
    return found if found or quorum.startswith("OK") else [f"'{name}': {quorum}"]

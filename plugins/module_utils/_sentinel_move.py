# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let a Sentinel that names a replica watch its true master: REMOVE and MONITOR with the same settings, or all as it was.

A Sentinel that begins to watch knows of no failover (``config-epoch`` 0), and follows any other Sentinel that remembers one. That is why
it has to stay with the new address for longer than two of their greetings (every two seconds).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _info, _sentinel, _sentinel_plan, _sentinel_server
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, refusal

INTERVAL = 0.25
STEADY = 5.0
DOWN_AFTERS = 2
LONGEST = 3_600
GONE = {"s_down", "o_down", "disconnected"}
BUSY = {"failover_in_progress", "force_failover"}
# What MASTER tells and SET takes, and what only the file tells; secrets are among those.
TOLD = ("down-after-milliseconds", "failover-timeout", "parallel-syncs")
IN_FILE = ("auth-user", "auth-pass", "master-reboot-down-after-period")
# SET refuses scripts, and takes renamed commands one by one.
BY_HAND = ("notification-script", "client-reconfig-script", "rename-command")


@dataclass(frozen=True)
class Watch:
    """How a Sentinel watches a group: where its master is, and the settings."""

    name: str
    host: str
    port: int
    quorum: int
    settings: Mapping[str, str]

    def commands(self) -> list[tuple[str, ...]]:
        """What makes a Sentinel that does not know the group watch it so."""
        begin = ("SENTINEL", "MONITOR", self.name, self.host, str(self.port), str(self.quorum))
        return [begin, *(("SENTINEL", "SET", self.name, setting, value) for setting, value in self.settings.items())]

    @property
    def login(self) -> dict[str, str | None]:
        """By which it logs in to the servers."""
        return {"user": self.settings.get("auth-user") or None, "password": self.settings.get("auth-pass") or None}


def move_argument_spec() -> dict[str, Any]:
    """The options of redis_sentinel_move beside those of the connection."""
    return {
        "master_name": {"type": "str", "required": True},
        "host": {"type": "str", "required": True},
        "port": {"type": "int", "default": 6379},
        "auth_user": {"type": "str"},
        "auth_pass": {"type": "str", "no_log": True},
        "keep_sentinels": {"type": "int", "default": 0},
        "wait_timeout": {"type": "float", "default": 60.0},
    }


def check_options(options: Mapping[str, Any]) -> None:
    """ValueError for what cannot be meant."""
    check_number("wait_timeout", options["wait_timeout"], STEADY, LONGEST)
    if options["auth_user"] and not options["auth_pass"]:
        raise ValueError("auth_user is given without auth_pass: give both")


def move(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_sentinel_move. ValueError, with one sentence, where it may not be done, or was taken back."""
    name, started = str(options["master_name"]), time.monotonic()
    master = _master(client, name)
    before, after = _sentinel_plan.address_of(master), f"{options['host']}:{options['port']}"
    told = {"before": before, "after": after, "diff": {"before": f"{name} {before}\n", "after": f"{name} {after}\n"}}
    if before == after:
        return {**told, "changed": False, "waited": 0.0}
    _check(client, master)
    old = _watch(client, master, options)
    new = Watch(name, str(options["host"]), int(options["port"]), old.quorum, old.settings)
    _check_master(client, new, options)
    if not check_mode:
        _call(client, "SENTINEL", "FLUSHCONFIG")
        with _or_back(client, old):
            _begin(client, new)
            _settle(client, new, options, started)
            _call(client, "SENTINEL", "FLUSHCONFIG")
    return {**told, "changed": True, "waited": round(time.monotonic() - started, 2)}


def _check(client: Client, master: Mapping[str, Any]) -> None:
    """Only a Sentinel that has been wrong for long enough to have helped itself."""
    place, name, flags = client.endpoint.address, master["name"], set(master["flags"])
    if flags & BUSY:
        raise ValueError(f"{place} is failing over {name}: look again when it is over")
    patience = DOWN_AFTERS * int(master["down-after-milliseconds"])
    if master["role-reported"] != "slave" or int(master["role-reported-time"]) <= patience or "disconnected" in flags:
        address = _sentinel_plan.address_of(master)
        raise ValueError(f"{address} has not said for {patience / 1000:g} s that it is a replica: {place} goes on watching it")


def _watch(client: Client, master: Mapping[str, Any], options: Mapping[str, Any]) -> Watch:
    """How it watches the group now; its file tells the login, and where that cannot be read the options do."""
    name = str(master["name"])
    text = _sentinel_server.own_file(client, _info.parse(_call(client, "INFO", "server")))
    listed = _sentinel_plan.settings_of(text, name) if text else {}
    stuck = [setting for setting in BY_HAND if setting in listed or master.get(setting)]
    if stuck:
        raise ValueError(f"{client.endpoint.address} has {', '.join(stuck)} for {name}, which MONITOR would forget: move it by hand")
    given = {"auth-user": options["auth_user"], "auth-pass": options["auth_pass"]} if text is None else {}
    hidden = {setting: listed[setting][0] for setting in IN_FILE if listed.get(setting)} or {k: v for k, v in given.items() if v}
    shown = {setting: str(master[setting]) for setting in TOLD}
    return Watch(name, str(master["ip"]), int(master["port"]), int(master["quorum"]), {**shown, **hidden})


def _check_master(client: Client, new: Watch, options: Mapping[str, Any]) -> None:
    """The new one lets the Sentinel in, and says that it is a master."""
    try:
        with contextlib.closing(_sentinel_server.at(client.endpoint, new.host, new.port, new.login, options)) as server:
            role = _call(server, "ROLE")[0]
    except Unavailable as error:
        raise ValueError(f"the Sentinel's login does not open the new master: {error}") from None
    if role != "master":
        raise ValueError(f"{new.host}:{new.port} says that it is no master (ROLE: {role})")


@contextlib.contextmanager
def _or_back(client: Client, old: Watch) -> Iterator[None]:
    try:
        yield
    except (ValueError, Unavailable) as error:
        try:
            back = _back(client, old)
        except (ValueError, Unavailable) as worse:
            by_hand = f"SENTINEL MONITOR {old.name} {old.host} {old.port} {old.quorum}"
            raise ValueError(f"{error}; and what it watched is not back ({worse}): {by_hand}, then its settings") from None
        raise ValueError(f"{error}; {back}") from None


def _back(client: Client, old: Watch) -> str:
    rows = map(_sentinel.instance, _call(client, "SENTINEL", "MASTERS"))
    now = next((row for row in rows if row["name"] == old.name), None)
    if now and _sentinel_plan.address_of(now) == f"{old.host}:{old.port}":
        return "it names the old one again, with all settings"
    if now:
        _call(client, "SENTINEL", "REMOVE", old.name)
    for command in old.commands():
        _call(client, *command)
    return f"it watches {old.host}:{old.port} as before"


def _begin(client: Client, new: Watch) -> None:
    _call(client, "SENTINEL", "REMOVE", new.name)
    for command in new.commands():
        _call(client, *command)


def _settle(client: Client, new: Watch, options: Mapping[str, Any], started: float) -> None:
    """Until it has seen the new master and so many other Sentinels for some seconds."""
    since = None
    while True:
        now, lacks = time.monotonic(), _lacks(client, new, int(options["keep_sentinels"]))
        since = None if lacks else since or now
        if since and now - since >= STEADY:
            return
        if now - started >= options["wait_timeout"] + (STEADY if since else 0):
            raise ValueError(f"after {now - started:.0f} s {lacks or 'it was not steady'}")
        time.sleep(INTERVAL)


def _lacks(client: Client, new: Watch, others: int) -> str:
    master = _master(client, new.name)
    if _sentinel_plan.address_of(master) != f"{new.host}:{new.port}":
        place = _sentinel_plan.address_of(master)
        raise ValueError(f"another Sentinel, which remembers a failover, has made it name {place} again: move them by hand")
    if GONE & set(master["flags"]) or master["role-reported"] != "master" or not master.get("runid"):
        return f"it does not hear {new.host}:{new.port}"
    rows = map(_sentinel.instance, _call(client, "SENTINEL", "SENTINELS", new.name))
    known = sum(not GONE & set(row["flags"]) for row in rows)
    return f"it knows {known} of {others} other Sentinels" if known < others else ""


def _master(client: Client, name: str) -> dict[str, Any]:
    return _sentinel.instance(_call(client, "SENTINEL", "MASTER", name))


def _call(client: Client, *command: str) -> Any:
    reply = client.pipeline([command])[0]
    if isinstance(reply, Refused):
        secret = command[-1] if command[-2:-1] == ("auth-pass",) else ""
        raise ValueError(refusal(client, command[:2], str(reply).replace(secret, "***") if secret else reply))
    return reply

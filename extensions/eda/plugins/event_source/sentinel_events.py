# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""sentinel_events: what Sentinels see and do, as events."""

from __future__ import annotations

import asyncio
import logging
import random
import runpy
import time
from pathlib import Path
from typing import Any

from redis import asyncio as redis_asyncio
from redis import exceptions

DOCUMENTATION = r"""
---
short_description: Receive what Sentinels publish
description:
  - Listens to each of several Sentinels and makes an event of what it publishes, such as C(+sdown), C(+odown), C(+switch-master),
    C(-failover-abort-no-good-slave) or C(+tilt). What several of them tell of is one event. Connects again for ever.
  - An event is C(sentinel) with C(type) (the name of the channel), C(role), C(name), C(host), C(port), C(master_name), C(master_host),
    C(master_port), C(old_host) and C(old_port) of C(+switch-master), C(details), C(heard_from), and C(target), the hosts of the inventory
    that O(masters) names for this master. All of them are text, empty where nothing is known. Use C(details) for reading only.
  - Where no Sentinel has answered for O(silent) seconds, the event is of the type C(unreachable), and C(reachable) when one answers again.
options:
  sentinels:
    description:
      - Their addresses, C(host), C(host:port) or C([IPv6]:port), as a list or with commas.
    type: list
    elements: str
    required: true
  masters:
    description:
      - For the names that the Sentinels watch, the hosts of the inventory (a pattern of yours). What is told of another name has an empty
        C(target).
    type: dict
    default: {}
  types:
    description:
      - Which events to take, by the names of their channels.
    type: list
    elements: str
    default: all of them
  login_user:
    description:
      - User of the Sentinels, if they have users.
    type: str
  login_password:
    description:
      - Password of the Sentinels, if they want one.
    type: str
  tls:
    description:
      - Whether they speak TLS.
    type: bool
    default: false
  validate_certs:
    description:
      - Whether their certificates have to be valid.
    type: bool
    default: true
  ca_certs:
    description:
      - File of the certificates that sign theirs.
    type: str
  client_cert_file:
    description:
      - File of a certificate to show, with O(client_key_file).
    type: str
  client_key_file:
    description:
      - File of its key.
    type: str
  connect_timeout:
    description:
      - Seconds to connect, and for an answer.
    type: float
    default: 5
  window:
    description:
      - Seconds within which the same event from another Sentinel is the same event.
    type: float
    default: 10
  silent:
    description:
      - After how many seconds without any Sentinel that is told.
    type: float
    default: 30
"""

EXAMPLES = r"""
- aragora.redis.sentinel_events:
    sentinels: [10.0.0.1, 10.0.0.2, "10.0.0.3:26380"]
    masters: {mymaster: shop}
    login_password: "{{ SENTINEL_PASSWORD | tojson }}"
"""

# ansible-rulebook runs a plugin as a lone file: the collection is no package for it.
COLLECTION = Path(__file__).resolve().parents[4]
READ = runpy.run_path(str(COLLECTION / "plugins" / "module_utils" / "_sentinel_events.py"))
LOG = logging.getLogger("aragora.redis.sentinel_events")
# As Ansible reads them.
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
# What comes from the source itself.
OWN_TYPES = ("reachable", "unreachable")


def _words(name: str, value: Any) -> list[str]:
    """A list, or text with commas."""
    if not isinstance(value, (str, list, tuple)):
        raise ValueError(f"{name}: give a list, not {value!r}")
    return [str(word).strip() for word in (value.split(",") if isinstance(value, str) else value) if str(word).strip()]


def _types(name: str, value: Any) -> list[str]:
    found = _words(name, value)
    for word in found:
        if word not in OWN_TYPES and not READ["TYPE"].fullmatch(word):
            raise ValueError(f"{name}: '{word}' is no name of a channel: give such as +switch-master, +odown, -sdown")
    return found


def _masters(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(
            f"{name}: {value!r} cannot be read: give a mapping of the names that the Sentinels watch to hosts of the inventory"
        )
    for master, hosts in value.items():
        if not isinstance(hosts, str) or not hosts.strip():
            raise ValueError(f"{name}: '{master}' has {hosts!r}: give hosts of the inventory, as text (a group, or host1:host2)")
    return {str(master): hosts.strip() for master, hosts in value.items()}


def _seconds(name: str, value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: {value!r} cannot be read: give seconds") from None
    if not SHORTEST <= found <= LONGEST:
        raise ValueError(f"{name}: {value!r} cannot be meant: give {SHORTEST} to {LONGEST} seconds")
    return found


def _switch(name: str, value: Any) -> bool:
    text = str(value).lower()
    if text not in TRUE + FALSE:
        raise ValueError(f"{name}: {value!r} cannot be read: give true or false")
    return text in TRUE


def _told(dummy: str, value: Any) -> str | None:
    # A password of digits is text as well.
    return None if value in (None, "") else str(value)


def _file(name: str, value: Any) -> str | None:
    if value in (None, ""):
        return None
    path = Path(str(value)).expanduser()
    try:
        with path.open("rb"):
            return str(path)
    except OSError as error:
        raise ValueError(f"{name}: {str(value)!r} cannot be read: {error.strerror}") from None


# {option: (default, how it is read)}
OPTIONS: dict[str, tuple[Any, Any]] = {
    "sentinels": ([], _words), "masters": ({}, _masters), "types": ([], _types), "login_user": (None, _told),
    "login_password": (None, _told), "tls": (False, _switch), "validate_certs": (True, _switch), "ca_certs": (None, _file),
    "client_cert_file": (None, _file), "client_key_file": (None, _file), "connect_timeout": (5, _seconds), "window": (10, _seconds),
    "silent": (30, _seconds),
}  # fmt: skip
# Names of masters of which it is said that nobody asked for them.
MOST_NAMES = 100
# Seconds between two attempts to connect, at first and at the most.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
# More than a day is a mistake, and nothing is asked without end.
SHORTEST, LONGEST = 0.05, 86_400


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Listen to all of them until cancelled."""
    listener = Listener(queue, _options(args))
    await asyncio.gather(listener.watch(), *(listener.listen(place) for place in listener.places))


def _options(args: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(args) - set(OPTIONS))
    if unknown:
        raise ValueError(f"sentinel_events has no option {', '.join(unknown)}: it has {', '.join(OPTIONS)}")
    read = {}
    for name, (default, how) in OPTIONS.items():
        value = args.get(name)
        read[name] = how(name, default if value is None else value)
    if not read["sentinels"]:
        raise ValueError("sentinels: give at least one address")
    if read["login_user"] and read["login_password"] is None:
        raise ValueError("login_user is given without login_password: give both")
    if bool(read["client_cert_file"]) != bool(read["client_key_file"]):
        raise ValueError("client_cert_file and client_key_file belong together: give both")
    return read


class Listener:
    """One conversation with each Sentinel, and what they share."""

    def __init__(self, queue: asyncio.Queue[Any], options: dict[str, Any]) -> None:
        """Read the addresses; ValueError names one that is none."""
        self._queue = queue
        self._options = options
        # Each of them once.
        self.places: list[tuple[str, int]] = list(dict.fromkeys(READ["address"](text) for text in options["sentinels"]))
        self._heard = READ["Heard"](options["window"])
        self._up: set[tuple[str, int]] = set()
        self._last_up = time.monotonic()
        self._is_silent = False
        self._nobody: set[str] = set()

    async def listen(self, place: tuple[str, int]) -> None:
        """Talk with one Sentinel, again and again."""
        pause = FIRST_PAUSE
        while True:
            try:
                async for message in self._messages(place):
                    await self._tell(message, place)
            except (exceptions.RedisError, OSError, asyncio.TimeoutError) as error:
                pause = FIRST_PAUSE if place in self._up else pause
                LOG.warning("Sentinel %s:%d: %s; again in %.1f s", *place, _said(error), pause)
            finally:
                self._lost(place)
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311  not all of them at once
            pause = min(pause * 2, LONGEST_PAUSE)

    async def watch(self) -> None:
        """Tell when nobody has answered for a while, and when somebody does again."""
        while True:
            await asyncio.sleep(min(1.0, self._options["silent"] / 4))
            if self._up and self._is_silent:
                self._is_silent = False
                await self._put({"type": "reachable"}, "")
            elif not self._up and not self._is_silent and time.monotonic() - self._last_up >= self._options["silent"]:
                self._is_silent = True
                await self._put({"type": "unreachable"}, "")

    async def _messages(self, place: tuple[str, int]) -> Any:
        """Everything that it publishes. An answer to PING is waited for where it says nothing, so that a dead connection is noticed."""
        client = redis_asyncio.Redis(**self._way(place))
        try:
            async with client.pubsub() as subscribed:
                await subscribed.psubscribe("*")
                patience = self._options["connect_timeout"]
                while True:
                    message = await subscribed.get_message(timeout=patience)
                    if message is None:
                        await subscribed.ping()
                        message = await subscribed.get_message(timeout=patience)
                        if message is None:
                            raise exceptions.TimeoutError(f"no answer within {patience:g} s")
                    self._up.add(place)
                    if message["type"] == "pmessage":
                        yield message
        finally:
            await client.aclose()

    def _way(self, place: tuple[str, int]) -> dict[str, Any]:
        options, seconds = self._options, self._options["connect_timeout"]
        way = {"host": place[0], "port": place[1], "username": options["login_user"], "password": options["login_password"]}
        if options["tls"]:
            way |= {
                "ssl": True, "ssl_cert_reqs": "required" if options["validate_certs"] else "none", "ssl_ca_certs": options["ca_certs"],
                "ssl_check_hostname": bool(options["validate_certs"]), "ssl_certfile": options["client_cert_file"],
                "ssl_keyfile": options["client_key_file"],
            }  # fmt: skip
        return {**way, "socket_connect_timeout": seconds, "socket_timeout": seconds}

    def _lost(self, place: tuple[str, int]) -> None:
        if place in self._up:
            self._last_up = time.monotonic()
        self._up.discard(place)

    async def _tell(self, message: dict[str, Any], place: tuple[str, int]) -> None:
        happened = READ["event"](message["channel"], message["data"])
        if happened is None or (self._options["types"] and happened["type"] not in self._options["types"]):
            return
        heard_from = f"{place[0]}:{place[1]}"
        if self._heard.is_new(happened, heard_from, time.monotonic()):
            await self._put(happened, heard_from)

    async def _put(self, happened: dict[str, str], heard_from: str) -> None:
        empty = dict.fromkeys(READ["FIELDS"], "")
        name = happened.get("master_name", "")
        target = self._options["masters"].get(name, "")
        if name and not target and name not in self._nobody and len(self._nobody) < MOST_NAMES:
            self._nobody.add(name)
            known = ", ".join(sorted(self._options["masters"])) or "nobody"
            LOG.warning("a Sentinel tells of the master '%s', of which masters says nothing: it names %s", name, known)
        await self._queue.put({"sentinel": {**empty, **happened, "heard_from": heard_from, "target": target}})


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__

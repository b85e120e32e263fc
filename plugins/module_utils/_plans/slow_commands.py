# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What slow_commands would do to a server: close MONITOR, take KEYS from the application that calls it, watch for a while. Pure.

Beside ``refused`` and ``steps`` the plan holds ``monitors: [id]``, ``users: [{name, rules}]``, ``settings`` for the time of watching with
the ``before`` of each, ``seconds``, ``give_back: {user: rules}``, and ``seen``, sentences about what was slow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _acl
from ansible_collections.aragora.redis.plugins.module_utils._clients import address_of

# What else nobody misses who has not called it since the server was started.
UNUSED = ("flushall", "flushdb", "debug", "shutdown")
# How closely a server is watched: (setting, value, whether the present one is as sharp).
SHARP = (
    ("slowlog-log-slower-than", 1000, lambda now: 0 <= now <= 1000),
    ("slowlog-max-len", 1024, lambda now: now >= 1024),
    ("latency-monitor-threshold", 10, lambda now: 0 < now <= 10),
)
MOST_SEEN = 5
# What our own connections call themselves: _client.py.
OWN_NAME = "aragora.redis"
# Watching must end well within the lease of the run, which is 300 s.
LONGEST = 240
NOTHING: dict[str, Any] = {
    "refused": [], "steps": [], "settings": {}, "before": {}, "monitors": [], "users": [], "give_back": {}, "seen": [], "seconds": 0,
}  # fmt: skip


def plan(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a snapshot. ``options``: ``{users, commands, seconds, accept_noperm, give_back, previous}``. ValueError for odd ones."""
    seconds = _seconds(options.get("seconds"))
    if snapshot["availability"]["state"] != "up":
        return {**NOTHING, "refused": [f"the server cannot be asked ({snapshot['availability']['state']}): {_error(snapshot)}"]}
    if options.get("give_back"):
        return {**NOTHING, **_given_back(options.get("previous") or {})}
    monitors = (snapshot["clients"] or {}).get("monitors") or []
    steps = [f"closes the MONITOR of {_who(row)}, which copies every command to it" for row in monitors]
    users, unwilling = _users(snapshot, options)
    steps += [f"takes {_shown(user['rules'])} from the user {user['name']}: what calls them gets NOPERM" for user in users]
    offenders = _offenders(snapshot)
    unknown = _called_now(snapshot) and not offenders and not users
    seen = _seen(snapshot)
    if not steps and not unknown:
        return {**NOTHING, "refused": ["; ".join([text, *offenders]) for text in unwilling], "seen": seen}
    settings, before = _sharper(snapshot) if seconds else ({}, {})
    if settings or (unknown and seconds):
        told = ", ".join(f"{name} {value}" for name, value in settings.items()) or "its settings as they are"
        steps.append(f"watches for {seconds} s with {told}, and then puts the old values back")
    steps += [f"leaves KEYS allowed: {text}" for text in unwilling]
    ids = [row["id"] for row in monitors]
    return {
        **NOTHING, "steps": [*steps, *offenders], "settings": settings, "before": before, "monitors": ids, "users": users,
        "seen": seen, "seconds": seconds,
    }  # fmt: skip


def _given_back(previous: Mapping[str, Any]) -> dict[str, Any]:
    for name, rules in previous.items():
        if not isinstance(rules, (list, tuple)) or len(_commands(rules)) < 2:
            raise ValueError(f"redis_latency_previous of '{name}' is {rules!r}: give the list of rules that it had, with its commands")
    steps = [f"gives the user {name} back what it had: {' '.join(_commands(rules)[1:])}" for name, rules in previous.items()]
    return {"steps": steps, "give_back": {name: _commands(rules) for name, rules in previous.items()}}


def _commands(rules: Sequence[Any]) -> list[str]:
    """What a user may call, of its rules. The rest was not taken, and may be another by now: a password, keys, that it is off."""
    told = [str(rule) for rule in rules]
    return ["nocommands", *(rule for rule in told if rule.startswith(("+", "-")) or rule == "allcommands")]


def _users(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """(from whom KEYS is taken, with the rules for it; why it is not taken from others)."""
    named = options.get("users") or []
    if isinstance(named, str) or not all(isinstance(name, str) and name for name in named):
        raise ValueError(f"redis_latency_users is {named!r}: give a list of names")
    acl = snapshot["acl"] or {}
    known = {row["name"]: row for row in acl.get("users") or []}
    known.update({"default": acl["default"]} if acl.get("default") else {})
    callers, unwilling = (list(named), []) if named else _callers(snapshot)
    rules, users = _rules(snapshot, options), []
    for name in callers:
        if name in known and "KEYS" not in _acl.dangerous(known[name]):
            continue
        trouble = _why_not(name, acl.get("whoami"), known.get(name), options, is_named=bool(named))
        if trouble:
            unwilling.append(trouble)
        else:
            users.append({"name": name, "rules": rules})
    return users, unwilling


def _why_not(name: str, whoami: str | None, row: Mapping[str, Any] | None, options: Mapping[str, Any], *, is_named: bool) -> str:
    """Why KEYS is not taken from this user, or nothing."""
    accept = "applications that use KEYS will get NOPERM: say so with redis_latency_accept_noperm=true"
    if name in ("default", whoami) and not options.get("accept_noperm"):
        which = "is everybody's who names no other" if name == "default" else "is the one that this run is logged in as"
        return f"KEYS is called by the user {name}, which {which}; give the application a user of its own. Else, all {accept}"
    if is_named or options.get("accept_noperm"):
        return ""
    if row is None:
        return f"nothing is known of the user {name}: name it where it is an application's, redis_latency_users=[{name}]"
    if "CONFIG" in _acl.dangerous(row):
        return f"the user {name} may administer the server: name it where it is an application's, redis_latency_users=[{name}]"
    return ""


def _callers(snapshot: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """(who calls KEYS, why nobody can be named), as far as the connected clients tell: the slow log knows addresses, and no users."""
    addresses = {row["address"] for row in _entries(snapshot)}
    if not addresses and not _called_now(snapshot):
        return [], []
    worst = (snapshot["clients"] or {}).get("worst") or []
    names = sorted({row["user"] for row in worst if row["address"] in addresses or str(row["last_command"]).lower() == "keys"} - {""})
    if names:
        return names, []
    places = {address_of(address) for address in addresses}
    near = sorted({row["user"] for row in worst if address_of(row["address"]) in places} - {""})
    names = near or [row["name"] for row in (snapshot["clients"] or {}).get("applications") or []]
    if len(names) < 2:
        return names, []
    return [], [f"KEYS is called by one of the users {', '.join(names)}, and nobody knows by which: name it, redis_latency_users=[NAME]"]


def _called_now(snapshot: Mapping[str, Any]) -> bool:
    return bool((snapshot["rates"] or {}).get("commands", {}).get("keys"))


def _entries(snapshot: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = (snapshot["slowlog"] or {}).get("entries") or []
    return [row for row in rows if row["command"] == "KEYS" and row["age_seconds"] < 3600]


def _offenders(snapshot: Mapping[str, Any]) -> list[str]:
    """One sentence for each shape of KEYS, to hand to the developers."""
    return [_told(snapshot, group) for group in _groups(snapshot) if group["command"] == "KEYS"]


def _seen(snapshot: Mapping[str, Any]) -> list[str]:
    """The slow commands that cost most, and the latency events, one sentence each."""
    events = (snapshot["latency"] or {}).get("events") or {}
    return [
        *(_told(snapshot, group) for group in _groups(snapshot)[:MOST_SEEN]),
        *(f"latency event {name}: up to {event['max_ms']} ms" for name, event in sorted(events.items())),
    ]


def _groups(snapshot: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    groups = (snapshot["slowlog"] or {}).get("groups") or []
    return [group for group in groups if group["client_names"] != [OWN_NAME]]


def _told(snapshot: Mapping[str, Any], group: Mapping[str, Any]) -> str:
    clients = (snapshot["clients"] or {}).get("worst") or []
    libraries = [row["library"] for row in clients if address_of(row["address"]) in group["addresses"] and row["library"]]
    who = ", ".join(dict.fromkeys([*group["client_names"], *libraries])) or "a client"
    call = f"{group['command']} {group['key_pattern']}".strip()
    places = f" from {', '.join(group['addresses'])}" if group["addresses"] else ""
    instead = f"; instead: {group['instead']}" if group["instead"] else ""
    return f"{call} was called {group['count']} times by {who}{places}, for up to {group['max_us'] / 1000:g} ms{instead}"


def _rules(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """KEYS, and what is as dangerous and was not called by anybody since the server was started; or what the operator names."""
    named = options.get("commands") or []
    if isinstance(named, str) or not all(isinstance(name, str) and name.replace("|", "").isalnum() for name in named):
        raise ValueError(f"redis_latency_commands is {named!r}: give a list of commands, such as [keys, flushall]")
    if named:
        return [f"-{name.lower()}" for name in named]
    stats = (snapshot["info"] or {}).get("commandstats")
    unused = [name for name in UNUSED if stats and not (stats.get(f"cmdstat_{name}") or {}).get("calls")]
    return [f"-{name}" for name in ("keys", *unused)]


def _sharper(snapshot: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, str]]:
    """(settings to watch with, their present values); none where the server does not tell them."""
    config = snapshot["config"] or {}
    wanted = {name: value for name, value, is_sharp in SHARP if name in config and not is_sharp(int(config[name]))}
    return wanted, {name: config[name] for name in wanted}


def _seconds(given: Any) -> int:
    try:
        seconds = int(given)
    except (TypeError, ValueError):
        seconds = -1
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"redis_latency_seconds is {given!r}: give a number from 0 to {LONGEST}")
    return seconds


def _who(row: Mapping[str, Any]) -> str:
    return (
        f"{row['name'] or row['library'] or 'a client'} ({row['address']}, user {row['user'] or 'unknown'}, since {row['age_seconds']} s)"
    )


def _shown(rules: list[str]) -> str:
    return ", ".join(rule[1:].upper() for rule in rules)


def _error(snapshot: Mapping[str, Any]) -> str:
    return str(snapshot["availability"]["error"] or "look at the diagnosis")

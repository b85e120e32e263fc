# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users that the collection itself logs in as, and the least that each of them needs: tables, and the ACL rules made of them. Pure.

``ops_diagnose`` reads, ``ops_remediate`` does what the actions of ``_remedies.py`` do. A row is a command as ACL rules write it; the
contract test compares them with what the code sends, the incident suite runs with nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.aragora.redis.plugins.module_utils import _remedies

DIAGNOSE, REMEDIATE = "ops_diagnose", "ops_remediate"
USERS = (DIAGNOSE, REMEDIATE)
CANARY = "aragora.redis:canary:*"

# What tells of the server, and of its users and clients; none of it is about keys.
LOOK = (
    "ping", "select", "info", "config|get", "client|setname", "client|id", "client|list", "slowlog|get", "slowlog|len", "latency|latest",
    "latency|histogram", "memory|stats", "memory|doctor", "acl|whoami", "acl|getuser", "module|list", "cluster|info", "cluster|nodes",
    "function|stats", "role",
)  # fmt: skip
# What tells of keys, but of no value.
KEYS = (
    "scan", "dbsize", "type", "pttl", "memory|usage", "object|encoding", "hlen", "llen", "scard", "zcard", "xlen", "readonly",
    "client|no-touch",
)  # fmt: skip
# What the modules that read ask for when they are called by themselves.
HISTORY = ("latency|history", "time")
# The canary of the verification, and what a killed run has left to be put back.
EVERY_ACTION = ("set", "get", "del", "wait", "config|set")
KEEP = ("config|rewrite",)
USERS_OF_OTHERS = ("acl|list", "acl|cat", "acl|setuser", "acl|save", *KEEP)
SWITCH = ("failover", "cluster|failover", "replicaof", "client|pause", "client|unpause", "client|kill", *KEEP)
REPLICATE = ("replicaof", *KEEP)
# redis-cli sends what is not the code's own where it fetches a backup.
FETCH = ("sync", "psync", "replconf")
BACKUP = ("bgsave", "lastsave", "scan", "dbsize", "type", "pttl", "time", *FETCH)

# What each action needs beside LOOK and EVERY_ACTION.
ACTIONS: dict[str, tuple[str, ...]] = {
    "restart": ("bgsave",),
    "wait": (),
    "check_network": (),
    "failover": SWITCH,
    "rolling_restart": ("bgsave", *SWITCH),
    "rolling_upgrade": ("bgsave", *SWITCH),
    "kill_script": ("script|kill", "function|kill"),
    "heal_replication": REPLICATE,
    "tune_memory": ("memory|purge", *KEEP),
    "tidy_memory": ("memory|purge", *KEEP),
    "tune_clients": ("client|kill", *KEEP),
    "slow_commands": ("client|kill", *USERS_OF_OTHERS),
    "restart_application": (),
    "tune_pools": (),
    "prevent": (*USERS_OF_OTHERS, "acl|deluser", "bgsave"),
    "migrate_to_sentinel": REPLICATE,
    "add_replica": REPLICATE,
    "remove_replica": REPLICATE,
    "restore": (*BACKUP, "replicaof"),
    "flush": (*dict.fromkeys((*BACKUP, *KEYS)), "unlink", "flushdb"),
    "fallback_disable": (),
}
# They take data away, from any key: only who is named for them may.
OF_ALL_KEYS = ("restore", "flush")
# {command: the release of Redis whose rules know it}; Valkey has them all. Before 7.0 rules take any word after a command that there is,
# and what is sent without being there is not denied then, but unknown.
SINCE = {"function|stats": (7, 0), "function|kill": (7, 0), "client|no-touch": (7, 2)}
# Since it rules know subcommands, and keys that are allowed for reading only.
STRICT = (7, 0)
# Which commands of the code nobody is granted, and why.
NOT_GRANTED = {
    "latency|reset": "the module redis_latency throws events away when it is told to; no action does",
    "slowlog|reset": "the module redis_slowlog throws entries away when it is told to; no action does",
    "multi": "is sent for these two only",
    "exec": "is sent for these two only",
    "exists": "is asked for by the application's own login",
}


def commands(user: str, actions: Iterable[str] | None = None) -> tuple[str, ...]:
    """What a user may call, each once. ``actions`` are those that ``ops_remediate`` is for; without it all but those that
    take data away. ValueError for unknown ones.
    """
    if user == DIAGNOSE:
        return tuple(dict.fromkeys((*LOOK, *KEYS, *HISTORY)))
    if user != REMEDIATE:
        raise ValueError(f"there is no user '{user}' in the table: choose from {', '.join(USERS)}")
    chosen = _chosen(actions)
    return tuple(dict.fromkeys((*LOOK, *EVERY_ACTION, *(command for name in chosen for command in ACTIONS[name]))))


def rules(user: str, product: str, release: tuple[int, ...], actions: Iterable[str] | None = None) -> list[str]:
    """The rules of a user on a server of that product and release, for redis_acl and ACL SETUSER. ValueError for an unknown user."""
    known = [name for name in commands(user, actions) if product == "valkey" or _is_known(name, release)]
    reading = "%R~*" if product == "valkey" or release >= STRICT else "~*"
    changing = "~*" if set(OF_ALL_KEYS) & set(_chosen(actions)) else f"~{CANARY}"
    return ["on", changing if user == REMEDIATE else reading, *(f"+{name}" for name in known)]


def _chosen(actions: Iterable[str] | None) -> list[str]:
    if actions is None:
        return [name for name in ACTIONS if name not in OF_ALL_KEYS]
    return [str(_remedies.action(str(name))["name"]) for name in actions]


def _is_known(command: str, release: tuple[int, ...]) -> bool:
    """Whether the rules of this release of Redis take a command."""
    since = SINCE.get(command, (0,))
    return release >= since or (release < STRICT < since)

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who replicates whom, and what would be lost were it otherwise. Pure: INFO in, plain data and sentences out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Info = Mapping[str, Mapping[str, Any]]
# How a Sentinel names its two connections to each server that it watches.
OF_SENTINEL = re.compile(r"sentinel-[0-9a-f]{8}-(cmd|pubsub)\Z")


def place(info: Info) -> dict[str, Any]:
    """``{role: master|replica, master_host, master_port}``; of a master the last two are None."""
    replication = info.get("replication") or {}
    if replication.get("role") != "slave":
        return {"role": "master", "master_host": None, "master_port": None}
    return {"role": "replica", "master_host": str(replication.get("master_host")), "master_port": replication.get("master_port")}


def shown(where: Mapping[str, Any]) -> str:
    """A place as people read it."""
    return "master" if where["role"] == "master" else f"replica of {where['master_host']}:{where['master_port']}"


def sentinels_among(clients: Iterable[Mapping[str, Any]]) -> list[str]:
    """The addresses of those clients that are Sentinels watching this server."""
    watching = {str(client.get("addr", "?")).rpartition(":")[0] for client in clients if OF_SENTINEL.match(str(client.get("name") or ""))}
    return sorted(watching)


def keys_of(info: Info) -> int:
    """How many keys a server holds, in all of its databases."""
    return sum(int(row.get("keys") or 0) for row in (info.get("keyspace") or {}).values() if isinstance(row, Mapping))


def held(info: Info) -> str:
    """What a full copy from another server would take away, in words; nothing where the server is empty. Functions came with Redis 7.0."""
    functions = int((info.get("memory") or {}).get("number_of_functions") or 0)
    counted = ((keys_of(info), "keys"), (functions, "functions"))
    return " and ".join(f"{number} {what}" for number, what in counted if number)


def loss(own: Info, master: Info | None) -> str | None:
    """What a server would lose by following this master, in words; None where the master has everything that it holds."""
    holds = held(own)
    if not holds:
        return None
    if master is None:
        return f"it holds {holds}, and whether the master has them cannot be told"
    mine, theirs = own.get("replication") or {}, master.get("replication") or {}
    offset, history = int(mine.get("master_repl_offset") or 0), mine.get("master_replid")
    # The second history is that of the master that this one was a replica of; it has it up to the byte before this offset.
    known = {
        theirs.get("master_replid2"): int(theirs.get("second_repl_offset") or 0) - 1,
        theirs.get("master_replid"): int(theirs.get("master_repl_offset") or 0),
    }
    if not history or history not in known:
        return f"it holds {holds} with a history that is not the master's"
    ahead = offset - known[history]
    return f"it holds {holds} and is {ahead} bytes ahead of the master" if ahead > 0 else None


def run_id_of(info: Info) -> str | None:
    """Changes with each start of a server, and is no other server's."""
    found = (info.get("server") or {}).get("run_id")
    return str(found) if found else None


def refusal(address: str, wanted: str, watchers: Sequence[str], lost: str | None, accepted: Mapping[str, bool]) -> str | None:
    """Why a server is not made what is wanted, in one sentence with the way out; None where nothing speaks against it."""
    if watchers and not accepted["sentinel_watched"]:
        return (
            f"{address} is watched by Sentinel ({', '.join(watchers)}), which decides who is master: "
            f"it is not made {wanted}; have Sentinel fail over, or set sentinel_watched: accept where this is part of just that"
        )
    if lost and not accepted["data_loss"]:
        return (
            f"{address} would be wiped by making it {wanted}: {lost}; "
            "choose the server with the data as the master, or set accept_data_loss: true where this data may go"
        )
    return None

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules talk to a server and to people: all or nothing, and one sentence for what is refused or cannot be meant."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, connected

# What comes of reading a reply that is not what Redis documents.
NOT_SHAPED = (AttributeError, IndexError, KeyError, OverflowError, StopIteration, TypeError)


def transaction(client: Client, commands: Sequence[tuple[str | int, ...]]) -> list[Any]:
    """The replies of MULTI … EXEC. MULTI goes first and alone: were it refused, the commands would run one by one."""
    try:
        client.call("MULTI")
    except Refused as error:
        raise ValueError(refusal(client, ("MULTI",), error)) from None
    *queued, done = client.pipeline([*commands, ("EXEC",)])
    results = done if isinstance(done, list) else []
    for command, reply in (*zip(commands, queued), (("EXEC",), done), *zip(commands, results)):
        if isinstance(reply, Refused):
            raise ValueError(refusal(client, command[:2], reply))
    return results


def refusal(client: Client, command: Sequence[str | int], text: object) -> str:
    """One sentence: who refuses what, in the server's own words, and for a missing permission what to grant."""
    words = [str(word) for word in command]
    grant = f"; grant this user +{'|'.join(words).lower()}" if "NOPERM" in str(text) else ""
    return f"{client.endpoint.address} refuses {' '.join(words)} ({text}){grant}"


@contextlib.contextmanager
def documented(address: str) -> Iterator[None]:
    """ValueError, in one sentence, where the replies within are not what Redis documents: who answers there may be anybody."""
    try:
        yield
    except NOT_SHAPED as error:
        told = f"({type(error).__name__}): see what answers there"
        raise ValueError(f"the replies of {address} are not what Redis documents {told}") from None


@contextlib.contextmanager
def conversation(module: Any) -> Iterator[Client]:
    """The client that a module's options ask for, closed at the end; ValueError for replies that are not what Redis documents."""
    client = connected(module)
    with contextlib.closing(client), documented(client.endpoint.address):
        yield client


def check_number(name: str, value: float | None, smallest: float, largest: float) -> None:
    """ValueError when the option is given and out of range."""
    if value is not None and not smallest <= value <= largest:
        raise ValueError(f"{name} is {value}: give a number from {smallest} to {largest}")

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The canary: a key that is written, read, replicated and deleted, to prove that a server takes writes."""

from __future__ import annotations

import binascii
import itertools
import uuid
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused

PREFIX = "aragora.redis:canary:"
LIVES_SECONDS = 60
SLOTS = 16384


def sing(client: Client, replicas: int, patience_ms: int, slots: list[list[int]] | None = None) -> list[str]:
    """Write, read, wait for the replicas, delete: what did not work, in sentences. Raises Unavailable when the connection breaks.

    ``slots`` are those that a node of a cluster serves, as ``[first, last]``.
    """
    key, value = key_for(slots), uuid.uuid4().hex
    written, acknowledged, read = client.pipeline(
        [("SET", key, value, "EX", LIVES_SECONDS), ("WAIT", replicas, patience_ms if replicas else 1), ("GET", key)]
    )
    deleted = client.pipeline([("DEL", key)])[0]
    found = []
    if isinstance(written, Refused):
        return [f"it refuses a write: {written}"]
    if read != value:
        found.append(f"what was written cannot be read: {read}" if isinstance(read, Refused) else "what was written is not what is read")
    if replicas and isinstance(acknowledged, Refused):
        found.append(f"it refuses WAIT: {acknowledged}")
    elif replicas and int(acknowledged) < replicas:
        found.append(f"{acknowledged} of {replicas} replicas have acknowledged a write within {patience_ms} ms")
    if isinstance(deleted, Refused):
        found.append(f"it refuses to delete {key}, which ends by itself after {LIVES_SECONDS} s: {deleted}")
    return found


def key_for(slots: list[list[int]] | None) -> str:
    """A name that nobody else has, in one of these slots."""
    for number in itertools.count():
        tag = uuid.uuid4().hex
        if slots is None or any(first <= slot(tag) <= last for first, last in slots) or number > 20 * SLOTS:
            return f"{PREFIX}{{{tag}}}"
    raise AssertionError  # itertools.count() has no end


def slot(tag: str) -> int:
    """The slot of a hash tag. Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/"""
    return binascii.crc_hqx(tag.encode(), 0) % SLOTS


def own_slots(nodes: list[dict[str, Any]]) -> list[list[int]]:
    """The slots of the node that was asked."""
    return next((node["slots"] for node in nodes if "myself" in node["flags"]), [])

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sample of the keys for a snapshot: taken when everything else was read, so that it disturbs nothing that is measured.

Over connections of its own, because it may be a replica that is read. Whatever goes wrong stands in ``denied``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._client import Refused, Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint
from ansible_collections.aragora.redis.plugins.module_utils._gather_plan import Plan
from ansible_collections.aragora.redis.plugins.module_utils._keyspace_run import answer, keyspace_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._keyspace_server import opened
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import Snapshot

# What differs from redis_keyspace's own defaults. A report is handed around: names of keys may be personal, patterns are not.
OPTIONS = {"mask_keys": True, "most_patterns": 20, "biggest": 5}
# What an answer of an unknown shape may raise, beside the refusals.
TROUBLE = (Unavailable, Refused, ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)


def sample(endpoint: Endpoint, snapshot: Snapshot, plan: Plan) -> None:
    """Put a sample of the keys into the snapshot, where it is one of a server with keys that INFO tells of."""
    db = fullest(snapshot["info"] or {})
    if db is None or snapshot["server"]["mode"] == "sentinel":
        return
    try:
        snapshot["keyspace"] = _taken(replace(endpoint, db=db), plan)
    except TROUBLE as error:
        snapshot["denied"]["keyspace"] = str(error) or type(error).__name__


def fullest(info: Mapping[str, Any]) -> int | None:
    """The number of the database with the most keys; None where there are no keys."""
    found = [
        (record.get("keys"), -int(name[2:]))
        for name, record in (info.get("keyspace") or {}).items()
        if name[:2] == "db" and name[2:].isdecimal() and isinstance(record, Mapping) and isinstance(record.get("keys"), int)
    ]
    return -max(found)[1] if found and max(found)[0] else None


def _taken(endpoint: Endpoint, plan: Plan) -> dict[str, Any]:
    """What redis_keyspace tells of a sample. ValueError where not a single key could be looked at."""
    options = {name: option.get("default") for name, option in keyspace_argument_spec().items()}
    options.update({"connect_timeout": plan.connect_timeout, "timeout": plan.timeout, **OPTIONS})
    with contextlib.closing(opened(endpoint, plan.connect_timeout, plan.timeout)) as client:
        # There are no slices, so there is no state and no folder for it.
        found: dict[str, Any] = answer(client, options, "")["keyspace"]
    if found["keys_read"] <= found["keys_refused"]:
        refused = f"none of the {found['keys_refused']} keys that were asked may be looked at by this user"
        raise ValueError(found["error"] or (refused if found["keys_refused"] else "the keys were gone before they could be read"))
    return found

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request that makes the application write to Redis, and the proof that it did: its keys are found there, and deleted."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _application_http, _application_redis
from ansible_collections.aragora.redis.plugins.module_utils import _application_text as words
from ansible_collections.aragora.redis.plugins.module_utils._application_gather import profile_of
from ansible_collections.aragora.redis.plugins.module_utils._application_service import Service
from ansible_collections.aragora.redis.plugins.module_utils._client import Refused, Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import Denied

SECONDS = 10.0
# An application may write after it has answered.
PATIENCE = 2.0
INTERVAL = 0.05
TRIES = 20
TROUBLE = (Denied, Unavailable, Refused)


def probe(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """``{changed, probe, denied}``; see the RETURN block of redis_application_probe. ValueError for a probe that cannot be meant."""
    profile = profile_of(options)
    said = profile["probe"]
    _check(said)
    if check_mode or not said["url"]:
        return {"changed": False, "probe": None, "denied": {}}
    service = Service(profile)
    denied = {name: service.hide(text) for name, text in service.denied.items()}
    filling, before = _unused(service, said, options, denied)
    request = {"method": said["method"], "headers": words.filled(said["headers"], filling), "body": words.filled(said["body"], filling)}
    answer = _application_http.ask(said["url"], said["within"] or SECONDS, service.secrets, request)
    keys = [key for key in words.filled(said["keys"], filling) if key not in before]
    found, left = _cleaned(service, keys, options, denied)
    wrote = None if found is None else bool(found)
    return {
        "changed": False,
        "probe": {**answer, "key_count": len(keys), "found": len(found or []), "wrote_to_redis": wrote, "left": left},
        "denied": denied,
    }


def _check(said: Mapping[str, Any]) -> None:
    """Whatever is deleted afterwards must be the probe's own."""
    fixed = [key for key in said["keys"] if "{id}" not in key and "{number}" not in key]
    if fixed:
        raise ValueError(f"redis_application.probe.keys has '{fixed[0]}' without {{id}} or {{number}}: it may be somebody else's")
    if said["url"] and not said["url"].startswith(("http://", "https://")):
        raise ValueError(f"redis_application.probe.url is '{said['url']:.60}': give an address that begins with http:// or https://")


def _unused(service: Service, said: Mapping[str, Any], options: dict[str, Any], denied: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """(what the placeholders are, keys that are there already and so are not the probe's): new ones, until none is."""
    filling, before = _new(), []
    if said["keys"]:
        try:
            with _application_redis.opened(service, options) as client:
                before = _application_redis.there(client, words.filled(said["keys"], filling))
                for dummy in range(TRIES):
                    if not before:
                        break
                    filling = _new()
                    before = _application_redis.there(client, words.filled(said["keys"], filling))
        except TROUBLE as error:
            denied["redis"] = service.hide(error)
    return filling, before


def _new() -> dict[str, str]:
    return {"id": uuid.uuid4().hex, "number": str(1 + secrets.randbelow(254))}


def _cleaned(service: Service, keys: list[str], options: dict[str, Any], denied: dict[str, str]) -> tuple[list[str] | None, list[str]]:
    """(keys that were found, None where nobody can look; those that could not be deleted)."""
    found: list[str] | None = None
    if not keys:
        return None, []
    try:
        with _application_redis.opened(service, options) as client:
            end = time.monotonic() + PATIENCE
            while True:
                found = _application_redis.there(client, keys)
                if len(found) == len(keys) or time.monotonic() > end:
                    break
                time.sleep(INTERVAL)
            replies = client.pipeline([("DEL", key) for key in found]) if found else []
            denied.pop("redis", None)
            return found, [key for key, reply in zip(found, replies) if isinstance(reply, Refused)]
    except TROUBLE as error:
        denied["redis"] = service.hide(error)
    return found, list(found or [])

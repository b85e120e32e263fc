# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""INFO as typed data, and what it says about the product.

Source: https://redis.io/docs/latest/commands/info/
"""

from __future__ import annotations

import re
from typing import Any

# Sections whose values are records such as ``calls=1,usec=5``; db0 and slave0 are records wherever they stand.
RECORD_SECTIONS = {"commandstats", "errorstats", "latencystats", "keyspace", "modules"}
RECORD_FIELD = re.compile(r"^(db|slave|master)\d+$")
NUMBER = re.compile(r"-?[0-9]{1,20}(?![0-9])(\.[0-9]+)?\Z")
# Numbers in form, but names in meaning.
TEXT_FIELDS = {"redis_version", "valkey_version", "redis_git_sha1", "redis_build_id", "run_id", "master_replid", "master_replid2"}


def parse(text: str) -> dict[str, dict[str, Any]]:
    """INFO's text as ``{section: {field: value}}``; numbers are numbers, records are mappings, section names are lower case."""
    sections: dict[str, dict[str, Any]] = {}
    fields: dict[str, Any] = {}
    name = ""
    # Not splitlines(): paths and names may hold what Python takes for the end of a line.
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.startswith("# "):
            name = line[2:].strip().lower().replace(" ", "_")
            fields = sections.setdefault(name, {})
            continue
        key, colon, value = line.partition(":")
        if colon and sections:
            key, value = _split_key(key, value, name)
            typed = _typed(key, value, name)
            if key == "module" and isinstance(typed, dict):
                # One line each, all of them called so.
                key = f"module_{typed.get('name', '')}"
            fields[key] = typed
    return sections


def product(server: dict[str, Any]) -> tuple[str, str]:
    """(product, version) from the server section; Valkey calls itself redis_version 7.2.4 for the sake of old clients."""
    if server.get("valkey_version") or server.get("server_name") == "valkey":
        return "valkey", str(server.get("valkey_version") or server.get("redis_version", ""))
    return "redis", str(server.get("redis_version", ""))


def version_tuple(version: str) -> tuple[int, ...]:
    """``8.0.2`` as (8, 0, 2), so that versions compare; whatever is no number ends it."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def _split_key(key: str, value: str, section: str) -> tuple[str, str]:
    """A command's name may hold a colon (module commands), its record never does: the last colon before it counts."""
    if section in RECORD_SECTIONS and ":" in value and "=" in value:
        head, dummy, record = value.rpartition(":")
        return f"{key}:{head}", record
    return key, value


def _typed(key: str, value: str, section: str) -> Any:
    if (section in RECORD_SECTIONS or RECORD_FIELD.match(key)) and "=" in value:
        pairs = (item.partition("=") for item in value.split(","))
        return {name: _number(item) for name, dummy, item in pairs}
    return value if key in TEXT_FIELDS else _number(value)


def _number(value: str) -> Any:
    """An int or a float where the text is one, else the text. ``1.00%`` stays text, as do ``nan`` and ``inf``."""
    found = NUMBER.match(value)
    if not found:
        return value
    return float(value) if found.group(1) else int(value)

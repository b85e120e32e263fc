# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an application says, made fit to be shown: without the secrets of its environment, and no longer than people read. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _endpoint, _host_log
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean
from ansible_collections.aragora.redis.plugins.module_utils._secrets import MASK

SECRET_VARIABLE = re.compile(r"PASS(WORD|WD|PHRASE)?|SECRET|TOKEN|CREDENTIAL|(^|_)(KEY|AUTH|DSN|PW|PWD)$", re.IGNORECASE)
SECRET_FIELD = re.compile(r"passw|secret|token|credential|authori[sz]ation|cookie|api_?key", re.IGNORECASE)
URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# Words that switch something are no secrets, whatever the variable is called; shorter ones would hide half of every text.
WORDS = {"true", "false", "none", "null", "redis", "memory", "default"}
SHORTEST = 4
DEEPEST = 12
MOST_ITEMS = 200


def secrets_in(variables: Mapping[str, str]) -> set[str]:
    """What must not be seen of an environment: passwords in URLs, and the values of variables that are called like a secret."""
    found: set[str] = set()
    for name, value in variables.items():
        if URL.match(value):
            found |= _endpoint.secrets_of(value)
        elif SECRET_VARIABLE.search(name) and value.lower() not in WORDS:
            found.add(value)
    return {secret for secret in found if len(secret) >= SHORTEST}


def masked(text: str, secrets: Collection[str]) -> str:
    """One line without secrets and without what a terminal would obey."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
        inner = json.dumps(secret)[1:-1]
        text = text.replace(inner, MASK)
    return clean(_host_log.masked(text), _host_log.LONGEST)


def masked_data(data: Any, secrets: Collection[str], depth: int = 0) -> Any:
    """JSON data with every text masked; fields that are called like a secret are hidden, and too much of it is cut off."""
    if isinstance(data, str):
        return masked(data, secrets)
    if depth >= DEEPEST and isinstance(data, (dict, list)):
        return None
    if isinstance(data, dict):
        rows = list(data.items())[:MOST_ITEMS]
        return {
            masked(str(name), secrets): MASK if SECRET_FIELD.search(str(name)) and isinstance(value, (str, list, dict)) and value
            else masked_data(value, secrets, depth + 1)
            for name, value in rows
        }  # fmt: skip
    return [masked_data(item, secrets, depth + 1) for item in data[:MOST_ITEMS]] if isinstance(data, list) else data


def json_in(text: str) -> Any:
    """The JSON document in a text, which may have lines before and after it; None where there is none."""
    for first, last in (("", ""), ("{", "}"), ("[", "]")):
        start, end = (text.find(first), text.rfind(last)) if first else (0, len(text) - 1)
        if 0 <= start <= end:
            try:
                return json.loads(text[start : end + 1])
            except (ValueError, RecursionError):
                continue
    return None


def filled(data: Any, words: Mapping[str, str]) -> Any:
    """``{id}`` and its like replaced in every text; other braces stay as they are."""
    if isinstance(data, str):
        for name, word in words.items():
            data = data.replace(f"{{{name}}}", word)
        return data
    if isinstance(data, dict):
        return {filled(name, words): filled(value, words) for name, value in data.items()}
    return [filled(item, words) for item in data] if isinstance(data, list) else data


def journal(
    lines: Sequence[Mapping[str, Any]], redis: Sequence[str], never: Sequence[str], secrets: Collection[str], most: int
) -> dict[str, Any]:
    """``{read, matched, by_pattern, samples}``: lines that mean Redis, counted by pattern, the last ones shown."""
    patterns, unwanted = [re.compile(pattern) for pattern in redis], [re.compile(pattern) for pattern in never]
    counted: dict[str, int] = {}
    samples: dict[str, dict[str, Any]] = {}
    for line in lines:
        pattern = next((pattern for pattern in patterns if pattern.search(line["text"])), None)
        if pattern is None or any(other.search(line["text"]) for other in unwanted):
            continue
        counted[pattern.pattern] = counted.get(pattern.pattern, 0) + 1
        shown = masked(line["text"], secrets)
        samples.pop(shown, None)
        samples[shown] = {"age_seconds": line["age_seconds"], "text": shown}
    last = list(samples.values())[-most:] if most else []
    return {"read": len(lines), "matched": sum(counted.values()), "by_pattern": counted, "samples": last}

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The profile of an application: how it uses Redis. Checked and completed; what it means is written in docs/application.md.

A profile is one mapping. What is not given comes from the profile that ``profile`` names, sections merged key by key.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

TEXT, TEXTS, NUMBER, VARIABLES, WORDS_OF, PATTERNS, ANYTHING = "text", "texts", "number", "variables", "words of", "patterns", "anything"
# {section: {key: kind}}; the section "" holds what stands at the top.
SHAPE: dict[str, dict[str, str]] = {
    "": {
        "profile": TEXT, "name": TEXT, "hosts": TEXTS, "instances": NUMBER, "unit": TEXT, "container": TEXT, "compose_folder": TEXT,
        "compose_service": TEXT, "environment_files": TEXTS, "user": TEXT, "working_directory": TEXT, "python": TEXT,
        "client_library": TEXT, "url_variables": TEXTS,
    },
    # Expressions are JMESPath over the JSON of the answer.
    "readiness": {"url": TEXT, "status": NUMBER, "ready": TEXT, "redis": TEXT, "reason": TEXT, "redis_reason": TEXT, "within": NUMBER},
    "validation": {"argv": TEXTS, "works": TEXT, "skipped": TEXT, "required": TEXT, "message": TEXT, "within": NUMBER},
    "probe": {
        "url": TEXT, "method": TEXT, "headers": VARIABLES, "body": ANYTHING, "status": NUMBER, "works": TEXT, "keys": TEXTS,
        "within": NUMBER,
    },
    "fallback": {
        "variables": VARIABLES, "only_where_true": VARIABLES, "refused_where": WORDS_OF, "costs": TEXTS, "within": NUMBER,
    },
    "pool": {"variables": TEXTS, "default": NUMBER, "clients": NUMBER, "processes": NUMBER},
    "journal": {"redis": PATTERNS, "never": PATTERNS},
}  # fmt: skip
# What findings and keys mean to the people who use the application: [{findings: [id], keys: [glob], means: sentence}].
IMPACT = "impact"
IMPACT_KEYS = {"findings", "keys", "means"}
DEFAULTS: dict[str, Any] = {"instances": 1, "method": "GET", "status": 200, "within": 120}
SHOWN = 60


def complete(given: Mapping[str, Any] | None, base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The whole profile: every section and key of SHAPE is there, None, [] or {} where nobody gave it.

    ValueError names what cannot be meant.
    """
    mine, below = _checked(given), _checked(base)
    whole: dict[str, Any] = {}
    for section, keys in SHAPE.items():
        own, other = (mine, below) if not section else (mine.get(section) or {}, below.get(section) or {})
        values = {key: _first(own.get(key), other.get(key), _nothing(kind, key)) for key, kind in keys.items()}
        if section:
            whole[section] = values
        else:
            whole.update(values)
    whole[IMPACT] = mine.get(IMPACT) or below.get(IMPACT) or []
    whole["name"] = whole["name"] or whole["unit"] or whole["container"] or whole["profile"] or "application"
    if whole["instances"] < 1:
        raise ValueError("redis_application.instances is 0: give the number of its instances on all hosts, 1 or more")
    return whole


def _checked(given: Mapping[str, Any] | None) -> dict[str, Any]:
    if not isinstance(given, (Mapping, type(None))):
        raise ValueError(f"redis_application is {given!r:.{SHOWN}}: give a mapping, such as {{profile: aragora, hosts: [app1]}}")
    checked: dict[str, Any] = {}
    for name, value in (given or {}).items():
        if name == IMPACT:
            checked[name] = _impact(value)
        elif name in SHAPE and name:
            if not isinstance(value, Mapping):
                raise ValueError(f"redis_application.{name} is {value!r:.{SHOWN}}: give a mapping of {', '.join(SHAPE[name])}")
            checked[name] = {key: _value(f"{name}.{key}", _kind(name, key), part) for key, part in value.items()}
        else:
            checked[name] = _value(name, _kind("", name), value)
    return checked


def _kind(section: str, key: str) -> str:
    kind = SHAPE[section].get(key)
    if kind:
        return kind
    known = sorted(SHAPE[section]) if section else sorted({*SHAPE[""], *SHAPE, IMPACT} - {""})
    near = difflib.get_close_matches(str(key), known, 1)
    place = f"redis_application.{section}." if section else "redis_application."
    raise ValueError(f"{place}{key} is unknown: {f'did you mean {near[0]}?' if near else 'choose from ' + ', '.join(known)}")


def _value(name: str, kind: str, value: Any) -> Any:
    """The value in its kind; ValueError where it is of another one."""
    if value is None or kind == ANYTHING:
        return value
    if kind == TEXT and isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    if kind == NUMBER and _is_number(value):
        return int(value)
    if kind in (TEXTS, PATTERNS) and isinstance(value, list) and all(isinstance(item, (str, int)) for item in value):
        return [_pattern(name, str(item)) if kind == PATTERNS else str(item) for item in value]
    if kind == VARIABLES and isinstance(value, Mapping):
        return {str(variable): _word(word) for variable, word in value.items()}
    if kind == WORDS_OF and isinstance(value, Mapping) and all(isinstance(words, list) for words in value.values()):
        return {str(variable): [_word(word) for word in words] for variable, words in value.items()}
    raise ValueError(f"redis_application.{name} is {value!r:.{SHOWN}}: give {_WANTED[kind]}")


_WANTED = {
    TEXT: "a text",
    TEXTS: "a list of texts",
    PATTERNS: "a list of regular expressions",
    NUMBER: "a whole number, 0 or more",
    VARIABLES: "a mapping of names to texts",
    WORDS_OF: "a mapping of names to lists of texts",
}


def _impact(value: Any) -> list[dict[str, Any]]:
    rows = value if isinstance(value, list) else [value]
    for row in rows:
        if not isinstance(row, Mapping) or not row.get("means") or set(row) - IMPACT_KEYS:
            raise ValueError(f"redis_application.impact holds {row!r:.{SHOWN}}: give mappings of findings, keys and means")
    return [{"findings": list(row.get("findings") or []), "keys": list(row.get("keys") or []), "means": str(row["means"])} for row in rows]


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, str) and value.isdigit())) and int(value) >= 0


def _pattern(name: str, text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"redis_application.{name} has '{text:.{SHOWN}}', which is no regular expression: {error}") from None
    return text


def _word(value: Any) -> str:
    """YAML makes true of "true"; in an environment file it is a word."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _nothing(kind: str, key: str) -> Any:
    empty: dict[str, Any] = {TEXTS: [], PATTERNS: [], VARIABLES: {}, WORDS_OF: {}}
    return DEFAULTS.get(key, 0 if kind == NUMBER else empty.get(kind))

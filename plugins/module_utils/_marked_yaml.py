# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items of our own in a list of somebody else's YAML file: between two marks, everything else byte for byte as it was. Pure.

No library writes YAML back as people wrote it, with their comments. This knows as much of YAML as the files of Prometheus and Alertmanager
need, refuses what it does not know, and leaves the last word to promtool and amtool.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

OWNER = "aragora.redis"
# A key that YAML takes for nothing else.
PLAIN = re.compile(r"(?!(?:true|null|false)$)[a-z_]{4,}|url")
EMPTY = ("", "[]", "null", "~")


def with_items(text: str, path: str, items: Sequence[Any], mark: str, last: bool = False) -> str:
    """The text with ``items`` in the list at ``path`` (``scrape_configs``, ``route.routes``), in place of those of an earlier run.

    They come first, or ``last``. Without items what an earlier run has put there is taken away. ValueError.
    """
    # Not splitlines(), which takes more for the end of a line than YAML, and forgets which it was.
    lines = _without(text.removesuffix("\n").split("\n") if text else [], mark)
    if not items:
        return "\n".join([*lines, ""]) if lines else ""
    if any(re.match(r"---\s|\.\.\.\s|---$|\.\.\.$", line) for line in _after_start(lines)):
        raise ValueError("there are several documents in it ('---' or '...'), and only the first is read: keep that one")
    end = "\r" if lines and all(line.endswith("\r") for line in lines if line) else ""
    place, indent, key = _find(lines, path.split("."))
    head = [f"{' ' * indent}{key}:"] if key else []
    deeper = indent + 2 if key else indent
    body = [f"{' ' * deeper}{line}" for item in items for line in _item(item)]
    opened, closed = (f"{' ' * indent}# {word} {OWNER}: {mark}" for word in ("BEGIN", "END"))
    block = [line + end for line in (opened, *head, *body, closed)]
    if last and not key:
        place = _end(lines, place, deeper, key=True)
        while place and not _counts(lines[place - 1]) and f"# END {OWNER}: " not in lines[place - 1]:
            place -= 1
    return "\n".join([*lines[:place], *block, *lines[place:]]) + "\n"


def _after_start(lines: list[str]) -> list[str]:
    """The lines behind the mark with which a document may begin."""
    begins = next((number for number, line in enumerate(lines) if _counts(line)), 0)
    return lines[begins + 1 :]


def _item(value: Any) -> list[str]:
    """The lines of an item of a list."""
    first, *rest = _lines(value)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _lines(value: Any) -> list[str]:
    """The lines of a value; what holds no mapping stands on one."""
    if isinstance(value, Mapping) and value:
        return [line for key, inner in value.items() for line in _pair(str(key), inner)]
    if isinstance(value, list) and any(isinstance(inner, (Mapping, list)) for inner in value):
        return [line for inner in value for line in _item(inner)]
    return [_flow(value)]


def _pair(key: str, value: Any) -> list[str]:
    name = key if PLAIN.fullmatch(key) else _flow(key)
    first, *rest = _lines(value)
    if not rest and not isinstance(value, Mapping) and not first.startswith("- "):
        return [f"{name}: {first}"]
    return [f"{name}:", *(f"  {line}" for line in (first, *rest))]


def _flow(value: Any) -> str:
    """JSON is YAML and quotes whatever has to be; characters beyond ASCII are written in YAML's way, which knows no surrogates."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(char if " " <= char <= "~" else f"\\U{ord(char):08x}" for char in text)


def _without(lines: list[str], mark: str) -> list[str]:
    """The lines without a block of this mark."""
    opened = [number for number, line in enumerate(lines) if line.strip() == f"# BEGIN {OWNER}: {mark}"]
    closed = [number for number, line in enumerate(lines) if line.strip() == f"# END {OWNER}: {mark}"]
    if not opened and not closed:
        return lines
    if len(opened) != 1 or len(closed) != 1 or opened[0] > closed[0]:
        raise ValueError(f"the marks '# BEGIN {OWNER}: {mark}' and '# END {OWNER}: {mark}' have to stand there once each, in this order")
    return lines[: opened[0]] + lines[closed[0] + 1 :]


def _find(lines: list[str], path: list[str]) -> tuple[int, int, str]:
    """(number of the line before which to put items, their indentation, the key that is missing)."""
    start, end, level = 0, len(lines), 0
    for depth, key in enumerate(path):
        number = _key(lines, key, start, end, level)
        if number is None:
            if depth < len(path) - 1:
                raise ValueError(f"there is no '{'.'.join(path[: depth + 1])}' to put anything into")
            return (start if depth else end), level, key
        start, end = number + 1, _end(lines, number + 1, level, key=True)
        inner = [line for line in lines[start:end] if _counts(line)]
        level = _indent(inner[0]) if inner else level + 2
    return start, level, ""


def _key(lines: list[str], key: str, start: int, end: int, level: int) -> int | None:
    """The line of a key at this level. ValueError where its value stands on the same line."""
    for number in range(start, end):
        found = re.fullmatch(rf" {{{level}}}([\"']?){re.escape(key)}\1\s*:(?:\s+(?!#)(.*?))?(?:\s*#.*)?", lines[number])
        if found:
            if (found[2] or "").strip() not in EMPTY:
                raise ValueError(f"'{key}' stands on one line with its value: put each item on a line of its own")
            if (found[2] or "").strip():
                # An empty list in brackets would end before ours begins.
                lines[number] = f"{' ' * level}{key}:" + ("\r" if lines[number].endswith("\r") else "")
            return number
    return None


def _end(lines: list[str], start: int, level: int, key: bool = False) -> int:
    """Where what is deeper than this level ends; a list may stand as far left as its key."""
    for number in range(start, len(lines)):
        line = lines[number]
        if _counts(line) and (_indent(line) < level or (_indent(line) == level and not line.lstrip().startswith("-") and key)):
            return number
    return len(lines)


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment files as systemd reads them (systemd.exec, EnvironmentFile=), and which of several files and settings wins. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TRUE = ("true", "1", "yes", "on")
# In a value without quotes a backslash keeps the next character; in double quotes only before these.
ESCAPED_IN_QUOTES = '"\\`$'
SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./-]*")


def parse(text: str) -> dict[str, str]:
    """The variables of a file; a later line wins. Lines that are no assignment are left out, as systemd does."""
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        if text[place] in " \t\r\n":
            place += 1
        elif text[place] in "#;":
            place = _line_end(text, place)
        else:
            equals, end = text.find("=", place), _line_end(text, place)
            if equals < 0 or equals > end:
                place = end
                continue
            name = text[place:equals].rstrip()
            value, place = _value(text, equals + 1)
            if NAME.fullmatch(name):
                found[name] = value
    return found


def line(name: str, value: str) -> str:
    """One line that reads back as this value. ValueError for what no environment file can hold."""
    if not NAME.fullmatch(name) or "\n" in value or "\0" in value:
        raise ValueError(f"{name} cannot stand in an environment file: names are letters, digits and _, values are one line")
    escaped = "".join(f"\\{letter}" if letter in ESCAPED_IN_QUOTES else letter for letter in value)
    return f"{name}={value}" if SAFE.fullmatch(value) else f'{name}="{escaped}"'


def changed(text: str, name: str, value: str | None) -> str:
    """The file with this variable set, or without it for None; every other byte stays. ValueError where that cannot be done by one line."""
    wanted = {key: old for key, old in parse(text).items() if key != name}
    lines = text.splitlines(keepends=True)
    places = [place for place, one in enumerate(lines) if one.partition("=")[0].strip() == name and "=" in one]
    if value is None:
        new = "".join(one for place, one in enumerate(lines) if place not in places)
    elif places:
        end = lines[places[-1]][len(lines[places[-1]].rstrip("\r\n")) :]
        new = "".join([*lines[: places[-1]], line(name, value) + end, *lines[places[-1] + 1 :]])
    else:
        new = text + ("" if not text or text.endswith("\n") else "\n") + line(name, value) + "\n"
    # A value of several lines would leave its other lines behind.
    whole = all(parse(lines[place]).get(name) == parse(text).get(name) for place in places[-1:])
    if not whole or parse(new) != (wanted if value is None else {**wanted, name: value}):
        raise ValueError(f"{name} stands in the file in a form that one line cannot change: set it by hand")
    return new


def from_unit(words: str) -> dict[str, str]:
    """The variables of ``Environment=`` as ``systemctl show`` prints them."""
    try:
        pairs = shlex.split(words)
    except ValueError:
        pairs = words.split()
    return {name: value for name, equals, value in (pair.partition("=") for pair in pairs) if equals}


def effective(own: Mapping[str, str], files: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What a unit's next start gets: files win over ``Environment=``, later files over earlier ones."""
    merged = dict(own)
    for variables in files:
        merged.update(variables)
    return merged


def is_true(value: str | None) -> bool:
    """Whether a variable switches something on, in the words that applications take."""
    return (value or "").strip().lower() in TRUE


def _line_end(text: str, place: int) -> int:
    """The end of a line that a backslash may continue."""
    while True:
        end = text.find("\n", place)
        if end < 0:
            return len(text)
        if text[end - 1] != "\\":
            return end
        place = end + 1


def _value(text: str, place: int) -> tuple[str, int]:
    """(value, where it ends). Parts in quotes may span lines; outside of them a line ends it and trailing blanks are dropped."""
    while place < len(text) and text[place] in " \t":
        place += 1
    done, kept = "", 0
    while place < len(text) and text[place] not in "\r\n":
        letter = text[place]
        if letter in "'\"" and not done[kept:].strip():
            part, place = _quoted(text, place)
            done = done.rstrip() if kept == 0 else done
            done += part
            kept = len(done)
        elif letter == "\\":
            following = text[place + 1 : place + 2]
            done += "" if following == "\n" else following
            kept = len(done)
            place += 2
        else:
            done += letter
            place += 1
    return done[:kept] + done[kept:].rstrip(), place


def _quoted(text: str, place: int) -> tuple[str, int]:
    quote, done = text[place], ""
    place += 1
    while place < len(text) and text[place] != quote:
        if quote == '"' and text[place] == "\\":
            following = text[place + 1 : place + 2]
            done += following if following in ESCAPED_IN_QUOTES else "" if following == "\n" else "\\" + following
            place += 2
        else:
            done += text[place]
            place += 1
    return done, place + 1

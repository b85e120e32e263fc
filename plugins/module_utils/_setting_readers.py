# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the values of settings are spelled: a reader for every kind, and a writer where the meaning is no plain text or number.

The same readers read what people want and what CONFIG GET answers. A reader raises ValueError with the remedy only ("give …"); who calls it
knows the setting and the value, and whether that may be shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

# https://redis.io/docs/latest/operate/oss_and_stack/management/config-file/ ("1k => 1000 bytes, 1kb => 1024 bytes")
UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1024, "m": 1000**2, "mb": 1024**2, "g": 1000**3, "gb": 1024**3}
LARGEST = 2**63 - 1
# The classes that A stands for, those that are not part of it, and all in the order in which servers write them.
ALL_EVENTS = "g$lshzxetd"
HIDDEN_BY_A = "noc"
EVENT_ORDER = ALL_EVENTS + HIDDEN_BY_A + "KEm"
BUFFER_CLASSES = {"normal": "normal", "slave": "slave", "replica": "slave", "pubsub": "pubsub"}
SIZE_REMEDY = "give a whole number of bytes or one with b, k, kb, m, mb, g or gb (k is 1000, kb is 1024)"
BUFFER_REMEDY = "give class, hard limit, soft limit and seconds of normal, replica or pubsub, for example 'replica 256mb 64mb 60'"
SAVE_REMEDY = "give pairs of seconds and changes, for example '3600 1 300 100', or '' for no snapshots"

Limits = dict[str, tuple[int, int, int]]
SavePoints = tuple[tuple[int, int], ...]


def read_size(raw: Any) -> int:
    """Bytes of ``100mb``, ``100M`` or ``100``; Redis's units, whatever their case."""
    found = re.fullmatch(r"([0-9]{1,19})([a-z]*)", _word(raw, SIZE_REMEDY).lower())
    if not found or found.group(2) not in UNITS:
        raise ValueError(SIZE_REMEDY)
    size = int(found.group(1)) * UNITS[found.group(2)]
    if size > LARGEST:
        # Redis itself multiplies without looking and would take what is left of it.
        raise ValueError(f"give at most {LARGEST} bytes")
    return size


def read_size_or_percent(raw: Any) -> int | str:
    """Bytes, or a share such as ``5%`` as text; ``0%`` is 0."""
    remedy = f"{SIZE_REMEDY}, or a share of maxmemory such as 5%"
    found = re.fullmatch(r"([0-9]{1,3})%", _word(raw, remedy))
    if not found:
        return read_size(raw)
    percent = int(found.group(1))
    if percent > 100:
        raise ValueError(remedy)
    return f"{percent}%" if percent else 0


def read_switch(raw: Any) -> bool:
    """A bool, ``yes`` or ``no``."""
    word = _word(raw, "give yes or no").lower()
    if word not in ("yes", "no", "true", "false"):
        raise ValueError("give yes or no")
    return word in ("yes", "true")


def write_switch(value: bool) -> str:
    """``yes`` or ``no``."""
    return "yes" if value else "no"


def read_integer(raw: Any) -> int:
    """A whole number; Redis knows no units here."""
    remedy = "give a whole number without a unit"
    if isinstance(raw, bool) or not re.fullmatch(r"-?[0-9]{1,19}", _word(raw, remedy)):
        raise ValueError(remedy)
    return int(raw)


def read_mode(raw: Any) -> int:
    """An octal access mode, as text only: YAML turns an unquoted 0700 into the number 448."""
    if not isinstance(raw, str) or not re.fullmatch(r"[0-7]{1,4}", raw):
        raise ValueError("give the octal mode in quotes, for example '700'")
    return int(raw, 8)


def write_mode(mode: int) -> str:
    """The mode in octal digits."""
    return f"{mode:o}"


def read_text(raw: Any) -> str:
    """A text as it is. A bool is none: whether yes, on or true was written is not to be seen any more."""
    if isinstance(raw, bool) or not isinstance(raw, (str, int)):
        raise ValueError("give a text, in quotes where YAML would read something else ('' empties it)")
    return str(raw)


def read_folder(raw: Any) -> str:
    """A path; a slash at its end means nothing."""
    text = read_text(raw)
    return text.rstrip("/") or text[:1]


def read_choice(choices: tuple[str, ...], spellings: Mapping[str, str], raw: Any) -> str:
    """One of the choices, whatever its case; ``spellings`` are other words for them."""
    remedy = f"give one of {', '.join(choices)}"
    word = _word(raw, remedy).lower()
    word = spellings.get(word, word)
    if word not in choices:
        raise ValueError(remedy)
    return word


def read_word_set(choices: tuple[str, ...], raw: Any) -> frozenset[str]:
    """Any of the choices in any order, as a list or in one text."""
    remedy = f"give any of {', '.join(choices)}"
    words = frozenset(word.lower() for word in _flat(raw, remedy))
    if words - set(choices):
        raise ValueError(remedy)
    return words


def write_words(words: Iterable[str]) -> str:
    """Words in their order; those of a set sorted."""
    return " ".join(sorted(words) if isinstance(words, frozenset) else words)


def read_word_list(raw: Any) -> tuple[str, ...]:
    """Words in their order, as a list or in one text."""
    return tuple(_flat(raw, "give words, as a list or in one text"))


def read_number_list(raw: Any) -> tuple[float, ...]:
    """Numbers in their order, as a list or in one text."""
    remedy = "give numbers, as a list or in one text"
    words = _flat(raw, remedy)
    if not all(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", word) for word in words):
        raise ValueError(remedy)
    return tuple(map(float, words))


def write_numbers(numbers: Iterable[float]) -> str:
    """Numbers with as many digits as they need."""
    return " ".join(repr(number)[:-2] if number.is_integer() else repr(number) for number in numbers)


def read_events(raw: Any) -> frozenset[str]:
    """The classes of notify-keyspace-events, with A spelled out."""
    if not isinstance(raw, str) or set(raw) - set("A" + EVENT_ORDER):
        raise ValueError(f"give letters of A{EVENT_ORDER}, or '' for no events")
    events = frozenset(raw.replace("A", ALL_EVENTS))
    unseen = [letter for letter in HIDDEN_BY_A if letter in events]
    if unseen and events >= set(ALL_EVENTS):
        # Redis 7.0 to 8.2 and Valkey 8.1 and 9.1 answer AKE after AKEn was set.
        raise ValueError(
            f"servers do not tell whether '{unseen[0]}' is on beside all classes of A, so it cannot be declared there: "
            f"leave out '{unseen[0]}', or a class of A"
        )
    return events


def write_events(events: frozenset[str]) -> str:
    """The letters in the server's order, with A for all that it stands for."""
    rest = events - set(ALL_EVENTS) if events >= set(ALL_EVENTS) else events
    return ("" if rest == events else "A") + "".join(letter for letter in EVENT_ORDER if letter in rest)


def read_save(raw: Any) -> SavePoints:
    """Save points in the order of their seconds: from text, a list of pairs in any nesting, or ``{seconds: changes}``."""
    flat = _flat(list(raw.items()) if isinstance(raw, dict) else raw, SAVE_REMEDY)
    if len(flat) % 2 or not all(re.fullmatch(r"[0-9]+", word) for word in flat):
        raise ValueError(SAVE_REMEDY)
    numbers = [int(word) for word in flat]
    if 0 in numbers[::2]:
        raise ValueError(SAVE_REMEDY)
    return tuple(sorted(set(zip(numbers[::2], numbers[1::2]))))


def write_save(points: SavePoints) -> str:
    """``3600 1 300 100``, or nothing."""
    return " ".join(f"{seconds} {changes}" for seconds, changes in points)


def read_buffers(raw: Any) -> Limits:
    """Limits by class: from text, a list of such texts, ``{class: [hard, soft, seconds]}`` or a mapping with these three names."""
    if isinstance(raw, dict):
        names = ("hard", "soft", "seconds")
        raw = [[key, [item.get(name) for name in names] if isinstance(item, dict) else item] for key, item in raw.items()]
    flat = _flat(raw, BUFFER_REMEDY)
    rows = [flat[start : start + 4] for start in range(0, len(flat), 4)]
    well_formed = all(len(row) == 4 and row[0].lower() in BUFFER_CLASSES and re.fullmatch(r"[0-9]+", row[3]) for row in rows)
    if not rows or not well_formed:
        raise ValueError(BUFFER_REMEDY)
    limits = {BUFFER_CLASSES[row[0].lower()]: (read_size(row[1]), read_size(row[2]), int(row[3])) for row in rows}
    if len(limits) < len(rows):
        raise ValueError("give every class once (slave and replica are the same)")
    return limits


def write_buffers(limits: Limits) -> str:
    """The classes in the server's order."""
    names = [name for name in dict.fromkeys(BUFFER_CLASSES.values()) if name in limits]
    return " ".join(f"{name} {' '.join(map(str, limits[name]))}" for name in names)


def read_as_written(raw: Any) -> str:
    """For settings of which nothing is known: the text as it is."""
    return _word(raw, "give a text, a number or a bool")


def _word(raw: Any, remedy: str) -> str:
    """A bool, a whole number or a text as Redis writes it."""
    if isinstance(raw, bool):
        return write_switch(raw)
    if isinstance(raw, (str, int)):
        return str(raw)
    raise ValueError(remedy)


def _flat(raw: Any, remedy: str) -> list[str]:
    """Words of texts and numbers, however deep they stand in lists."""
    if isinstance(raw, (list, tuple)):
        return [word for item in raw for word in _flat(item, remedy)]
    return str(raw).split() if isinstance(raw, float) else _word(raw, remedy).split()

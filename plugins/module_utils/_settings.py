# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the value of a setting means: two values are equal when they mean the same to Redis.

Pure: bad input raises ValueError with one sentence that names the setting, the value (unless it is a secret) and the remedy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _setting_readers as readers
from ansible_collections.aragora.redis.plugins.module_utils import _settings_known as known
from ansible_collections.aragora.redis.plugins.module_utils._secrets import MASK, is_secret


def meaning(name: str, raw: Any) -> Any:
    """What a wanted value of a setting means. ValueError when it means nothing."""
    if is_secret(name) and raw == MASK:
        raise ValueError(f"{name} is {MASK}, the mask that stands for a secret in results: give the secret itself")
    try:
        return kind_of(name).read(raw)
    except ValueError as error:
        raise ValueError(f"{name} is {MASK if is_secret(name) else repr(raw)}: {error}") from None


def current_meaning(name: str, text: str) -> Any:
    """What the server's own value means; one that is not known here yet (of a newer server) means itself."""
    try:
        return kind_of(name).read(text)
    except ValueError:
        return text


def same(name: str, one: str, other: str) -> bool:
    """True when two texts of a setting mean the same."""
    return bool(current_meaning(name, one) == current_meaning(name, other))


def merged(name: str, current: str, raw: Any) -> str:
    """The text that the setting has once the wanted value is set: buffer classes that are not mentioned stay as they are."""
    wanted = meaning(name, raw)
    before = current_meaning(name, current)
    if isinstance(wanted, dict) and isinstance(before, dict):
        wanted = {**before, **wanted}
    return kind_of(name).write(wanted)


def is_known(name: str) -> bool:
    """True when enough is known about a setting to tell by reading it whether a value was taken."""
    return canonical(name) in KINDS


def canonical(name: str) -> str:
    """The first of the names of a setting."""
    return CANONICAL.get(name, name)


def names_of(name: str) -> tuple[str, ...]:
    """All names of a setting."""
    return next((names for names in known.SYNONYMS if name in names), (name,))


def kind_of(name: str) -> Kind:
    """How the values of a setting are read and written."""
    return KINDS.get(canonical(name)) or (TEXT if is_secret(name) else AS_WRITTEN)


@dataclass(frozen=True)
class Kind:
    """``read`` makes the meaning of any spelling, ``write`` the text that Redis takes."""

    read: Callable[[Any], Any]
    write: Callable[[Any], str] = str


def _all(names: str, kind: Kind) -> dict[str, Kind]:
    return dict.fromkeys(names.split(), kind)


AS_WRITTEN = Kind(readers.read_as_written)
TEXT = Kind(readers.read_text)
CANONICAL = {other: names[0] for names in known.SYNONYMS for other in names}
KINDS: dict[str, Kind] = {
    **_all(known.SWITCHES, Kind(readers.read_switch, readers.write_switch)),
    **_all(known.INTEGERS, Kind(readers.read_integer)),
    **_all(known.SIZES, Kind(readers.read_size)),
    **_all(known.SIZES_OR_PERCENTS, Kind(readers.read_size_or_percent)),
    **_all(known.MODES, Kind(readers.read_mode, readers.write_mode)),
    **_all(known.TEXTS, TEXT),
    **_all(known.FOLDERS, Kind(readers.read_folder)),
    **_all(known.WORD_LISTS, Kind(readers.read_word_list, readers.write_words)),
    **_all(known.NUMBER_LISTS, Kind(readers.read_number_list, readers.write_numbers)),
    **{name: Kind(partial(readers.read_word_set, words), readers.write_words) for name, words in known.WORD_SETS.items()},
    **{name: Kind(partial(readers.read_choice, choices, known.CHOICE_SPELLINGS.get(name, {}))) for name, choices in known.CHOICES.items()},
    "notify-keyspace-events": Kind(readers.read_events, readers.write_events),
    "save": Kind(readers.read_save, readers.write_save),
    "client-output-buffer-limit": Kind(readers.read_buffers, readers.write_buffers),
}

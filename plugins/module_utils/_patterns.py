# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key names folded to patterns: ``session:8f3c…:cart`` and its thousand sisters become ``session:*:cart``."""

from __future__ import annotations

import re

LONGEST = 120
# What changes from key to key, most specific first. Each alternative must not start or end inside a word.
VARIABLE = re.compile(
    r"""
    [A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+                                  # e-mail address
    | (?<![0-9A-Za-z])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9A-Za-z])  # UUID
    | (?<![0-9A-Za-z])\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?Z?)?(?![0-9A-Za-z])    # date, time
    | (?<![0-9A-Za-z.])\d{1,3}(?:\.\d{1,3}){3}(?![0-9A-Za-z.])                             # IPv4 address
    | (?<![0-9A-Za-z])(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}(?![0-9A-Za-z])                     # hash, hex id
    | (?<![0-9A-Za-z])(?=[A-Za-z_-]*\d)
      (?!(?:[A-Za-z]+|\d+)(?:[_-]+(?:[A-Za-z]+|\d+))*(?![A-Za-z0-9_-]))                    # not words and numbers, as in user_cart_17
      [A-Za-z0-9_-]{16,}(?![0-9A-Za-z])                                                    # token
    | \d+                                                                                  # number
    """,
    re.VERBOSE,
)


def fold(key: str) -> str:
    """The pattern of a key: ids, UUIDs, hashes, dates, addresses and numbers become ``*``.

    A long name is cut with ``…``; what a terminal would obey, not show, is spelled out (``\\x1b``).
    """
    pattern = re.sub(r"\*{2,}", "*", VARIABLE.sub("*", key[: LONGEST * 4]))
    pattern = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in pattern)
    return pattern if len(pattern) <= LONGEST else pattern[: LONGEST - 1] + "…"


# Digits never tell one pattern from another: fold() turns each of them into ``*``. So names that differ in digits only share a shape,
# and what is remembered by shape is found again without a regular expression.
_DIGITS = bytes(0x30 if 0x30 <= code <= 0x39 else code for code in range(256))
_LONG_IDS = re.compile(
    rb"(?<![0-9A-Za-z@])(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?=[a-fA-F]*0)[0-9a-fA-F]{12,})(?![0-9A-Za-z@])"
)
# A part of a name that is no text (surrogates stand for bytes that are no UTF-8) is an id of its own.
_BINARY_PART = re.compile("[^:/|]*[\udc80-\udcff][^:/|]*")
_FIRST_PART = re.compile(r"[^:/|.#_-]*[:/|.#_-]+(?=.)", re.DOTALL)


def shape(key: bytes) -> bytes:
    """The name with every digit as 0, cut to what fold() looks at."""
    return key[: LONGEST * 4].translate(_DIGITS)


def without_ids(shaped: bytes) -> bytes:
    """A shape with each UUID and long hash as a single 0: two names of the same pattern are mostly equal then."""
    return _LONG_IDS.sub(b"0", shaped)


def fold_key(short: bytes) -> str:
    """The pattern of a key's name as the server sent it, given as ``without_ids(shape(name))``."""
    text = short.decode("utf-8", "surrogateescape")
    return fold(_BINARY_PART.sub("*", text))


def widened(pattern: str) -> str:
    """A pattern that stands for more: its first part and ``*``, or ``*`` alone when there is no more to take away."""
    found = _FIRST_PART.match(pattern)
    wide = (found.group() if found else "") + "*"
    return wide if wide != pattern else "*"

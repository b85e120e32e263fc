# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that came from servers, made fit for people's eyes, and numbers in the units that people think in.

Key names, client names and error texts are whatever somebody sent. Shown raw they can colour a terminal, turn a line
around or end a document.
"""

from __future__ import annotations

import math
import re

LONGEST = 200

# Format characters, controls, line and paragraph separators, fillers that have no glyph, and what XML does not allow.
_UNSEEN = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\u0890\u0891\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 17))
)
_SURROGATES = re.compile("[\ud800-\udfff]")
# Marks pile up on one letter and reach into the lines above and below; no language needs more than three.
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_HIDDEN = re.compile(f"[{_UNSEEN}]|(?<=[{_MARKS}]{{3}})[{_MARKS}]")

_SI = ("", " k", " M", " G", " T", " P", " E")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_SPANS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def clean(text: object, longest: int = LONGEST) -> str:
    r"""One line of harmless text: what cannot be seen is shown as ``\xNN`` or ``\uNNNN``, lone surrogates become U+FFFD.

    At most ``longest`` characters, the last of them … where something was cut. Only the beginning of a huge text is looked at.
    """
    whole = text if isinstance(text, str) else str(text)
    shown = _HIDDEN.sub(_escape, _SURROGATES.sub("\ufffd", whole[: longest + 1]))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def human_number(value: float) -> str:
    """``1234567`` as ``1.23 M``; below ten thousand every digit is shown, ``9,999``."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) < 9999.5:
        return exact_number(value) if isinstance(value, int) else _three_digits(value, ",")
    power = 0
    while abs(value) >= 999.5 and power < len(_SI) - 1:
        value, power = value / 1000, power + 1
    return _three_digits(value) + _SI[power]


def human_bytes(value: float) -> str:
    """``1073741824`` as ``1 GiB``, with three digits at most."""
    if not math.isfinite(value):
        return str(value)
    power = 0
    while abs(value) >= 1023.5 and power < len(_BINARY) - 1:
        value, power = value / 1024, power + 1
    return f"{_three_digits(value)} {_BINARY[power]}"


def human_duration(seconds: float) -> str:
    """``0.0019`` as ``1.9 ms``, ``250`` as ``4 min 10 s``, ``93600`` as ``1 d 2 h``: two units at most."""
    if not math.isfinite(seconds):
        return str(seconds)
    if abs(seconds) < 60:
        unit, factor = next(((u, f) for u, f in (("s", 1), ("ms", 1e3)) if abs(seconds) * f >= 1), ("µs", 1e6))
        return f"{_three_digits(seconds * factor)} {unit}" if seconds else "0 s"
    words: list[str] = []
    rest = round(abs(seconds))
    for size, unit in _SPANS:
        count, rest = divmod(rest, size)
        if count or words:
            words.append(f"{count} {unit}" if count else "")
    return ("−" if seconds < 0 else "") + " ".join(filter(None, words[:2]))


def exact_number(value: float) -> str:
    """``1234567`` as ``1,234,567``; fractions keep three places."""
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return str(value)
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def _three_digits(value: float, grouping: str = "") -> str:
    places = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    shown = f"{value:{grouping}.{places}f}" if abs(value) >= 0.1 or not value else f"{value:.2g}"
    return shown.rstrip("0").rstrip(".") if "." in shown and "e" not in shown else shown


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory by key pattern as a picture: each pattern is an area as large as its share, warm where its keys stay, cool where they end.

A small squarified treemap of our own: its tiles come out nearly square, so that there is room for words on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from ansible_collections.aragora.redis.plugins.module_utils._report.patterns import expiring, holding, reach, share
from ansible_collections.aragora.redis.plugins.module_utils._report.tree import el

# User units, which are pixels on a narrow phone.
WIDTH, HEIGHT = 300, 220
GAP = 1.5
PADDING = 6
LINE = 16
# The width of a monospaced character of the style's size, by the widest of the usual fonts.
CHARACTER = 12.5 * 0.61
LEAST_CHARACTERS = 4
# x, y, width, height
Place = tuple[float, float, float, float]


def section(found: Mapping[str, Any]) -> list[ET.Element]:
    """The picture, and a table of the same for those who do not see it or want the numbers."""
    notes = [words[:1].upper() + words[1:] for words in (reach(found), *found["unsure"])]
    drawn = el(
        "figure",
        el(
            "figcaption",
            el("span", f"{'. '.join(notes)}. Warm: most keys never expire. Cool: most keys end by themselves.", class_="note"),
        ),
        draw(found["patterns"]),
        class_="chart tree",
    )
    return [drawn, _table(found["patterns"])]


def draw(rows: Sequence[Mapping[str, Any]]) -> ET.Element:
    """The ``<svg>`` element."""
    shown = [row for row in rows if row["percent"] > 0]
    said = "; ".join(f"{row['pattern']} {share(row)}" for row in shown)
    svg = el("svg", role="img", aria_label=f"Memory by key pattern: {said}", viewBox=f"0 0 {WIDTH} {HEIGHT}", focusable="false")
    for row, place in zip(shown, squarified([row["percent"] for row in shown], (0, 0, WIDTH, HEIGHT))):
        svg.append(_tile(row, place))
    return svg


def squarified(amounts: Sequence[float], room: Place) -> list[Place]:
    """Rectangles with areas in the proportion of the positive amounts, the largest first, which together fill the room.

    Rows are laid along the shorter side, each as long as that makes its tiles more square (Bruls, Huizing, van Wijk 2000).
    """
    x, y, width, height = room
    scale = width * height / sum(amounts) if amounts else 0.0
    areas, places = [amount * scale for amount in amounts], []
    while areas:
        side = min(width, height)
        count = 1
        while count < len(areas) and _worst(areas[: count + 1], side) <= _worst(areas[:count], side):
            count += 1
        row, areas = areas[:count], areas[count:]
        depth = sum(row) / side if side else 0.0
        at = 0.0
        for area in row:
            length = area / depth if depth else 0.0
            places.append((x, y + at, depth, length) if width >= height else (x + at, y, length, depth))
            at += length
        x, y, width, height = (x + depth, y, width - depth, height) if width >= height else (x, y + depth, width, height - depth)
        width, height = max(0.0, width), max(0.0, height)
    return places


def _worst(row: Sequence[float], side: float) -> float:
    """The aspect ratio of the least square tile of a row along this side."""
    depth = sum(row) / side if side else 0.0
    return max(max(depth * depth / area, area / (depth * depth)) if area and depth else float("inf") for area in row)


def _tile(row: Mapping[str, Any], place: Place) -> ET.Element:
    x, y, width, height = place
    words = ", ".join(filter(None, (f"{row['pattern']}: {share(row)}", holding(row), expiring(row))))
    kind = "unknown" if row["expiring_percent"] is None else "ending" if row["expiring_percent"] >= 50 else "lasting"
    drawn = el(
        "rect",
        class_=f"tile {kind}",
        x=f"{x + GAP / 2:.1f}",
        y=f"{y + GAP / 2:.1f}",
        width=f"{max(0.5, width - GAP):.1f}",
        height=f"{max(0.5, height - GAP):.1f}",
        rx="2",
    )
    return el("g", el("title", words), drawn, _label(row, place))


def _label(row: Mapping[str, Any], place: Place) -> list[ET.Element]:
    """As many lines as there is room for: the pattern, its share, whether it ends. The pattern may be cut, the others may not."""
    x, y, width, height = place
    characters = int((width - 2 * PADDING) / CHARACTER)
    lines = int((height - PADDING) / LINE)
    pattern = row["pattern"] if len(row["pattern"]) <= characters else row["pattern"][: max(0, characters - 1)] + "…"
    wanted = [(pattern, "label"), (f"{row['percent']:.0f} %", "value"), (expiring(row), "value")]
    if characters < LEAST_CHARACTERS:
        return []
    fitting = [(text, kind) for text, kind in wanted if text and len(text) <= characters][:lines]
    return [
        el("text", text, x=f"{x + PADDING:.1f}", y=f"{y + PADDING + 10 + LINE * place_of:.1f}", class_=kind)
        for place_of, (text, kind) in enumerate(fitting)
    ]


def _table(rows: Sequence[Mapping[str, Any]]) -> ET.Element:
    head = el("thead", el("tr", [el("th", name, scope="col") for name in ("pattern", "share", "memory", "TTL")]))
    body = [
        el("tr", el("td", el("code", row["pattern"])), [el("td", words) for words in (share(row), holding(row), expiring(row))])
        for row in rows
    ]
    return el("div", el("table", head, el("tbody", body), class_="records"), class_="wide", tabindex="0")

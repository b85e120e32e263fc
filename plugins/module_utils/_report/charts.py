# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The charts of the HTML report: pygal computes the bars, the page's own style colours them, so that they follow light and dark.

Everything that pygal adds for browsers (its script, style and tool-tips) is left behind: the page allows no scripts.
Labels stand above the bars instead of beside them, because a phone has no room for both.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from ansible_collections.aragora.redis.plugins.module_utils._report.plots import Plot, Row, plots
from ansible_collections.aragora.redis.plugins.module_utils._report.tree import el

# User units, which are pixels on a narrow phone.
WIDTH = 300
ROW = 38
BAR = 10
# Monospaced characters of the style's size, by the widest of the usual fonts.
CHARACTERS = int(WIDTH / (12.5 * 0.61))
# The share of the width that pygal keeps free on either side of the bars.
PYGAL_MARGIN = 0.02
SVG = "{http://www.w3.org/2000/svg}"


def available() -> bool:
    """Whether pygal is installed."""
    return importlib.util.find_spec("pygal") is not None


def charts(snapshot: Mapping[str, Any]) -> list[ET.Element]:
    """A ``<figure>`` for each chart that the snapshot has data for. Needs pygal."""
    return [_figure(plot) for plot in plots(snapshot)]


def _figure(plot: Plot) -> ET.Element:
    return el(
        "figure",
        el("figcaption", el("strong", plot.title), el("span", plot.note, class_="note") if plot.note else None),
        draw(plot),
        class_="chart",
    )


def draw(plot: Plot) -> ET.Element:
    """The plot as an ``<svg>`` element without namespaces, scripts, styles or references."""
    said = f"{plot.title}: " + "; ".join(f"{row.label} {row.words}" for row in plot.rows)
    height = ROW * len(plot.rows)
    svg = el("svg", el("title", plot.title), role="img", aria_label=said, viewBox=f"0 0 {WIDTH} {height}", focusable="false")
    bars = _bars(plot, height)
    for index, row in enumerate(plot.rows):
        svg.append(_row(row, index, [series[index] for series in bars]))
        if plot.limit and plot.limit < plot.largest:
            x, top = f"{WIDTH * plot.limit / plot.largest:.1f}", index * ROW
            svg.append(el("line", x1=x, x2=x, y1=f"{top + 19}", y2=f"{top + 23 + BAR}", class_="limit"))
    return svg


def _bars(plot: Plot, height: int) -> list[list[tuple[float, float]]]:
    """``(x, width)`` of each bar as pygal lays them out: a list for each segment, in the order of the rows."""
    import pygal  # noqa: PLC0415 - only charts need it

    chart = pygal.HorizontalStackedBar(
        width=WIDTH * (1 + 2 * PYGAL_MARGIN), height=height, margin=0, spacing=0, range=(0, 1000), js=[], css=[],
        show_legend=False, show_x_labels=False, show_y_labels=False, disable_xml_declaration=True,
    )  # fmt: skip
    for position in range(max(len(row.segments) for row in plot.rows)):
        # Relative amounts: pygal is not made for 10^20.
        chart.add("", [row.segments[position][1] / plot.largest * 1000 for row in plot.rows])
    drawn = ET.fromstring(chart.render(is_unicode=True))  # noqa: S314 - pygal's own output for numbers
    return [
        [
            (float(rect.get("x", 0)) - PYGAL_MARGIN * WIDTH, float(rect.get("width", 0)))
            for rect in series.iterfind(f".//{SVG}g[@class='bar']/{SVG}rect")
        ]
        for series in drawn.iterfind(f".//{SVG}g[@class='plot']/{SVG}g")
        if "series" in series.get("class", "")
    ]


def _row(row: Row, index: int, places: list[tuple[float, float]]) -> ET.Element:
    """Label and value on one line, the bar below them, the whole name for those who point at it."""
    top = index * ROW
    line = f"{top + 14}"
    room = CHARACTERS - len(row.words) - 2
    label = row.label if len(row.label) <= room else row.label[: room - 1] + "…"
    shape = {"y": f"{top + 21}", "height": str(BAR), "rx": "2"}
    drawn = [
        el("rect", class_=kind, x=f"{x:.1f}", width=f"{max(width, 1.5):.1f}", **shape)
        for (kind, amount), (x, width) in zip(row.segments, places)
        if amount
    ]
    return el(
        "g",
        el("title", f"{row.label}: {row.words}"),
        el("text", label, x="0", y=line, class_="label"),
        el("text", row.words, x=str(WIDTH), y=line, text_anchor="end", class_="value"),
        el("rect", class_="track", x="0", width=str(WIDTH), **shape),
        drawn,
    )

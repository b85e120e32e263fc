# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From fault to mended: when each step was seen, as JSON and drawn as a page in the style of the reports."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report import charts, html
from ansible_collections.aragora.redis.plugins.module_utils._report.plots import Plot, Row
from ansible_collections.aragora.redis.plugins.module_utils._report.tree import el

# {step: (what is said of it, its state in a timeline)}
STEPS = {
    "fault": ("the fault is made", "began"),
    "pending": ("Prometheus sees it", "seen"),
    "firing": ("the alert fires", "told"),
    "play": ("the playbook runs", "acting"),
    "mended": ("Redis works again", "works"),
    "resolved": ("the alert is over", "resolved"),
    "verified": ("the playbook has verified it", "resolved"),
    "back": ("the application uses Redis again", "resolved"),
}


@dataclass
class Story:
    """One fault on one server. ``seen`` tells of each step whether it is reached; times are seconds since 1970."""

    server: str
    fault: str
    seen: Mapping[str, Callable[[], Any]]
    at: dict[str, float] = field(default_factory=dict)

    def look(self) -> bool:
        """Note what has been reached since the last look. Returns whether all has been."""
        for step, is_reached in self.seen.items():
            if step not in self.at and is_reached():
                self.at[step] = time.time()
        return self.at.keys() >= self.seen.keys()

    def after(self, step: str) -> float:
        """Seconds from the fault to a step."""
        return self.at[step] - self.at["fault"]

    def document(self) -> dict[str, Any]:
        """``{server, fault, seconds_to_mended, seconds_to_resolved, timeline}``, the timeline in the form of the reports."""
        rows = [
            {
                "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)), "target": self.server, "action": step,
                "state": STEPS[step][1], "why": f"{STEPS[step][0]}, {self.after(step):.1f} s after the fault", "steps": [], "findings": [],
            }
            for step, at in sorted(self.at.items(), key=lambda pair: pair[1])
        ]  # fmt: skip
        return {
            "server": self.server, "fault": self.fault, "seconds_to_mended": round(self.after("mended"), 1),
            "seconds_to_resolved": round(self.after("resolved"), 1),
            "seconds": {step: round(self.after(step), 1) for step in STEPS if step in self.at}, "timeline": rows,
        }  # fmt: skip


def write(stories: Sequence[Story], folder: Path) -> None:
    """``mended.json`` and ``mended.html``."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = [story.document() for story in stories]
    (folder / "mended.json").write_text(json.dumps(documents, indent=2), encoding="utf-8")
    shown: list[Any] = []
    for story, document in zip(stories, documents):
        head = f"{story.fault} on {story.server}: mended after {document['seconds_to_mended']:.0f} s"
        shown += [el("section", el("h2", head), _drawn(story), class_="server"), html.what_was_done(document)]
    body = el("body", el("header", el("p", "From fault to mended", class_="kicker"), class_="top"), el("main", *shown))
    (folder / "mended.html").write_text(html.page("From fault to mended", body), encoding="utf-8")


def _drawn(story: Story) -> Any:
    """A bar for each step: what went before it, and what it took."""
    rows, before = [], 0.0
    for step in sorted(story.at, key=lambda name: story.at[name]):
        now = story.after(step)
        if step != "fault":
            words = f"{now:.1f} s"
            rows.append(Row(STEPS[step][0], words, (("quiet", before), ("hot" if step == "mended" else "bar", max(now - before, 0.05)))))
        before = now
    plot = Plot("Seconds since the fault", tuple(rows))
    return el("figure", el("figcaption", el("strong", plot.title)), charts.draw(plot), class_="chart")

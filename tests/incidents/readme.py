# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of README.md: every incident, the finding that must come first, and the servers on which the last run found it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.incidents.incident import Incident

FILE = Path(__file__).resolve().parent / "README.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


def write(incidents: list[Incident], results: list[dict[str, Any]]) -> None:
    """Put the table between its marks."""
    text = FILE.read_text(encoding="utf-8")
    before, dummy, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    FILE.write_text(f"{before}{BEGIN}\n{table(incidents, results)}\n{END}{after}", encoding="utf-8")


def table(incidents: list[Incident], results: list[dict[str, Any]]) -> str:
    """The table in Markdown, and the sum below it."""
    rows = [_row(incident, [result for result in results if result["name"] == incident.name]) for incident in incidents]
    made = [result for result in results if not result["skipped"]]
    columns = ("#", "incident", "first finding", "right on", "seconds", "mended by", "seconds", "kept", "refused")
    head = f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|\n"
    right = sum(result["right"] for result in made)
    return head + "\n".join(rows) + f"\n\nThe last result of each: {right} of {len(made)} right."


def _row(incident: Incident, results: list[dict[str, Any]]) -> str:
    first = f"`{incident.first}`" if incident.first else "" if incident.refuses else "silent"
    if incident.explains:
        first += f", explains {', '.join(f'`{name}`' for name in incident.explains)}"
    if incident.reason:
        first += f", reason `{incident.reason}`"
    right = [result["server"] for result in results if result["right"]]
    wrong = [f"**not {result['server']}**" for result in results if not (result["right"] or result["skipped"])]
    times = sorted(result["seconds"] for result in results if result["seconds"])
    seconds = f"{times[len(times) // 2]:.1f}" if times else ""
    return f"| {incident.number} | {incident.title} | {first} | {', '.join([*right, *wrong])} | {seconds} | {_remedy(incident, results)} |"


def _remedy(incident: Incident, results: list[dict[str, Any]]) -> str:
    """The columns of what was done: by which action, how long it took, whether everything was kept, what a refusal says."""
    if incident.refuses:
        refused = [result.get("refused") for result in results if not result["skipped"]]
        return f" |  |  | `{incident.mends}`: {incident.refuses}" + ("" if all(refused) else " **not everywhere**")
    if not incident.mends:
        return " |  |  | "
    cures = sorted(result["mended_seconds"] for result in results if result.get("mended"))
    seconds = f"{cures[len(cures) // 2]:.1f}" if cures else ""
    kept = [result.get("kept") for result in results if result.get("kept") is not None]
    return f"`{incident.mends}` | {seconds} | {('yes' if all(kept) else '**no**') if kept else ''} | "

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The incident suite: breaks real servers in real ways, and looks whether the diagnosis names the cause first, whether the remedy mends
it and loses nothing, and whether each guard refuses.

``python -m tests.incidents.run [name or number ...]``: each on one server; ``--all`` every server of the matrix that can show an
incident. The table is printed at the end and written to tests/output/incidents.json; ``--readme`` writes that of the last run into
README.md and runs nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tests.incidents import readme, users
from tests.incidents.incident import Incident, every
from tests.incidents.kept import Keeper, looks
from tests.incidents.lab import Lab, Place, Skipped
from tests.incidents.playbooks import diagnose, remediate
from tests.lab import servers

OUTPUT = Path(__file__).resolve().parents[1] / "output" / "incidents.json"
# Side by side: while one server is made ill, and one is watched after its remedy, another one is diagnosed.
WORKERS = 3
# What depends on time and load may be missed once; the table says so.
ATTEMPTS = 2


@dataclass(frozen=True)
class Result:
    """What came of one incident on one server. ``found`` is the id that was named first, ``seconds`` those of the diagnosis;
    ``mended`` tells whether the remedy took it away, None where there is none, ``mended_seconds`` how long that took, verified.
    ``kept`` tells whether nothing was lost meanwhile that nobody announced, ``written`` how many writes were acknowledged;
    ``refused`` whether a guard refused what it must, None where there is nothing to refuse.

    ``note`` says what is wrong, ``missed`` what was at the first attempt of two.
    """

    number: str
    name: str
    title: str
    server: str
    expected: str | None
    found: str | None = None
    right: bool = False
    seconds: float = 0.0
    attempts: int = 0
    note: str = ""
    missed: str = ""
    skipped: bool = False
    mended: bool | None = None
    mended_seconds: float = 0.0
    kept: bool | None = None
    written: int = 0
    refuses: str | None = None
    refused: bool | None = None


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line names. Returns 1 where one was not right."""
    parser = argparse.ArgumentParser(prog="python -m tests.incidents.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("incident", nargs="*", help="names, or numbers")
    parser.add_argument("--all", action="store_true", help="every server that can show an incident, not one for each")
    parser.add_argument("--readme", action="store_true", help="write the table of the last run into README.md")
    options = parser.parse_args(arguments)
    if options.readme:
        readme.write(every(), json.loads(OUTPUT.read_text(encoding="utf-8"))["results"] if OUTPUT.exists() else [])
        return 0
    wanted = [incident for incident in every() if not options.incident or {incident.number, incident.name} & set(options.incident)]
    if not wanted:
        parser.error(f"there is no incident {', '.join(options.incident)}")
    started = time.monotonic()
    results = run(wanted, options.all)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(
        json.dumps({**counted(results), "results": [asdict(result) for result in results]}, indent=2) + "\n", encoding="utf-8"
    )
    print(table(results, time.monotonic() - started))
    return 0 if all(result.right or result.skipped for result in results) else 1


def run(incidents: list[Incident], everywhere: bool) -> list[Result]:
    """The results in the order of the incidents; those that need the machine for themselves come last, one at a time."""
    cases = [(incident, name) for incident in incidents for name in incident.chosen(everywhere)]
    done: dict[tuple[str, str], Result] = {}
    for alone, workers in ((False, WORKERS), (True, 1)):
        with ThreadPoolExecutor(workers) as pool:
            for result in pool.map(lambda case: attempt(*case), [case for case in cases if case[0].alone is alone]):
                done[result.name, result.server] = result
                print(_line(result), flush=True)
    return [done[incident.name, name] for incident, name in cases]


def attempt(incident: Incident, name: str) -> Result:
    """Make the incident and diagnose it, once more where the first answer was wrong."""
    blank = Result(incident.number, incident.name, incident.title, name, incident.first, refuses=incident.refuses)
    binary = servers.matrix()[name]
    if binary is None:
        return replace(blank, skipped=True, note=f"{name} is not on this machine")
    result = blank
    missed = ""
    for number in range(1, ATTEMPTS + 1):
        try:
            result = replace(_judged(incident, blank, Lab(name, binary)), attempts=number)
        except Skipped as reason:
            return replace(blank, skipped=True, note=str(reason))
        except Exception as error:  # whatever keeps an incident from being made is its result
            result = replace(blank, attempts=number, note=f"{type(error).__name__}: {error}")
        if result.right:
            return replace(result, missed=missed)
        missed = result.note
    return result


def _judged(incident: Incident, blank: Result, lab: Lab) -> Result:
    with users.standing(incident.mends), incident.inject(lab) as place:
        result = blank if incident.refuses and not incident.first else _diagnosed(incident, blank, place)
        if incident.refuses:
            result = _refused(incident, result, place)
        elif incident.mends:
            result = _mended(incident, result, place)
        denied = users.refused(place)
        return replace(result, right=False, note="; ".join(filter(None, [result.note, *denied]))) if denied else result


def _diagnosed(incident: Incident, blank: Result, place: Place) -> Result:
    started = time.monotonic()
    (target, *dummy) = diagnose(place, incident)["targets"]
    seconds = round(time.monotonic() - started, 2)
    loud = [finding for finding in target["findings"] if finding["severity"] != "notice"]
    first: dict[str, Any] = loud[0] if loud else {}
    note = trouble(incident, target, loud)
    return replace(blank, found=first.get("id"), right=not note, seconds=seconds, note=note)


def _mended(incident: Incident, result: Result, place: Place) -> Result:
    """The same with what came of the remedy, while somebody writes."""
    with Keeper(place, incident.holds) as keeper:
        started = time.monotonic()
        report = remediate(place, incident)
        seconds = round(time.monotonic() - started, 2)
    ill, lost = ailing(incident, report), keeper.trouble(report)
    note = "; ".join(filter(None, [result.note, ill, lost]))
    written = keeper.told.get("written", 0)
    return replace(result, right=not note, note=note, mended=not ill, mended_seconds=seconds, kept=not lost, written=written)


def _refused(incident: Incident, result: Result, place: Place) -> Result:
    """The same with what came of an action that must be refused."""
    before = looks(place)
    report = remediate(place, incident)
    wrong = "it was refused, and changed something" if looks(place) != before else unrefused(incident, report)
    note = "; ".join(filter(None, [result.note, wrong]))
    return replace(result, right=not note, note=note, refused=not wrong)


def unrefused(incident: Incident, report: dict[str, Any]) -> str:
    """What is wrong with a report that must tell of a refusal, empty when it does."""
    rows = [row for row in report["timeline"] if row["action"] == incident.mends]
    states = {row["state"] for row in rows}
    if not states & {"refused", "escalated"} or not states <= {"refused", "escalated", "nothing_to_do"}:
        return f"{incident.mends} was not refused, but {', '.join(sorted(states)) or 'not tried'}"
    said = "; ".join(row["why"] for row in rows)
    if str(incident.refuses) not in said:
        return f"{incident.mends} was refused for another reason: {said}"
    return "" if report["exit_status"] == 2 else f"the playbook ended with {report['exit_status']}"


def ailing(incident: Incident, report: dict[str, Any]) -> str:
    """What is wrong after the remedy, empty when the finding is gone and the server works."""
    target, *dummy = report["targets"]
    rows = [row for row in report["timeline"] if row["action"] == incident.mends]
    states = [row["state"] for row in rows]
    if not set(states) & {"resolved", "mitigated"}:
        return f"{incident.mends} was {', '.join(states) or 'not taken'}: {'; '.join(row['why'] for row in rows)}"
    # What is lessened only may still be worth a word: keys have no TTL whatever the limit is, and the slow log remembers for an hour.
    found = [finding["id"] for finding in target["findings"] if not incident.lessened]
    return f"{incident.first} is still there after {incident.mends}" if incident.first in found else ""


def trouble(incident: Incident, target: dict[str, Any], loud: list[dict[str, Any]]) -> str:
    """What is wrong with the report, empty when nothing is."""
    found = [finding["id"] for finding in loud]
    if found[:1] != ([incident.first] if incident.first else []):
        return f"found {', '.join(found) or 'nothing'}"
    if incident.only and len(found) > 1:
        return f"also found {', '.join(found[1:])}"
    missing = set(incident.explains) - set(loud[0]["explains"] if loud else [])
    if missing:
        return f"does not explain {', '.join(sorted(missing))}"
    reason = target["availability"]["reason"]
    return f"the reason is {reason}, not {incident.reason}" if incident.reason and reason != incident.reason else ""


def counted(results: list[Result]) -> dict[str, Any]:
    """``{found, incidents, silent, healthy, mended, …, seconds: {median, max}}`` of the incidents that could be made."""
    made = [result for result in results if not result.skipped]
    ill = [r for r in made if r.expected]
    healthy = [r for r in made if not r.expected and not r.refuses]
    times = [result.seconds for result in made if result.seconds] or [0.0]
    return {
        "found": sum(result.right for result in ill),
        "incidents": len(ill),
        "silent": sum(result.right for result in healthy),
        "healthy": len(healthy),
        "mended": sum(result.mended is True for result in made),
        "remedies": sum(result.mended is not None for result in made),
        "kept": sum(result.kept is True for result in made),
        "refused": sum(result.refused is True for result in made),
        "refusals": sum(result.refuses is not None for result in made),
        "skipped": len(results) - len(made),
        "seconds": {"median": round(statistics.median(times), 1), "max": max(times)},
    }


def table(results: list[Result], seconds: float) -> str:
    """What is printed at the end."""
    counts = counted(results)
    return "\n".join(
        [
            "",
            *map(_line, results),
            "",
            f"found {counts['found']} of {counts['incidents']} · silent {counts['silent']} of {counts['healthy']} · "
            f"mended {counts['mended']} of {counts['remedies']} · kept {counts['kept']} of {counts['remedies']} · "
            f"refused {counts['refused']} of {counts['refusals']} · "
            f"diagnosis {counts['seconds']['median']} s (longest {counts['seconds']['max']} s) · "
            f"skipped {counts['skipped']} · {seconds:.0f} s in all",
        ]
    )


def _line(result: Result) -> str:
    mark = "skip" if result.skipped else "ok  " if result.right else "FAIL"
    again = f" (at the 2nd attempt; before: {result.missed})" if result.missed else ""
    shown = result.note or ", ".join(filter(None, [result.found, "refused" if result.refused else ""])) or "silent"
    shown += f", mended after {result.mended_seconds:.1f} s" if result.mended else ""
    shown += f", kept with {result.written} writes" if result.kept else ""
    return f"{mark} {result.number:>4}  {result.name.partition('_')[2]:<26} {result.server:<11} {result.seconds:5.1f} s  {shown}{again}"


if __name__ == "__main__":
    sys.exit(main())

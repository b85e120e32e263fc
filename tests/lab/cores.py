# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``ansible-test sanity`` and ``units`` on every ansible-core and Python that are supported: ``make cores``.

``python -m tests.lab.cores [2.20 …]``. Each core has an environment of its own under .cache. A Python that is not on this machine is told
and left out. There are no ignore files: what one core finds is mended.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tests.lab.pythons import environment, interpreter
from tests.lab.sanity import ansible_test, copied

# ansible-core: the Pythons that it runs on, the newest last. tests/lab/targets.py has those of targets.
CORES = {"2.19": ("3.11", "3.12", "3.13"), "2.20": ("3.12", "3.13"), "2.21": ("3.12", "3.13")}
KINDS = {"sanity": (), "units": ("--num-workers", str(os.cpu_count() or 2))}
TOLD = ("ERROR", "FATAL", "FAILED", "Running sanity test")


def main(cores: list[str]) -> int:
    """Run them all, and count; 1 where one failed, or none could be run."""
    unknown = [core for core in cores if core not in CORES]
    if unknown:
        print(f"no such core: {', '.join(unknown)}; choose from {', '.join(CORES)}", file=sys.stderr)
        return 2
    results = []
    with copied() as place:
        for core in cores or CORES:
            here = [python for python in CORES[core] if interpreter(python)]
            for python in CORES[core]:
                if python not in here:
                    print(f"── ansible-core {core} on Python {python} left out: that Python is not on this machine", flush=True)
            results += [_passes(place, core, here[-1], python, kind) for python in here for kind in KINDS]
    print(f"\n{results.count(True)} passed, {results.count(False)} failed")
    return int(not results or not all(results))


def _passes(place: Path, core: str, newest: str, python: str, kind: str) -> bool:
    began = time.monotonic()
    programs = environment(f"core-{core}", newest, [f"ansible-core=={core}.*"])
    # ansible-test looks for pythonX.Y on the path.
    path = os.pathsep.join([str(programs), *{str(Path(found).parent) for found in (interpreter(python), interpreter(newest)) if found}])
    status, output = ansible_test(place, kind, "--venv", "--python", python, *KINDS[kind], path=path)
    said = output.splitlines()
    what = f"── ansible-core {core} on Python {python}: {kind} {'failed' if status else 'passed'} after {time.monotonic() - began:.0f} s"
    lines = [line for line in said if line.startswith(TOLD)] if status and kind == "sanity" else said[-60:] if status else said[-1:]
    print("\n".join([what, *lines]), flush=True)
    return not status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

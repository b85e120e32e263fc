# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Other Pythons of this machine, and environments of their own for them under .cache: made once, kept."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"


@cache
def interpreter(version: str) -> Path | None:
    """The Python of that version ("3.12"): from the path, or one of pyenv's; None where there is none that runs."""
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for place in (shutil.which(name), *sorted(pyenv.glob(f"{version}.*/bin/{name}"), key=_patch, reverse=True)):
        # A shim of pyenv stands on the path also for a version that is not chosen, and then only complains.
        if place and subprocess.run([place, "-c", "import venv"], capture_output=True, timeout=60, check=False).returncode == 0:
            return Path(place)
    return None


def _patch(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", path.parents[1].name))


def environment(name: str, version: str, packages: Iterable[str]) -> Path:
    """The folder ``bin`` of .cache/``name``, with these packages (or ``-r`` and a file). Made anew when they have changed."""
    python = interpreter(version)
    if python is None:
        raise LookupError(f"Python {version} is not on this machine")
    words, folder = list(packages), CACHE / name
    files = [Path(word).read_text(encoding="utf-8") for word in words if Path(word).is_file()]
    made, wanted = folder / "made-of", "\n".join([version, *words, *files])
    if not made.exists() or made.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", folder], check=True, timeout=120, capture_output=True)
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words]
        done = subprocess.run(install, cwd=ROOT, timeout=900, check=False, capture_output=True, text=True)
        if done.returncode:
            raise LookupError(f"{' '.join(words)} cannot be installed on Python {version}: {done.stderr.strip()[-500:]}")
        made.write_text(wanted, encoding="utf-8")
    return folder / "bin"

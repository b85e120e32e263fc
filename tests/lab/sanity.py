# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test on a copy of the tracked files: ``python -m tests.lab.sanity``; tests/lab/cores.py does it for every ansible-core.

ansible-test wants its checkout below ``ansible_collections`` and follows no links. It downloads get-pip.py for its virtual environments;
where that cannot be reached, the wheel of pip from PyPI does the same.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path.home() / ".ansible" / "test" / "cache"
GET_PIP = '''\
"""What ansible-test runs in place of get-pip.py: it installs the wheel of pip that lies beside this file."""

import os
import sys

wheel = os.path.join(os.path.dirname(os.path.abspath(os.environ["GET_PIP"])), "pip-{version}-py3-none-any.whl")
sys.path.insert(0, wheel)

from pip._internal.cli.main import main

sys.exit(main(["install", "--disable-pip-version-check", "--no-index", "--quiet", wheel]))
'''
PATIENCE = 3600


def main() -> int:
    """Run the sanity tests of our own ansible-core with our own Python."""
    with copied() as place:
        status, output = ansible_test(place, "sanity", "--venv", "--python", f"{sys.version_info[0]}.{sys.version_info[1]}")
    lines = [line for line in output.splitlines() if line.startswith(("ERROR", "FATAL", "Running sanity test"))]
    print("\n".join(lines if status else [f"{len(lines)} sanity tests passed"]))
    return status


@contextlib.contextmanager
def copied() -> Iterator[Path]:
    """A copy of the tracked files where ansible-test looks for a collection."""
    with tempfile.TemporaryDirectory(prefix="aragora-sanity-") as folder:
        place = Path(folder) / "ansible_collections" / "aragora" / "redis"
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file() and not (ROOT / name).is_symlink() and "collections/ansible_collections" not in name:
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, place / name)
        subprocess.run(["git", "init", "-q", "."], cwd=place, check=True, timeout=60)
        subprocess.run(["git", "add", "-A"], cwd=place, check=True, timeout=60)
        yield place


def ansible_test(place: Path, kind: str, *words: str, path: str = "") -> tuple[int, str]:
    """Exit status and output of ``ansible-test``, of the first one on ``path``; a second try brings its own pip."""
    environment = {**os.environ, "PATH": os.pathsep.join([*([path] if path else []), os.environ["PATH"]])}
    program = shutil.which("ansible-test", path=environment["PATH"]) or "ansible-test"
    command = [program, kind, "--color", "no", *(["--truncate", "0"] if kind == "sanity" else []), *words]
    status, output = _run(command, place, environment)
    # Named in the message about the failed download, and where one is used that is there.
    wanted = re.search(r"get-pip-([\d.]+)\.py|get_pip_(\d+)_(\d+)\.py", output)
    version = (wanted.group(1) or f"{wanted.group(2)}.{wanted.group(3)}") if wanted else ""
    if status and version and not _script(version).exists():
        _bring_pip(version)
        status, output = _run(command, place, environment)
    return status, output


def _run(command: list[str], place: Path, environment: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, check=False
    )
    return done.returncode, done.stdout


def _script(version: str) -> Path:
    return CACHE / f"get_pip_{version.replace('.', '_')}.py"


def _bring_pip(version: str) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(CACHE), f"pip=={version}"]
    subprocess.run(download, check=True, timeout=120)
    _script(version).write_text(GET_PIP.format(version=version), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

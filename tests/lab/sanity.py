# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test sanity on a copy of the tracked files: ``make sanity``.

ansible-test wants its checkout below ``ansible_collections`` and follows no links. It downloads get-pip.py for its virtual environments;
where that cannot be reached, the wheel of pip from PyPI does the same.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
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


def main() -> int:
    """Run the sanity tests; the second try brings its own pip."""
    with tempfile.TemporaryDirectory(prefix="aragora-sanity-") as folder:
        copy = _copied(Path(folder) / "ansible_collections" / "aragora" / "redis")
        status, output = _sanity(copy)
        # Named in the message about the failed download; a failed test never names it.
        wanted = re.search(r"get-pip-([\d.]+)\.py|get_pip_(\d+)_(\d+)\.py", output)
        if status and wanted:
            _bring_pip(wanted.group(1) or f"{wanted.group(2)}.{wanted.group(3)}")
            status, output = _sanity(copy)
    lines = [line for line in output.splitlines() if line.startswith(("ERROR", "FATAL", "Running sanity test"))]
    print("\n".join(lines if status else [f"{len(lines)} sanity tests passed"]))
    return status


def _copied(place: Path) -> Path:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    for name in tracked:
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink() and "collections/ansible_collections" not in name:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    subprocess.run(["git", "init", "-q", "."], cwd=place, check=True, timeout=60)
    subprocess.run(["git", "add", "-A"], cwd=place, check=True, timeout=60)
    return place


def _sanity(place: Path) -> tuple[int, str]:
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    command = ["ansible-test", "sanity", "--venv", "--python", python, "--color", "no", "--truncate", "0"]
    done = subprocess.run(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900, check=False)
    return done.returncode, done.stdout


def _bring_pip(version: str) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(CACHE), f"pip=={version}"]
    subprocess.run(download, check=True, timeout=120)
    (CACHE / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP.format(version=version), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

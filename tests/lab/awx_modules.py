# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection awx.awx for the tests, out of the package ``ansible`` on PyPI, which has had it up to release 13. Nothing is installed."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# Its wheel wants a newer Python than the tests; what is taken out of it does not.
WHEEL = ("ansible==13.8.0", "--python-version", "3.12", "--only-binary=:all:", "--no-deps")
FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "awx.awx-13.8.0"
PREFIX = "ansible_collections/awx/awx/"


def fetched() -> Path:
    """The folder to look for collections in, brought here when it is not there; by one process at a time."""
    FOLDER.parent.mkdir(exist_ok=True)
    with FOLDER.with_suffix(".lock").open("w") as lock, tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not FOLDER.exists():
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", folder, *WHEEL]
            subprocess.run(command, check=True, timeout=300)
            part = FOLDER.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                wheel.extractall(part, [name for name in wheel.namelist() if name.startswith(PREFIX)])
            part.rename(FOLDER)
    return FOLDER


def why_not() -> str | None:
    """Why it cannot be had here, or None."""
    try:
        fetched()
    except (subprocess.SubprocessError, OSError) as error:
        return f"awx.awx cannot be had from PyPI here: {type(error).__name__}"
    return None

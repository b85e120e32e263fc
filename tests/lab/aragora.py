# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real application of the profile ``aragora``, from PyPI, on hosts of the lab: below /opt/aragora, as its own unit file expects it.

``python -m tests.lab.aragora NAME ...`` puts it on hosts that are up, by the names of their containers.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

from tests.lab import hosts

VERSION = "2.11.1"
# It needs redis-py and bcrypt and asks for neither; before Python 3.11.3, which is what Debian 12 has, redis-py needs async-timeout.
PACKAGES = (f"aragora=={VERSION}", "redis==7.4.1", "async-timeout", "bcrypt")
# The Python of the hosts.
PYTHON = "3.11"
FOLDER = Path(__file__).resolve().parents[2] / ".cache" / f"aragora-{VERSION}"
FETCHING = 900
COPYING = 120
ALONE = threading.Lock()


def fetched() -> Path:
    """The folder with its packages, brought here when it is not there. Who asks while that is done waits for it."""
    with ALONE:
        if not FOLDER.exists():
            place = FOLDER.with_suffix(".part")
            shutil.rmtree(place, ignore_errors=True)
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
            subprocess.run([*command, "--python-version", PYTHON, "--target", str(place), *PACKAGES], check=True, timeout=FETCHING)
            place.rename(FOLDER)
    return FOLDER


def why_not() -> str | None:
    """Why it cannot be had here, or None."""
    try:
        fetched()
    except (subprocess.SubprocessError, OSError) as error:
        return f"aragora {VERSION} cannot be had from PyPI here: {type(error).__name__}"
    return None


def install(name: str) -> None:
    """Put it on a host: its packages, a virtual environment that sees them, and its user."""
    host = hosts.Host(name)
    host.shell("mkdir -p /opt/aragora/packages && useradd --system --home /opt/aragora aragora")
    subprocess.run(["docker", "cp", "--quiet", f"{fetched()}/.", f"{name}:/opt/aragora/packages"], check=True, timeout=COPYING)
    host.shell(
        "python3 -m venv --without-pip /opt/aragora/venv"
        f" && echo /opt/aragora/packages >/opt/aragora/venv/lib/python{PYTHON}/site-packages/aragora.pth"
        " && chown aragora: /opt/aragora"
    )


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        install(wanted)

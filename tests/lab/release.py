# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tarball, as it would be published: ``python -m tests.lab.release`` builds it into .cache/release, and tries it.

Built from the tracked files; what is in it; galaxy-importer, as Galaxy runs it; installed into an empty place, where a playbook runs by its
name; and a release of the changelog in a copy. ansible-test, which galaxy-importer could run as well, is run by tests/lab/cores.py.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.lab import servers
from tests.lab.pythons import CACHE, environment
from tests.lab.sanity import copied

PLACE = CACHE / "release"
# All that a user gets; what else lies in a checkout is named in build_ignore of galaxy.yml.
SHIPPED = {
    "CHANGELOG.md", "CONTRIBUTING.md", "COPYING", "FILES.json", "MANIFEST.json", "README.md", "changelogs", "docs",
    "execution-environment.yml", "extensions", "meta",
    "playbooks", "plugins", "requirements.txt", "roles",
}  # fmt: skip
LEFTOVER = re.compile(r"(^|/)(\.[^/]+|__pycache__|output|redis-reports|fragments|.*\.pyc|.*\.retry|.*\.tar\.gz|.*\.orig|.*~)(/|$)")
LARGEST = 2_000_000
# galaxy-importer's settings: no ansible-test, no colours.
IMPORTER = "[galaxy-importer]\nRUN_ANSIBLE_TEST = False\nRUN_FLAKE8 = False\nLOG_LEVEL_MAIN = INFO\n"
NO_TIME = "ERROR: Timeout on call to ansible-lint"
# The newest that it runs with.
IMPORTER_PYTHON = "3.12"


def main() -> int:
    """Build, look, try; 1 where something is wrong."""
    shutil.rmtree(PLACE, ignore_errors=True)
    with copied() as checkout:
        tarball = built(checkout, PLACE)
        checks: dict[str, Callable[[], list[str]]] = {
            "contents": lambda: leftovers(tarball),
            "galaxy-importer": lambda: imported(tarball),
            "installed": lambda: diagnosed(tarball),
            "changelog": lambda: released(checkout),
        }
        wrong = 0
        for name, check in checks.items():
            found = check()
            wrong += bool(found)
            print("\n".join([f"── release: {name} {'failed' if found else 'passed'}", *found]), flush=True)
    print(f"{tarball}, {tarball.stat().st_size:,} bytes")
    return int(wrong > 0)


def built(checkout: Path, place: Path) -> Path:
    """The tarball of a checkout."""
    _well(["ansible-galaxy", "collection", "build", "--force", "--output-path", str(place)], checkout)
    return next(place.glob("*.tar.gz"))


def leftovers(tarball: Path) -> list[str]:
    """What should not be in it."""
    with tarfile.open(tarball) as archive:
        members = archive.getmembers()
    odd = [member.name for member in members if member.name.split("/")[0] not in SHIPPED or LEFTOVER.search(member.name)]
    links = [f"{member.name} is a link" for member in members if member.issym() or member.islnk()]
    size = tarball.stat().st_size
    return [*odd, *links, *([f"{size:,} bytes are too much"] if size > LARGEST else [])]


def imported(tarball: Path) -> list[str]:
    """What galaxy-importer has to say of it."""
    try:
        programs = environment("galaxy-importer", IMPORTER_PYTHON, ["galaxy-importer", "ansible-core==2.19.*"])
    except LookupError as error:
        print(f"galaxy-importer left out: {error}")
        return []
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        settings = Path(folder) / "galaxy-importer.cfg"
        settings.write_text(IMPORTER, encoding="utf-8")
        variables = {
            **_of_a_user(), "GALAXY_IMPORTER_CONFIG": str(settings), "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
            "ANSIBLE_HOME": folder,
        }  # fmt: skip
        command = [str(programs / "python"), "-m", "galaxy_importer.main", str(tarball)]
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=1200, check=False)
    said = (done.stdout + done.stderr).splitlines()
    found = [line for line in said if line.startswith(("WARNING", "ERROR", "CRITICAL"))]
    if NO_TIME in found:
        print("galaxy-importer gave up waiting for ansible-lint on this busy machine; make lint runs it on the same files")
        found.remove(NO_TIME)
    well = not done.returncode and any("Importer processing completed successfully" in line for line in said)
    return found or ([] if well else said[-20:])


def diagnosed(tarball: Path) -> list[str]:
    """Installed where there is nothing else, its playbook runs by its name."""
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder, servers.running(servers.embedded()) as server:
        place = Path(folder) / "collections"
        variables = _of_a_user()
        variables |= {"ANSIBLE_HOME": folder, "ANSIBLE_COLLECTIONS_PATH": str(place), "REDIS_URL": server.url}
        install = ["ansible-galaxy", "collection", "install", str(tarball), "--offline", "-p", str(place)]
        for command in (install, ["ansible-playbook", "aragora.redis.diagnose"]):
            done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode:
                return (done.stdout + done.stderr).splitlines()[-20:]
        report = Path(folder) / "redis-reports" / "latest" / "report.json"
        return [] if report.exists() else [f"no report in {report}"]


def released(checkout: Path) -> list[str]:
    """A release in a copy of the changelog: every fragment lands in it."""
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        place = Path(folder) / "ansible_collections" / "aragora" / "redis"
        shutil.copytree(checkout, place)
        fragments = sorted((place / "changelogs" / "fragments").glob("*.yml"))
        wanted = {_line(line) for path in fragments for line in _lines(path)}
        description = yaml.safe_load((place / "galaxy.yml").read_text(encoding="utf-8"))
        number = f"{int(description['version'].split('.')[0]) + 1}.0.0"
        text = (place / "galaxy.yml").read_text(encoding="utf-8").replace(f"version: {description['version']}", f"version: {number}", 1)
        (place / "galaxy.yml").write_text(text, encoding="utf-8")
        _well(["antsibull-changelog", "lint"], place)
        _well(["antsibull-changelog", "release", "--version", number, "--reload-plugins"], place)
        written = _line((place / "CHANGELOG.md").read_text(encoding="utf-8"))
        missing = [f"not in CHANGELOG.md: {line}" for line in sorted(wanted) if line not in written]
        left = [f"still there: {path.name}" for path in (place / "changelogs" / "fragments").glob("*.yml")]
        return [*missing, *left, *([] if f"v{number}" in written else [f"CHANGELOG.md does not name {number}"])]


def _of_a_user() -> dict[str, str]:
    """The environment without what make or the developer set for Ansible and Redis."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "REDIS_"))}


def _lines(fragment: Path) -> list[str]:
    sections = yaml.safe_load(fragment.read_text(encoding="utf-8"))
    return [line for section in sections.values() for line in ([section] if isinstance(section, str) else section)]


def _line(text: str) -> str:
    """As it is compared: without the marks of either language, and on one line."""
    return " ".join(html.unescape(re.sub(r"</?code>|[\\`]", "", text)).split())


def _well(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())

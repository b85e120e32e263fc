# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package source in a folder, with the Redis of Debian 12 and Redis and Valkey of Debian 13: for hosts that are upgraded.

``python -m tests.lab.debs`` fetches the packages by apt once, with lists and cache of its own. Needs no root.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lab.debian13 import KEYRING, MIRROR

FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "debs"
# With what the image of Debian 13 lacks for them, and for the module that installs them.
PACKAGES = {
    "bookworm": ("redis-server", "redis-sentinel", "redis-tools", "liblua5.1-0", "lua-bitop", "lua-cjson", "liblzf1"),
    "trixie": (
        "redis-server", "redis-sentinel", "redis-tools", "valkey-server", "valkey-tools", "python3-apt", "python-apt-common",
        "distro-info-data",
    ),
}  # fmt: skip


def main() -> int:
    """Fetch what is not there, and write the index."""
    wanted = {name for packages in PACKAGES.values() for name in packages}
    if (FOLDER / "Packages").exists() and wanted <= {path.name.partition("_")[0] for path in FOLDER.glob("*.deb")}:
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for release, packages in PACKAGES.items():
        with tempfile.TemporaryDirectory(prefix="aragora-redis-") as work:
            _download(Path(work), release, packages)
    (FOLDER / "Packages").write_text("\n".join(map(_described, sorted(FOLDER.glob("*.deb")))), encoding="utf-8")
    return 0


def _download(work: Path, release: str, packages: tuple[str, ...]) -> None:
    for name in ("lists/partial", "archives/partial"):
        (work / name).mkdir(parents=True)
    (work / "status").touch()
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {MIRROR} {release} main\n", encoding="utf-8")
    settings = {
        "Dir::Etc::sourcelist": work / "sources.list", "Dir::Etc::sourceparts": "/dev/null", "Dir::State": work,
        "Dir::State::status": work / "status", "Dir::Cache": work, "Acquire::Languages": "none", "APT::Sandbox::User": "",
    }  # fmt: skip
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    for command in (("update",), ("download", *packages)):
        subprocess.run(["apt-get", "-q", *options, *command], cwd=FOLDER, check=True, capture_output=True, timeout=300)


def _described(package: Path) -> str:
    """Its paragraph of the index."""
    control = subprocess.run(["dpkg-deb", "--field", str(package)], check=True, capture_output=True, text=True, timeout=30).stdout
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    return f"{control}Filename: ./{package.name}\nSize: {package.stat().st_size}\nSHA256: {digest}\n"


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A group of Redis with Sentinels on three hosts in containers, to try the playbooks on: ``make group``, and ``make group ARGS=end``.

Inventory and environment are written to .cache/group, the passwords are made up each time. docs/try.md says what can be done with it.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.lab import hosts

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache" / "group"
NETWORK = "aragora-redis-group"
NAMES = ("cache1", "cache2", "cache3")


def main(words: Sequence[str], network: str = NETWORK, folder: Path = FOLDER) -> int:
    """Make the group anew, or end it. Returns the exit status of the playbook."""
    if list(words) not in ([], ["end"]):
        print(
            f"make group ARGS='{' '.join(words)}' means nothing: leave ARGS out to make a group, or give 'end' to end it", file=sys.stderr
        )
        return 2
    if reason := hosts.why_not():
        print(reason, file=sys.stderr)
        return 1
    hosts.destroy(network)
    shutil.rmtree(folder, ignore_errors=True)
    if words:
        return 0
    print(f"Starting {', '.join(NAMES)}; the first time their image is built …", flush=True)
    hosts.create(network, dict.fromkeys(NAMES, "bookworm"))
    environment = write(network, folder)
    command = ["ansible-playbook", str(ROOT / "playbooks" / "setup_sentinel.yml")]
    status = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode
    if not status:
        print(f"\nIt stands. Next, as docs/try.md says:\n  . {shlex.quote(str(folder / 'env'))}\n  ansible-playbook playbooks/diagnose.yml")
    return status


def write(network: str, folder: Path) -> dict[str, str]:
    """The inventory, and for a shell the variables that lead to it, which are returned."""
    variables = {
        "ansible_connection": "lab_container",
        "ansible_host": f"{network}-{{{{ inventory_hostname }}}}",
        "ansible_python_interpreter": "/usr/bin/python3",
        "redis_sentinel_redis_password": secrets.token_hex(12),
        "redis_sentinel_password": secrets.token_hex(12),
        "redis_connection": {"login_password": "{{ redis_sentinel_redis_password }}"},
        "redis_group": "try",
        "redis_failover_sentinels": [f"{name}:26379" for name in NAMES],
        "redis_failover_sentinel_password": "{{ redis_sentinel_password }}",
    }
    folder.mkdir(mode=0o700, parents=True)
    inventory = folder / "inventory.yml"
    environment = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_CONNECTION_PLUGINS": str(Path(hosts.__file__).with_name("connection")),
        "ANSIBLE_INVENTORY": str(inventory),
        "ANSIBLE_PIPELINING": "true",
    }
    inventory.write_text(yaml.safe_dump({"redis": {"hosts": {name: {} for name in NAMES}, "vars": variables}}), encoding="utf-8")
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
    (folder / "env").write_text("".join(lines) + f"PATH={shlex.quote(str(ROOT / '.venv' / 'bin'))}:$PATH\n", encoding="utf-8")
    return environment


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

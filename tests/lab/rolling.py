# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walks over a group on hosts of the lab, under a thousand writes a second; the first one is killed in the middle.

``python -m tests.lab.rolling INVENTORY NETWORK HOST ...`` for Molecule; what came of it is written to ``rolling.json`` in its folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import redis

from tests.lab import hosts, writer
from tests.lab.servers import wait_for

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "molecule"
NAME = "mymaster"
PATIENCE = 900.0
# The lease of the walk that is killed, in seconds: everybody waits for its end.
SHORT = 12


class Member:
    """One host of the group."""

    def __init__(self, container: str) -> None:
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        done = subprocess.run(["docker", "inspect", "--format", form, container], capture_output=True, text=True, check=True, timeout=30)
        self.address = done.stdout.strip()

    def client(self, **options: Any) -> redis.Redis:
        """Its Sentinel."""
        return redis.Redis(host=self.address, port=26379, socket_connect_timeout=1, protocol=2, **options)

    def run_id(self) -> str:
        """Of its Redis, empty where that does not answer."""
        with contextlib.suppress(redis.RedisError, OSError):
            server = redis.Redis(host=self.address, password=PASSWORD, socket_timeout=2, socket_connect_timeout=1, protocol=2)
            return str(server.info("server")["run_id"])
        return ""


def leased(container: str) -> bool:
    """Whether a run holds a lease by the ledger of a host."""
    ledger = hosts.Host(container).run("cat", "/var/lib/aragora-redis/ledger.json", check=False)
    return bool(ledger) and any(lease["until"] > time.time() for lease in json.loads(ledger)["leases"].values())


def start(playbook: str, inventory: str, since: float, *words: str) -> subprocess.Popen[str]:
    """Begin a walk; its output goes to a file of Molecule's folder. Who was started after ``since`` has had its turn."""
    path = _folder() / f"{playbook}-{time.time():.0f}.log"
    command = ["ansible-playbook", "-i", inventory, str(ROOT / "playbooks" / f"{playbook}.yml")]
    command += ["-e", f"redis_rolling_young={time.monotonic() - since:.0f}", *words]
    with path.open("w", encoding="utf-8") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, text=True, start_new_session=True)


def play(playbook: str, inventory: str, since: float) -> dict[str, Any]:
    """A whole walk: how it ended, and what became of each server."""
    started = time.monotonic()
    status = start(playbook, inventory, since).wait(PATIENCE)
    report = json.loads((_folder() / "reports" / "latest" / "report.json").read_text(encoding="utf-8"))
    rows = [(row["target"], row["state"], row["why"]) for row in report["timeline"]]
    return {"status": status, "rows": rows, "seconds": round(time.monotonic() - started, 1)}


def main(words: list[str]) -> int:
    """Restart and be killed, restart, upgrade."""
    inventory, network, *names = words
    members = {name: Member(f"{network}-{name}") for name in names}
    find = writer.by_sentinels(list(members.values()), NAME, PASSWORD)  # type: ignore[arg-type]
    wait_for(find, "the group to be up", 60)
    first = {name: member.run_id() for name, member in members.items()}
    begun = time.monotonic()
    with writer.following(find) as seen:
        broken = start("rolling_restart", inventory, begun, "-e", f"redis_rolling_lease={SHORT}")
        wait_for(lambda: any(member.run_id() not in ("", first[name]) for name, member in members.items()), "the first turn", PATIENCE)
        os.killpg(broken.pid, signal.SIGKILL)
        broken.wait(10)
        between = {name: member.run_id() for name, member in members.items()}
        told: dict[str, Any] = {"killed_after": sum(between[name] != first[name] for name in names)}
        # It may have begun something that is still going on; so long nobody else may begin.
        wait_for(lambda: not any(leased(f"{network}-{name}") for name in names), "the lease of the killed run to end", PATIENCE)
        told["resumed"] = play("rolling_restart", inventory, begun)
        after = {name: member.run_id() for name, member in members.items()}
        told["restarted"] = {name: len({first[name], between[name], after[name]}) - 1 for name in names}
        told["gap_restart"] = seen.longest_gap
        told["upgraded"] = play("rolling_upgrade", inventory, begun)
    master = find()
    assert master, "nobody is the master"
    told.update(
        {
            "acknowledged": len(seen.acknowledged),
            "errors": len(seen.errors),
            "lost": len(writer.lost(master, seen.acknowledged)),
            "gap": seen.longest_gap,
        }
    )
    (_folder() / "rolling.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    print(json.dumps(told))
    return 0


def _folder() -> Path:
    return Path(os.environ.get("MOLECULE_EPHEMERAL_DIRECTORY", "."))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

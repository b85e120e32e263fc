# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules on what targets have: old Pythons and every redis-py that is supported.

``python -m tests.lab.targets`` runs tests of the modules that talk to Redis once more, the modules with Python 3.9 and redis-py 4.3.4,
against Debian 12's own server; with FULL=1 on every redis-py and against the newest server as well. Each pair is an environment of its own
under .cache; one that cannot be made here is told and left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.lab import modules
from tests.lab.pythons import ROOT, environment

# redis-py (a release, or the newest of a line) and Python: the oldest that is promised for targets, as Debian 12 has it, comes first.
PAIRS = (("4.3.4", "3.9"), ("5", "3.9"), ("6", "3.9"), ("7", "3.9"), ("7", "3.13"), ("8", "3.12"), ("8", "3.13"))
# What a login, TLS, Sentinels, RESP and its types, errors and time-outs do is where one redis-py differs from another.
FEW = ("acl", "availability", "redis_info", "redis_sentinel_info", "redis_wait")
MANY = (
    *FEW, "redis_acl", "redis_client_info", "redis_client_kill", "redis_cluster_info", "redis_config", "redis_flush", "redis_guard",
    "redis_keyspace", "redis_latency", "redis_memory_defrag", "redis_memory_limit", "redis_memory_purge", "redis_monitor_kill",
    "redis_replication", "redis_save", "redis_script_kill", "redis_sentinel", "redis_sentinel_reset", "redis_slowlog", "malformed_replies",
)  # fmt: skip


PASSED, FAILED = "passed", "failed"


def main() -> int:
    """Run them on one pair, or on all; 1 where a test failed."""
    return int(FAILED in run(bool(os.environ.get("FULL"))).values())


def run(full: bool) -> dict[str, str]:
    """``{pair: PASSED, FAILED or why it is left out}``."""
    return {f"redis-py {release} on Python {python}": _ran(release, python, full) for release, python in (PAIRS if full else PAIRS[:1])}


def _ran(release: str, python: str, full: bool) -> str:
    name, began = f"redis-py {release} on Python {python}", time.monotonic()
    try:
        programs = environment(f"redis-py-{release}-python-{python}", python, [f"redis=={release}" + ".*" * ("." not in release)])
    except LookupError as error:
        print(f"── targets: {name} left out: {error}", flush=True)
        return f"targets: {error}"
    servers = "redis-7.0 or valkey-9.1" if full else "redis-7.0"
    files = [f"tests/integration/test_{subject}.py" for subject in (MANY if full else FEW)]
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(os.cpu_count() or 2), "--dist", "loadgroup", "-k", servers, *files]
    variables = {**os.environ, modules.ANOTHER_PYTHON: str(programs / "python")}
    status = subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode
    if status == 1:
        print(f"── targets: {name}: what failed once more, by itself", flush=True)
        again = [sys.executable, "-m", "pytest", "-q", "--last-failed", "--last-failed-no-failures=none", "-k", servers, *files]
        status = subprocess.run(again, cwd=ROOT, env=variables, check=False).returncode
    came = FAILED if status else PASSED
    print(f"── targets: {name} {came} after {time.monotonic() - began:.0f} s", flush=True)
    return came


if __name__ == "__main__":
    sys.exit(main())

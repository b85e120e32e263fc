# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make bench``: what things cost, as ratios against baselines of the same run, because machines differ and are shared.

``python -m tests.bench [diagnose] [failover] [fleet] [keyspace] [--keys 5000000]``; without a name all of them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable

from tests.bench import diagnose, failover, fleet, keyspace
from tests.lab import servers

BENCHES: dict[str, Callable[..., None]] = {
    "diagnose": diagnose.run,
    "failover": failover.run,
    "fleet": fleet.run,
    "keyspace": keyspace.run,
}


def main() -> int:
    """Run the named benches one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure, and print ratios beside what they should be.")
    parser.add_argument("names", nargs="*", help=f"any of {', '.join(BENCHES)}; all of them without one")
    parser.add_argument("--keys", type=int, default=1_000_000, help="keys of the keyspace bench")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHES]
    cli = _cli()
    if unknown or not cli:
        print(
            f"no such bench: {', '.join(unknown)}"
            if unknown
            else "bench needs redis-cli (or valkey-cli) for its baseline: install redis-tools",
            file=sys.stderr,
        )
        return 2
    for name in options.names or BENCHES:
        print(f"── {name}", flush=True)
        BENCHES[name](str(cli), options.keys)
    return 0


def _cli() -> str | None:
    """A redis-cli of this machine, or the one that a server's wheel brings."""
    beside = [path.with_name(path.name.replace("-server", "-cli")) for path in servers.matrix().values() if path]
    return shutil.which("redis-cli") or shutil.which("valkey-cli") or next((str(path) for path in beside if path.exists()), None)


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sentinels that are too few, that cannot act, or that watch the wrong server."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.lab import sentinels, servers
from tests.lab.scenarios.host import of_host
from tests.lab.scenarios.scenario import ANY, Make, Scenario, pair
from tests.lab.servers import wait_for

# Debian's user and group of that name.
NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
# Longer than a Sentinel may be away from its own timer.
TILT_SECONDS = 2.5


def _first_sentinel(**options: Any) -> Make:
    @contextlib.contextmanager
    def make(binary: Path) -> Iterator[dict[str, Any]]:
        with sentinels.watched(binary, **options) as watched:
            yield {"url": watched.sentinels[0].url}

    return make


@contextlib.contextmanager
def minority(binary: Path) -> Iterator[dict[str, Any]]:
    """Two of three Sentinels are gone."""
    with sentinels.watched(binary) as watched:
        left, *others = watched.sentinels
        for guard in others:
            guard.stop()
        wait_for(lambda: sentinels.is_alone(left), "the last Sentinel to miss the others", sentinels.PATIENCE)
        yield {"url": left.url}


@contextlib.contextmanager
def _of_a_replica(binary: Path) -> Iterator[dict[str, Any]]:
    with pair(binary) as members:
        replica = members[1]
        with sentinels.sentinel(binary, replica, 1) as guard:
            wait_for(lambda: sentinels.says_replica_for(guard) > 2 * sentinels.DOWN_AFTER_MS, "the Sentinel to see a replica")
            yield {"url": guard.url}


@contextlib.contextmanager
def _tilted(binary: Path) -> Iterator[dict[str, Any]]:
    with sentinels.watched(binary, replicas=1) as watched:
        guard = watched.sentinels[0]
        guard.pause()
        paused = time.monotonic()
        wait_for(lambda: time.monotonic() - paused > TILT_SECONDS, "the Sentinel's timer to be late")
        guard.process.send_signal(signal.SIGCONT)
        wait_for(lambda: guard.client().info("sentinel")["sentinel_tilt"] == 1, "the Sentinel to notice")
        yield {"url": guard.url}


@contextlib.contextmanager
def _cannot_write(binary: Path) -> Iterator[dict[str, Any]]:
    """Somebody has edited the configuration as root, which then owns the folder."""
    folder = Path(tempfile.mkdtemp(prefix="aragora-redis-"))
    try:
        shutil.chown(folder, NOBODY, NOBODY)
        (folder / "redis.conf").touch()
        shutil.chown(folder / "redis.conf", NOBODY, NOBODY)
        with servers.running(binary) as master, sentinels.sentinel(binary, master, 1, folder=folder, launcher=AS_NOBODY) as guard:
            shutil.chown(folder, 0, 0)
            folder.chmod(0o755)
            yield {"url": guard.url, "host": of_host(guard)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


SCENARIOS = {
    "sentinel_master_is_replica": Scenario(_of_a_replica),
    "sentinel_quorum_lost": Scenario(minority),
    "sentinel_config_readonly": Scenario(_cannot_write, ANY),
    "sentinel_tilt": Scenario(_tilted),
    "sentinels_few": Scenario(_first_sentinel(replicas=1, sentinels=1)),
    "no_failover_candidate": Scenario(_first_sentinel(replica_priority=0)),
}

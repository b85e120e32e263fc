# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A time limit for a whole exchange: a reply that trickles in byte by byte renews every time-out of the socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Watchdog:
    """Calls ``cut`` once, from a thread of its own, when the time that was last allowed is over."""

    def __init__(self, cut: Callable[[], object]) -> None:
        self.fired = False
        self._cut = cut
        self._end = float("inf")
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def allow(self, seconds: float) -> None:
        """Begin to count anew; cheap, because it is called for every command."""
        self._end = time.monotonic() + seconds
        if not self._thread.is_alive() and not self._done.is_set():
            self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._done.set()

    def _watch(self) -> None:
        while not self._done.wait(0.5):
            if time.monotonic() > self._end:
                self.fired = True
                self._cut()
                return

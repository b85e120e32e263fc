# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signals as an exception, so that a module which is ended can still put back what it changed."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody ends the module. ``str()`` names the signal.

    As KeyboardInterrupt it is no Exception: redis-py, and what closes a connection, go on after any of those.
    """


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise Interrupted inside for the first signal of SIGNALS; further ones are ignored, so that cleaning up is not cut short."""

    def interrupt(number: int, dummy: Any) -> None:
        for every in SIGNALS:
            signal.signal(every, signal.SIG_IGN)
        raise Interrupted(f"interrupted by {signal.Signals(number).name}")

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """Signals of SIGNALS wait until this is done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_interrupts: who is ended can put back what it changed, and nothing between goes on as if nothing had been."""

from __future__ import annotations

import contextlib
import signal

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._interrupts import Interrupted, interruptible, postponed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_that_goes_on_after_errors_goes_on_after_it(number):
    with pytest.raises(Interrupted, match=f"^interrupted by {number.name}$"), interruptible(), contextlib.suppress(Exception):
        signal.raise_signal(number)


def ended_while_putting_back(done):
    try:
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.raise_signal(signal.SIGINT)
        done.append("put back")


def ended_while_it_may_not_be(done):
    with postponed():
        signal.raise_signal(signal.SIGTERM)
        done.append("put back")


@pytest.mark.parametrize("act", [ended_while_putting_back, ended_while_it_may_not_be])
def test_what_is_put_back_is_not_cut_short(act):
    done = []
    with pytest.raises(Interrupted, match="SIGTERM"), interruptible():
        act(done)
    assert done == ["put back"]


def test_afterwards_signals_are_what_they_were():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with contextlib.suppress(Interrupted), interruptible():
        signal.raise_signal(signal.SIGHUP)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before

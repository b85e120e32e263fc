# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store without persistence, with changes that are in memory only, is not restarted"""

from __future__ import annotations

import contextlib

from tests.incidents.lab import DEBIAN, Injecting, Lab, by_host
from tests.incidents.refusals import YOUNG, store

mends = "restart"
given = YOUNG
refuses = "it saves nothing, and is used as a store: 1 change and 1 key are in its memory only"
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    with store('save ""') as started:
        yield by_host(started)

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A healthy master under mixed load, with a replica, that saves its data set."""

from __future__ import annotations

import contextlib

import redis

from tests.incidents.lab import Injecting, Lab, load
from tests.lab.scenarios.healthy import WELL_SET, mixed, some_data

first = None
alone = True


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.pair(**WELL_SET) as (master, dummy):
        some_data(master)
        with load(master, mixed, mixed, pause=0.003), load(master, save, pause=0.3):
            yield {"url": master.url}


def save(client: redis.Redis) -> None:
    """A snapshot in the background; an error where one is under way is meant."""
    client.bgsave()

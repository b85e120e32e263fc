# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disk of the data directory is full."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import ANY, Injecting, Lab, Skipped, on_this_machine, scenario
from tests.lab import network

first = "disk_full"
servers = ANY


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    if network.why_not():
        raise Skipped("a disk of its own needs root")
    with scenario("disk_full")(lab) as place:
        # Only its host knows: by inventory, as people with hosts do it.
        yield on_this_machine(url=place["url"])

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody has promoted a replica by hand while its master is alive: both take writes."""

from __future__ import annotations

from contextlib import AbstractContextManager

from tests.incidents.lab import Lab, Place
from tests.lab.scenarios.groups import two_masters

first = "masters_many"
mends = "heal_replication"
refuses = "2 masters in one group, and what only one of them was told is lost when it becomes a replica"


def inject(lab: Lab) -> AbstractContextManager[Place]:
    return two_masters(lab.binary)

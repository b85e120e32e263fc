# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The master's host is gone; Sentinel has promoted a replica, and one replica too few is left."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import Injecting, Lab
from tests.lab.sentinels import watched

first = "replicas_missing"


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with watched(lab.binary, min_replicas_to_write=1) as group:
        promoted = group.failover()
        others = [replica.url for replica in group.replicas if replica is not promoted]
        yield {"targets": [promoted.url, *others, *(guard.url for guard in group.sentinels)]}

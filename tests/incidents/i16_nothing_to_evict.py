# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory is full, only keys with a TTL may be evicted, and there are none."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("eviction_impossible")
first = "eviction_impossible"
mends = "tune_memory"
lessened = True  # writes work again; only the application can give its keys a TTL
explains = ("memory_limit_reached",)

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory is full and the policy is noeviction: writes are refused."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("memory_limit_reached")
first = "memory_limit_reached"
mends = "tune_memory"
explains = ("writes_refused_memory",)

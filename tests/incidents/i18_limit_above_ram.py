# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The memory limit is larger than the machine."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("memory_exceeds_host")
first = "memory_exceeds_host"
mends = "tune_memory"

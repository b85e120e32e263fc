# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions are written without a TTL and fill the memory."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("keys_without_ttl")
first = "keys_without_ttl"
explains = ("pattern_dominates",)

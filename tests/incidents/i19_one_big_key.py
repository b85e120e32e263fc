# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A hash has 200,000 fields."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("big_keys")
first = "big_keys"

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client asks for a whole set of 50,000 members."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("slow_command_big_reply")
first = "slow_command_big_reply"

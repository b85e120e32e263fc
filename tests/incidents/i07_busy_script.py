# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A script never ends."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("script_running")
first = "script_running"
mends = "kill_script"
reason = "script"

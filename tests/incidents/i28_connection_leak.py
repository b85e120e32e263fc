# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One client opens connections and closes none."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("clients_leaking")
first = "clients_leaking"
mends = "tune_clients"
# Nobody waits an hour for connections to be idle for long.
given = {"redis_clients_kill_idle": 1}  # seconds
explains = ("clients_high",)

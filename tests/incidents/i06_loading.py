# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server is reading a large data set from disk."""

from __future__ import annotations

from tests.incidents.kept import Known
from tests.incidents.lab import scenario

inject = scenario("server_loading")
first = "server_loading"
mends = "wait"
holds = Known("key:", first=1, count=150, size=300_000, seconds=0)  # what the scenario has saved

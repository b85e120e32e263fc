# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two of three Sentinels are down: the loss of the master would be an outage."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("sentinel_quorum_lost")
first = "sentinel_quorum_lost"

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The replica has the wrong password for its master."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("replication_auth_mismatch")
first = "replication_auth_mismatch"
explains = ("replication_link_down",)

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A replica comes back with a history that the small backlog no longer holds, and is copied in full again and again."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("full_sync_repeated")
first = "full_sync_repeated"

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snapshot cannot be written, so writes are refused."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("save_failing")
first = "save_failing"
explains = ("writes_refused_persistence",)

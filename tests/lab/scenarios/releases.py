# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers of a release line that has ended."""

from __future__ import annotations

from tests.lab.scenarios.scenario import Scenario, with_server

# Those of the matrix that the table says have ended.
ENDED = ("redis-7.0", "redis-8.0")

SCENARIOS = {"version_unsupported": Scenario(with_server(), ENDED)}

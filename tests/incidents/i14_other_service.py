# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A web server has the port."""

from __future__ import annotations

from tests.incidents.lab import ANY, scenario

inject = scenario("not_redis")
first = "not_redis"
servers = ANY

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's name does not resolve."""

from __future__ import annotations

from tests.incidents.lab import ANY, scenario

inject = scenario("name_not_resolved")
first = "name_not_resolved"
servers = ANY

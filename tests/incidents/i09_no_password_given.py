# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server wants a password, and none is given."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("auth_required")
first = "auth_required"
as_given = True

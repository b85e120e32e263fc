# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The application still uses the old password."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("auth_failed")
first = "auth_failed"
as_given = True
reason = "wrong_password"

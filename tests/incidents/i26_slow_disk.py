# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disk does not keep up with the append-only file."""

from __future__ import annotations

from tests.incidents.lab import scenario

inject = scenario("fsync_slow")
first = "fsync_slow"

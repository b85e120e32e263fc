# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same where the allocator is that of the C library, which tells nothing of itself."""

from __future__ import annotations

from tests.incidents import i21a_fragmentation

inject = i21a_fragmentation.inject
first = "fragmentation_resident"
servers = ("valkey-8.1", "valkey-9.1")

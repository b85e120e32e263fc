# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same was done a minute ago"""

from __future__ import annotations

from tests.incidents.lab import ANY
from tests.incidents.refusals import book, done, full

inject = full
mends = "tune_memory"
refuses = "s ago; the next may come"
servers = ANY


def ledger(server: str) -> dict[str, str]:
    return book(done(server, "tune_memory", 60))

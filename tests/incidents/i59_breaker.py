# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was mended three times within an hour comes back"""

from __future__ import annotations

from tests.incidents.lab import ANY
from tests.incidents.refusals import book, done, full

inject = full
mends = "tune_memory"
refuses = "for memory_limit_reached, which comes back: a person has to look"
servers = ANY


def ledger(server: str) -> dict[str, str]:
    return book(*[done(server, "tune_memory", 1000 * number, "memory_limit_reached") for number in range(1, 4)])

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another run acts on the server"""

from __future__ import annotations

import time

from tests.incidents.lab import ANY
from tests.incidents.refusals import book, full

inject = full
mends = "tune_memory"
refuses = "alice acts on"
servers = ANY


def ledger(server: str) -> dict[str, str]:
    return book(leases={server: {"run_id": "run-1", "who": "alice", "server": server, "until": time.time() + 300}})

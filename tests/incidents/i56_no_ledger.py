# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guarded action on a server by URL, for which nobody keeps a ledger"""

from __future__ import annotations

from tests.incidents.lab import ANY
from tests.incidents.refusals import full

inject = full
mends = "tune_memory"
given = {"redis_guard_host": ""}
refuses = "a server by URL has no ledger to guard it: name a host for it, redis_guard_host=HOST"
servers = ANY

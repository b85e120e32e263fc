# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody froze the host"""

from __future__ import annotations

from tests.incidents.lab import ANY
from tests.incidents.refusals import full

inject = full
mends = "tune_memory"
refuses = "automatic changes are frozen here: we migrate until noon"
servers = ANY


def ledger(dummy: str) -> dict[str, str]:
    return {"freeze": "we migrate until noon"}

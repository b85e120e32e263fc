# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A limit is asked for that is below what is in use"""

from __future__ import annotations

from tests.incidents.lab import ANY
from tests.incidents.refusals import full

inject = full
mends = "tune_memory"
given = {"redis_memory_maxmemory": "1mb"}
refuses = "1 MiB is below the"
servers = ANY

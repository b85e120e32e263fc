# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many clients a server should allow, and how many its limit of open files lets it. Pure.

Source: https://redis.io/docs/latest/develop/reference/clients/
"""

from __future__ import annotations

import math
import re

# Open files that Redis keeps for itself, beside one for each client.
RESERVED_FILES = 32
# As much more than what is connected: 69 % of the limit is below every threshold.
HEADROOM = 1.45
# "The operating system is not able to handle the specified number of clients, try with 4064"
TRY_WITH = re.compile(r"not able to handle the specified number of clients, try with (\d+)")


def enough(connected: int) -> int:
    """maxclients with room for more than are connected."""
    return math.ceil(connected * HEADROOM)


def allowed_by(open_files: int | None) -> int | None:
    """The most clients for a limit of open files; None where that is unlimited or unknown."""
    return None if open_files is None else max(0, open_files - RESERVED_FILES)


def files_for(maxclients: int) -> int:
    """Open files that so many clients need."""
    return maxclients + RESERVED_FILES


def offered(refusal: str) -> int | None:
    """How many clients the server says it could handle instead, None where it says something else."""
    found = TRY_WITH.search(refusal)
    return int(found.group(1)) if found else None

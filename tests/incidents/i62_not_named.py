# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is guarded was not named"""

from __future__ import annotations

from typing import Any

from tests.incidents.lab import ANY
from tests.incidents.refusals import full

inject = full
mends = "tune_memory"
playbook = "remediate.yml"
given: dict[str, Any] = {"redis_remediation_allow": []}
refuses = "tune_memory is guarded: allow it with redis_remediation_allow=[tune_memory]"
servers = ANY

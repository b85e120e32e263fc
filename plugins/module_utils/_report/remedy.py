# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that runs a remedy."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

COLLECTION = "aragora.redis"


def remedy_command(remedy: Mapping[str, Any]) -> str:
    """``ansible-playbook aragora.redis.tune_memory -e …``, quoted for a shell.

    Variables other than plain words are JSON, so that they keep their type.
    """
    playbook = str(remedy.get("playbook"))
    parts = ["ansible-playbook", playbook if playbook.startswith(f"{COLLECTION}.") else f"{COLLECTION}.{playbook}"]
    for name, value in (remedy.get("extra_vars") or {}).items():
        plain = isinstance(value, str) and value and shlex.quote(value) == value
        parts += ["-e", f"{name}={value}" if plain else json.dumps({name: value}, default=str)]
    return shlex.join(parts)

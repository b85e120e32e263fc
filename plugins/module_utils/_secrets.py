# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must never be shown: settings that hold secrets, and arguments that may."""

from __future__ import annotations

import re
from typing import Any

MASK = "***"
# requirepass, masterauth/primaryauth, tls-key-file-pass … and whatever a module calls by such a name.
SECRET_SETTING = re.compile(r"pass(word|phrase)?$|auth$|secret|token", re.IGNORECASE)
# Commands of which every argument may be a secret.
SECRET_COMMANDS = {"AUTH", "HELLO", "ACL SETUSER", "CONFIG SET", "MIGRATE", "MODULE LOADEX", "SENTINEL CONFIG", "SENTINEL SET"}


def is_secret(setting: str) -> bool:
    """True for a setting whose value must be masked."""
    return bool(SECRET_SETTING.search(setting))


def masked_config(config: dict[str, str]) -> dict[str, str]:
    """CONFIG GET's answer with secrets replaced; an empty secret stays empty, because "not set" is no secret."""
    return {name: MASK if value and is_secret(name) else value for name, value in config.items()}


def auth_facts(config: dict[str, str]) -> dict[str, bool]:
    """What may be said about the passwords: ``{requirepass_set, masterauth_set, masterauth_equals_requirepass}``."""
    requirepass = config.get("requirepass", "")
    masterauth = config.get("masterauth") or config.get("primaryauth") or ""
    return {
        "requirepass_set": bool(requirepass),
        "masterauth_set": bool(masterauth),
        "masterauth_equals_requirepass": requirepass == masterauth,
    }


def without_hashes(user: dict[str, Any]) -> dict[str, Any]:
    """ACL GETUSER's answer with its password hashes counted instead of shown."""
    shown = {name: value for name, value in user.items() if name != "passwords"}
    return {**shown, "password_count": len(user.get("passwords") or [])}

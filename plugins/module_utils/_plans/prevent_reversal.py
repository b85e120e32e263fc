# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What prevent would put back: its files, its users, and the commands that it took. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._plans import slow_commands
from ansible_collections.aragora.redis.plugins.module_utils._plans.prevent_commands import would_change


def plan(snapshot: Mapping[str, Any], options: Mapping[str, Any], survey: Mapping[str, Any]) -> dict[str, Any]:
    """The steps, and the keys of the plan that say what to do. Nothing of it waits for a server that can be asked but the users."""
    leave_out, steps, left, done = options["leave_out"], list[str](), list[str](), dict[str, Any]()
    if "kernel" not in leave_out:
        told = survey.get("kernel") or {}
        steps += told.get("steps") or []
        left += told.get("left") or []
        done["kernel"] = bool(told.get("steps"))
    if "files" not in leave_out and survey.get("drop_in"):
        steps.append(f"removes {survey['drop_in']}, from the next restart on")
        done["file_limit"] = {"unit": str(survey["unit"]), "files": 0}
    if snapshot["availability"]["state"] == "up":
        if "ops_users" not in leave_out:
            _users(survey, steps, left, done)
        if "commands" not in leave_out and options.get("previous"):
            given = slow_commands.plan(snapshot, {"give_back": True, "previous": options["previous"], "seconds": 0})
            steps += given["steps"]
            done["give_back"] = given["give_back"]
    return {**done, "steps": steps, "left": left}


def _users(survey: Mapping[str, Any], steps: list[str], left: list[str], done: dict[str, Any]) -> None:
    for name, told in (survey.get("ops") or {}).items():
        if told.get("msg"):
            left.append(str(told["msg"]))
        elif would_change(told):
            steps.append(f"removes the user {name}")
            done.setdefault("ops", []).append(name)

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The application's own programs, as its user, in its folder, with its variables; nothing of the variables is in an argument."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO, Any

from ansible_collections.aragora.redis.plugins.module_utils import _programs
from ansible_collections.aragora.redis.plugins.module_utils._application_service import Service
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import NEEDS_ROOT, SYSTEM_PATH, Denied

MOST_BYTES = 256 * 1024


def run(service: Service, argv: Sequence[str], seconds: float) -> tuple[int, str, str]:
    """(exit status, output, errors), both cut to a length. Denied where it cannot be run, or does not end in time."""
    if service.is_container:
        command, options = _in_container(service, argv), {}
    else:
        command, options = list(argv), _as_user(service)
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = _programs.started(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True, **options
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "strerror", None) or type(error).__name__
            raise Denied(f"{argv[0]} cannot be run as {service.user or 'its user'} in {service.folder}: {said}") from None
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Denied(f"{argv[0]} did not end within {seconds:g} s") from None
        finally:
            # Also what it has left behind.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return process.returncode, _text(output), _text(errors)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(MOST_BYTES).decode("utf-8", "replace")


def _in_container(service: Service, argv: Sequence[str]) -> list[str]:
    user = ["--user", service.profile["user"]] if service.profile["user"] else []
    return [service.told["engine"], "exec", *user, "--workdir", service.folder, service.told["name"], *argv]


def _as_user(service: Service) -> dict[str, Any]:
    """The options of Popen that make it the service's own."""
    entry = _entry(service.user or str(os.geteuid()))
    environment = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name}
    folder = entry.pw_dir if service.folder == "~" else service.folder
    options: dict[str, Any] = {"cwd": folder, "env": {**environment, **service.variables}}
    if entry.pw_uid == os.geteuid():
        return options
    if os.geteuid() != 0:
        raise Denied(f"{NEEDS_ROOT}: to run its commands as {entry.pw_name}")
    group = _group(service.told.get("group")) or entry.pw_gid
    return {**options, "user": entry.pw_uid, "group": group, "extra_groups": os.getgrouplist(entry.pw_name, group)}


def _entry(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
    except KeyError:
        raise Denied(f"there is no user {user} on this host") from None


def _group(name: str | None) -> int | None:
    try:
        return None if not name else int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        return None

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_application_pool from its options to its result: variables that bound pools, in the environment file that the service reads.

Everything else in the file is secret and stays as it is, byte for byte.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _environment_file
from ansible_collections.aragora.redis.plugins.module_utils._application_gather import profile_of
from ansible_collections.aragora.redis.plugins.module_utils._application_service import Service


def pool_argument_spec() -> dict[str, Any]:
    """The options of redis_application_pool."""
    return {"application": {"type": "dict", "required": True}, "variables": {"type": "dict", "required": True}}


def answer(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of the module. ValueError, with one sentence, for what cannot be changed."""
    profile = profile_of(dict(options))
    wanted = {str(name): None if value is None else str(value) for name, value in options["variables"].items()}
    _check(profile, wanted)
    paths = _files(profile)
    texts = {path: _text(path) for path in paths}
    homes = {name: _home(name, texts) for name in wanted}
    after = dict(texts)
    for name, value in wanted.items():
        if _environment_file.parse(after[homes[name]]).get(name) != value:
            after[homes[name]] = _environment_file.changed(after[homes[name]], name, value)
    changed = [path for path in paths if after[path] != texts[path]]
    if not check_mode:
        for path in changed:
            _replace(Path(path), after[path])
    previous = {name: _environment_file.parse(texts[homes[name]]).get(name) for name in wanted}
    before = "".join(f"{name}={value}\n" for name, value in sorted(previous.items()) if value is not None)
    now = "".join(f"{name}={value}\n" for name, value in sorted(wanted.items()) if value is not None)
    header = ", ".join(sorted(set(homes.values())))
    diff = {"before_header": header, "after_header": header, "before": before, "after": now}
    return {"changed": bool(changed), "previous": previous, "files": homes, "diff": diff}


def _check(profile: Mapping[str, Any], wanted: Mapping[str, str | None]) -> None:
    known = profile["pool"]["variables"]
    for name, value in wanted.items():
        if name not in known:
            raise ValueError(
                f"{name} is none of redis_application.pool.variables ({', '.join(known) or 'none are given'}): only those are set"
            )
        if value is not None and not (value.isdigit() and int(value) > 0):
            raise ValueError(f"{name} would be '{value}': give a whole number of connections, 1 or more")


def _files(profile: Mapping[str, Any]) -> list[str]:
    """The files that the next start reads, the last one wins."""
    service = Service(profile)
    if service.is_container:
        raise ValueError(f"{profile['container']} is a container, whose environment cannot be changed: recreate it")
    named = [*profile["environment_files"], *(service.told.get("files") or [])]
    found = [path for path in dict.fromkeys(named) if Path(path).is_file()]
    if not found:
        trouble = service.denied.get("service") or f"{profile['unit'] or 'its unit'} names none that is there"
        raise ValueError(f"no environment file is known ({trouble}): give redis_application.environment_files")
    return found


def _home(name: str, texts: Mapping[str, str]) -> str:
    """The file in which a variable is set, the last one where several do; where none does, the last file."""
    setting = [path for path, text in texts.items() if name in _environment_file.parse(text)]
    return (setting or list(texts))[-1]


def _text(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'it is no text'}): run with become") from None


def _replace(path: Path, text: str) -> None:
    """Write beside it, with its owner and mode, and rename: who reads sees the old file or the new one. A link stays one."""
    place = path.resolve()
    state = place.stat()
    try:
        descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}-")
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror}): run with become") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchown(file.fileno(), state.st_uid, state.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(state.st_mode))
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

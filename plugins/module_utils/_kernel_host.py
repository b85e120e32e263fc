# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read what the kernel is set to, set it, and keep it in files of our own; or put back what was before, and take the files away."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _kernel
from ansible_collections.aragora.redis.plugins.module_utils._kernel import HUGE_PAGES, SYSCTL, TMPFILES, Found, Item

# The same name in an earlier folder hides that in a later one.
FOLDERS = {
    SYSCTL: ("/etc/sysctl.d", "/run/sysctl.d", "/usr/lib/sysctl.d"),
    TMPFILES: ("/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/lib/tmpfiles.d"),
}
MODE = 0o644
EVERY = _kernel.items(overcommit=True, somaxconn=1, huge_pages="never")


def kernel_argument_spec() -> dict[str, Any]:
    """The options of redis_kernel."""
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "overcommit": {"type": "bool", "default": True},
        "somaxconn": {"type": "int", "default": 0},
        "huge_pages": {"type": "str", "choices": ["", "madvise", "never"], "default": ""},
    }


def answer(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_kernel. ValueError for options that cannot be meant."""
    if not 0 <= options["somaxconn"] <= 65_535:
        raise ValueError(f"somaxconn is {options['somaxconn']}: give a number from 0 to 65535")
    wanted = _kernel.items(overcommit=options["overcommit"], somaxconn=options["somaxconn"], huge_pages=options["huge_pages"])
    return _present(wanted, check_mode) if options["state"] == "present" else _absent(check_mode)


def _present(wanted: Sequence[Item], check_mode: bool) -> dict[str, Any]:
    before = {path: _text(path) for path in (SYSCTL, TMPFILES)}
    found = {item.name: _look(item, before) for item in wanted}
    lacking = {item: _kernel.why_not(item, found[item.name]) for item in wanted if _kernel.lacks(item, found[item.name])}
    left, doable = [reason for reason in lacking.values() if reason], [item for item, reason in lacking.items() if not reason]
    done = []
    for item in doable:
        trouble = "" if check_mode or item.is_met(found[item.name].now) else _write(item.path, item.wanted)
        if trouble:
            left.append(f"{item.name} could not be set to {item.wanted}: {trouble}")
        else:
            done.append(item)
    values, was = _ours(before)
    values.update({item.name: item.wanted for item in done})
    was = {**{item.name: str(found[item.name].now) for item in done if not item.is_met(found[item.name].now)}, **was}
    after = {path: text for path, text in _kernel.text_of(values, was).items() if done and text}
    kept = [item for item in wanted if item in done or found[item.name].ours]
    left += filter(None, [_kernel.overruled(item, found[item.name], _file(item)) for item in kept])
    return _finished(before, {**before, **after}, {item.name: (found[item.name].now, item.wanted) for item in done}, left, check_mode)


def _absent(check_mode: bool) -> dict[str, Any]:
    before = {path: _text(path) for path in (SYSCTL, TMPFILES)}
    values, was = _ours(before)
    changes, left = {}, []
    for item in EVERY:
        now = _kernel.value_of(_text(item.path))
        # What somebody else has set since stays.
        if item.name in was and now == values.get(item.name):
            trouble = "" if check_mode else _write(item.path, was[item.name])
            if trouble:
                left.append(f"{item.name} could not be put back to {was[item.name]}: {trouble}")
            changes[item.name] = (now, was[item.name])
    return _finished(before, dict.fromkeys(before, ""), changes, left, check_mode)


def _look(item: Item, before: Mapping[str, str]) -> Found:
    path = _file(item)
    others = _kernel.kept(_files(path), item.name)
    own = _kernel.kept([(path, before[path])], item.name)[1]
    now = _kernel.value_of(_text(item.path))
    return Found(now, *others, _kernel.remembered(before[path]).get(item.name), item.is_met(own), os.access(item.path, os.W_OK))


def _ours(before: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(values, what they were) of our files."""
    values, was = dict[str, str](), dict[str, str]()
    for path, text in before.items():
        was.update(_kernel.remembered(text))
        for item in EVERY:
            value = _kernel.kept([(path, text)], item.name)[1]
            if value is not None:
                values[item.name] = value
    return values, was


def _files(own: str) -> list[tuple[str, str]]:
    """The files of others that set values at boot, in the order in which they are read."""
    found: dict[str, str] = {}
    for folder in reversed(FOLDERS[own]):
        found.update({path.name: str(path) for path in Path(folder).glob("*.conf")})
    found.pop(Path(own).name, None)
    if own == SYSCTL and Path("/etc/sysctl.conf").exists():
        found.setdefault("99-sysctl.conf", "/etc/sysctl.conf")
    return [(path, _text(path)) for dummy, path in sorted(found.items())]


def _file(item: Item) -> str:
    return TMPFILES if item.name == HUGE_PAGES else SYSCTL


def _finished(
    before: Mapping[str, str], after: Mapping[str, str], changes: Mapping[str, tuple[str | None, str]], left: list[str], check_mode: bool
) -> dict[str, Any]:
    files = [path for path in before if before[path] != after[path]]
    for path in [] if check_mode else files:
        _keep(path, after[path])
    told = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    steps = [f"{name} {now} → {value}" for name, (now, value) in told.items()]
    steps += [f"{'writes' if after[path] else 'removes'} {path}" for path in files]
    shown = [{"before": before[path], "after": after[path], "before_header": path, "after_header": path} for path in files]
    values = [{"before": f"{now}\n", "after": f"{new}\n", "before_header": name, "after_header": name} for name, (now, new) in told.items()]
    return {"changed": bool(files or told), "steps": steps, "left": left, "diff": [*values, *shown]}


def _keep(path: str, text: str) -> None:
    if not text:
        Path(path).unlink()
        return
    Path(path).parent.mkdir(mode=0o755, exist_ok=True)
    beside = Path(f"{path}.new")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(MODE)
    beside.replace(path)


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _write(path: str, value: str) -> str:
    """Set a value of the kernel; the reason where that is refused."""
    try:
        Path(path).write_text(value, encoding="ascii")
    except OSError as error:
        return str(error.strerror)
    now = _kernel.value_of(_text(path))
    return "" if now == value else f"it is {now} afterwards"

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a fallback on its host: its lease, what the application is given, the fact, and the watch. Written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _fallback
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import run
from ansible_collections.aragora.redis.plugins.module_utils._host_log import masked
from ansible_collections.aragora.redis.plugins.module_utils._ledger_file import Unusable, locked

__all__ = ["Unusable", "locked"]

FACT = Path("/etc/ansible/facts.d/redis_fallback.fact")
UNITS = Path("/etc/systemd/system")
SYSTEMD = Path("/run/systemd/system")
WANTS = UNITS / "timers.target.wants"
WATCH = "watch.pyz"
HIDDEN = "(changed by somebody; not shown)\n"
# How long systemd may need to read all units again.
RELOAD_SECONDS = 60.0
SERVICE = """\
[Unit]
Description=Watch of the fallback of {name}
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart={python} {watch} {name}
TimeoutStartSec=1800
"""
TIMER = """\
[Unit]
Description=Watch of the fallback of {name}, every minute

[Timer]
OnActiveSec=60
OnUnitInactiveSec=60
AccuracySec=5

[Install]
WantedBy=timers.target
"""


def read(folder: Path, name: str) -> dict[str, Any] | None:
    """The lease of an application; None where there is none. Raises Unusable."""
    path = _lease(folder, name)
    try:
        return _fallback.checked(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unusable(f"the lease {path} cannot be read ({error.strerror}): run as root, with -b") from None
    except ValueError as error:
        raise Unusable(f"the lease {path} is damaged ({error}): look at it, and at the drop-ins of {name}, then move it away") from None


def write(folder: Path, lease: Mapping[str, Any]) -> None:
    """Keep the lease."""
    put(_lease(folder, lease["name"]), json.dumps(lease, indent=1) + "\n", 0o600)


def found(paths: Iterable[str]) -> dict[str, str | None]:
    """{path: checksum}, None where there is nothing."""
    sums: dict[str, str | None] = {}
    for path in paths:
        try:
            sums[path] = _fallback.checksum(Path(path).read_bytes())
        except OSError:
            sums[path] = None
    return sums


def lay(texts: Mapping[str, str], made: list[str]) -> None:
    """Write what the application is given, in this order; ``made`` tells the folders that have to be made."""
    for folder in made:
        Path(folder).mkdir(mode=0o755, exist_ok=True)
    for path, text in texts.items():
        put(Path(path), text, 0o644 if path.endswith(".conf") else 0o600)
    if any(path.endswith(".conf") for path in texts):
        reload()


def take(paths: Iterable[str], made: Iterable[str]) -> None:
    """Take that away, drop-ins first: systemd forgets a file before it is gone."""
    paths = list(paths)
    drop_ins = [path for path in paths if path.endswith(".conf")]
    _remove(drop_ins)
    for folder in made:
        if folder.endswith(".d") and not folder.startswith(str(FACT.parent)):
            _rmdir(folder)
    if drop_ins:
        reload()
    _remove(path for path in paths if path not in drop_ins)


def missing_folders(folder: Path, drop_ins: str) -> list[str]:
    """Folders that have to be made, upper ones first; those that another lease has made count as made."""
    wanted = [str(FACT.parent.parent), str(FACT.parent), str(WANTS), *([drop_ins] if drop_ins else [])]
    before = {path for lease in leases(folder) for path in lease["made"]}
    return [path for path in wanted if path in before or not Path(path).is_dir()]


def watch(folder: Path, name: str, program: bytes | None) -> None:
    """Begin to watch: every minute, after a reboot as well. Where systemd does not run, nobody does."""
    if not SYSTEMD.is_dir():
        return
    if program:
        put(folder / WATCH, program, 0o600)
    words = {"name": name, "python": sys.executable, "watch": folder / WATCH}
    put(UNITS / _watch_unit(name, "service"), SERVICE.format(**words), 0o644)
    put(UNITS / _watch_unit(name, "timer"), TIMER.format(**words), 0o644)
    link = WANTS / _watch_unit(name, "timer")
    with contextlib.suppress(FileExistsError):
        link.symlink_to(UNITS / _watch_unit(name, "timer"))
    reload()
    run("systemctl", "start", _watch_unit(name, "timer"), seconds=RELOAD_SECONDS)


def end(folder: Path, lease: Mapping[str, Any]) -> None:
    """Take away all that is left of a fallback, its lease last."""
    name = lease["name"]
    timer = _watch_unit(name, "timer")
    if (UNITS / timer).exists():
        run("systemctl", "stop", timer, seconds=RELOAD_SECONDS)
    _remove(map(str, (WANTS / timer, UNITS / timer, UNITS / _watch_unit(name, "service"))))
    reload()
    remaining = [other for other in leases(folder) if other["name"] != name]
    fact(remaining)
    if not remaining:
        _remove([str(folder / WATCH)])
        for path in reversed(lease["made"]):
            _rmdir(path)
    _remove([str(_lease(folder, name))])


def leases(folder: Path) -> list[dict[str, Any]]:
    """All leases of this host that can be read."""
    kept = []
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(OSError, ValueError):
            kept.append(_fallback.checked(json.loads(path.read_text(encoding="utf-8"))))
    return kept


def fact(kept: list[dict[str, Any]]) -> None:
    """The local fact ``ansible_local.redis_fallback``: who holds which fallback until when; readable by everybody, so without values."""
    if not kept:
        _remove([str(FACT)])
        return
    told = {}
    for lease in kept:
        status = _fallback.status(lease, {"changed": [], "missing": []}, [], 0)
        told[lease["name"]] = {key: status[key] for key in ("phase", "since", "until", "holders", "variables")}
    put(FACT, json.dumps(told, indent=1) + "\n", 0o644)


def diff(lease: Mapping[str, Any] | None, texts: Mapping[str, str], away: set[str]) -> list[dict[str, str]]:
    """What the files hold before and after. They hold values of the profile; what somebody wrote there is not shown."""
    shown = []
    for path in [*texts, *sorted(away)]:
        before = ""
        with contextlib.suppress(OSError):
            before = Path(path).read_text(encoding="utf-8", errors="replace")
        known = lease and _fallback.checksum(before) == lease["files"].get(path)
        sides = {"before": _shown(before) if known or not before else HIDDEN, "after": _shown(texts.get(path, ""))}
        shown.append({"before_header": path, "after_header": path, **sides})
    return shown


def _shown(text: str) -> str:
    return "".join(masked(line) + "\n" for line in text.splitlines())


def put(path: Path, text: str | bytes, mode: int) -> None:
    """Write beside it and rename: whoever reads sees the old file or the new one."""
    data = text.encode() if isinstance(text, str) else text
    with contextlib.suppress(OSError):
        if path.read_bytes() == data and path.stat().st_mode & 0o7777 == mode and not path.is_symlink():
            return
    # systemd reads *.conf, Ansible *.fact: the name of the draft ends otherwise.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix="~")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def reload() -> None:
    """Let systemd read its units again, where it runs."""
    if SYSTEMD.is_dir():
        run("systemctl", "daemon-reload", seconds=RELOAD_SECONDS)


def _lease(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def _watch_unit(name: str, kind: str) -> str:
    """Its name holds no @, which would make an instance of it."""
    stem = name[: -len(".service")] if name.endswith(".service") else name
    return f"aragora-redis-fallback-{re.sub('[^A-Za-z0-9_.-]', '-', stem)}.{kind}"


def _remove(paths: Iterable[str]) -> None:
    """Files, and the drafts of them that a run has left that was killed."""
    for path in map(Path, paths):
        for victim in (*path.parent.glob(f".{path.name}-*~"), path):
            with contextlib.suppress(FileNotFoundError):
                victim.unlink()


def _rmdir(path: str) -> None:
    """A folder with something in it is somebody else's by now."""
    with contextlib.suppress(OSError):
        Path(path).rmdir()

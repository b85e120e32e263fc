# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_notify from its options to its result. The only file that imports apprise.

Every channel has a process of its own, so that none waits for another and one that hangs can be ended: threads of apprise cannot, and
would keep the module from ending.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.aragora.redis.plugins.module_utils import _notify

MISSING = "apprise is not installed for the Python that runs redis_notify ({python}): pip install apprise"
KINDS = ("failure", "warning", "success", "info")
SPEC: dict[str, Any] = {
    "urls": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str"},
            "url": {"type": "str", "required": True, "no_log": True},
            "audience": {"type": "str", "choices": list(_notify.AUDIENCES), "default": "team"},
        },
    },
    "audience": {"type": "str", "choices": list(_notify.AUDIENCES)},
    "title": {"type": "str", "required": True},
    "body": {"type": "str", "required": True},
    "attach": {"type": "list", "elements": "path", "default": []},
    "kind": {"type": "str", "choices": list(KINDS), "default": "failure"},
    "timeout": {"type": "float", "default": 30.0},
    "require": {"type": "str", "choices": list(_notify.REQUIRES), "default": "any"},
}


class Unusable(Exception):
    """Nobody can be told at all. ``str()`` says why, and what to do."""


class _Collected(logging.Handler):
    """What apprise logs, for the reason of a failure; it is shown to nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


LOG = _Collected()


def answer(options: Mapping[str, Any], check_mode: bool, python: str) -> dict[str, Any]:
    """The result of the module. Raises Unusable or ValueError with one sentence."""
    channels = _notify.chosen(options["urls"], options["audience"])
    apprise = _library(python) if channels else None
    # Made here and not in their processes: apprise reads all of its plugins when it makes the first.
    made = {row["name"]: _made(apprise, row) for row in channels}
    errors = {name: "" if maker else _notify.UNUSABLE for name, maker in made.items()}
    files = [path for path in options["attach"] if Path(path).is_file()]
    if not check_mode:
        errors.update(_sent(apprise, {name: maker for name, maker in made.items() if maker}, options, files))
    well = [name for name, error in errors.items() if not error]
    results = [
        {"name": row["name"], "audience": row["audience"], "sent": row["name"] in well and not check_mode, "error": errors[row["name"]]}
        for row in channels
    ]
    return {
        "changed": bool(well),
        "channels": results,
        "told": [] if check_mode else well,
        "would_tell": well if check_mode else [],
        "missed": [name for name in errors if name not in well],
        "attached": [Path(path).name for path in files],
        "objection": _notify.objection(results, options["require"]),
    }


def _library(python: str) -> Any:
    try:
        import apprise  # noqa: PLC0415  it takes half a second, and only who tells somebody needs it
    except ImportError:
        raise Unusable(MISSING.format(python=python)) from None
    # Debug lines name the errors of the sockets; they go nowhere but into the reason.
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [LOG], False
    logger.setLevel(logging.DEBUG)
    return apprise


def _made(apprise: Any, channel: Mapping[str, Any]) -> Any:
    """The channel as apprise knows it, None where it does not."""
    maker = apprise.Apprise(asset=apprise.AppriseAsset(app_id="aragora.redis", app_desc="aragora.redis", async_mode=False))
    return maker if maker.add(channel["url"]) else None


def _sent(apprise: Any, made: Mapping[str, Any], options: Mapping[str, Any], files: list[str]) -> dict[str, str]:
    """Tell all of them at once, and wait for each until the time is over: ``{name: why it could not be told}``, empty where it was."""
    context = multiprocessing.get_context("fork")
    end = time.monotonic() + options["timeout"]
    started = []
    for name, maker in made.items():
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_tell, args=(theirs, apprise, maker, options, files), daemon=True)
        process.start()
        theirs.close()
        started.append((name, process, ours))
    errors = {}
    for name, process, ours in started:
        errors[name] = f"it did not answer within {options['timeout']:g} s, and was given up"
        if ours.poll(max(0.0, end - time.monotonic())):
            errors[name] = _notify.UNKNOWN
            # A process that was killed says nothing.
            with contextlib.suppress(EOFError):
                errors[name] = ours.recv()
        process.kill()
    return errors


def _tell(answer_to: Connection, apprise: Any, maker: Any, options: Mapping[str, Any], files: list[str]) -> None:
    """In the channel's own process. Where its files were too much, the words alone have to do."""
    error = _told(apprise, maker, options, files)
    if error and files:
        error = "" if not _told(apprise, maker, options, []) else error
    answer_to.send(error)


def _told(apprise: Any, maker: Any, options: Mapping[str, Any], files: list[str]) -> str:
    """Why the channel could not be told, empty where it was."""
    LOG.lines.clear()
    try:
        done = maker.notify(
            title=options["title"],
            body=options["body"],
            body_format=apprise.NotifyFormat.MARKDOWN,
            notify_type=getattr(apprise.NotifyType, options["kind"].upper()),
            attach=[f"file://{quote(str(Path(path).absolute()))}" for path in files] or None,
        )
    # A plugin of apprise may raise whatever it likes.
    except Exception as failure:
        return _notify.reason([*LOG.lines, f"{type(failure).__name__}: {failure}"])
    return "" if done else _notify.reason(LOG.lines)

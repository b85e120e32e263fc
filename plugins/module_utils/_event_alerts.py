# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be believed of a message of Alertmanager: of each alert a few short words, each of the shape that it must have.

Everything else is left behind, annotations and unknown labels too, so that nothing a stranger wrote comes near a template, a command line
or the name of a file. An alert that lacks one of the words that matter is none.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Any

STATUSES = ("firing", "resolved")
SEVERITIES = ("critical", "warning", "notice")
# As the labels are set at the scrape target. A name of a host has no character that a pattern of Ansible or a template has.
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,252}")
NAME = re.compile(r"Redis[A-Za-z0-9]{1,60}")
WORD = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
PORT = re.compile(r"[0-9]{1,5}")
# Names of hosts that mean more than one host to Ansible, or another one than the alert's.
RESERVED = ("all", "ungrouped", "localhost")
# Of one message; Alertmanager groups by alert and server, so that ours are short.
MOST = 1_000
# So many runs at once, however many servers a storm is about: a run needs one or two hundred MiB.
LANES = 8


def alerts(message: Any) -> list[dict[str, str]]:
    """The alerts of a message, ``[{name, status, severity, host, port, group, finding}]``; each server, name and status once."""
    rows = message.get("alerts") if isinstance(message, Mapping) else None
    known = [_alert(row) for row in rows[:MOST]] if isinstance(rows, list) else []
    return list({(row["host"], row["port"], row["name"], row["status"]): row for row in known if row}.values())


def left_behind(message: Any) -> int:
    """How many of a message's alerts are none of ours, so that somebody can be told; what they say is not."""
    rows = message.get("alerts") if isinstance(message, Mapping) else None
    if not isinstance(rows, list):
        return 1
    return sum(_alert(row) is None for row in rows[:MOST]) + len(rows[MOST:])


def lane(host: str) -> str:
    """Which of the lanes a server's runs wait in; always the same, so that no two of them are at work on it."""
    return f"lane-{zlib.crc32(host.encode()) % LANES}"


def _alert(row: Any) -> dict[str, str] | None:
    if not isinstance(row, Mapping) or not isinstance(row.get("labels"), Mapping):
        return None
    labels = row["labels"]
    found = {
        "name": _shaped(labels.get("alertname"), NAME),
        "status": row.get("status") if row.get("status") in STATUSES else None,
        "severity": labels.get("severity") if labels.get("severity") in SEVERITIES else None,
        "host": _shaped(labels.get("redis_host"), HOST),
    }
    if not all(found.values()) or str(found["host"]).lower() in RESERVED:
        return None
    more = {"port": _shaped(labels.get("redis_port"), PORT)} | {
        name: _shaped(labels.get(label), WORD) for name, label in (("group", "redis_group"), ("finding", "finding"))
    }
    return {name: str(value or "") for name, value in (found | more).items()}


def _shaped(value: Any, shape: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and shape.fullmatch(value) else None

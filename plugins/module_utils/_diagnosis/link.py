# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a replica has no link to its master, as far as the log on its host says so."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts

# (what a line of the log looks like, what it means, what to do); of the newest line that fits one, the first that fits.
REASONS = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning, advice)
    for pattern, meaning, advice in (
        (
            r"unable to AUTH to (MASTER|PRIMARY)|NOAUTH|WRONGPASS|invalid password|NOPERM",
            "the master refuses its password",
            "Set the master's password as masterauth (and masteruser, where it has one) inside redis-cli.",
        ),
        (r"-LOADING|loading the dataset", "the master is loading its data set", "Wait: the replica comes back by itself."),
        (
            r"-MASTERDOWN|-NOMASTERLINK",
            "its master is itself a replica without a master",
            "Mend the link of its master first; this one follows.",
        ),
        (
            r"output buffer limits|(bulk count|reading bulk payload|sync with (MASTER|PRIMARY)): connection lost|failed to read response",
            "the master broke off the copy, as it does when its output buffer limit is reached",
            "If the master's log speaks of output buffer limits, enlarge them there: CONFIG SET client-output-buffer-limit "
            "'replica 1gb 512mb 120'.",
        ),
        (
            r"no space left|failed trying to load the (MASTER|PRIMARY) synchronization|write error or short write",
            "it cannot store or load the copy",
            "Look at the free space of its data directory, and whether its version is at least the master's.",
        ),
        (
            r"(MASTER|PRIMARY|SYNC).*(refused|no route|unreachable|timed? ?out|reset|name or service)"
            r"|timeout connecting to the (MASTER|PRIMARY)"
            r"|(MASTER|PRIMARY) timeout|unable to connect to (MASTER|PRIMARY)|can't resolve",
            "it does not reach the master",
            "Is the master up, and may this host reach its port?",
        ),
    )
)
# What was said before is of an earlier loss.
IN_STEP = re.compile(r"finished with success|successful partial resync", re.IGNORECASE)


def reason(facts: Facts) -> tuple[str, str, dict[str, Any]]:
    """(why, what to do, the line of the log); empty where nothing is known."""
    for line in reversed(facts.get_or("host.log.lines", None) or []):
        text = str(line.get("text"))
        if IN_STEP.search(text):
            break
        for pattern, meaning, advice in REASONS:
            if pattern.search(text):
                return meaning, advice, {"log": text}
    return "", "", {}

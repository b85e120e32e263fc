# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rule over a group of servers is: it looks at all of them, and says something of some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Verdict
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.membership import Member

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/replication/"
SENTINEL_DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/"
LOOK = "$ {cli} info replication"

# {place in the group: what is said of that member}
Verdicts = dict[int, Verdict]


@dataclass(frozen=True)
class GroupRule:
    """One row of the table of findings, judged over the members of a group. ``judge`` raises Missing for what nobody told it."""

    id: str
    cause: str
    speaks_when: str
    severity: str
    risk: str
    judge: Callable[[Sequence[Member]], Verdicts] = field(repr=False)
    explains: tuple[str, ...] = ()
    docs_url: str = DOCS


def once(findings: list[dict[str, Any]], silent: list[dict[str, str]]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """What is said of a Sentinel in several groups, each finding once, with the evidence of all of them."""
    found: dict[str, dict[str, Any]] = {}
    for finding in findings:
        known = found.setdefault(finding["id"], finding)
        known["evidence"] = {**finding["evidence"], **known["evidence"]}
    missing = {row["id"]: row for row in silent if row["id"] not in found}
    return list(found.values()), list(missing.values())

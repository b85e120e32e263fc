# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule about release lines that get no security fixes any more, and the dated table behind it."""

from __future__ import annotations

import datetime

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict
from ansible_collections.aragora.redis.plugins.module_utils._info import version_tuple

# The state of the table. Sources: https://github.com/redis/redis/security (April 2026, and the security releases of July 2026, which
# name every line that still gets fixes), https://endoflife.date/redis for the days, https://valkey.io/topics/releases/.
AS_OF = "2026-11-01"
# product: {release line: the last day of its security fixes, None where the project has announced none}. Lines older than the oldest
# have ended with it, and of lines that are not listed nothing is said.
LINES: dict[str, dict[tuple[int, ...], str | None]] = {
    "redis": {
        (6, 0): "2022-05-31",
        (6, 2): None,
        (7, 0): "2024-07-29",
        (7, 2): None,
        (7, 4): None,
        (8, 0): "2026-02-11",
        (8, 2): None,
        (8, 4): None,
        (8, 6): None,
        (8, 8): None,
    },
    "valkey": {(7, 2): "2029-04-16", (8, 0): "2027-09-15", (8, 1): "2030-03-31", (9, 0): "2028-10-21", (9, 1): None},
}
# Where to go from a line that has ended: the next one that keeps its promises, and the newest.
NEXT = {"redis": "7.2 or 7.4 (the least change), 8.8 (the newest), or Valkey 7.2 and newer", "valkey": "8.1 (the longest fixes) or 9.1"}


def ended_on(product: str, version: str, today: datetime.date) -> datetime.date | None:
    """The last day of the security fixes of a version's release line, if that day is over."""
    lines, line = LINES.get(product, {}), version_tuple(version)[:2]
    if not lines or len(line) < 2:
        return None
    until = lines.get(max(line, min(lines)))
    last = datetime.date.fromisoformat(until) if until else None
    return last if last and last < today else None


def _version_unsupported(facts: Facts) -> Verdict | None:
    product, version = str(facts.get("server.product")), str(facts.get("server.version"))
    # The server's clock is that of the snapshot; servers that do not tell the time are older than the table.
    told = facts.number_or("info.server.server_time_usec", 0) / 1_000_000
    today = datetime.date.fromisoformat(AS_OF)
    if told:
        today = datetime.datetime.fromtimestamp(told, datetime.timezone.utc).date()
    last = ended_on(product, version, today)
    if not last:
        return None
    line, name = ".".join(map(str, version_tuple(version)[:2])), product.capitalize()
    evidence = {"version": version, "fixes_until": str(last), "days_without_fixes": (today - last).days, "table_of": AS_OF}
    advice = (
        f"Plan the move to {NEXT[product]}: a replica of the new release first, then a failover.",
        "A distribution or a provider may mend this line on its own (Debian 12 mends its 7.0.15): then keep its packages current.",
        "$ apt-cache policy redis-server   # or: dnf updateinfo list --security",
    )
    return Verdict("notice", f"{name} {line} gets no security fixes from its project since {last}", evidence, advice)


RULES = (
    Rule(
        "version_unsupported",
        "security",
        f"a release line that gets no security fixes (table of {AS_OF})",
        "notice",
        "human",
        _version_unsupported,
        (),
        "https://redis.io/docs/latest/operate/oss_and_stack/management/security/",
    ),
)

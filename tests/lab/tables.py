# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the documentation, made from the code: ``make docs``; with ``--check`` nothing is written, a difference is an error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.thresholds import THRESHOLDS

DOCS = Path(__file__).resolve().parents[2] / "docs"
FINDINGS_HEAD = """\
# Findings

What a diagnosis can say; one row is one rule. The ids are public and do not change: reports, alert labels and tests use them. A rule
whose input is missing (an ACL denies it, the server is too old, nothing is known of the host) is *not applicable*, and the report says
which input was missing. *Risk* says who may mend it: `safe` unattended, `guarded` only where that action was allowed by name, `human` never
by itself.
Rows about a limit name its default; [thresholds.md](thresholds.md) lists the names by which it is changed.
"""
THRESHOLDS_HEAD = """\
# Thresholds

The limits of the rules. Override any of them by name, as plain numbers in the unit of the table:

```yaml
redis_diagnosis_thresholds:
  memory_high_warning_percent: 70
```
"""


def main() -> int:
    """Write the tables, or compare them."""
    tables = {"findings.md": findings(), "thresholds.md": thresholds()}
    stale = [name for name, text in tables.items() if not (DOCS / name).exists() or (DOCS / name).read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        print(f"not up to date, run make docs: {', '.join(stale)}" if stale else "the tables are up to date")
        return 1 if stale else 0
    for name in stale:
        (DOCS / name).write_text(tables[name], encoding="utf-8")
    return 0


def findings() -> str:
    """docs/findings.md"""
    rows = [
        f"| `{rule.id}` | {rule.speaks_when} | {rule.severity} | {rule.cause} | {rule.risk} | {_ids(rule.explains)} |"
        for rule in (*engine.RULES, *engine.GROUP_RULES)
    ]
    return "\n".join([FINDINGS_HEAD, *_table(("id", "speaks when", "severity", "cause", "risk", "explains"), rows)]) + "\n"


def thresholds() -> str:
    """docs/thresholds.md"""
    rows = [f"| `{name}` | {default:g} | {unit} | {meaning} |" for name, (default, unit, meaning) in THRESHOLDS.items()]
    return "\n".join([THRESHOLDS_HEAD, *_table(("name", "default", "unit", "what it limits"), rows)]) + "\n"


def _ids(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: list[str]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from rows


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the documentation, made from the code: ``make docs``; with ``--check`` nothing is written, a difference is an error."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.thresholds import THRESHOLDS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
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
CONTENTS_HEAD = """\
# What is in it

Every playbook says at its top what it does, every role has a README, every plugin documents itself: `ansible-doc aragora.redis.redis_info`.
*Plans* means that a playbook says what it would do, until `-e redis_remediation_mode=apply`; how all of those act safely is
[one contract](../roles/redis_guard/README.md).
"""
# Roles that a playbook uses beside the one that it is about.
BESIDE = ("redis_guard", "redis_diagnosis", "redis_application")


def main() -> int:
    """Write the tables, or compare them."""
    tables = {"findings.md": findings(), "thresholds.md": thresholds(), "contents.md": contents()}
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


def contents() -> str:
    """docs/contents.md"""
    parts = [CONTENTS_HEAD, "## Playbooks\n", *_table(("playbook", "what it does", "plans", "role"), _playbooks())]
    for title, folder, kind in (("Modules", "modules", "module"), ("Inventory", "inventory", "inventory"), ("Filters", "filter", "filter")):
        rows = [
            f"| `{path.stem}` | {_documentation(path)['short_description']} |" for path in sorted((ROOT / "plugins" / folder).glob("*.py"))
        ]
        parts += [f"\n## {title}\n", *_table((kind, "what it does"), rows)]
    return "\n".join(parts) + "\n"


def _playbooks() -> Iterator[str]:
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        words = " ".join(line[1:].strip() for line in text.split("\n- ", 1)[0].splitlines() if line.startswith("#"))
        does = re.split(r"(?<=[.?)]) Plans only|[;,] see roles/", words)[0].rstrip(".")
        used = dict.fromkeys(re.findall(r"aragora\.redis\.(redis_\w+)", text))
        own = [role for role in used if role not in BESIDE] or [role for role in used if role != "redis_guard"]
        links = ", ".join(f"[`{role}`](../roles/{role}/README.md)" for role in own)
        yield f"| `{path.stem}` | {does} | {'yes' if 'Plans only' in words else ''} | {links} |"


def _documentation(path: Path) -> dict[str, Any]:
    """What a plugin says of itself: in its code, or in the file beside it."""
    beside = path.with_suffix(".yml")
    if beside.exists():
        return dict(yaml.safe_load(beside.read_text(encoding="utf-8"))["DOCUMENTATION"])
    found = re.search(r'^DOCUMENTATION = r?"""\n(.*?)^"""', path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return dict(yaml.safe_load(found.group(1))) if found else {"short_description": ""}


def _ids(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[str]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from rows


if __name__ == "__main__":
    sys.exit(main())

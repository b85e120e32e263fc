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
from ansible_collections.aragora.redis.plugins.module_utils import _playbooks, _privileges
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.thresholds import THRESHOLDS

from tests.lab import alerts_page, dashboard

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
PRIVILEGES_HEAD = """\
# Users of its own, with the least that they need

Nothing here needs an administrator's login. `ops_diagnose` is enough for `diagnose` and every module that reads, `ops_remediate` for
the remedies; the incident suite runs as these two and nobody else. [`prevent`](../roles/redis_hardening/README.md) makes them, by host
or by URL:

```console
$ REDIS_URL=redis://admin@cache:6379 ansible-playbook aragora.redis.prevent -e @vault.yml -e redis_remediation_mode=apply
$ REDIS_URL=redis://ops_diagnose@cache:6379 ansible-playbook aragora.redis.diagnose   # the password is better kept in REDIS_URL or a vault
```

The same as a task: `rules: "{{ redis.snapshot | aragora.redis.ops_rules('ops_diagnose') }}"` of `redis_acl`. Passwords are hashed
before they travel.

What that means, and what it does not:

- `ops_diagnose` changes nothing and reads no value of any key. It reads names of keys, settings and users: CONFIG GET and ACL GETUSER
  tell it `requirepass`, `masterauth` and hashes, of which none gets into a report. Give it a password of its own, and keep that like
  theirs.
- On Redis 6.2 keys can be allowed as a whole only, `~*` in place of `%R~*`. It writes nothing there either, for want of a command that
  does. Subcommands (`+config|get`) are granted one by one on 6.2 as well: all releases understand that, only forbidding one came with
  7.0.
- `ops_remediate` writes, reads and deletes the canary, `aragora.redis:canary:*`, and no other key. It may not see which keys there are.
- With `slow_commands` or `prevent` among its actions `ops_remediate` may change users, itself as well: who has its password can become
  an administrator. CONFIG SET is not harmless either; before Redis 7.0 it sets `dir`. Leave out what you do not want:
  `redis_hardening_actions: [restart, tune_memory]`.
- Sentinels and applications have users of their own. Sentinels are asked as `redis_connection.sentinel_user`, applications by their own
  login; neither of the two users is made there.
- Redis before 6.0 has no users.
"""


def main() -> int:
    """Write the tables, or compare them."""
    tables = {"findings.md": findings(), "thresholds.md": thresholds(), "contents.md": contents(), "privileges.md": privileges()}
    tables.update({"monitoring.md": alerts_page.text(), "../roles/redis_monitoring/files/redis.json": dashboard.text()})
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


def privileges() -> str:
    """docs/privileges.md"""
    look, common = _commands(_privileges.commands(_privileges.DIAGNOSE)), _commands(_privileges.commands(_privileges.REMEDIATE, []))
    users = [f"| `ops_diagnose` | `%R~*` | {look} |", f"| `ops_remediate` | `~{_privileges.CANARY}` | {common} |"]
    actions = [f"| `{name}` | {_commands(commands) or 'nothing'} |" for name, commands in _privileges.ACTIONS.items()]
    parts = [PRIVILEGES_HEAD, "## What each may call\n", *_table(("user", "keys", "commands"), users)]
    parts += ["\n## What `ops_remediate` needs beside that, by action\n", *_table(("action", "commands"), actions)]
    refused = [f"| {_commands([name])} | {why} |" for name, why in _privileges.NOT_GRANTED.items()]
    parts += ["\n## What neither may, although the collection can\n", *_table(("command", "why"), refused)]
    return "\n".join(parts) + "\n"


def contents() -> str:
    """docs/contents.md"""
    parts = [CONTENTS_HEAD, "## Playbooks\n", *_table(("playbook", "what it does", "plans", "role"), _about_playbooks())]
    for title, folder, kind in (("Modules", "modules", "module"), ("Inventory", "inventory", "inventory"), ("Filters", "filter", "filter")):
        rows = [
            f"| `{path.stem}` | {_documentation(path)['short_description']} |" for path in sorted((ROOT / "plugins" / folder).glob("*.py"))
        ]
        parts += [f"\n## {title}\n", *_table((kind, "what it does"), rows)]
    parts += [
        "\n## Events\n",
        "How they work together stands in [events.md](events.md).\n",
        *_table(("part", "kind", "what it does"), _events()),
    ]
    return "\n".join(parts) + "\n"


def _events() -> Iterator[str]:
    """What ansible-rulebook finds."""
    folder = ROOT / "extensions" / "eda"
    for path in sorted((folder / "rulebooks").glob("*.yml")):
        does = path.read_text(encoding="utf-8").splitlines()[1].lstrip("# ").split(". ")[0]
        yield f"| `{path.stem}` | rulebook | {does} |"
    for kind in ("event_source", "event_filter"):
        for path in sorted((folder / "plugins" / kind).glob("*.py")):
            yield f"| `{path.stem}` | {kind.replace('_', ' ')} | {_documentation(path)['short_description']} |"


def _about_playbooks() -> Iterator[str]:
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        does, plans = _playbooks.told(text)
        own = own_roles(text)
        links = ", ".join(f"[`{role}`](../roles/{role}/README.md)" for role in own)
        yield f"| `{path.stem}` | {does} | {'yes' if plans else ''} | {links} |"


def own_roles(playbook: str) -> list[str]:
    """The roles that a playbook is about."""
    return list(dict.fromkeys(role for role, dummy in _playbooks.own(yaml.safe_load(playbook))))


def _documentation(path: Path) -> dict[str, Any]:
    """What a plugin says of itself: in its code, or in the file beside it."""
    beside = path.with_suffix(".yml")
    if beside.exists():
        return dict(yaml.safe_load(beside.read_text(encoding="utf-8"))["DOCUMENTATION"])
    found = re.search(r'^DOCUMENTATION = r?"""\n(.*?)^"""', path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return dict(yaml.safe_load(found.group(1))) if found else {"short_description": ""}


def _ids(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _commands(names: Iterable[str]) -> str:
    return ", ".join(f"`{name.replace('|', ' ').upper()}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[str]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from rows


if __name__ == "__main__":
    sys.exit(main())

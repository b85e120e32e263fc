# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A page for each playbook of the documentation's site, from what stands in the playbook and in the README of its role. Nothing is made up:
what is not told there has no section here, but a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.lab.tables import own_roles

ROOT = Path(__file__).resolve().parents[2]
PLANS = """\
It **plans** only: it says what it would do and changes nothing, until `-e redis_remediation_mode=apply`. How all of those act safely is
[one contract](../roles/redis_guard/README.md).
"""
# Our heading: how a README calls that section, or the bold beginning of a paragraph in a list.
SECTIONS = {
    "What it does": ("What it does",),
    "What it changes": ("What it changes",),
    "What it refuses": ("What it refuses", "What is refused"),
    "How to undo it": ("How to undo it", "How to undo", "Undo", "What it costs, and how to undo it"),
}
HEADING = re.compile(r"^(## |```)", re.MULTILINE)


def playbook_page(path: Path) -> str:
    """The page of one playbook."""
    text = path.read_text(encoding="utf-8")
    words = " ".join(line[1:].strip() for line in text.split("\n- ", 1)[0].splitlines() if line.startswith("#"))
    does = re.split(r"(?<=[.?)]) Plans only|[;,] see roles/", words)[0].rstrip(".")
    parts = [f"# {path.stem}\n", does + ("" if does.endswith("?") else ".") + "\n"]
    parts += [PLANS] if "Plans only" in words else []
    roles = own_roles(text)
    readmes = {role: (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8") for role in roles}
    calls = [line for readme in readmes.values() for line in _calls(readme, path.stem)]
    parts += [f"```console\n{chr(10).join(dict.fromkeys(calls))}\n```\n"] if calls else []
    for title, names in SECTIONS.items():
        said = [section for role, readme in readmes.items() if (section := _section(readme, names, role))]
        parts += [f"## {title}\n", *said] if said else []
    links = ", ".join(f"[{role}](../roles/{role}/README.md)" for role in roles)
    parts += [f"## More\n\nAll about it stands in {links}.\n"]
    for role in roles:
        parts += ["\n".join(_options(role))]
    return "\n".join(parts)


def _calls(readme: str, name: str) -> Iterator[str]:
    """The command lines with which a README calls it."""
    for block in re.findall(r"```console\n(.*?)```", readme, re.DOTALL):
        yield from (
            line for line in block.splitlines() if line.startswith("$") and re.search(rf"(redis\.|playbooks/){name}(\.yml)?\b", line)
        )


def _section(readme: str, names: tuple[str, ...], role: str) -> str:
    """What stands under one of these headings; links are those of the README, seen from here."""
    for name in names:
        found = re.search(rf"^## {re.escape(name)}\n+(.*?)(?=^## |\Z)", readme, re.DOTALL | re.MULTILINE)
        found = found or re.search(rf"^- \*\*{re.escape(name)}\.\*\* (.*?)(?=^- |^\n|\Z)", readme, re.DOTALL | re.MULTILINE)
        if found:
            return re.sub(r"\]\((?!https?:|#|\.\./)", f"](../roles/{role}/", _moved(found.group(1))).strip() + "\n"
    return ""


def _moved(text: str) -> str:
    """``../redis_x/README.md`` lies below roles, seen from a playbook; ``../../docs/x.md`` one folder up."""
    return re.sub(r"\]\(\.\./(?!\.\./)", "](../roles/", text).replace("](../../", "](../")


def _options(role: str) -> Iterator[str]:
    spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    options = {name: option for point in spec.values() for name, option in point["options"].items()}
    yield f"## Variables of {role}\n"
    yield "| name | type | default | meaning |\n|---|---|---|---|"
    for name, option in options.items():
        default = f"`{option['default']!r}`" if option.get("default") not in (None, "", [], {}) else ""
        yield f"| `{name}` | {option['type']} | {default} | {_plain(option)} |"
    yield ""


def _plain(option: dict[str, Any]) -> str:
    """A description as Markdown."""
    said = option.get("description", [])
    text = " ".join([said] if isinstance(said, str) else said)
    text = re.sub(r"\b[CVOMPEI]\(([^)]*)\)", r"`\1`", text)
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")

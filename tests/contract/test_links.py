# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links of the documentation lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab import site_pages

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "roles", "tests/incidents", "extensions")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(text):
    """Of its headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", head).lower()).strip().replace(" ", "-") for head in heads}


def broken(text, folder, page=None):
    """The links of a text that lead nowhere, seen from its folder."""
    for link in LINK.findall(re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)):
        target, dummy, anchor = link.partition("#")
        path = folder / target if target else page
        if "://" in link or link.startswith("mailto:") or path is None:
            continue
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path.read_text(encoding="utf-8"))):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_of_a_page_leads_somewhere(page):
    assert list(broken(page.read_text(encoding="utf-8"), page.parent, page)) == []


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_the_page_of_a_playbook_says_what_it_does_and_its_links_lead_somewhere(playbook):
    page = site_pages.playbook_page(playbook)
    assert page.startswith(f"# {playbook.stem}\n\n")
    assert "## Variables of redis_" in page
    assert list(broken(page, ROOT / "playbooks")) == []


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A head\n[a](no.md) [b](#a-head) [c](#no-head) [d](page.md#no) [e](https://example.net)\n", encoding="utf-8")
    assert list(broken(page.read_text(encoding="utf-8"), tmp_path, page)) == ["no.md", "#no-head", "page.md#no"]

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a kernel should be set to, and what there is to do for that."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _kernel
from ansible_collections.aragora.redis.plugins.module_utils._kernel import HUGE_PAGES, HUGE_PAGES_PATH, SYSCTL, TMPFILES, Found

OVERCOMMIT, SOMAXCONN, PAGES = _kernel.items(overcommit=True, somaxconn=511, huge_pages="madvise")


@pytest.mark.parametrize(
    ("item", "found", "lacks"),
    [
        (OVERCOMMIT, Found("0"), True),
        (OVERCOMMIT, Found("1"), True),
        (OVERCOMMIT, Found("1", ours=True), False),
        (OVERCOMMIT, Found("1", "/etc/sysctl.d/99-db.conf", "1"), False),
        (SOMAXCONN, Found("128"), True),
        (SOMAXCONN, Found("4096"), False),
        (SOMAXCONN, Found("4096", "/etc/sysctl.conf", "128"), True),
        (PAGES, Found("always"), True),
        (PAGES, Found("madvise"), False),
        (PAGES, Found(None), True),
    ],
)
def test_what_is_so_by_itself_or_by_somebody_else_is_left_alone(item, found, lacks):
    assert _kernel.lacks(item, found) is lacks


def test_nothing_is_asked_for_that_was_left_out():
    assert _kernel.items(overcommit=False, somaxconn=0, huge_pages="") == []


def test_what_cannot_be_set_is_said():
    assert "is not writable): run with root (-b)" in _kernel.why_not(OVERCOMMIT, Found("0", writable=False))
    assert "is not told here" in _kernel.why_not(PAGES, Found(None, writable=False))
    assert _kernel.why_not(OVERCOMMIT, Found("0")) == ""


@pytest.mark.parametrize(("text", "value"), [("always [madvise] never\n", "madvise"), ("1\n", "1"), ("", None)])
def test_the_value_is_the_chosen_word(text, value):
    assert _kernel.value_of(text) == value


def test_the_last_file_counts_however_it_writes_the_name():
    texts = {"/a": "vm.overcommit_memory=2\n", "/b": "# vm.overcommit_memory = 1\nvm/overcommit_memory = 0\n", "/c": "vm.swappiness = 1\n"}
    files = list(texts.items())
    assert _kernel.kept(files, "vm.overcommit_memory") == ("/b", "0")
    assert _kernel.kept([("/t", f"w! {HUGE_PAGES_PATH} - - - - never\n")], HUGE_PAGES) == ("/t", "never")


def test_our_files_remember_what_was_before():
    files = _kernel.text_of({"vm.overcommit_memory": "1", HUGE_PAGES: "madvise"}, {"vm.overcommit_memory": "0", HUGE_PAGES: "always"})
    assert files[SYSCTL].endswith("# vm.overcommit_memory was 0\nvm.overcommit_memory = 1\n")
    assert files[TMPFILES].endswith(f"w {HUGE_PAGES_PATH} - - - - madvise\n")
    assert _kernel.remembered(files[SYSCTL]) == {"vm.overcommit_memory": "0"}
    assert _kernel.text_of({"vm.overcommit_memory": "1"}, {})[TMPFILES] == ""


def test_a_file_that_is_read_after_ours_is_named():
    said = _kernel.overruled(OVERCOMMIT, Found("1", "/etc/sysctl.d/99-db.conf", "2"), SYSCTL)
    assert "/etc/sysctl.d/99-db.conf sets vm.overcommit_memory to 2" in said
    assert _kernel.overruled(OVERCOMMIT, Found("1", "/etc/sysctl.d/10-db.conf", "2"), SYSCTL) == ""

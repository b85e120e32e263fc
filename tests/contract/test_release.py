# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is published: nothing but what users get, without building it."""

from __future__ import annotations

import fnmatch
import subprocess

import pytest
import yaml

from tests.conftest import ROOT
from tests.lab import release

# Made by ansible-galaxy, and what it makes them of.
MADE = {"FILES.json", "MANIFEST.json"}
SOURCE = {"galaxy.yml"}


def test_what_is_neither_shipped_nor_left_out_is_noticed_before_a_release():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        pytest.skip("this is no checkout of Git")
    left_out = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["build_ignore"]
    top = {line.split("/")[0] for line in done.stdout.splitlines()}
    shipped = {name for name in top if not any(fnmatch.fnmatch(name, pattern) for pattern in left_out)} - SOURCE
    assert shipped == release.SHIPPED - MADE

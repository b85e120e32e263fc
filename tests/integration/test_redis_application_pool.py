# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_application_pool on a real file: one number changes and nothing else does, and nothing of it is shown."""

from __future__ import annotations

import stat

import pytest

SECRET = "Planted-5519"
TEXT = f"REDIS_URL=redis://:{SECRET}@127.0.0.1\n# what one client may open\nSHOP_POOL=50\nOTHER='{SECRET}'"


@pytest.fixture
def files(tmp_path):
    first, last = tmp_path / "first.env", tmp_path / "last.env"
    first.write_text("SHOP_POOL=10\n")
    last.write_text(TEXT)
    last.chmod(0o640)
    return first, last


@pytest.fixture
def bound(run_module, files):
    application = {"environment_files": [str(path) for path in files], "pool": {"variables": ["SHOP_POOL", "SHOP_MORE"]}}

    def run(variables, **more):
        result = run_module("redis_application_pool", application=application, variables=variables, _diff=True, **more)
        assert SECRET not in str(result)
        return result

    return run


def test_it_is_changed_where_it_counts_and_comes_back(bound, files):
    first, last = files
    checked = bound({"SHOP_POOL": 20}, _check_mode=True)
    assert (checked["changed"], last.read_text()) == (True, TEXT)
    done = bound({"SHOP_POOL": 20})
    assert (done["changed"], done["previous"], done["files"]) == (True, {"SHOP_POOL": "50"}, {"SHOP_POOL": str(last)})
    assert (done["diff"]["before"], done["diff"]["after"]) == ("SHOP_POOL=50\n", "SHOP_POOL=20\n")
    assert last.read_text() == TEXT.replace("=50", "=20")
    assert (first.read_text(), stat.S_IMODE(last.stat().st_mode)) == ("SHOP_POOL=10\n", 0o640)
    assert bound({"SHOP_POOL": 20})["changed"] is False
    assert bound(done["previous"])["changed"] is True
    assert last.read_text() == TEXT
    assert sorted(path.name for path in last.parent.iterdir()) == ["first.env", "last.env"]


def test_one_that_nobody_sets_is_added_and_taken_out_again(bound, files):
    done = bound({"SHOP_MORE": 7})
    assert done["previous"] == {"SHOP_MORE": None}
    assert files[1].read_text() == f"{TEXT}\nSHOP_MORE=7\n"
    bound(done["previous"])
    assert files[1].read_text() == f"{TEXT}\n"


def test_a_link_stays_a_link(bound, files, tmp_path):
    real = tmp_path / "real"
    files[1].rename(real)
    files[1].symlink_to(real)
    bound({"SHOP_POOL": 20})
    assert files[1].is_symlink()
    assert "SHOP_POOL=20" in real.read_text()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"REDIS_URL": "5"}, "REDIS_URL is none of redis_application.pool.variables"),
        ({"SHOP_POOL": "many"}, "SHOP_POOL would be 'many'"),
        ({"SHOP_POOL": 0}, "SHOP_POOL would be '0'"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(bound, files, variables, said):
    result = bound(variables)
    assert said in result["msg"]
    assert files[1].read_text() == TEXT


def test_without_a_file_it_says_what_to_give(run_module):
    result = run_module("redis_application_pool", application={"pool": {"variables": ["A"]}}, variables={"A": 1})
    assert "give redis_application.environment_files" in result["msg"]

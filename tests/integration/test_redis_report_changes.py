# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_report_changes in a play; what it compares is tried by report.yml (test_report.py)."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "{folder}"}, "report.json cannot be used (No such file"),
        ({"path": "{folder}", "keep": 0}, "keep is 0: the last report is"),
    ],
)
def test_what_is_no_report_is_a_sentence(play, tmp_path, options, words):
    given = {name: str(tmp_path) if value == "{folder}" else value for name, value in options.items()}
    playbook = tmp_path / "play.yml"
    playbook.write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [{"aragora.redis.redis_report_changes": given}]}])
    )
    played = play(str(playbook))
    assert played.status == 2
    assert words in " ".join(played.output.split())

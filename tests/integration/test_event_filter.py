# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter redis_alerts as ansible-rulebook loads it, a lone file; test_rulebooks.py has it in rulebooks."""

from __future__ import annotations

import runpy

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _event_alerts

from tests.conftest import ROOT
from tests.lab.eda import alert, message

FILTER = runpy.run_path(str(ROOT / "extensions" / "eda" / "plugins" / "event_filter" / "redis_alerts.py"))["main"]


def test_each_alert_has_the_lane_of_its_server():
    events = FILTER({"payload": message(alert("cache1"), alert("cache2"), alert("cache1", "RedisUnavailable"))})
    assert [event["alert"]["lane"] for event in events] == [_event_alerts.lane(host) for host in ("cache1", "cache2", "cache1")]


@pytest.mark.parametrize(
    ("given", "lost"),
    [
        (message(alert("cache1"), alert("cache1")), 0),
        (message(alert("cache1"), alert("{{ secret-x }}"), alert("localhost")), 2),
        (message(*[alert("cache1")] * (_event_alerts.MOST + 3)), 3),
        ({"secret-x": 1}, 1),
        ("secret-x", 1),
        ({"alerts": "secret-x"}, 1),
        (None, 1),
    ],
)
def test_what_is_left_behind_is_counted_and_not_repeated(given, lost, caplog):
    FILTER({"payload": given})
    assert [record.args for record in caplog.records] == ([(lost,)] if lost else [])
    assert "secret-x" not in caplog.text

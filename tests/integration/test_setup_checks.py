# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot be meant is told by the roles that set up, before any host is reached."""

from __future__ import annotations

import json

SENTINEL = {
    "redis_sentinel_redis_password": 'a "b',
    "redis_sentinel_name": "my master",
    "redis_sentinel_quorum": "5",
    "redis_sentinel_min_replicas": "3",
    "redis_sentinel_down_after": "5",
    "redis_sentinel_port": "6379",
}
ENDPOINT = {
    "redis_endpoint_servers": [{"name": "a", "host": "10.0.0.1"}, {"name": "b", "host": "10.0.0.1", "port": 6379}],
    "redis_endpoint_interval": "1",
    "redis_endpoint_read_port": "6380",
    "redis_endpoint_tls": "true",
}


def inventory(folder, **groups):
    path = folder / "nowhere.json"
    hosts = {group: {"hosts": {name: {"ansible_host": "192.0.2.1"} for name in names}} for group, names in groups.items()}
    path.write_text(json.dumps(hosts), encoding="utf-8")
    return ["-i", str(path)]


def test_a_group(play, tmp_path):
    words = inventory(tmp_path, redis=["one", "two", "three"])
    played = play("playbooks/setup_sentinel.yml", *words, "-e", json.dumps(SENTINEL))
    assert played.status == 2
    for sentence in (
        "redis_sentinel_quorum is 5, and there are 3 Sentinels",
        "with 2 replica(s) the master would take no writes at all",
        "redis_sentinel_down_after (5) and",
        "are 6379 and 6379: give two ports",
        "redis_sentinel_name is 'my master'",
        "holds a space or a quote",
    ):
        assert sentence in played.output, sentence
    assert "unreachable=1" not in played.output


def test_no_group_and_another_target(play, tmp_path):
    for group, words in (("caches", []), ("redis", ["-e", "target=caches"])):
        played = play("playbooks/setup_sentinel.yml", *inventory(tmp_path, **{group: ["one"]}), *words)
        assert played.status == 2
        assert "in the group 'redis'" in played.output


def test_an_endpoint(play, tmp_path):
    played = play("playbooks/setup_endpoint.yml", *inventory(tmp_path, redis_endpoint=["app"]), "-e", json.dumps(ENDPOINT))
    assert played.status == 2
    for sentence in ("a server is there twice", "milliseconds, 100 or more", "are 6380 and 6380", "redis_endpoint_tls needs"):
        assert sentence in played.output, sentence

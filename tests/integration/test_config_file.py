# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a configuration file would set, compared with real servers that were started with it and that have written it."""

from __future__ import annotations

import json
import os

import pytest
import redis
from ansible_collections.aragora.redis.plugins.module_utils import _config_file
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._secrets import masked_config

from tests.lab import servers
from tests.lab.scenarios.configuration import server_of_nobody
from tests.lab.scenarios.host import of_host

PASSWORD = "Sesame-7391"
CHANGES = {
    "maxmemory": "200mb", "maxmemory-policy": "allkeys-lfu", "timeout": "300", "save": "900 1", "requirepass": PASSWORD,
    "client-output-buffer-limit": "normal 1mb 0 0", "notify-keyspace-events": "KEA", "latency-monitor-threshold": "100",
}  # fmt: skip


def differing(server):
    running = masked_config(server.client(decode_responses=True, password=server.options.get("requirepass")).config_get("*"))
    text = (server.folder / "redis.conf").read_text(encoding="utf-8")
    return set(_config_file.differences(running, _config_file.told(_config_file.lines(text))))


def test_a_fresh_server_does_not_differ_so_the_defaults_are_known_right(binary):
    # As few lines as there can be.
    with servers.running(binary, save=None) as server:
        assert differing(server) == set()


def test_what_was_set_differs_until_the_file_is_written(binary):
    with servers.running(binary) as server:
        client = server.client()
        for name, value in CHANGES.items():
            client.config_set(name, value)
        server.options["requirepass"] = PASSWORD
        assert differing(server) == set(CHANGES)
        client.config_rewrite()
        assert differing(server) == set()


@pytest.fixture
def diagnosed(run_module):
    def run(server, **login):
        snapshot = run_module("redis_info", url=server.url, window=0, **login)["snapshot"]
        told = run_module("redis_host_info", **of_host(server))
        found = engine.diagnose({**snapshot, "host": told["host"]})
        return {row["id"]: row for row in (*found["findings"], *found["not_applicable"])}

    return run


def test_the_finding_names_settings_and_no_secret(binary, diagnosed):
    with servers.running(binary) as server:
        server.client().config_set("requirepass", PASSWORD)
        found = diagnosed(server, login_password=PASSWORD)["config_not_persisted"]
    assert "requirepass" in found["title"]
    assert found["evidence"]["settings"]["requirepass"] == {"running": "***", "in_file": "(not there)"}
    assert PASSWORD not in json.dumps(found)


def test_included_files_count_and_one_that_cannot_be_read_is_no_silence(family_binary, diagnosed, run_module, tmp_path):
    included = tmp_path / "more.conf"
    included.write_text("timeout 300\nrequirepass Sesame-7391\n", encoding="utf-8")
    with servers.running(family_binary, include=str(included)) as server:
        told = diagnosed(server, login_password=PASSWORD)
        assert "config_not_persisted" not in told
        included.unlink()
        assert diagnosed(server, login_password=PASSWORD)["config_not_persisted"]["missing"] == "host.config.directives"
        assert "config" in run_module("redis_host_info", **of_host(server))["denied"]


def test_without_a_file_nothing_can_be_kept(family_binary, diagnosed):
    with servers.running(family_binary, config_file=False) as server:
        found = diagnosed(server)
    assert found["config_not_writable"]["severity"] == "notice"
    assert "no configuration file" in found["config_not_writable"]["title"]
    assert "severity" not in found["config_not_persisted"]


def test_by_url_nothing_is_said_of_a_file(family_binary, run_module):
    with servers.running(family_binary, config_file=False) as server:
        snapshot = run_module("redis_info", url=server.url, window=0)["snapshot"]
    missing = {row["id"]: row["missing"] for row in engine.diagnose(snapshot)["not_applicable"]}
    assert missing["config_not_writable"] == "host.files"
    assert missing["config_not_persisted"] == "host.config.directives"


@pytest.mark.skipif(bool(os.geteuid()), reason="only root may start a server as somebody else")
@pytest.mark.skipif(servers.matrix()[servers.SYSTEM[0]] is None, reason="needs a server that everybody may execute")
def test_what_is_said_to_fail_fails(diagnosed):
    with server_of_nobody(servers.matrix()[servers.SYSTEM[0]]) as server:
        found = diagnosed(server)["config_not_writable"]
        assert "may not write" in found["title"]
        with pytest.raises(redis.ResponseError):
            server.client().config_rewrite()

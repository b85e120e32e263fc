# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters about remedies, as playbooks use them."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.conftest import ROOT

SNAPSHOT = "{{ lookup('ansible.builtin.file', '" + str(ROOT / "tests/unit/snapshots/memory_limit_reached.json") + "') | from_json }}"
FINDINGS = "(document.snapshot | aragora.redis.diagnose).findings"


@pytest.fixture
def shown(play, tmp_path):
    """What a template comes to, as JSON."""

    def run(template):
        play_ = {"hosts": "localhost", "gather_facts": False, "vars": {"document": SNAPSHOT}}
        copy = {"content": f"{{{{ {template} | to_json }}}}", "dest": f"{tmp_path}/out", "mode": "0600"}
        play_["tasks"] = [{"ansible.builtin.copy": copy}]
        (tmp_path / "play.yml").write_text(yaml.safe_dump([play_]))
        played = play(str(tmp_path / "play.yml"), ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))
        return json.loads((tmp_path / "out").read_text()) if played.status == 0 else played.output

    return run


def test_an_action_by_its_name(shown):
    assert shown("'tune_memory' | aragora.redis.remedy_action")["role"] == "aragora.redis.redis_memory"
    assert "there is no action 'tune_memroy'" in shown("'tune_memroy' | aragora.redis.remedy_action")


def test_the_configuration_of_redis_in_the_places_of_valkey(shown):
    assert shown("'dir /var/lib/redis' | aragora.redis.valkey_config") == "dir /var/lib/valkey\n"


def test_what_an_action_would_do(shown):
    plan = shown("document.snapshot | aragora.redis.remedy_plan('tune_memory', {'maxmemory': '64mb'})")
    assert plan["settings"] == {"maxmemory": 64 * 1024 * 1024}


def test_who_is_the_master_of_a_group(shown):
    member = "{'name': 'one', 'address': '10.0.0.1', 'port': 6379, 'server': document.snapshot, 'sentinel': none}"
    assert shown(f"[{member}] | aragora.redis.group_master('mymaster')")["master"] == "one"
    assert "is none of the servers" in shown(f"([{member}] | aragora.redis.group_master('mymaster', 'two')).refused[0]")


def test_a_plan_of_actions_and_its_sentences(shown):
    (row,) = shown(f"{FINDINGS} | aragora.redis.remediation_plan")
    assert (row["action"], row["allowed"]) == ("tune_memory", False)
    assert shown(f"({FINDINGS} | aragora.redis.remediation_plan(['tune_memory']))[0].allowed") is True
    assert (
        "tune_memory (guarded) for memory_limit_reached"
        in shown(f"{FINDINGS} | aragora.redis.remediation_plan | aragora.redis.remediation_sentences")[0]
    )


def test_what_is_left_is_refused_or_for_people(shown):
    rows = shown(f"{FINDINGS} | aragora.redis.remediation_plan | aragora.redis.remediation_left({FINDINGS}, 'cache1')")
    assert (rows[0]["action"], rows[0]["state"]) == ("tune_memory", "refused")


def test_a_server_by_url_has_a_name_without_a_password(shown):
    assert shown("'redis://ops:secret@10.0.0.1' | aragora.redis.url_name") == "10.0.0.1-6379"


def test_what_is_said_of_an_application_is_checked_and_completed(shown):
    assert shown("{'unit': 'shop.service'} | aragora.redis.application_profile({'user': 'shop'})")["user"] == "shop"
    assert "did you mean unit?" in shown("{'unti': 'shop.service'} | aragora.redis.application_profile")


def test_what_stands_behind_an_endpoint(shown):
    assert shown("['cache2', 'cache1'] | aragora.redis.endpoint_servers({'cache1': {'ansible_host': '10.0.0.1'}, 'cache2': {}})") == [
        {"name": "cache1", "host": "10.0.0.1", "port": 6379},
        {"name": "cache2", "host": "cache2", "port": 6379},
    ]
    assert bytes.fromhex(shown("'p w' | aragora.redis.endpoint_login('ops')")) == b"*3\r\n$4\r\nAUTH\r\n$3\r\nops\r\n$3\r\np w\r\n"
    assert "there is no redis_endpoint_password" in shown("'' | aragora.redis.endpoint_login('ops')")

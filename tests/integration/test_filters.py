# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters as playbooks use them; what they compute is tested with the pure code."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import empty

from tests.conftest import ROOT


@pytest.fixture
def template(play, tmp_path):
    """The value of a template over given variables, or the words of its failure."""

    def evaluate(expression, **variables):
        out = tmp_path / "out.json"
        out.unlink(missing_ok=True)
        copy = {"ansible.builtin.copy": {"content": f"{{{{ {expression} | to_json }}}}", "dest": str(out), "mode": "0600"}}
        playbook = tmp_path / "template.yml"
        (tmp_path / "variables.json").write_text(json.dumps(variables))
        playbook.write_text(
            yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "vars_files": ["variables.json"], "tasks": [copy]}])
        )
        played = play(str(playbook), ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))
        return json.loads(out.read_text()) if out.exists() else " ".join(played.output.split())

    return evaluate


def refused(host="127.0.0.1"):
    snapshot = empty(host, 6379, None, f"redis://{host}:6379", local=True)
    snapshot["availability"]["state"] = "refused"
    return snapshot


def test_diagnose_judges_one_snapshot(template):
    found = template("snapshot | aragora.redis.diagnose", snapshot=refused())
    assert [finding["id"] for finding in found["findings"]] == ["process_down"]


def test_diagnose_says_what_it_wants(template):
    assert "diagnose wants a snapshot of aragora.redis.redis_info" in template("result | aragora.redis.diagnose", result={"changed": False})


def test_diagnose_targets_names_servers_by_their_address_and_tells_equal_ones_apart(template):
    found = template("snapshots | aragora.redis.diagnose_targets", snapshots=[refused(), refused()])
    assert [target["name"] for target in found] == ["127.0.0.1:6379", "127.0.0.1:6379#2"]


def test_diagnose_targets_refuses_unknown_thresholds_even_without_servers(template):
    assert "the threshold 'x' is unknown" in template("[] | aragora.redis.diagnose_targets(thresholds={'x': 1})")


def test_with_keyspaces_takes_a_scan_in_and_leaves_the_sample_where_there_is_none(template):
    sampled = {**refused(), "keyspace": {"mode": "sample"}, "denied": {"config": "NOPERM", "keyspace": "timeout"}}
    results = [{"skipped": True}, {"keyspace": {"mode": "full"}}, {"msg": "refuses SCAN"}]
    found = template("snapshots | aragora.redis.with_keyspaces(results)", snapshots=[sampled] * 4, results=results)
    assert [snapshot["keyspace"]["mode"] for snapshot in found] == ["sample", "full", "sample", "sample"]
    assert [snapshot["denied"].get("keyspace") for snapshot in found] == ["timeout", None, "refuses SCAN", "timeout"]


def test_with_keyspaces_wants_a_result_for_each_snapshot(template):
    assert "2 results for 0 snapshots" in template("[] | aragora.redis.with_keyspaces([{}, {}])")


def test_better_snapshot_prefers_what_tells_more(template):
    far = {**refused("10.0.0.1"), "info": {"server": {}}}
    on_host = {"unreachable": True, "msg": "no route to host"}
    found = template("on_host | aragora.redis.better_snapshot({'snapshot': far})", on_host=on_host, far=far)
    assert found["server"]["host"] == "10.0.0.1"
    assert found["denied"] == {"host": "unreachable: no route to host"}


def test_better_snapshot_without_any_snapshot_says_why(template):
    found = template("{'msg': 'gone'} | aragora.redis.better_snapshot({'msg': 'away'}, 'cache1')")
    assert found["availability"]["reason"] == "not_examined"
    assert found["availability"]["error"] == "gone; away"
    assert found["server"]["host"] == "cache1"


@pytest.mark.parametrize(
    ("host_info", "host", "denied"),
    [
        ({"host": {"port": 6379}, "denied": {"firewall": "needs root (-b)"}}, {"port": 6379}, {"host firewall": "needs root (-b)"}),
        ({"skipped": True}, None, {}),
        ({}, None, {}),
        ({"failed": True, "msg": "no Python here"}, None, {"host": "no Python here"}),
        ({"unreachable": True, "msg": "timed out"}, None, {"host": "unreachable: timed out"}),
    ],
)
def test_better_snapshot_takes_in_what_the_host_knows_or_why_it_says_nothing(template, host_info, host, denied):
    found = template("{'snapshot': near} | aragora.redis.better_snapshot({}, host_info=told)", near=refused(), told=host_info)
    assert found["host"] == host
    assert found["denied"] == denied


def test_diagnose_groups_judges_what_hosts_judged_apart(template):
    def master(port, history, before):
        snapshot = empty("10.0.0.1", port, None, f"redis://10.0.0.1:{port}", local=False)
        return {**snapshot, "info": {"replication": {"role": "master", "master_replid": history * 40, "master_replid2": before * 40}}}

    expression = "(first | aragora.redis.diagnose_targets) + (second | aragora.redis.diagnose_targets)"
    found = template(f"({expression}) | aragora.redis.diagnose_groups", first=[master(1, "a", "0")], second=[master(2, "b", "a")])
    assert [item["diagnosis"]["findings"][0]["id"] for item in found] == ["masters_many", "masters_many"]


def test_diagnose_groups_says_what_it_wants(template):
    assert "diagnose_groups wants what diagnose_targets returns" in template("[{}] | aragora.redis.diagnose_groups")


def test_with_application_keeps_to_the_server_that_it_uses(template):
    def verdict(run_id, result="works"):
        return {"result": result, "redis": {"run_id": run_id}, "steps": [], "sentences": []}

    expression = "snapshot | aragora.redis.with_application(verdicts, {'impact': []})"
    snapshot = {**refused(), "info": {"server": {"run_id": "a"}}}
    found = template(expression, snapshot=snapshot, verdicts={"app1": verdict("a"), "app2": verdict(None, "broken"), "app3": verdict("b")})
    assert (found["application"]["host"], found["application"]["hosts"]) == ("app2", {"app1": "works", "app2": "broken"})
    assert template(expression, snapshot=snapshot, verdicts={"app3": verdict("b")})["application"] is None


def test_ops_rules_are_those_of_the_table(template):
    snapshot = {"info": {"server": {"redis_version": "7.0.15"}}}
    assert "choose from ops_diagnose, ops_remediate" in template("snapshot | aragora.redis.ops_rules('admin')", snapshot=snapshot)
    rules = template("snapshot | aragora.redis.ops_rules('ops_remediate', ['restart'])", snapshot=snapshot)
    assert rules[:2] == ["on", "~aragora.redis:canary:*"]
    assert "+bgsave" in rules


def test_awx_template_makes_a_survey_of_the_options_of_a_playbook(template):
    found = template("'remediate' | aragora.redis.awx_template")
    assert [row["variable"] for row in found["survey"]["spec"]] == ["redis_remediation_mode", "target", "redis_remediation_allow"]
    assert "aragora.redis has no playbook 'x'" in template("'x' | aragora.redis.awx_template")


def test_has_collection_knows_what_is_installed(template):
    assert template("['aragora.redis', 'aragora.nothing', 'nobody.nothing'] | map('aragora.redis.has_collection')") == [True, False, False]
    assert template("'aragora.redis' | aragora.redis.has_collection") is True


def test_url_with_login_encodes_what_is_kept_apart(template):
    assert template("'redis://a:1/2' | aragora.redis.url_with_login('u@', 'p/:#')") == "redis://u%40:p%2F%3A%23@a:1/2"
    assert template("'redis://x:y@a' | aragora.redis.url_with_login('u', 'p')") == "redis://x:y@a"
    assert template("'' | aragora.redis.url_with_login('u', 'p')") == ""

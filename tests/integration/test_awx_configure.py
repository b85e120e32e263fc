# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""awx_configure.yml with the real modules of awx.awx, against a stand-in for the API of AWX."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.conftest import FULL, ROOT
from tests.lab import awx, awx_modules, harmless, servers

CONFIGURE = "playbooks/awx_configure.yml"
# Those of the workflow and one more; all templates would take a minute, and are there with FULL=1.
CHOSEN = harmless.PLAYBOOKS if FULL else ["diagnose", "escalate", "remediate", "report", "verify"]
SECRET = "awxSecret/7f3a@#"
GIVEN = {
    "redis_awx_organization": "Shop",
    "redis_awx_image": "registry.example.com/aragora-redis-ee:1",
    "redis_awx_inventory_url": "https://git.example.com/inventory.git",
    "redis_awx_inventory_path": "shop.redis_topology.yml",
    "redis_awx_credential": {"url": "redis://10.0.0.1", "username": "ops_diagnose", "password": SECRET},
    "redis_awx_extra_vars": {"redis_application": "aragora"},
    "redis_awx_approval_timeout": 900,
    "redis_awx_playbooks": [] if FULL else ["report"],
}
LINKS = {
    "diagnose": ([], ["plan"]),
    "plan": (["approve"], ["escalate"]),
    "approve": (["remediate"], ["escalate"]),
    "remediate": (["verify"], ["escalate"]),
    "verify": ([], ["escalate"]),
    "escalate": ([], []),
}


@pytest.fixture
def configure(play, tmp_path):
    if why := awx_modules.why_not():
        pytest.skip(why)
    (tmp_path / "given.json").write_text(json.dumps(GIVEN))

    def run(api, *words):
        paths = f"{ROOT / 'collections'}:{awx_modules.fetched()}"
        given = ("-e", f"@{tmp_path / 'given.json'}", "-v", *words)
        return play(CONFIGURE, *given, timeout=900, ANSIBLE_COLLECTIONS_PATH=paths, **api.environment)

    return run


def test_everything_is_made_once(configure):
    with awx.running() as api:
        early = configure(api, "--check")
        assert early.status == 0, early.output
        assert "the organization would be made; what stands on that cannot be looked at before" in early.output
        assert api.written == []

        made = configure(api)
        assert made.status == 0, made.output
        assert sorted(found["name"] for found in api.objects["job_templates"]) == [f"Redis: {name}" for name in CHOSEN]
        nodes = "workflow_job_template_nodes"
        assert {found["identifier"] for found in api.objects[nodes]} == set(LINKS)
        assert {name: (api.links(nodes, name, "success_nodes"), api.links(nodes, name, "failure_nodes")) for name in LINKS} == LINKS
        assert api.one("workflow_approval_templates", "Apply the plan?")["timeout"] == 900
        verify = api.one("job_templates", "Redis: verify")
        assert api.one(nodes, "verify")["unified_job_template"] == verify["id"], "an application is known"
        assert api.one("inventory_sources", "aragora.redis")["source_path"] == "shop.redis_topology.yml"
        assert api.links("job_templates", "Redis: verify", "credentials") == ["aragora.redis"]
        assert api.objects["schedules"][0]["name"] == "Redis report"
        assert next(iter(api.secrets.values()))["password"] == SECRET
        assert SECRET not in made.output

        api.written.clear()
        again = configure(api)
        assert again.status == 0, again.output
        assert "changed=0" in again.output
        assert api.written == []

        # Somebody has changed something by hand.
        api.one("job_templates", "Redis: verify")["description"] = "another"
        looked = configure(api, "--check")
        assert "changed=1" in looked.output, looked.output
        assert api.written == []


def test_what_cannot_be_meant_is_told_before_anything_is_made(configure, tmp_path):
    wrong = {
        "redis_awx_organization": " ", "redis_awx_playbooks": ["diagnos"], "redis_awx_credential": {"user": SECRET},
        "redis_awx_extra_vars": {"shop_password": SECRET}, "redis_awx_inventory_url": "https://u:awxSecret@git.example.com/x.git",
        "redis_awx_approval_timeout": -5, "redis_awx_report_rrule": "every night",
    }  # fmt: skip
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    with awx.running() as api:
        refused = configure(api, "-e", f"@{tmp_path / 'wrong.json'}", "-vvv")
        assert api.written == []
    assert refused.status == 2
    said = " ".join(refused.output.split())
    for words in (
        "redis_awx_organization is empty", "redis_awx_playbooks names 'diagnos', which is none; choose from add_replica",
        "redis_awx_credential has the field 'user'", "redis_awx_extra_vars has 'shop_password', and AWX shows these variables",
        "holds a login", "redis_awx_approval_timeout is -5", "redis_awx_report_rrule is 'every night'",
    ):  # fmt: skip
        assert words in said
    assert "awxSecret" not in refused.output


def test_a_job_finds_its_server_by_the_credential(play, family_binary):
    # What AWX makes of the credential type: variables of the environment, and no extra variable.
    kind = yaml.safe_load((ROOT / "roles/redis_awx/vars/main.yml").read_text())
    injectors = {
        name: {key: text.replace("{% raw %}", "").replace("{% endraw %}", "") for key, text in rows.items()}
        for name, rows in kind["__redis_awx_injectors"].items()
    }
    assert set(injectors) == {"file", "env"}
    with servers.running(family_binary, requirepass=SECRET) as server:
        given = {"url": f"redis://127.0.0.1:{server.port}", "username": "default", "password": SECRET}
        environment, dummy = awx.rendered({"injectors": injectors}, given)
        assert environment["REDIS_CA_CERTS"] == ""
        for playbook in ("diagnose", "tidy_memory"):
            played = play(f"playbooks/{playbook}.yml", "-e", "redis_diagnosis_window=0.1", "-vvv", **environment)
            assert played.status == 0, played.output
            assert played.report["targets"][0]["availability"]["state"] == "up"
            assert SECRET not in played.output


def test_without_awx_awx_it_says_what_is_missing(play, tmp_path):
    played = play(CONFIGURE, ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"), HOME=str(tmp_path))
    assert played.status == 2, played.output
    assert "awx.awx is not installed here: ansible-galaxy collection install awx.awx" in played.output

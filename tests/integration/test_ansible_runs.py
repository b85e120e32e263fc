# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook that is forked from a process which has imported Ansible already does what one does that starts from nothing."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml

from tests.conftest import ROOT, environment_of_a_user
from tests.lab import ansible_runs, hosts

SHOWN = {
    "words": "{{ ansible_cli_args | default([]) }}",
    "environment": "{{ lookup('ansible.builtin.env', 'LAB_WORD') }}",
    "home": "{{ lookup('ansible.builtin.config', 'ANSIBLE_HOME') }}",
    "pipelining": "{{ lookup('ansible.builtin.config', 'ANSIBLE_PIPELINING') }}",
    "ours": "{{ 'redis://a:1/2' | aragora.redis.url_with_login('u', 'p') }}",
    "extra": "{{ given | default('none') }}",
}


@pytest.fixture
def both(tmp_path, monkeypatch):
    """(what came of a playbook from nothing, of the same one forked), without what differs from run to run."""

    def run(tasks, *words, **environment):
        path = tmp_path / "play.yml"
        path.write_text(yaml.safe_dump([{"hosts": "all" if "-i" in words else "localhost", "gather_facts": False, "tasks": tasks}]))
        variables = {
            **environment_of_a_user(),
            "ANSIBLE_HOME": str(tmp_path / "home"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        }
        assert ansible_runs.suits({**variables, **environment}, ROOT)
        came = []
        for full in ("1", ""):
            monkeypatch.setenv("FULL", full)
            done = ansible_runs.play([str(path), *words], ROOT, {**variables, **environment}, 60)
            came.append((done.returncode, re.sub(r"ansible-tmp-[\d.-]+", "", done.stdout), done.stderr))
        return came

    return run


def test_it_says_the_same_and_ends_the_same(both):
    shown = [{"ansible.builtin.debug": {"var": "SHOWN"}, "vars": {"SHOWN": SHOWN}}]
    cold, warm = both(shown, "-e", json.dumps({"given": "ü 1"}), LAB_WORD="word", ANSIBLE_PIPELINING="false")
    assert cold == warm
    assert cold[0] == 0
    assert '"environment": "word"' in cold[1]
    assert '"pipelining": false' in cold[1]
    # Nothing of the run before is left.
    again = both(shown)
    assert again[0] == again[1]
    assert '"environment": ""' in again[1][1]
    assert '"pipelining": true' in again[1][1]


@pytest.mark.parametrize("pipelining", ["true", "false"])
def test_modules_go_their_way_as_they_would(both, pipelining):
    cold, warm = both([{"ansible.builtin.command": {"cmd": "true"}}], "-vvv", ANSIBLE_PIPELINING=pipelining)
    ways = [re.findall(r"<127\.0\.0\.1> (EXEC|PUT)", came[1]) for came in (cold, warm)]
    assert ways[0] == ways[1]
    assert ("PUT" in ways[1]) is (pipelining == "false")


@pytest.mark.parametrize(
    ("task", "words", "status"),
    [
        ({"ansible.builtin.fail": {"msg": "no"}}, (), 2),
        ({"nobody.knows.this": {}}, (), 4),
        ({"ansible.builtin.debug": {}}, ("--nonsense",), 2),
    ],
)
def test_what_fails_fails_the_same(both, task, words, status):
    cold, warm = both([task], *words)
    assert cold == warm
    assert cold[0] == status


@pytest.mark.skipif(hosts.why_not() is not None, reason=f"{hosts.why_not()}")
def test_a_module_in_a_container_finds_what_it_would(both, tmp_path):
    look = "id; pwd; umask; env | sort; readlink /proc/self/fd/0; cat /proc/self/limits; grep Cap /proc/self/status"
    looked = [
        {"ansible.builtin.command": {"argv": ["/bin/sh", "-c", look]}, "register": "found"},
        {"ansible.builtin.debug": {"var": "found.stdout_lines"}},
    ]
    asked = [{"aragora.redis.redis_wait": {"url": "redis://127.0.0.1:7999", "timeout": 1}}]
    with hosts.host() as host:
        inventory, environment = hosts.inventory(tmp_path, cache1=hosts.member(host))
        cold, warm = both(looked, *inventory, **environment)
        assert cold == warm
        assert cold[0] == 0
        assert host.run("pgrep", "--full", "module_server")
        host.run("rm", "--recursive", "/usr/lib/python3/dist-packages/redis")
        cold, warm = both(asked, *inventory, **environment)
        assert cold == warm
        assert "python3-redis" in cold[1] + cold[2]


def test_what_does_not_end_is_ended(tmp_path):
    path = tmp_path / "play.yml"
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.pause": {"seconds": 30}}]}]))
    with pytest.raises(subprocess.TimeoutExpired):
        ansible_runs.play([str(path)], ROOT, environment_of_a_user(), 2)


@pytest.mark.parametrize(
    "environment", [{"ANSIBLE_CALLBACKS_ENABLED": "x"}, {"ANSIBLE_COLLECTIONS_PATH": "/elsewhere"}, {"ANSIBLE_CONFIG": "/elsewhere"}]
)
def test_what_the_server_has_read_otherwise_starts_from_nothing(environment):
    assert not ansible_runs.suits(environment, ROOT)
    assert not ansible_runs.suits({}, ROOT / "playbooks")

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_kernel on a host whose files of the kernel are stood in for, because the real ones are those of this machine."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.conftest import ROOT
from tests.lab import hosts

pytestmark = pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not()))
OVERCOMMIT, PAGES = "/proc/sys/vm/overcommit_memory", "/sys/kernel/mm/transparent_hugepage/enabled"
WANTED = {"somaxconn": 511, "huge_pages": "madvise"}


def stand_in(host, path, value):
    """Another file in the place of one of the kernel's, on this host only."""
    name = f"/run/{path.rpartition('/')[2]}"
    host.shell(f"echo {value} > {name} && mount --bind {name} {path}")


@pytest.fixture
def tasks(play, tmp_path):
    """The results of calls of the module on a host, one after the other."""

    def run(host, *calls, words=()):
        rows = []
        for number, call in enumerate(calls):
            rows.append({"aragora.redis.redis_kernel": {key: value for key, value in call.items() if key != "check"}})
            rows[-1].update({"register": f"result{number}", "check_mode": call.get("check", False), "ignore_errors": True})
        out = tmp_path / "out.json"
        every = "[" + ", ".join(f"result{number}" for number in range(len(calls))) + "]"
        copy = {"ansible.builtin.copy": {"content": f"{{{{ {every} | to_json }}}}", "dest": str(out), "mode": "0600"}}
        rows.append({**copy, "delegate_to": "localhost"})
        playbook = tmp_path / "kernel.yml"
        playbook.write_text(yaml.safe_dump([{"hosts": "cache", "gather_facts": False, "tasks": rows}]))
        inventory, environment = hosts.inventory(tmp_path, cache=hosts.member(host))
        played = play(str(playbook), *inventory, *words, ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"), **environment)
        assert played.status == 0, played.output
        return json.loads(out.read_text())

    return run


def test_check_change_again_and_back(tasks):
    with hosts.host() as host:
        stand_in(host, OVERCOMMIT, 0)
        stand_in(host, PAGES, "always")
        before = host.shell("ls /etc/sysctl.d /etc/tmpfiles.d")
        check, change, again = tasks(host, {**WANTED, "check": True}, WANTED, WANTED)
        assert check["changed"]
        assert change["steps"] == check["steps"]
        assert change["steps"][:2] == ["vm.overcommit_memory 0 → 1", "transparent_hugepage always → madvise"]
        assert change["left"] == []
        assert not again["changed"]
        assert (host.run("cat", OVERCOMMIT), host.run("cat", PAGES)) == ("1", "madvise")
        assert "vm.overcommit_memory = 1" in host.run("cat", "/etc/sysctl.d/60-aragora-redis.conf")
        (back,) = tasks(host, {"state": "absent"})
        assert back["changed"]
        assert (host.run("cat", OVERCOMMIT), host.run("cat", PAGES)) == ("0", "always")
        assert host.shell("ls /etc/sysctl.d /etc/tmpfiles.d") == before


def test_what_a_container_may_not_set_is_left_and_said(tasks):
    with hosts.host() as host:
        (result,) = tasks(host, {"overcommit": True, "somaxconn": 65535})
        assert not result.get("failed"), result
        assert any("net.core.somaxconn" in text and "not writable" in text for text in result["left"])
        assert not [step for step in result["steps"] if "somaxconn" in step]


def test_an_odd_number_is_an_error(run_module):
    assert "give a number from 0 to 65535" in run_module("redis_kernel", somaxconn=70_000, overcommit=False)["msg"]

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_firewall on nftables of a host of its own; ufw, firewalld and iptables are tried on hosts with systemd (molecule/network)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import network

ROOT = Path(__file__).resolve().parents[2]
MODULE = "ansible_collections.aragora.redis.plugins.modules.redis_firewall"
CLOSED = """\
add table inet own
add chain inet own in { type filter hook input priority 0; policy drop; }
add rule inet own in tcp dport 22 accept
"""
needs_nft = pytest.mark.skipif(
    bool(network.why_not()) or not shutil.which("nft"), reason="a firewall of its own needs root, iproute2 and nftables"
)


@pytest.fixture
def firewall():
    """(a function that runs the module on a host, one that shows the host's rules)."""
    with network.host() as host:
        subprocess.run([*host.launcher, "nft", "-f", "-"], input=CLOSED, text=True, check=True, timeout=20)

        def run(check_mode=False, **options):
            arguments = {"ANSIBLE_MODULE_ARGS": {"_ansible_check_mode": check_mode, "_ansible_remote_tmp": "/tmp", **options}}
            done = subprocess.run(
                [*host.launcher, sys.executable, "-m", MODULE], input=json.dumps(arguments), capture_output=True, text=True, timeout=60,
                check=False, env={**os.environ, "PYTHONPATH": str(ROOT / "collections")},
            )  # fmt: skip
            return json.loads(done.stdout)

        def rules():
            done = subprocess.run([*host.launcher, "nft", "list", "ruleset"], capture_output=True, text=True, check=True, timeout=20)
            return done.stdout

        yield run, rules


@needs_nft
def test_check_open_again_and_close(firewall):
    run, rules = firewall
    before = rules()
    wanted = {"state": "opened", "port": 6379, "sources": ["10.0.0.5", "fd00::/64"]}
    would = run(check_mode=True, **wanted)
    assert (would["changed"], len(would["missing"]), rules()) == (True, 2, before)
    opened = run(**wanted)
    assert opened["changed"]
    assert 'ip saddr 10.0.0.5 tcp dport 6379 accept comment "aragora.redis opens 6379 for 10.0.0.5"' in rules()
    assert "ip6 saddr fd00::/64 tcp dport 6379 accept" in rules()
    again = run(**wanted)
    assert (again["changed"], again["missing"], len(again["rules"])) == (False, [], 2)
    assert run(check_mode=True, state="closed", rules=opened["rules"])["changed"]
    assert run(state="closed", rules=opened["rules"])["changed"]
    assert rules() == before, "nothing else was touched"
    assert not run(state="closed", rules=opened["rules"])["changed"]


@needs_nft
def test_everybody_is_let_in_only_by_name(firewall):
    run, rules = firewall
    assert run(state="opened", sources=[])["rules"] == []
    run(state="opened", sources=["any"])
    assert "\t\ttcp dport 6379 accept comment" in rules()


@needs_nft
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sources": ["shop1"]}, "the source 'shop1' is no address and no network"),
        ({"port": 0}, "port is 0: give a number"),
        ({"state": "closed", "rules": [{"firewall": "ufw"}]}, "is no rule that this module has returned"),
        (
            {"state": "closed", "rules": [{"firewall": "iptables", "program": "sh", "source": "any", "port": 1}]},
            "is no rule that this module has returned",
        ),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(firewall, options, sentence):
    result = firewall[0](**options)
    assert result["failed"]
    assert sentence in result["msg"]


@pytest.mark.skipif(not os.geteuid(), reason="root may")
def test_without_root_it_says_so(run_module):
    assert "needs root (-b)" in run_module("redis_firewall", sources=["10.0.0.5"])["msg"]

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The application reaches every server, by a rule for its address alone; and no longer when that is taken away."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import testinfra

SERVERS = ("iptables", "ufw", "firewalld")
SCENARIO = Path(__file__).parents[1]


def host(name):
    return testinfra.get_host(f"docker://molecule-network-{name}")


@pytest.fixture(scope="module")
def shop():
    return host("shop")


def ping(shop, server):
    return shop.run(f"timeout 3 redis-cli -h molecule-network-{server} ping").stdout.strip()


def book(server):
    return json.loads(host(server).file(f"/var/lib/aragora-redis/opened-{server}.json").content_string)


def rules(server):
    command = {
        "iptables": "iptables -S INPUT",
        "ufw": "ufw show added",
        "firewalld": "firewall-cmd --list-rich-rules; firewall-cmd --permanent --list-rich-rules",
    }[server]
    return host(server).check_output(command)


@pytest.mark.parametrize("server", SERVERS)
def test_the_application_reaches_the_server(shop, server):
    assert ping(shop, server) == "PONG"


@pytest.mark.parametrize("server", SERVERS)
def test_one_rule_lets_its_address_through_in_the_firewall_that_is_in_charge(shop, server):
    address = shop.check_output("hostname -i").strip()
    assert [(rule["firewall"], rule["source"]) for rule in book(server)] == [(server, address)]
    # In the comment, too, or in the lasting rules.
    assert rules(server).count(address) == 2


@pytest.mark.parametrize("server", SERVERS)
def test_the_book_is_for_root_only(server):
    assert host(server).file(f"/var/lib/aragora-redis/opened-{server}.json").mode == 0o600


@pytest.mark.parametrize("server", SERVERS)
def test_the_state_is_resolved(server):
    line = json.loads(host(server).file("/var/lib/aragora-redis/audit.jsonl").content_string.splitlines()[0])
    assert (line["action"], line["outcome"]) == ("check_network", "resolved")


def test_what_was_opened_is_closed_again(shop):
    address = shop.check_output("hostname -i").strip()
    command = ["ansible-playbook", "-i", str(SCENARIO / "inventory"), str(SCENARIO / "close.yml")]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [ping(shop, server) for server in SERVERS] == ["", "", ""]
    assert not [server for server in SERVERS if address in rules(server)]

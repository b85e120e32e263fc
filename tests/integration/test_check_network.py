# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""check_network.yml: where the way ends, and a port that is opened, verified, closed again, and taken back where it does not help."""

from __future__ import annotations

import contextlib
import shutil
import subprocess

import pytest
import yaml

from tests.lab import network, servers

CHECK = "playbooks/check_network.yml"
FAST = ("redis_guard_settled=0.5", "redis_guard_cooldown=0", "redis_guard_verify_timeout=5")
APPLY = tuple(word for option in ("redis_remediation_mode=apply", *FAST) for word in ("-e", option))
OPEN = ("-e", "redis_network_open_port=true")
CLOSE = ("-e", "redis_network_close=true")
FILTERED = """\
add table inet own
add chain inet own in { type filter hook input priority 0; policy drop; }
add rule inet own in iif lo accept
"""
# What leaves the host is lost, whatever may come in.
DEAF = """\
add table inet other
add chain inet other out { type filter hook output priority 0; }
add rule inet other out oif eth0 tcp sport 1024-65535 drop
"""


def row_of(played):
    (row,) = played.report["timeline"]
    return row


def test_by_url_the_way_is_followed_from_here(family_binary, play):
    with servers.running(family_binary) as server:
        free = play(CHECK, *APPLY, REDIS_URL=server.url)
        assert (free.status, row_of(free)["state"]) == (0, "nothing_to_do"), free.output
        assert "from the controller: the way is free" in row_of(free)["why"]
        assert "only the client's side was looked at" in row_of(free)["why"]
    planned = play(CHECK, *OPEN, REDIS_URL=server.url)
    assert planned.status == 0
    assert "it ends at the listener: 127.0.0.1" in row_of(planned)["why"]
    done = play(CHECK, *APPLY, *OPEN, REDIS_URL=server.url)
    assert (done.status, row_of(done)["state"]) == (2, "refused"), done.output


@pytest.fixture
def filtered(tmp_path):
    """(words that lead to the server of a host whose firewall drops the port, the host, the server)."""
    if network.why_not() or not shutil.which("nft"):
        pytest.skip("a firewall of its own needs root, iproute2 and nftables")
    with contextlib.ExitStack() as stack:
        host = stack.enter_context(network.host())
        both = f"{host.address} 127.0.0.1"
        there = {"host": host.address, "launcher": host.launcher, "bind": both, "protected_mode": "no"}
        server = stack.enter_context(servers.running(servers.matrix()["valkey-9.1"], **there))
        nft(host, FILTERED)
        member = {
            "ansible_connection": "local", "ansible_host": host.address, "ansible_python_interpreter": str(network.python(host, tmp_path)),
            "redis_connection": {"login_host": host.address, "login_port": server.port, "connect_timeout": 1.0},
        }  # fmt: skip
        (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"redis": {"hosts": {"cache": member}}}))
        yield ("-i", str(tmp_path / "inventory.yml"), "-e", f"redis_guard_dir={tmp_path}/guard"), host, server


def nft(host, text):
    done = subprocess.run([*host.launcher, "nft", "-f", "-"], input=text, text=True, check=True, timeout=20, capture_output=True)
    return done.stdout


def rules(host):
    return nft(host, "list ruleset")


def test_a_port_is_opened_by_name_and_closed_on_request(filtered, play, tmp_path):
    words, host, server = filtered
    before = rules(host)
    shown = play(CHECK, *words, *APPLY)
    assert (shown.status, row_of(shown)["state"]) == (2, "refused"), shown.output
    assert "it ends at the firewall: the firewall of the server's host drops what comes to" in row_of(shown)["why"]
    assert "-e redis_network_open_port=true" in row_of(shown)["why"]
    planned = play(CHECK, *words, *OPEN)
    assert (planned.status, row_of(planned)["state"]) == (0, "planned"), planned.output
    assert (rules(host), (tmp_path / "guard").exists()) == (before, False)

    done = play(CHECK, *words, *APPLY, *OPEN)
    assert (done.status, row_of(done)["state"]) == (0, "resolved"), done.output
    mine = host.address.rpartition(".")[0] + ".1"
    assert f"ip saddr {mine} tcp dport {server.port} accept" in rules(host)
    book = tmp_path / "guard" / "opened-cache.json"
    assert book.stat().st_mode & 0o777 == 0o600
    opened = rules(host)
    again = play(CHECK, *words, *APPLY, *OPEN)
    assert (again.status, row_of(again)["state"], rules(host)) == (0, "nothing_to_do", opened), again.output

    back = play(CHECK, *words, *APPLY, *CLOSE)
    assert back.status == 0, back.output
    assert (rules(host), book.exists()) == (before, False)


def test_a_rule_that_does_not_help_is_taken_away(filtered, play, tmp_path):
    words, host, *dummy = filtered
    nft(host, DEAF)
    before = rules(host)
    done = play(CHECK, *words, *APPLY, *OPEN)
    assert (done.status, row_of(done)["state"]) == (2, "escalated"), done.output
    assert "its clients still do not reach it" in row_of(done)["why"]
    assert "the old state is back" in row_of(done)["why"]
    assert rules(host) == before
    assert not (tmp_path / "guard" / "opened-cache.json").exists()

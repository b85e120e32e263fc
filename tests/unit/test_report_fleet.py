# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many servers at a glance, in the terminal and in Markdown."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._report import document, fleet, markdown, terminal


def server(name, *findings, host="10.0.0.1", version="7.0.15", role="master", state="up"):
    """A judged server as diagnose_targets returns it; findings are (id, cause, severity)."""
    told = [
        {
            "id": found, "cause": cause, "severity": severity, "title": f"{found} here", "evidence": {"number": 1}, "explains": [],
            "advice": ["Look."], "remedy": None, "docs_url": "https://redis.io/",
        }
        for found, cause, severity in findings
    ]  # fmt: skip
    availability = {"state": state, "reason": None, "error": "", "connect_ms": None, "ping_ms": None, "eta_seconds": None}
    known = {
        "host": host,
        "port": 6379,
        "socket": None,
        "url": f"redis://{host}:6379",
        "product": "redis",
        "version": version,
        "role": role,
    }
    snapshot = {"server": known, "availability": availability, "denied": {}}
    return {
        "name": name,
        "snapshot": snapshot,
        "diagnosis": {"findings": told, "not_applicable": [], "workload": {"role": "store", "why": "keys without TTL"}},
    }


FULL = ("memory_limit_reached", "memory_limit", "critical")
KEYS = ("slow_command_keys", "slow_commands", "warning")
OFF = ("latency_monitor_off", "configuration", "notice")


def built(*servers):
    return document.build(servers, "run", "2026-11-23 12:00:00 UTC")


def shown(*servers, width=100):
    return [text for text, dummy in terminal.lines(built(*servers), width)]


def test_servers_are_grouped_by_their_root_cause_most_severe_and_most_frequent_first():
    targets = built(server("a", KEYS), server("b", FULL), server("c", FULL, KEYS), server("d", OFF))["targets"]
    assert [(row["id"], row["cause"], row["severity"], sorted(row["names"])) for row in fleet.ailments(targets)] == [
        ("memory_limit_reached", "memory_limit", "critical", ["b", "c"]),
        ("slow_command_keys", "slow_commands", "warning", ["a", "c"]),
    ]


@pytest.mark.parametrize(
    ("others", "shared"),
    [
        ({"host": "10.0.0.3", "version": "6.2.5"}, ["network 10.9.9.0/24"]),
        ({"host": "10.9.9.3"}, []),
        ({"host": "10.9.9.3", "role": "slave"}, ["masters"]),
        ({"host": "10.9.9.3", "version": "8.2.3"}, ["redis 7.0.15"]),
    ],
)
def test_what_the_ill_share_and_the_healthy_do_not_is_told(others, shared):
    version = "7.0.15"
    ill = [server("a", FULL, host="10.9.9.1", version=version), server("b", FULL, host="10.9.9.2", version=version)]
    (row,) = fleet.ailments(built(*ill, server("c", **others))["targets"])
    assert set(shared) <= set(row["shared"])
    if not shared:
        assert row["shared"] == []


def test_one_server_alone_shares_nothing():
    (row,) = fleet.ailments(built(server("a", FULL), server("b"))["targets"])
    assert row["shared"] == []


def test_names_of_hosts_share_their_domain():
    targets = built(server("a", FULL, host="a.eu.example.com"), server("b", FULL, host="b.eu.example.com"), server("c", host="c.example"))
    assert fleet.ailments(targets["targets"])[0]["shared"] == ["domain eu.example.com"]


def test_the_fleet_is_told_before_its_servers():
    lines = shown(server("web1", FULL), server("web2", FULL), server("db"))
    assert lines[0].startswith("3 servers")
    assert lines[1] == "2 of 3 servers are ill, 2 of them critically"
    assert lines[2] == "  ● memory_limit: 2 servers [memory_limit_reached]: web1, web2"
    assert lines[4].startswith("CRITICAL  web1")


def test_one_server_needs_no_summary():
    assert shown(server("web1", FULL))[1:3] == ["", shown(server("web1", FULL))[2]]
    assert not [line for line in shown(server("web1", FULL)) if "servers are ill" in line]


def test_a_healthy_fleet_is_said_to_be():
    assert shown(server("a"), server("b"))[1] == "None of the 2 servers is ill"


def test_a_large_fleet_stays_readable():
    ill = [server(f"ill{number}", FULL) for number in range(200)]
    well = [server(f"well{number}") for number in range(300)]
    lines = shown(*ill, *well)
    assert len(lines) < 200
    assert "200 of 500 servers are ill" in lines[1]
    assert "ill0, ill1, ill2, ill3, ill4 and 195" in " ".join(line.strip() for line in lines[2:4])
    assert "… and 180 more servers that are ill: see the report" in lines
    assert any(line.startswith("HEALTHY  300 servers: well0") for line in lines)


def test_many_causes_are_cut():
    many = [server(f"s{number}", (f"rule_{number}", "network", "warning")) for number in range(15)]
    assert "  … and 5 more causes" in shown(*many)


HOSTILE = "\x1b[31mred\n<b>@everyone</b>|`x`"


def test_hostile_names_do_no_harm():
    servers = [
        server(HOSTILE, FULL, host=HOSTILE, version=HOSTILE),
        server(HOSTILE + "2", FULL, host=HOSTILE, version=HOSTILE),
        server("c"),
    ]
    assert not [line for line in shown(*servers) if "\x1b" in line or "\n" in line]
    text = markdown.render(built(*servers))
    assert "\x1b" not in text
    assert "<b>" not in text
    assert "@everyone" not in text


def test_markdown_begins_with_a_table_of_causes():
    text = markdown.render(built(server("web1", FULL, version="6.2.5"), server("web2", FULL, version="6.2.5"), server("db")))
    table = text.partition("| severity | cause | finding | servers | in common |")[2].partition("## ")[0]
    assert "| critical | memory\\_limit | `memory_limit_reached` | 2: web1, web2 | redis 6.2.5 |" in table
    assert text.index("2 of 3 servers are ill") < text.index("## CRITICAL")


def test_markdown_of_one_server_has_none():
    assert "in common" not in markdown.render(built(server("web1", FULL)))

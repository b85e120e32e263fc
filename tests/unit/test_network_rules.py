# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the way to the server is the reason, and when something else is."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine

SNAPSHOTS = Path(__file__).parent / "snapshots"
MEGABIT = 125_000


def diagnosed(name, changes):
    snapshot = json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))["snapshot"]
    for path, value in changes.items():
        *parents, last = path.split(".")
        functools.reduce(dict.__getitem__, parents, snapshot)[last] = copy.deepcopy(value)
    return engine.diagnose(snapshot)


def ids(diagnosis):
    return [finding["id"] for finding in diagnosis["findings"]]


def test_a_slow_way_explains_slow_answers():
    found = {finding["id"]: finding for finding in diagnosed("latency_network", {})["findings"]}
    assert "latency_probe_high" in found["latency_network"]["explains"]


@pytest.mark.parametrize(
    "changes",
    [
        # The kernel answers at once: it is Redis that is late.
        {"availability.connect_ms": 0.2},
        # The server is busy with commands.
        {"rates.command_seconds": 0.9},
        # Nothing lies in between.
        {"server.local": True},
        # Most answers come in time.
        {"latency.probe.p50": 0.3},
    ],
)
def test_something_else_is_slow(changes):
    assert "latency_network" not in ids(diagnosed("latency_network", changes))


LINKS = {
    "eth0": {"addresses": ["10.0.0.5"], "speed_mbit": 100},
    "eth1": {"addresses": ["10.1.0.5"], "speed_mbit": 1000},
    "tun0": {"addresses": ["10.2.0.5"], "speed_mbit": None},
}


@pytest.mark.parametrize(
    ("listening", "output", "full"),
    [
        ("10.0.0.5", 90, True),
        ("10.0.0.5", 70, False),
        # The faster link may carry it: on which address it comes in is not known.
        ("*", 90, False),
        ("*", 900, True),
        ("10.1.0.5", 90, False),
    ],
)
def test_the_link_that_carries_the_address_counts(listening, output, full):
    listener = {"address": listening, "port": 6379, "waiting": 0}
    changes = {"host.network": LINKS, "host.listeners": [listener], "rates.stats.total_net_output_bytes": output * MEGABIT}
    assert ("bandwidth_high" in ids(diagnosed("bandwidth_high", changes))) is full


def test_a_link_of_unknown_speed_is_not_judged():
    listener = {"address": "10.2.0.5", "port": 6379, "waiting": 0}
    diagnosis = diagnosed("bandwidth_high", {"host.network": LINKS, "host.listeners": [listener]})
    assert {row["id"]: row["missing"] for row in diagnosis["not_applicable"]}["bandwidth_high"] == "host.network: the speed of the link"

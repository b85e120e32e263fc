# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole way with the real parts: Redis on hosts with systemd, exporter, Prometheus, Alertmanager, ansible-rulebook, the collection."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
import redis

from tests.conftest import ROOT
from tests.lab import eda, hosts, mended, monitoring, prometheus, shop_unit
from tests.lab.servers import wait_for

REASON = hosts.why_not() or prometheus.why_not()
pytestmark = pytest.mark.skipif(bool(REASON), reason=str(REASON))
OUTPUT = ROOT / "tests" / "output"
URL = "redis://127.0.0.1:6379/0"
LIMIT = 20 * 1024 * 1024
# Beside others; by itself it is half a minute.
PATIENCE = 420.0
OFTEN = 0.25


@pytest.fixture(scope="module", autouse=True)
def program():
    """Not before a test needs it: it may have to be installed."""
    if reason := eda.why_not():
        pytest.skip(reason)


@pytest.fixture
def cache1():
    """A server that nothing starts again when it is killed."""
    with hosts.host() as started:
        started.systemctl("enable", "redis-server")
        started.drop_in("[Service]\nRestart=no\n")
        yield opened(started)


@pytest.fixture
def cache2():
    """A server with a small limit."""
    with hosts.host("--hostname", "cache2") as started:
        started.configure(f"maxmemory {LIMIT}", "maxmemory-policy noeviction")
        yield opened(started)


@pytest.fixture
def shop(cache1):
    """An application beside it, which goes on without Redis: the escalation of an incident of cache1 has switched that on."""
    shop_unit.install(cache1)
    cache1.run("tee", "/etc/shop/env", data=f"REDIS_URL={URL}\n")
    shop_unit.install_module(cache1)
    for state in ("enabled", "restarted", "awaited", "confirmed"):
        assert not shop_unit.fallback(cache1, state, incident="cache1").get("failed")
    assert uses(cache1) == ""
    return cache1


def uses(host):
    """Which Redis the application was told of when it started last."""
    return shop_unit.starts(host)[-1]["REDIS_URL"]


def opened(host):
    host.configure("bind 0.0.0.0", "protected-mode no")
    host.start_redis()
    return host


def address(host):
    return host.run("hostname", "-I").split()[0]


def fill(host):
    """Until it takes no more. A script is asked before its first write only, so that each writes little."""
    script = "for i = 1, 10 do redis.call('set', ARGV[1] .. ':' .. i, string.rep('x', 100000)) end"
    assert "OOM" in host.run("redis-cli", data="".join(f'eval "{script}" 0 {part}\n' for part in range(30)), check=False)


def answers(client):
    with contextlib.suppress(redis.RedisError):
        return client.ping()
    return False


def limit(client):
    return int(client.config_get("maxmemory")["maxmemory"])


def done(folder, name):
    """What the reports say of a server's actions, one row for each."""
    found = []
    for path in folder.glob("reports/*Z-*/report.json"):
        with contextlib.suppress(json.JSONDecodeError):
            found += [row for row in json.loads(path.read_text())["timeline"] if row["target"] == name]
    return found


def story(name, fault, alert, is_mended, parts):
    """The steps of one fault, each by who would know of it."""
    folder, rulebook, watched = parts
    result = mended.Story(name, fault, {})
    result.seen = {
        "pending": lambda: watched.state(alert, name),
        "firing": lambda: watched.state(alert, name) == "firing",
        "play": lambda: f"(item={name})" in rulebook.said(),
        "mended": is_mended,
        "verified": lambda: [row for row in done(folder, name) if row["state"] == "resolved"],
        "resolved": lambda: {"firing", "mended"} <= result.at.keys() and not watched.state(alert, name),
    }
    return result


def test_what_is_killed_and_what_is_full_is_mended_by_its_alert_and_the_alert_ends(cache1, cache2, shop, tmp_path):
    members = {"cache1": cache1, "cache2": cache2}
    mine = {"redis_guard_settled": 1, "redis_diagnosis_window": 0.2, "redis_diagnosis_keyspace": "none"}
    own = {name: hosts.member(host, **mine, redis_monitoring_address=address(host)) for name, host in members.items()}
    here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    profile = {"redis_application": shop_unit.PROFILE, "redis_fallback_settled": 1}
    groups = {
        "redis": {"hosts": own}, "redis_application": {"hosts": {"app1": hosts.member(shop, **profile)}},
        "controller": {"hosts": {"localhost": {**here, **profile}}},
    }  # fmt: skip
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps(groups), encoding="utf-8")
    # Asked from here, again and again: to go there each time costs more than all the rest.
    clients = {name: redis.Redis(address(host), socket_timeout=5) for name, host in members.items()}
    alerts = ["RedisUnavailable", "RedisHighMemory"]
    # With a higher limit the critical alert may become a warning for a moment, and that would start a run of its own.
    may = {"redis_events_apply": alerts, "redis_events_plan": [], "redis_events_severities": ["critical"]}
    may |= {"redis_events_allow": ["tune_memory"], "redis_events_fallback": ["RedisUnavailable"]}
    with contextlib.ExitStack() as stack:
        rulebook = stack.enter_context(eda.running(tmp_path, inventory, **may))
        hook = f"http://127.0.0.1:{rulebook.port}/endpoint"
        watched = stack.enter_context(monitoring.watching(tmp_path, own, hook, eda.TOKEN, *alerts))
        parts = (tmp_path, rulebook, watched)
        killed = story("cache1", "Redis is killed", "RedisUnavailable", lambda: answers(clients["cache1"]), parts)
        filled = story("cache2", "The memory is full", "RedisHighMemory", lambda: limit(clients["cache2"]) > LIMIT, parts)
        killed.seen["back"] = lambda: "PLAY [Switch the fallback off]" in rulebook.said() and uses(shop) == URL
        fill(cache2)
        cache1.run("kill", "-9", str(cache1.pid()))
        killed.at["fault"] = filled.at["fault"] = time.time()
        wait_for(lambda: all([killed.look(), filled.look()]), "both to be mended", PATIENCE, OFTEN)
    mended.write([killed, filled], OUTPUT / "alert_to_mended")
    for name, action in (("cache1", "restart"), ("cache2", "tune_memory")):
        # An alert that comes twice starts a second run, which finds nothing to do.
        acted = [row for row in done(tmp_path, name) if row["action"] == action and row["mode"] == "apply"]
        assert [row["state"] for row in acted] == ["resolved"], acted
    for one in (killed, filled):
        assert one.at["fault"] < one.at["pending"] <= one.at["firing"] <= one.at["play"] <= one.at["resolved"]
    assert killed.at["resolved"] <= killed.at["back"]
    shown = (OUTPUT / "alert_to_mended" / "mended.html").read_text(encoding="utf-8")
    assert "Redis is killed on cache1: mended after" in shown
    assert "<svg" in shown

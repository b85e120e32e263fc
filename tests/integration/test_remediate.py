# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""remediate.yml: what is found is mended where it may be, whoever runs it, how often, from how many places, and wherever it is killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest
import redis

from tests.conftest import ROOT, environment_of_a_user
from tests.lab import servers, web
from tests.lab.scenarios.scenario import fill

REMEDIATE = "playbooks/remediate.yml"
ALLOWED = ("-e", json.dumps({"redis_remediation_allow": ["tune_memory"]}))
APPLY = ("-e", "redis_remediation_mode=apply", "-e", "redis_guard_settled=1")
LIMIT = 20 * 1024 * 1024
# On each of two servers.
KILLS = 5


@pytest.fixture
def guarded(tmp_path):
    """What gives servers by URL a ledger."""
    return ("-e", "redis_guard_host=localhost", "-e", f"redis_guard_dir={tmp_path}/guard")


@pytest.fixture
def full(family_binary):
    """A server whose memory is full."""
    with servers.running(family_binary, maxmemory=LIMIT, maxmemory_policy="noeviction") as server:
        fill_up(server)
        yield server


def fill_up(server):
    client = server.client()
    with contextlib.suppress(redis.exceptions.OutOfMemoryError):
        for place in range(1_000):
            client.set(f"k{place}", "x" * 100_000)


def limit(server):
    return int(server.client().config_get("maxmemory")["maxmemory"])


def states(played):
    return [(row["action"], row["state"]) for row in played.report["timeline"]]


def test_a_plan_shows_the_effect_of_what_is_not_allowed_yet(full, play, guarded, tmp_path):
    before = full.client().config_get("*")
    played = play(REMEDIATE, *guarded, REDIS_URL=full.url)
    assert played.status == 0, played.output
    assert full.client().config_get("*") == before
    assert not (tmp_path / "guard").exists()
    assert "maxmemory 20 MiB → " in played.output
    assert ("tune_memory", "planned") in states(played)


def test_what_is_allowed_is_mended_and_the_report_tells_it_in_every_form(full, play, guarded):
    played = play(REMEDIATE, *APPLY, *ALLOWED, *guarded, REDIS_URL=full.url)
    assert played.status == 0, played.output
    assert limit(full) > LIMIT
    assert ("tune_memory", "resolved") in states(played)
    assert "memory_limit_reached" not in played.ids()
    for form in ("report.md", "report.html"):
        assert "What was done" in (played.reports / "latest" / form).read_text()
    again = play(REMEDIATE, *APPLY, *ALLOWED, *guarded, REDIS_URL=full.url)
    assert again.status == 0, again.output
    assert not [row for row in states(again) if row[0] == "tune_memory"]


@contextlib.contextmanager
def application(is_ready):
    """Something that is ready as long as this says so; yields its address."""

    class Answer(web.Quiet):
        def do_GET(self):
            self.send_response(200 if is_ready() else 503)
            self.end_headers()

    with web.serving(Answer) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize("family_binary", ["redis-6.2"], indirect=True)
def test_a_remedy_after_which_the_application_does_not_work_is_put_back(full, play, guarded):
    with application(lambda: limit(full) == LIMIT) as address:
        profile = {"hosts": ["localhost"], "readiness": {"url": address, "status": 200, "within": 2}}
        played = play(
            REMEDIATE, *APPLY, *ALLOWED, *guarded, "-e", json.dumps({"redis_application": profile}), REDIS_URL=full.url, timeout=240
        )
    assert played.status == 2, played.output
    row = next(row for row in played.report["timeline"] if row["action"] == "tune_memory")
    assert row["state"] == "escalated", row
    assert "the application worked before and does not now" in row["why"]
    assert limit(full) == LIMIT


def test_a_healthy_server_is_left_alone(family_binary, play, guarded):
    with servers.running(family_binary, maxmemory="100mb", maxmemory_policy="volatile-lru") as server:
        fill(server, 1_000, 100, "session:", 1800)
        before = server.client().config_get("*")
        played = play(REMEDIATE, *APPLY, *ALLOWED, *guarded, REDIS_URL=server.url)
        assert server.client().config_get("*") == before
    assert (played.status, states(played)) == (0, []), played.output


@pytest.fixture
def hosts(tmp_path):
    """Write an inventory of hosts that are this machine, each with variables of its own, and return the words that take it."""

    def write(**variables):
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        named = {name: {**local, "redis_guard_dir": f"{tmp_path}/guard-{name}", **own} for name, own in variables.items()}
        (tmp_path / "hosts.json").write_text(json.dumps({"redis": {"hosts": named}}))
        return ("-i", f"{tmp_path}/hosts.json", "-e", "redis_diagnosis_host=false", "-e", "redis_guard_settled=1")

    return write


def test_the_mode_may_be_that_of_a_host(full, play, hosts):
    here = {"redis_connection": {"login_port": full.port}}
    words = hosts(planned=here, done={**here, "redis_remediation_mode": "apply"})
    refused = play(REMEDIATE, *words, "-e", "target=done")
    assert refused.status == 2, refused.output
    assert play(REMEDIATE, *words, "-e", "target=planned").status == 0
    played = play(REMEDIATE, *words, *ALLOWED)
    assert played.status == 0, played.output
    assert {row["target"]: row["mode"] for row in played.report["timeline"]}["done"] == "apply"
    assert limit(full) > LIMIT


@pytest.mark.parametrize("playbook", [REMEDIATE, "playbooks/tune_memory.yml"])
def test_a_host_that_cannot_be_reached_does_not_keep_the_others_waiting(full, play, hosts, playbook):
    away = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": servers.free_port()}
    port = {"redis_connection": {"login_port": servers.free_port()}}
    words = hosts(away={**away, **port}, here={"redis_connection": {"login_port": full.port}})
    played = play(playbook, *APPLY, *ALLOWED, *words)
    assert limit(full) > LIMIT
    assert ("tune_memory", "resolved") in states(played)
    assert played.status, played.output
    assert {target["name"] for target in played.report["targets"]} == {"away", "here"}


def test_an_action_that_does_not_exist_is_a_sentence(full, play, guarded):
    played = play(REMEDIATE, *APPLY, *guarded, "-e", json.dumps({"redis_remediation_allow": ["tune_memroy"]}), REDIS_URL=full.url)
    assert played.status
    assert "redis_remediation_allow: there is no action 'tune_memroy'" in " ".join(played.output.split())
    assert limit(full) == LIMIT


def test_of_two_runs_at_once_one_acts_and_the_other_says_so(full, play, guarded):
    ended = {}

    def run(name):
        ended[name] = play(REMEDIATE, *APPLY, *ALLOWED, *guarded, "-e", "redis_guard_wait=0", USER=name, REDIS_URL=full.url)

    runs = [threading.Thread(target=run, args=(name,)) for name in ("alice", "bob")]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join(240)
    assert sorted(played.status for played in ended.values()) == [0, 2], [played.output for played in ended.values()]
    refused = next(played for played in ended.values() if played.status == 2)
    assert "acts on" in refused.output or "was done" in refused.output


def test_two_members_of_a_group_are_seen_to_one_after_the_other(family_binary, play, hosts, tmp_path):
    with contextlib.ExitStack() as stack:
        members = {
            name: stack.enter_context(servers.running(family_binary, maxmemory=LIMIT, maxmemory_policy="noeviction")) for name in "ab"
        }
        for server in members.values():
            fill_up(server)
        named = {"redis_group": "shop"}
        words = hosts(**{name: {**named, "redis_connection": {"login_port": server.port}} for name, server in members.items()})
        ended = {}

        def run(name):
            ended[name] = play(REMEDIATE, *APPLY, *ALLOWED, *words, "-e", f"target={name}", USER=name, timeout=240)

        runs = [threading.Thread(target=run, args=(name,)) for name in members]
        for thread in runs:
            thread.start()
        for thread in runs:
            thread.join(240)
        assert [played.status for played in ended.values()] == [0, 0], [played.output for played in ended.values()]
        assert all(limit(server) > LIMIT for server in members.values())
    entries = [json.loads((tmp_path / f"guard-{name}" / "ledger.json").read_text())["entries"][-1] for name in members]
    first, second = sorted(entries, key=lambda entry: entry["at"])
    assert first["ended_at"] <= second["at"], "the second began when the first had ended"


def test_replicas_come_before_their_master(family_binary, play, hosts):
    with servers.running(family_binary) as master, servers.running(family_binary, replicaof=f"127.0.0.1 {master.port}") as replica:
        ports = {"a_master": master.port, "b_replica": replica.port}
        words = hosts(**{name: {"redis_connection": {"login_port": port}} for name, port in ports.items()})
        played = play("playbooks/tune_memory.yml", *words, "-e", "redis_memory_maxmemory=64mb")
    assert played.status == 0, played.output
    rows = sorted(played.report["timeline"], key=lambda row: row["at"])
    assert [(row["target"], row["state"]) for row in rows] == [("b_replica", "planned"), ("a_master", "planned")]


def test_wherever_it_is_killed_the_server_works_and_the_next_run_finishes(full, play, guarded, tmp_path):
    words = [*APPLY, *ALLOWED, *guarded, "-e", "redis_guard_lease=4", "-e", "redis_guard_cooldown=0", "-e", "redis_guard_hourly=99"]
    words += ["-e", "redis_guard_breaker=99", "-e", f"redis_report_dir={tmp_path}/reports"]
    environment = {**environment_of_a_user(), "REDIS_URL": full.url, "ANSIBLE_HOME": f"{tmp_path}/home"}
    dice = random.Random(20261123)
    for dummy in range(KILLS):
        full.client().config_set("maxmemory", LIMIT)
        run = subprocess.Popen(
            ["ansible-playbook", REMEDIATE, *words], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(dice.uniform(1, 9))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait(10)
        assert full.client().ping()
        assert limit(full) >= LIMIT
        ledger = tmp_path / "guard" / "ledger.json"
        assert not ledger.exists() or json.loads(ledger.read_text())["schema"] == 1
    full.client().config_set("maxmemory", LIMIT)
    servers.wait_for(lambda: not leased(tmp_path), "the lease of the killed run to end", 10)
    played = play(REMEDIATE, *words, REDIS_URL=full.url)
    assert played.status == 0, played.output
    assert limit(full) > LIMIT


def leased(tmp_path):
    path = tmp_path / "guard" / "ledger.json"
    # A run that was killed early has none.
    ledger = json.loads(path.read_text()) if path.exists() else {"leases": {}}
    return [held for held in ledger["leases"].values() if held["until"] > time.time()]

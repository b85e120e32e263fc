# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of tune_clients.yml: each state on every server is planned, mended and then left alone, or refused with a sentence."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading

import pytest
import redis
import yaml

from tests.lab import servers
from tests.lab.scenarios import connections, memory
from tests.lab.scenarios.connections import held

TUNE = "playbooks/tune_clients.yml"


@pytest.fixture
def tune(play, tmp_path):
    """Run it by URL: ``tune(server, "apply", redis_clients_kill_idle=1)``."""

    def run(server, mode, *words, **variables):
        given = {"redis_remediation_mode": mode, "redis_guard_host": "localhost", "redis_guard_dir": tmp_path / "guard", **variables}
        extra = [word for name, value in given.items() for word in ("-e", f"{name}={value}")]
        return play(TUNE, *extra, *words, REDIS_URL=server if isinstance(server, str) else server.url)

    return run


def state_of(played):
    """What the report's timeline says of the only server."""
    (row,) = played.report["timeline"]
    return row["state"]


def everything(client, server, folder):
    """What a plan must not change: settings, configuration file and ledger."""
    ledger = folder / "guard" / "ledger.json"
    return client.config_get("*"), (server.folder / "redis.conf").read_text(), ledger.exists() and ledger.read_text()


def setting(client, name):
    return client.config_get(name)[name]


def planned_then_mended_then_left_alone(tune, server, client, folder, **variables):
    """The three runs of one action; returns the one that mended."""
    before = everything(client, server, folder)
    plan = tune(server, "plan", **variables)
    assert plan.status == 0, plan.output
    assert state_of(plan) == "planned"
    assert everything(client, server, folder) == before, "a plan has changed something"
    done = tune(server, "apply", **variables)
    assert done.status == 0, done.output
    assert state_of(done) == "resolved"
    after = everything(client, server, folder)
    again = tune(server, "apply", **variables)
    assert again.status == 0, again.output
    assert state_of(again) == "nothing_to_do"
    assert everything(client, server, folder) == after, "a second run has changed something"
    return done


def test_room_is_made_and_keepalive_is_switched_on(binary, tune, tmp_path):
    with servers.running(binary, maxclients=110, tcp_keepalive=0) as server, held(server, 90) as (client, *dummy):
        done = planned_then_mended_then_left_alone(tune, server, client, tmp_path)
        assert (setting(client, "maxclients"), setting(client, "tcp-keepalive")) == ("132", "300")
        assert "maxclients 132" in (server.folder / "redis.conf").read_text(), "it would be forgotten at the next start"
        assert "132 + 32 = 164 open files" in done.output


def test_idle_connections_of_a_leaking_client_are_closed(binary, tune, tmp_path):
    with servers.running(binary, maxclients=130) as server, held(server, 120), held(server, 1, name="till") as (client,):
        servers.wait_for(lambda: sum(int(row["idle"]) >= 1 for row in client.client_list()) >= 119, "idle connections")
        planned_then_mended_then_left_alone(tune, server, client, tmp_path, redis_clients_kill_idle=1)
        assert sum(row["name"] == "shop" for row in client.client_list()) in (20, 21)
        assert setting(client, "timeout") == "3600"


def test_buffers_of_clients_that_do_not_read_are_bounded(binary, tune):
    with (
        memory.SCENARIOS["client_buffers_large"].make(binary) as options,
        contextlib.closing(redis.Redis.from_url(options["url"])) as client,
    ):
        old = not client.config_get("maxmemory-clients")
        url = options["url"]
        before = client.config_get("*")
        assert state_of(tune(url, "plan")) == "planned"
        assert client.config_get("*") == before
        done = tune(url, "apply", **({"redis_clients_memory": "1mb"} if old else {}))
        assert done.status == 0, done.output
        assert state_of(done) == "resolved"
        assert not [row for row in client.client_list() if "P" in row["flags"]]
        if not old:
            assert setting(client, "maxmemory-clients") == "1048576"
        assert state_of(tune(url, "apply", **({"redis_clients_memory": "1mb"} if old else {}))) == "nothing_to_do"


def test_where_clients_were_rejected_there_is_room(family_binary, tune):
    with connections.SCENARIOS["clients_rejected"].make(family_binary) as options:
        done = tune(options["url"], "apply")
        assert done.status == 0, done.output
        assert state_of(done) == "resolved"
        assert redis.Redis.from_url(options["url"]).config_get("maxclients") == {"maxclients": "15"}


def test_a_full_server_is_entered_as_soon_as_somebody_goes(binary, tune, tmp_path):
    with servers.running(binary, maxclients=10) as server, held(server, 10) as clients:
        before = everything(clients[0], server, tmp_path)
        plan = tune(server, "plan")
        assert plan.status == 0, plan.output
        assert state_of(plan) == "planned"
        assert everything(clients[0], server, tmp_path) == before
        # Not before it knocks: the first look would find the place.
        ledger, gone = tmp_path / "guard" / "ledger.json", threading.Event()

        def go():
            while not ledger.exists() and not gone.wait(0.05):
                pass
            gone.wait(2)
            clients[-1].close()

        leaver = threading.Thread(target=go)
        leaver.start()
        try:
            done = tune(server, "apply")
        finally:
            gone.set()
            leaver.join()
        assert done.status == 0, done.output
        assert state_of(done) == "resolved"
        assert setting(clients[0], "maxclients") == "15"
        assert state_of(tune(server, "apply")) == "nothing_to_do"


def test_a_full_server_that_nobody_leaves_is_explained(family_binary, tune):
    with servers.running(family_binary, maxclients=10) as server, held(server, 10) as (client, *dummy):
        done = tune(server, "apply", redis_clients_slot_seconds=1)
        assert done.status == 2
        assert state_of(done) == "escalated"
        assert "no connection became free in 1 s" in " ".join(done.output.split())
        assert setting(client, "maxclients") == "10"


def test_the_old_limits_come_back_when_the_verification_fails(family_binary, tune):
    """It takes no writes before and after, so that nobody can show that it works."""
    options = {"maxclients": 110, "tcp_keepalive": 0, "min_replicas_to_write": 1}
    with servers.running(family_binary, **options) as server, held(server, 90) as (client, *dummy):
        done = tune(server, "apply", redis_guard_verify_timeout=3)
        assert done.status == 2
        assert state_of(done) == "escalated"
        assert "the old state is back" in " ".join(done.output.split())
        assert (setting(client, "maxclients"), setting(client, "tcp-keepalive")) == ("110", "0")


def test_idle_clients_go_after_the_time_that_is_given(family_binary, tune):
    with servers.running(family_binary) as server, held(server, 12), contextlib.closing(server.client()) as client:
        done = tune(server, "apply", redis_clients_timeout=1)
        assert done.status == 0, done.output
        servers.wait_for(lambda: not [row for row in client.client_list() if row["name"] == "shop"], "idle clients to go")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"redis_clients_maxclients": 5}, "redis_clients_maxclients=5 is below the 13 that are connected"),
        ({"redis_clients_timeout": "soon"}, "redis_clients_timeout is 'soon': give a whole number without a unit"),
    ],
)
def test_what_cannot_be_meant_is_refused(family_binary, tune, variables, sentence):
    with servers.running(family_binary) as server, held(server, 12) as (client, *dummy):
        before = client.config_get("*")
        done = tune(server, "apply", **variables)
        assert done.status == 2
        assert "Traceback" not in done.output
        assert sentence in " ".join(done.output.split())
        assert client.config_get("*") == before


@pytest.mark.skipif(bool(os.geteuid()) or not shutil.which("ss"), reason="closing sockets of others needs root and ss")
def test_on_its_host_idle_sockets_are_closed_when_that_is_allowed(family_binary, play, tmp_path):
    with servers.running(family_binary, maxclients=10) as server, held(server, 10) as clients:
        host = {
            "ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "redis_connection": {"login_port": server.port}, "redis_guard_dir": str(tmp_path / "guard"), "redis_clients_kill_idle": 1,
            "redis_clients_kill_most": 2, "redis_clients_slot_seconds": 2, "redis_remediation_mode": "apply",
        }  # fmt: skip
        inventory = tmp_path / "inventory.yml"
        inventory.write_text(yaml.safe_dump({"redis": {"hosts": {"cache": host}}}))
        refused = play(TUNE, "-i", str(inventory), "-e", "redis_guard_cooldown=0")
        assert refused.status == 2
        assert "redis_clients_close_sockets=true" in " ".join(refused.output.split())
        done = play(TUNE, "-i", str(inventory), "-e", "redis_clients_close_sockets=true", "-e", "redis_guard_cooldown=0")
        assert done.status == 0, done.output
        assert state_of(done) == "resolved"
        with contextlib.closing(server.client()) as client:
            assert sum(row["name"] == "shop" for row in client.client_list()) == 8
            assert setting(client, "maxclients") != "10"
        assert clients

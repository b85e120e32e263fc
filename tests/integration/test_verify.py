# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""verify.yml for a service with a unit, on a host with systemd: each way in which it stops working with Redis has its name."""

from __future__ import annotations

import json

import pytest

from tests.conftest import ROOT
from tests.lab import hosts, shops

VERIFY = "playbooks/verify.yml"
PASSWORD = "Planted-7391"
TOKEN = "token-55c0e1"
URL = f"redis://:{PASSWORD}@127.0.0.1:6379/1"
WELL = {"REDIS_URL": URL, "SHOP_TOKEN": TOKEN, "SHOP_REQUIRE_REDIS": "true"}

pytestmark = pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not()))


@pytest.fixture(scope="module")
def booted():
    with hosts.host() as started:
        started.configure(f"requirepass {PASSWORD}")
        started.systemctl("start", "redis-server")
        yield started, shops.install(started, **WELL)


@pytest.fixture
def host(booted):
    """The host with Redis and the shop as they should be."""
    started, dummy = booted
    started.systemctl("start", "redis-server")
    shops.write(started, **WELL)
    shops.restart(started)
    return started


@pytest.fixture
def verify(play, booted, tmp_path):
    """verify.yml: ``verify(*words, **what is said of the application)``; no secret is in whatever it says."""
    started, profile = booted

    def run(*words, **more):
        inventory, environment = hosts.inventory(tmp_path, app1=hosts.member(started))
        (tmp_path / "given.json").write_text(json.dumps({"redis_application": {**profile, "hosts": ["app1"], **more}}))
        played = play(VERIFY, *inventory, "-e", f"@{tmp_path}/given.json", "-vvv", "--diff", *words, **environment)
        assert not [secret for secret in (PASSWORD, TOKEN) if secret in played.output]
        return played

    return run


def writes(host):
    lines = host.run("redis-cli", "--no-auth-warning", "-a", PASSWORD, "info", "commandstats").splitlines()
    return [line.split(",")[0] for line in lines if line.startswith(("cmdstat_set:", "cmdstat_incr:"))]


def says(played, status, *words):
    assert played.status == status, played.output
    assert [word for word in words if word not in played.output] == [], played.output


def test_in_check_mode_nothing_is_written(host, verify):
    before = writes(host)
    says(verify("--check"), 0, "shop: works", "no canary was written", "not asked")
    assert writes(host) == before


def test_one_that_works(host, verify):
    played = verify()
    says(played, 0, "shop: works", "shop.service runs for", "lead to 127.0.0.1:6379/1, now and at its next start")
    says(played, 0, "/usr/bin/python3 imports redis", "its probe wrote 1 key(s) to Redis, which were deleted")
    assert "keys=0" not in host.run("redis-cli", "--no-auth-warning", "-a", PASSWORD, "info", "keyspace")
    assert host.run("redis-cli", "--no-auth-warning", "-a", PASSWORD, "-n", "1", "keys", "*").strip() == ""


def test_redis_that_is_gone(host, verify):
    host.systemctl("stop", "redis-server")
    says(verify(), 2, "shop: broken, at the step redis", "app1: broken, at the step redis")


def test_one_that_has_not_noticed_that_redis_is_back(host, verify):
    host.systemctl("stop", "redis-server")
    shops.restart(host)
    host.systemctl("start", "redis-server")
    played = verify("-e", "redis_verify_wait=1")
    says(played, 2, "shop: broken, at the step readiness", "it is not ready (HTTP 503): redis: ConnectionError")
    says(played, 2, "line(s) of its log in 15 minutes mean Redis; the last: degraded mode: redis")


def test_a_url_that_was_changed_and_not_taken_up(host, verify):
    shops.write(host, **{**WELL, "REDIS_URL": URL.replace("/1", "/2")})
    says(verify(), 0, "shop: degraded, at the step urls", "127.0.0.1:6379/1 now, 127.0.0.1:6379/2 then")


def test_its_fallback_is_degraded_and_strict_fails(host, verify):
    shops.write(host, REDIS_URL="", SHOP_SINGLE="true")
    shops.restart(host)
    says(verify("-e", "redis_verify_strict=true"), 2, "shop: degraded, at the step urls", "its fallback is on", "answered as it should be")


def test_a_service_that_is_down(host, verify):
    host.systemctl("stop", "shop")
    says(verify(), 2, "shop: broken, at the step service", "shop.service is inactive")


def test_a_host_that_cannot_be_reached_is_no_success(host, booted, play, tmp_path):
    profile = booted[1]
    inventory, environment = hosts.inventory(tmp_path, app1=hosts.member(host), app2=hosts.member(hosts.Host("nobody-of-this-name")))
    given = json.dumps({"redis_application": {**profile, "hosts": ["app1", "app2"]}})
    says(
        play(VERIFY, *inventory, "-e", given, **environment),
        2,
        "shop: works",
        "app2: broken, at the step service: its host could not be asked",
    )


def test_a_diagnosis_asks_the_application_and_says_what_findings_mean_to_its_users(host, booted, play, tmp_path):
    host.systemctl("stop", "redis-server")
    shops.restart(host)
    host.systemctl("start", "redis-server")
    impact = [{"findings": ["application_not_ready"], "keys": ["shop:login:*"], "means": "nobody can log in"}]
    application = {**booted[1], "hosts": ["cache1"], "impact": impact}
    variables = {"redis_application": application, "redis_connection": {"login_password": PASSWORD}}
    (tmp_path / "given.json").write_text(json.dumps(variables))
    inventory, environment = hosts.inventory(tmp_path, cache1=hosts.member(host))
    played = play("playbooks/diagnose.yml", *inventory, "-e", f"@{tmp_path}/given.json", "-vvv", **environment)
    assert played.status == 0, played.output
    finding = next(row for row in played.report["targets"][0]["findings"] if row["id"] == "application_not_ready")
    assert played.ids()[0] == "application_not_ready"
    assert finding["impact"] == ["nobody can log in (shop:login:*)"]
    assert (finding["evidence"]["host"], finding["evidence"]["status"]) == ("cache1", 503)
    assert "$ systemctl restart shop.service" in finding["advice"]
    latest = played.reports / "latest"
    pages = [(latest / f"report.{kind}").read_text(encoding="utf-8") for kind in ("md", "html")]
    assert all("For its users: nobody can log in" in page for page in pages)
    assert "for its users: nobody can log in" in played.output
    assert not [secret for secret in (PASSWORD, TOKEN) if secret in played.output + "".join(pages)]


def test_one_that_found_redis_down_is_planned_then_restarted_then_left_alone(host, booted, play, tmp_path):
    def pid():
        return host.systemctl("show", "--property=MainPID", "--value", "shop")

    def run(*words):
        played = play("playbooks/restart_application.yml", *inventory, "-e", f"@{tmp_path}/given.json", "-vvv", *words, **environment)
        assert "Planted" not in played.output
        return played.report["timeline"][0]["state"], played

    host.drop_in("[Service]\nEnvironment=SHOP_KEY=Planted-8462\n", unit="shop")
    host.systemctl("stop", "redis-server")
    shops.restart(host)
    host.systemctl("start", "redis-server")
    inventory, environment = hosts.inventory(tmp_path, cache1=hosts.member(host))
    application = {**booted[1], "hosts": ["cache1"]}
    given = {"redis_application": application, "redis_connection": {"login_password": PASSWORD}, "redis_guard_settled": 1}
    (tmp_path / "given.json").write_text(json.dumps(given))
    before = pid()
    state, played = run()
    assert (state, played.status, pid()) == ("planned", 0, before), played.output
    assert "restart shop.service on cache1" in played.output
    state, played = run("-e", "redis_remediation_mode=apply")
    assert (state, played.status) == ("resolved", 0), played.output
    after = pid()
    assert after != before
    state, played = run("-e", "redis_remediation_mode=apply")
    assert (state, pid()) == ("nothing_to_do", after), played.output


def test_pools_that_do_not_fit_are_bounded_and_come_back_when_that_does_not_hold(host, booted, play, tmp_path):
    def run(*words, bound=0):
        more = ("-e", f"redis_pools_bound={bound}", "-e", "redis_guard_cooldown=0", "-vvv", "--diff")
        played = play("playbooks/tune_pools.yml", *inventory, "-e", f"@{tmp_path}/given.json", *more, *words, **environment)
        assert "Planted" not in played.output
        return played.report["timeline"][0]["state"], played

    def variables():
        return host.run("cat", shops.ENVIRONMENT)

    inventory, environment = hosts.inventory(tmp_path, cache1=hosts.member(host))
    # 2 clients × 3 processes × 50 instances × 50 are 15,000 connections; the server takes 10,000 of them, or as many as it has files.
    application = {**booted[1], "hosts": ["cache1"], "instances": 50}
    given = {"redis_application": application, "redis_connection": {"login_password": PASSWORD}, "redis_guard_settled": 1}
    (tmp_path / "given.json").write_text(json.dumps(given))
    before = variables()
    state, played = run()
    assert (state, played.status, variables()) == ("planned", 0, before), played.output
    assert "SHOP_POOL 50 → " in played.output
    state, played = run("-e", "redis_remediation_mode=apply")
    kept = variables()
    assert (state, played.status, kept.count("SHOP_POOL=")) == ("resolved", 0, 1), played.output
    state, played = run("-e", "redis_remediation_mode=apply")
    assert state == "nothing_to_do", played.output
    # Redis is never well within no time: the bound that was there comes back.
    state, played = run("-e", "redis_remediation_mode=apply", "-e", "redis_guard_verify_timeout=0.001", bound=3)
    assert (state, played.status, variables()) == ("escalated", 2, kept), played.output


def test_nobody_says_where_it_runs(play):
    played = play(VERIFY, "-e", json.dumps({"redis_application": {"unit": "shop.service"}}))
    assert played.status == 2
    assert "Nobody says where the application runs" in played.output


def test_the_filter_names_an_expression_that_jmespath_does_not_take(play, tmp_path):
    profile = {"readiness": {"url": "http://127.0.0.1/", "ready": "status =="}}
    seen = {"application": {"readiness": {"status": 200, "json": {}, "error": None}}}
    task = {"ansible.builtin.debug": {"msg": "{{ (seen | aragora.redis.application_verdict(profile)).said }}"}}
    (tmp_path / "play.json").write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": {"profile": profile, "seen": seen}, "tasks": [task]}])
    )
    played = play(str(tmp_path / "play.json"), ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))
    assert "redis_application holds 'status ==', which JMESPath does not take" in " ".join(played.output.split())

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""fallback_enable.yml, fallback_disable.yml and fallback_status.yml on a host with systemd: plan, apply, again, and what goes wrong."""

from __future__ import annotations

import json

import pytest

from tests.lab import hosts, shop_unit

pytestmark = pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not()))
ENABLE, DISABLE, STATUS = (f"playbooks/fallback_{word}.yml" for word in ("enable", "disable", "status"))
APPLY = ("-e", "redis_remediation_mode=apply")
OURS = "find /etc /var/lib -name '*aragora*' -o -name '*redis_fallback*' -o -name shop.service.d"


@pytest.fixture
def shop():
    with hosts.host() as host:
        shop_unit.install(host)
        yield host


@pytest.fixture
def fallback(play, shop, tmp_path):
    """A playbook on the host of the shop: ``fallback(ENABLE, ...)``; what it said holds no secret, whatever happened."""

    def run(playbook, *words, who="bob", **application):
        words_of, environment = hosts.inventory(tmp_path, app1=hosts.member(shop))
        variables = json.dumps({"redis_application": {**shop_unit.PROFILE, **application}, "target": "app1"})
        played = play(playbook, *words_of, "-e", variables, "-vvv", "--diff", *words, USER=who, **environment)
        assert shop_unit.PASSWORD not in played.output
        return played

    return run


def redis_url(shop):
    return shop_unit.starts(shop)[-1]["REDIS_URL"]


def test_an_incident_from_its_plan_to_its_end(fallback, shop):
    assert fallback(ENABLE).status == 0
    assert fallback(ENABLE, *APPLY, "--check").status == 0
    assert (shop.shell(OURS), len(shop_unit.starts(shop))) == ("", 1)
    enabled = fallback(ENABLE, *APPLY, "-e", "redis_fallback_incident=INC-1", who="alice")
    assert enabled.status == 0, enabled.output
    assert redis_url(shop) == ""
    again = fallback(ENABLE, *APPLY, "-e", "redis_fallback_incident=INC-1")
    assert (again.status, again.output.count("changed=0")) == (0, 2)
    assert "held by alice for INC-1 until" in fallback(STATUS).output
    refused = fallback(DISABLE, *APPLY, "-e", "redis_fallback_incident=INC-2")
    assert (refused.status, redis_url(shop)) == (0, "")
    # Redis is still away: the application would not reach it, so its fallback comes back.
    early = fallback(DISABLE, *APPLY, "-e", "redis_fallback_incident=INC-1", "-e", "redis_guard_cooldown=1")
    assert (early.status, redis_url(shop)) == (2, ""), early.output
    shop.shell(f"redis-server --daemonize yes --save '' --requirepass {shop_unit.PASSWORD}")
    done = fallback(DISABLE, *APPLY, "-e", "redis_fallback_incident=INC-1", "-e", "redis_guard_cooldown=1")
    assert done.status == 0, done.output
    assert redis_url(shop).endswith("@127.0.0.1:6379/0")
    assert shop.shell(OURS) == "/var/lib/aragora-redis\n"
    assert "is off" in fallback(DISABLE, *APPLY).output


def test_what_does_not_become_ready_is_put_back(fallback, shop):
    shop.shell("echo SHOP_BROKEN=fallback >>/etc/shop/env; systemctl restart shop")
    played = fallback(ENABLE, *APPLY, fallback={**shop_unit.FALLBACK, "within": 2})
    assert played.status == 2
    assert "answers 503 instead of 200; everything was put back" in played.output
    assert redis_url(shop).endswith("@127.0.0.1:6379/0")
    assert shop.shell(OURS) == "/var/lib/aragora-redis\n"
    (line,) = shop.run("cat", "/var/lib/aragora-redis/audit.jsonl").splitlines()
    assert json.loads(line)["outcome"] == "escalated"


def test_what_does_not_come_back_stays_in_its_fallback(fallback, shop):
    assert fallback(ENABLE, *APPLY).status == 0
    shop.shell("echo SHOP_BROKEN=redis >>/etc/shop/env")
    assert fallback(DISABLE, *APPLY, fallback={**shop_unit.FALLBACK, "within": 2}).status == 2
    assert redis_url(shop) == ""
    assert "the fallback is on since" in fallback(STATUS).output


@pytest.mark.parametrize(
    ("application", "words"),
    [({"instances": 2}, "redis_fallback_accept_inconsistency=true"), ({"unit": None, "container": "shop"}, "give compose_folder")],
)
def test_a_refusal_is_a_sentence_and_ends_with_2(fallback, shop, application, words):
    played = fallback(ENABLE, *APPLY, **application)
    assert (played.status, words in played.output) == (2, True)
    assert len(shop_unit.starts(shop)) == 1


def test_a_freeze_file_is_heeded(fallback, shop):
    shop.shell("mkdir -m 700 /var/lib/aragora-redis; echo 'we migrate' >/var/lib/aragora-redis/freeze")
    played = fallback(ENABLE, *APPLY)
    assert (played.status, "we migrate" in played.output, redis_url(shop) == "") == (2, True, False)

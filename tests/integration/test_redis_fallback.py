# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_fallback on a host with systemd: it wins, leaves nothing behind, and may be killed at any time."""

from __future__ import annotations

import json

import pytest

from tests.conftest import FULL
from tests.lab import hosts, shop_unit
from tests.lab.servers import wait_for

pytestmark = pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not()))
LEASE = "/var/lib/aragora-redis/fallback/shop.service.json"
DROP_INS = "/etc/systemd/system/shop.service.d"
DROP_IN = f"{DROP_INS}/zz-aragora-redis-fallback.conf"
# Everything but what systemd and the service themselves write.
FILES = (
    "find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/log -o -path /var/lib/systemd -o -path /opt/lab "
    "-o -path /var/lib/aragora-redis \\) -prune -o -print0 | sort -z | xargs -0 stat --format '%n %f %u %g %s' | grep -v __pycache__"
)


@pytest.fixture
def shop():
    """A host with the service, and the module there."""
    with hosts.host() as host:
        shop_unit.install(host)
        shop_unit.install_module(host)
        yield host


def call(shop, state, **options):
    result = shop_unit.fallback(shop, state, **options)
    assert not result.get("failed"), result
    return result


def switch(shop, state, **options):
    result = call(shop, state, **options)
    assert result["refused"] == [], result
    if result["restart"]:
        call(shop, "restarted", **options)
        call(shop, "awaited", **options)
        call(shop, "confirmed", **options)
    return result


def drop_in(shop, name, *lines):
    shop.shell(f"mkdir -p {DROP_INS}")
    shop.run("tee", f"{DROP_INS}/{name}", data="\n".join(["[Service]", *lines, ""]))
    shop.systemctl("daemon-reload")


def last_start(shop):
    return {name: value for name, value in shop_unit.starts(shop)[-1].items() if name != "SHOP_NAME"}


ON = {"REDIS_URL": "", "SHOP_SINGLE": "true", "SHOP_DISTRIBUTED": "false"}
OFF = {"REDIS_URL": f"redis://:{shop_unit.PASSWORD}@127.0.0.1:6379/0", "SHOP_DISTRIBUTED": "true"}


def test_on_and_off_leaves_nothing_behind(shop):
    before = shop.shell(FILES)
    assert call(shop, "enabled", check_mode=True)["steps"]
    assert shop.shell(FILES) == before
    switched = switch(shop, "enabled", who="alice", why="the disk is gone")
    assert last_start(shop) == ON
    assert shop_unit.PASSWORD not in json.dumps(switched)
    fact = json.loads(shop.run("cat", "/etc/ansible/facts.d/redis_fallback.fact"))["shop.service"]
    assert (fact["phase"], fact["holders"]["manual"]["who"]) == ("on", "alice")
    assert shop.shell(f"stat --format %a {LEASE} /var/lib/aragora-redis/fallback/shop.service.env").split() == ["600", "600"]
    assert "aragora-redis-fallback-shop.timer" in shop.systemctl("list-timers", "--no-pager")
    again = call(shop, "enabled")
    assert (again["changed"], again["restart"], again["steps"]) == (False, False, [])
    switch(shop, "disabled")
    assert last_start(shop) == OFF
    assert shop.shell(FILES) == before
    assert shop.shell("ls -A /var/lib/aragora-redis/fallback") == ".lock\n"
    assert call(shop, "disabled")["changed"] is False
    assert "aragora" not in shop.systemctl("list-timers", "--all", "--no-pager")


def test_it_stays_on_until_the_last_incident_gives_it_back(shop):
    switch(shop, "enabled", incident="one")
    second = call(shop, "enabled", incident="two")
    assert (second["changed"], second["restart"]) == (True, False)
    assert call(shop, "disabled", incident="nobody")["changed"] is False
    given = call(shop, "disabled", incident="one")
    assert (given["changed"], given["restart"], given["held"]) == (True, False, ["two"])
    assert list(call(shop, "queried")["status"]["holders"]) == ["two"]
    assert call(shop, "renewed", incident="one")["refused"]
    assert call(shop, "renewed", incident="two", lease=86400)["changed"]
    switch(shop, "disabled", incident="two")
    assert (len(shop_unit.starts(shop)), last_start(shop)) == (3, OFF)


def test_it_wins_against_whatever_is_set_elsewhere(shop):
    shop.shell("printf 'REDIS_URL=late\\n' >/etc/shop/late")
    drop_in(shop, "zz-late.conf", "Environment=REDIS_URL=later", "EnvironmentFile=/etc/shop/late")
    drop_in(shop, "zzz-reset.conf", "EnvironmentFile=", "EnvironmentFile=/etc/shop/env", "EnvironmentFile=/etc/shop/late")
    switch(shop, "enabled")
    assert last_start(shop) == ON
    drop_in(shop, "zzzz-newer.conf", "EnvironmentFile=/etc/shop/late")
    losing = call(shop, "queried")
    # zzzz-aragora… is before zzzz-newer…
    assert losing["status"]["losing"] == ["REDIS_URL"]
    switch(shop, "enabled")
    assert [name for name in shop.shell(f"ls {DROP_INS}").split() if "aragora" in name] == ["zzzzz-aragora-redis-fallback.conf"]
    assert last_start(shop) == ON
    switch(shop, "disabled")
    assert last_start(shop)["REDIS_URL"] == "late"
    assert "aragora" not in shop.shell(f"ls {DROP_INS}")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["UnsetEnvironment=REDIS_URL"], "UnsetEnvironment=REDIS_URL"),
        (["Environment=SHOP_SECRETS_MANAGER=true"], "SHOP_SECRETS_MANAGER is set"),
    ],
)
def test_what_would_not_hold_is_refused(shop, lines, words):
    drop_in(shop, "own.conf", *lines)
    (refused,) = call(shop, "enabled")["refused"]
    assert words in refused
    assert call(shop, "queried")["status"]["phase"] == "off"


def test_who_was_switched_off_by_a_person_stays_so(shop):
    shop.systemctl("disable", "--now", "shop")
    assert "a person has switched it off" in call(shop, "enabled")["refused"][0]
    assert "there is no unit" in call(shop, "enabled", application=shop_unit.profile(unit="shopp"))["refused"][0]


def test_a_start_that_gets_other_values_is_no_fallback(shop):
    drop_in(shop, "wrapped.conf", "ExecStart=", "ExecStart=/usr/bin/env REDIS_URL=redis://other /usr/bin/python3 /opt/shop.py")
    patient = shop_unit.profile(fallback={"within": 1})
    call(shop, "enabled", application=patient)
    call(shop, "restarted", application=patient)
    failed = shop_unit.fallback(shop, "awaited", application=patient)
    assert "started with another REDIS_URL" in failed["msg"]
    assert "other" not in failed["msg"].replace("another", "")
    call(shop, "restored")
    call(shop, "restarted")
    call(shop, "confirmed")
    assert call(shop, "queried")["status"]["phase"] == "off"
    assert "aragora" not in shop.shell(f"ls {DROP_INS}")


def test_what_somebody_changed_is_seen_and_not_overwritten(shop):
    switch(shop, "enabled")
    shop.shell(f"echo '# mine redis://:{shop_unit.PASSWORD}@h' >>{DROP_IN}")
    assert call(shop, "queried")["status"]["drift"] == [f"{DROP_IN} was changed by somebody"]
    for state in ("enabled", "disabled"):
        told = call(shop, state)
        assert "redis_fallback_accept_drift=true" in told["refused"][0]
    accepted = switch(shop, "disabled", accept_drift=True)
    assert shop_unit.PASSWORD not in json.dumps(accepted)
    assert call(shop, "queried")["status"]["phase"] == "off"
    shop.shell(f"mkdir -p {DROP_INS}; echo '[Service]' >{DROP_IN}")
    assert "no lease tells of it" in call(shop, "enabled")["refused"][0]


def test_a_file_that_was_taken_away_is_seen_and_does_not_keep_it_from_ending(shop):
    switch(shop, "enabled")
    shop.shell(f"rm {DROP_IN}")
    assert call(shop, "queried")["status"]["drift"] == [f"{DROP_IN} was taken away by somebody"]
    assert call(shop, "enabled")["refused"]
    switch(shop, "disabled")
    assert last_start(shop) == OFF


def test_a_kill_between_any_two_steps_leaves_what_the_next_run_finishes(shop):
    before, step, alive = shop.shell(FILES), 0, 2
    while alive:
        alive = 0
        for state, expected in (("enabled", ON), ("disabled", OFF)):
            for part in (state, "confirmed"):
                result = shop_unit.fallback(shop, part, kill=step)
                if "killed" in result:
                    alive += 1
                    shop.systemctl("reset-failed", "shop")
                    shop.systemctl("restart", "shop")
                    wait_for(lambda: shop.systemctl("is-active", "shop", check=False).strip() == "active", f"the shop after {part} {step}")
                    assert call(shop, "queried")["refused"] == []
                    # Whoever comes next does all of it again.
                    shop_unit.fallback(shop, state)
                if part == state:
                    shop.systemctl("reset-failed", "shop")
                    shop.systemctl("restart", "shop")
                    wait_for(lambda: last_start(shop) == expected, f"the environment after {part} {step}")  # noqa: B023 - called at once
            call(shop, "confirmed")
            assert call(shop, "queried")["status"]["phase"] == ("on" if state == "enabled" else "off"), step
        assert shop.shell(FILES) == before, step
        step += 1 if FULL else 3
    assert step > 8

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_application_info on a real service and real servers: what it finds, what it cannot, and never a secret. Units: test_verify.py."""

from __future__ import annotations

import json
import os

import pytest

from tests.lab import servers, shops

PASSWORD = "Planted-7391"
TOKEN = "token-55c0e1"


@pytest.fixture
def server(family_binary):
    with servers.running(family_binary, requirepass=PASSWORD) as started:
        yield started


def url(server, password=PASSWORD, db=2):
    return f"redis://:{password}@127.0.0.1:{server.port}/{db}"


@pytest.fixture
def shop(server, tmp_path):
    with shops.running(tmp_path, REDIS_URL=url(server), SHOP_TOKEN=TOKEN) as started:
        yield started


@pytest.fixture
def look(run_module):
    """What is found, after it was seen that no secret is in it."""

    def run(profile, _check_mode=False, **options):
        result = run_module("redis_application_info", application=profile, _check_mode=_check_mode, _diff=True, **options)
        found = {key: value for key, value in result.items() if key != "invocation"}
        assert not any(secret in json.dumps(found) for secret in (PASSWORD, TOKEN))
        return result

    return run


def test_an_application_that_works(shop, server, look):
    result = look(shop.profile(), canary=True)
    told = result["application"]
    assert result["changed"] is False
    assert told["library"]["imported"] is True
    assert [(row["next"], row["next_at"]) for row in told["urls"]["variables"]] == [("set", f"127.0.0.1:{server.port}/2")]
    assert (told["urls"]["complete"], told["urls"]["equal"], told["urls"]["troubles"]) == (True, True, [])
    assert (told["redis"]["state"], told["redis"]["role"], told["redis"]["canary"]) == ("up", "master", [])
    assert told["readiness"]["json"]["checks"] == {"redis": True}
    assert told["readiness"]["json"]["token"] == "***"
    assert told["validation"]["json"]["checks"]["redis"]["status"] == "ok"
    assert told["validation"]["exit_status"] == 1
    assert told["pool"] == {"variables": {}, "bound": 50, "clients": 2, "processes": 3, "instances": 1, "total": 300}
    assert told["fallback"] == {"variables_set": False, "lease": None}
    assert told["service"] is None
    assert server.client(db=2).keys() == []


def test_a_canary_is_written_only_when_it_is_asked_for_and_never_in_check_mode(shop, server, look):
    def writes():
        return server.client().info("commandstats").get("cmdstat_set", {}).get("calls", 0)

    assert look(shop.profile(), parts=["redis"])["application"]["redis"]["canary"] is None
    assert look(shop.profile(), parts=["redis"], canary=True, _check_mode=True)["application"]["redis"]["canary"] is None
    assert writes() == 0
    look(shop.profile(), parts=["redis"], canary=True)
    assert writes() == 1


def test_only_what_was_asked_for_is_read(shop, look):
    told = look(shop.profile(), parts=["readiness"])["application"]
    assert [part for part, found in told.items() if found is not None] == ["name", "readiness"]


def test_replicas_that_are_asked_for_and_not_there(shop, look):
    assert "0 of 1 replicas" in look(shop.profile(), parts=["redis"], canary=True, replicas=1)["application"]["redis"]["canary"][0]


def test_redis_that_is_gone_and_an_application_that_does_not_notice(shop, server, look):
    server.stop()
    told = look(shop.profile(), canary=True)["application"]
    assert told["redis"]["state"] == "refused"
    assert told["redis"]["role"] is None
    assert told["readiness"]["status"] == 200
    assert told["validation"]["json"]["checks"]["redis"]["status"] == "error"


def test_a_wrong_password(shop, server, look):
    shop.write(REDIS_URL=url(server, "Planted-7391-wrong"))
    assert look(shop.profile())["application"]["redis"]["state"] == "auth_failed"


def test_a_url_that_only_redis_py_understands(shop, server, look):
    shop.write(REDIS_URL=f"{url(server)}?protocol=3&socket_timeout=1")
    assert look(shop.profile(), parts=["redis"])["application"]["redis"]["state"] == "up"


def test_a_url_that_is_none(shop, look):
    shop.write(REDIS_URL=f"http://user:{PASSWORD}@here")
    result = look(shop.profile(), parts=["urls", "redis"])
    assert result["application"]["urls"]["variables"][0]["next_at"] == "(no URL of Redis)"
    assert "must begin with redis://" in result["denied"]["redis"]


def test_two_urls_that_differ(shop, server, look):
    shop.write(REDIS_URL=url(server), SHOP_REDIS_URL=url(server, db=3))
    told = look(shop.profile(url_variables=["REDIS_URL", "SHOP_REDIS_URL"]), parts=["urls"])["application"]["urls"]
    assert told["equal"] is False
    assert "differ: REDIS_URL 127.0.0.1" in told["troubles"][0]


def test_a_client_library_that_is_missing(shop, look):
    told = look(shop.profile(client_library="aioredis_of_nobody"), parts=["library"])["application"]["library"]
    assert told["imported"] is False
    assert "No module named" in told["error"]


def test_a_validation_that_says_nothing_or_does_not_end(shop, server, look):
    shop.write(REDIS_URL=url(server), SHOP_VALIDATION_SILENT="true")
    told = look(shop.profile(), parts=["validation"])["application"]["validation"]
    assert (told["json"], told["empty"], told["exit_status"]) == (None, True, 1)
    slow = {"argv": ["{python}", "-c", "import time; time.sleep(30)"], "within": 1}
    assert "did not end within 1 s" in look(shop.profile(validation=slow), parts=["validation"])["denied"]["validation"]


def test_an_application_that_does_not_answer(shop, look):
    shop.process.kill()
    shop.process.wait(10)
    told = look(shop.profile(), parts=["readiness"])["application"]["readiness"]
    assert told["status"] is None
    assert "Connection refused" in told["error"]


@pytest.mark.skipif(os.geteuid() != 0, reason="to run as somebody else needs root")
def test_its_own_commands_run_as_its_user(shop, look):
    check = {"argv": ["/usr/bin/env", "python3", "-c", "import os, json; print(json.dumps([os.getuid(), os.getcwd()]))"]}
    profile = shop.profile(validation=check, user="nobody", working_directory="/tmp", python="python3")
    assert look(profile, parts=["validation"])["application"]["validation"]["json"][1:] == ["/tmp"]


def test_what_it_cannot_know_it_says(look):
    result = look({"unit": "shop-of-nobody.service", "client_library": "redis", "url_variables": ["REDIS_URL"]})
    assert result["application"]["redis"] is None
    assert result["denied"]["library"] == "its Python is not known: give redis_application.python"


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ({"unti": "a"}, "did you mean unit?"),
        ({"unit": "--all"}, "does not begin with a dash"),
        ({"readiness": {"url": "file:///etc/shadow"}}, "neither http:// nor https://"),
    ],
)
def test_a_profile_that_cannot_be_meant(run_module, profile, said):
    assert said in run_module("redis_application_info", application=profile)["msg"]

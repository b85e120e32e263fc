# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_application_probe on a real service: it writes, is seen to write, and leaves nothing that was not there."""

from __future__ import annotations

import json

import pytest

from tests.lab import servers, shops

PASSWORD = "Planted-7391"


@pytest.fixture
def server(family_binary):
    with servers.running(family_binary, requirepass=PASSWORD) as started:
        yield started


@pytest.fixture
def shop(server, tmp_path):
    with shops.running(tmp_path, REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:{server.port}/1") as started:
        yield started


@pytest.fixture
def ask(run_module):
    def run(profile, **options):
        result = run_module("redis_application_probe", application=profile, **options)
        assert PASSWORD not in json.dumps({key: value for key, value in result.items() if key != "invocation"})
        return result

    return run


def test_it_writes_and_nothing_stays(shop, server, ask):
    server.client(db=1).set("shop:login:somebody", 1)
    result = ask(shop.profile())
    assert result["changed"] is False
    assert (result["probe"]["status"], result["probe"]["wrote_to_redis"], result["probe"]["left"]) == (401, True, [])
    assert server.client(db=1).keys() == [b"shop:login:somebody"]


def test_one_that_writes_elsewhere_is_found_out(server, ask, tmp_path):
    with shops.running(tmp_path, SHOP_SINGLE="true") as shop:
        shop.write(REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:{server.port}/1")
        told = ask(shop.profile())["probe"]
    assert (told["status"], told["found"], told["wrote_to_redis"]) == (401, 0, False)


def test_in_check_mode_nothing_is_asked(shop, server, ask):
    assert ask(shop.profile(), _check_mode=True)["probe"] is None
    assert server.client(db=1).dbsize() == 0


def test_where_redis_is_gone_the_answer_is_told_without_the_url(shop, server, ask):
    server.stop()
    result = ask(shop.profile())
    assert result["probe"]["status"] == 502
    assert result["probe"]["wrote_to_redis"] is None
    assert "***" in result["probe"]["json"]["error"]
    assert "refused" in result["denied"]["redis"]


def test_a_key_that_it_may_not_delete_is_named(shop, server, ask):
    client = server.client()
    client.execute_command("ACL", "SETUSER", "careful", "on", ">Planted-7391", "~*", "+@all", "-del")
    shop.write(REDIS_URL=f"redis://careful:{PASSWORD}@127.0.0.1:{server.port}/1")
    told = ask(shop.profile())["probe"]
    assert (told["wrote_to_redis"], len(told["left"])) == (True, 1)


def test_keys_that_were_there_before_are_not_its_own(shop, server, ask):
    profile = shop.profile()
    profile["probe"]["keys"].append("shop:number:{number}")
    for number in range(1, 255):
        server.client(db=1).set(f"shop:number:{number}", 1)
    told = ask(profile)["probe"]
    assert (told["key_count"], told["found"]) == (1, 1)
    assert server.client(db=1).dbsize() == 254


def test_a_key_that_may_be_somebody_elses_is_refused(shop, run_module):
    profile = shop.profile()
    profile["probe"]["keys"] = ["shop:cart"]
    assert "'shop:cart' without {id} or {number}" in run_module("redis_application_probe", application=profile)["msg"]


def test_without_a_probe_nothing_is_asked(ask):
    assert ask({"unit": "shop.service"})["probe"] is None

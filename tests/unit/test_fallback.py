# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fallback: what is set, what is refused, who holds it, what somebody changed, and the same for compose."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from ansible_collections.aragora.redis.plugins.module_utils import _application, _environment_file, _fallback, _fallback_bundle
from ansible_collections.aragora.redis.plugins.module_utils import _service_environment as environment

ARAGORA = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "roles/redis_application/files/profiles/aragora.yml").read_text(encoding="utf-8")
)
FOLDER = "/var/lib/aragora-redis/fallback"


def application(**more):
    return _application.complete(more, ARAGORA)


def service(**more):
    nothing = {
        "kind": "unit", "name": "aragora.service", "trouble": [], "normal": {}, "next": {}, "unset": [], "beyond": {}, "stale": False,
        "drop_ins": [], "drop_in_folder": "/etc/systemd/system/aragora.service.d",
    }  # fmt: skip
    return {**nothing, **more}


def refused(service_, accepts=False, **more):
    whole = application(**more)
    return _fallback.objections(whole, service_, _fallback.variables(whole["fallback"], service_["normal"]), accepts)


@pytest.mark.parametrize(("value", "is_set"), [("true", True), ("1", True), ("YES", True), ("false", False), ("", False), (None, False)])
def test_what_lifts_other_guards_is_set_only_where_it_is_on(value, is_set):
    normal = {} if value is None else {"ARAGORA_REQUIRE_DISTRIBUTED": value}
    wanted = _fallback.variables(application()["fallback"], normal)
    assert ("ARAGORA_REQUIRE_DISTRIBUTED" in wanted) is is_set
    assert "ARAGORA_REQUIRE_DISTRIBUTED_STATE" not in wanted
    assert (wanted["REDIS_URL"], wanted["ARAGORA_SINGLE_INSTANCE"]) == ("", "true")


def test_nothing_speaks_against_one_instance_by_a_unit():
    assert refused(service()) == []


@pytest.mark.parametrize(
    ("told", "more", "words"),
    [
        ({"normal": {"ARAGORA_USE_SECRETS_MANAGER": "True"}}, {}, "ARAGORA_USE_SECRETS_MANAGER is set"),
        ({}, {"instances": 2}, "runs 2 times"),
        ({}, {"instances": 2}, "redis_fallback_accept_inconsistency=true"),
        ({"unset": ["REDIS_URL"]}, {}, "UnsetEnvironment=REDIS_URL"),
        ({"beyond": {"/opt/aragora/.env": {"REDIS_URL", "OTHER"}}}, {}, "/opt/aragora/.env sets REDIS_URL and is no EnvironmentFile"),
        ({"trouble": ["aragora.service is masked"]}, {}, "masked"),
    ],
)
def test_what_is_refused(told, more, words):
    assert any(words in sentence for sentence in refused(service(**told), **more))


def test_a_profile_without_variables_is_refused():
    whole = _application.complete({"unit": "shop"})
    assert "give fallback.variables" in _fallback.objections(whole, service(), {}, accepts=False)[0]


def test_several_instances_may_be_accepted():
    assert refused(service(), accepts=True, instances=3) == []


@pytest.mark.parametrize(
    ("others", "name"),
    [
        ([], "zz-aragora-redis-fallback.conf"),
        (["/etc/systemd/system/a.service.d/zz-aragora-redis-fallback.conf"], "zz-aragora-redis-fallback.conf"),
        (["/run/systemd/system/a.service.d/override.conf"], "zz-aragora-redis-fallback.conf"),
        (["/etc/systemd/system/service.d/zz-last.conf"], "zzz-aragora-redis-fallback.conf"),
        (["/x/zzz-last.conf", "/x/zz-aragora-redis-fallback.conf"], "zzzz-aragora-redis-fallback.conf"),
    ],
)
def test_the_drop_in_is_read_last(others, name):
    assert _fallback.drop_in_name(others) == name


def test_a_drop_in_that_nothing_comes_after_is_named():
    with pytest.raises(ValueError, match=r"~\.conf would be read after ours"):
        _fallback.drop_in_name(["/x/~.conf"])


def test_the_environment_file_comes_before_the_drop_in_that_names_it():
    texts = _fallback.files(service(), {"REDIS_URL": "", "NOTE": 'a "b" $c'}, FOLDER)
    env, drop_in = list(texts)
    assert _environment_file.parse(texts[env]) == {"REDIS_URL": "", "NOTE": 'a "b" $c'}
    assert f"\nEnvironmentFile=-{env}\n" in texts[drop_in]
    assert drop_in == "/etc/systemd/system/aragora.service.d/zz-aragora-redis-fallback.conf"


def lease(**holders):
    whole = _fallback.opened(service(), application(), 30, 100.0)
    for name, until in holders.items():
        whole = _fallback.with_holder(whole, name, int(until - 100), 100.0, who="alice", why="gone: redis://:secret@h/0")
    return {**whole, "phase": "on", "files": {"/a": _fallback.checksum("x")}}


def test_several_incidents_hold_it_until_the_last_one_lets_go():
    held = lease(one=200, two=300)
    assert _fallback.others(held, "one", 150) == ["two"]
    assert _fallback.others(held, "two", 250) == [], "the time of the other one is over"
    assert _fallback.others(held, "nobody", 150) == ["one", "two"]
    assert _fallback.others(held, "all", 150) == []


def test_holding_on_prolongs_and_never_shortens():
    held = _fallback.with_holder(lease(one=200), "one", 10, 150.0, who="bob", why="still")
    assert (held["holders"]["one"]["since"], held["holders"]["one"]["until"]) == (100.0, 200)
    assert _fallback.with_holder(held, "one", 100, 150.0, who="bob", why="still")["holders"]["one"]["until"] == 250
    assert _fallback.is_fresh(lease(one=1100), "one", 1000, 190.0)
    assert not _fallback.is_fresh(lease(one=1100), "one", 1000, 210.0)
    assert not _fallback.is_fresh(lease(one=1100), "two", 1000, 100.0)


def test_the_status_tells_everything_and_no_secret():
    held = lease(one=200)
    told = _fallback.status(held, _fallback.drift(held, {"/a": _fallback.checksum("y")}), ["REDIS_URL"], 250)
    assert (told["phase"], told["expired"], told["until"]) == ("on", True, "1970-01-01T00:03:20Z")
    text = "\n".join(_fallback.status_sentences("aragora.service", told))
    assert all(
        words in text for words in ("/a was changed by somebody", "held by alice for one", "time is over", "another source sets REDIS_URL")
    )
    assert "secret" not in json.dumps(held) + text
    assert _fallback.status_sentences("a", _fallback.status(None, {}, [], 0)) == ["a: the fallback is off"]


@pytest.mark.parametrize(
    ("phase", "now", "expected"),
    [
        ("on", "x", {"changed": [], "missing": []}),
        ("on", "y", {"changed": ["/a"], "missing": []}),
        ("on", None, {"changed": [], "missing": ["/a"]}),
        ("enabling", None, {"changed": [], "missing": []}),
        ("disabling", "y", {"changed": ["/a"], "missing": []}),
    ],
)
def test_drift_is_what_somebody_else_did(phase, now, expected):
    assert _fallback.drift({**lease(), "phase": phase}, {"/a": now and _fallback.checksum(now)}) == expected


@pytest.mark.parametrize("text", ["[]", '{"schema": 2}', '{"schema": 1, "phase": "on"}', '{"schema": 1, "phase": "maybe"}'])
def test_a_damaged_lease_is_no_lease(text):
    with pytest.raises(ValueError, match=r"."):
        _fallback.checked(json.loads(text))


def test_a_plan_says_what_it_costs_and_shows_no_password():
    whole = application(fallback={"variables": {"REDIS_URL": "redis://:hidden@standby"}})
    steps = _fallback.enable_steps(whole, service(stale=True), whole["fallback"]["variables"], ["/a"])
    assert "hidden" not in "".join(steps)
    assert any(step == "it costs: revoked tokens are accepted again" for step in steps)
    assert any("unit files were changed" in step for step in steps)


COMPOSE = ["docker", "compose"]
INSPECTED = [
    {
        "State": {"Running": True, "Pid": 77},
        "Config": {
            "Env": ["REDIS_URL=redis://:pw@redis:6379", "PATH=/bin"],
            "Labels": {
                "com.docker.compose.project": "shop",
                "com.docker.compose.project.config_files": f"compose.yml,/srv/extra.yml,{FOLDER}/compose-shop-web.override.json",
                "com.docker.compose.project.environment_file": "/srv/shop/prod.env",
            },
        },
    }
]


def test_compose_recreates_one_service_with_our_file_last_and_without_it():
    found = environment.composed(json.dumps(INSPECTED), "web", "/srv/shop", FOLDER, COMPOSE)
    assert (found["name"], found["trouble"], found["pid"]) == ("compose-shop-web", [], 77)
    on, off = found["recreate"]
    files = ["--file=/srv/shop/compose.yml", "--file=/srv/extra.yml"]
    assert [word for word in off if word.startswith("--file")] == files
    assert [word for word in on if word.startswith("--file")] == [*files, f"--file={FOLDER}/compose-shop-web.override.json"]
    assert on[-5:] == ["up", "--detach", "--no-deps", "--force-recreate", "web"]
    assert "--env-file=/srv/shop/prod.env" in on
    assert "pw" not in json.dumps(found["recreate"])
    ((path, text),) = _fallback.files(found, {"REDIS_URL": "", "NOTE": "a$b"}, FOLDER).items()
    assert path == f"{FOLDER}/compose-shop-web.override.json"
    assert yaml.safe_load(text) == {"services": {"web": {"environment": {"REDIS_URL": "", "NOTE": "a$$b"}}}}


def test_a_container_that_compose_did_not_make_is_refused():
    bare = [{"State": {}, "Config": {"Env": None, "Labels": None}}]
    assert "names no compose project" in environment.composed(json.dumps(bare), "web", "/srv/shop", FOLDER, COMPOSE)["trouble"][0]
    assert "is installed" in environment.composed(json.dumps(INSPECTED), "web", "/srv/shop", FOLDER, [])["trouble"][0]


@pytest.mark.parametrize(
    ("more", "words"),
    [({"container": "web"}, "the environment of a container cannot be changed"), ({}, "nobody says how shop is run")],
)
def test_without_a_unit_and_without_compose_it_is_said_why_not(more, words):
    told = environment.look(_application.complete({"name": "shop", **more}), FOLDER)
    assert (told["kind"], len(told["trouble"])) == ("none", 1)
    assert words in told["trouble"][0]
    assert "compose_folder" in told["trouble"][0]


def test_the_watch_is_one_file_that_needs_no_ansible(tmp_path):
    packed = _fallback_bundle.packed()
    assert packed == _fallback_bundle.packed()
    assert "__main__.py" in zipfile.ZipFile(io.BytesIO(packed)).namelist()
    (tmp_path / "watch.pyz").write_bytes(packed)
    # No lease, nothing to do; -I: nothing of this environment is imported, -S: no installed packages.
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "watch.pyz"), "shop.service"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_fact_tells_who_holds_a_fallback():
    holders = {"a": {"who": "ann", "why": "Redis is down"}, "b": {"who": "bob", "why": "Redis is down"}}
    told = {"shop.service": {"since": "1", "until": "2", "holders": holders}}
    assert _fallback.held_by(told, "shop.service") == {"since": "1", "until": "2", "who": "ann, bob", "why": "Redis is down"}


OFF = {"shop.service": {"phase": "disabling", "since": "1", "until": "2", "holders": {"a": {"who": "ann", "why": "x"}}}}


@pytest.mark.parametrize("fact", [None, [], {}, {"other.service": {}}, {"shop.service": None}, {"shop.service": {"holders": 1}}, OFF])
def test_of_an_odd_fact_nobody_holds_anything(fact):
    assert _fallback.held_by(fact, "shop.service") is None

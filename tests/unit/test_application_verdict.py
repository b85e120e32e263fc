# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was seen of an application, judged: the first step that fails, how bad that is, and what is said; and the texts that lead there."""

from __future__ import annotations

import copy

import jmespath
import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _application, _application_unit, _application_verdict
from ansible_collections.aragora.redis.plugins.module_utils import _application_text as words
from ansible_collections.aragora.redis.plugins.module_utils import _application_urls as urls

from tests.lab import shops

URL = "redis://:Planted-7391@10.0.0.1:6379/0"
OTHER = "redis://:Planted-7391@10.0.0.2:6379/0"
PROFILE = _application.complete(shops.profile(8080, "/opt/shop/shop.py", unit="shop.service"))
SEEN = {
    "name": "shop",
    "service": {
        "name": "shop.service",
        "active_state": "active",
        "pid": 7,
        "active_seconds": 400,
        "switched_off": None,
        "result": "success",
    },
    "library": {"name": "redis", "python": "/usr/bin/python3", "imported": True, "version": "4.3.4", "error": None},
    "urls": urls.compare(["REDIS_URL"], {"REDIS_URL": URL}, {"REDIS_URL": URL}),
    "redis": {"at": "10.0.0.1:6379/0", "state": "up", "error": None, "ping_ms": 0.3, "role": "master", "replicas": 1, "canary": []},
    "readiness": {"status": 200, "json": {"status": "ready", "checks": {"redis": True}}, "text": None, "error": None, "took_ms": 3},
    "validation": {"json": {"checks": {"redis": {"status": "ok", "message": "well"}}}, "empty": False, "exit_status": 1, "error": None},
    "journal": {"minutes": 15, "read": 9, "matched": 0, "by_pattern": {}, "samples": []},
    "pool": None,
    "fallback": {"variables_set": False, "lease": None},
}
PROBE = {
    "status": 401, "json": {"error": "wrong name or password"}, "text": None, "error": None, "took_ms": 9, "key_count": 1, "found": 1,
    "wrote_to_redis": True, "left": [],
}  # fmt: skip


def judged(probe=None, denied=None, **parts):
    seen = {name: {**SEEN[name], **value} if isinstance(value, dict) and value and SEEN[name] else value for name, value in parts.items()}
    gathered = {"application": {**copy.deepcopy(SEEN), **seen}, "denied": denied or {}}
    asked = None if probe is None else {"probe": {**PROBE, **probe}, "denied": {}}
    return _application_verdict.judge(PROFILE, gathered, asked, jmespath.search)


def outcome(verdict):
    return verdict["result"], verdict["step"]


def test_one_that_works_has_every_step():
    verdict = judged(probe={})
    assert outcome(verdict) == ("works", None)
    assert [row["step"] for row in verdict["steps"]] == list(_application_verdict.STEPS)
    assert all(row["ok"] for row in verdict["steps"])
    assert verdict["asks"] is True


@pytest.mark.parametrize(
    ("parts", "result", "said"),
    [
        ({"service": {}}, ("broken", "service"), "there is no shop.service on its host"),
        ({"service": {"active_state": "failed", "result": "exit-code"}}, ("broken", "service"), "shop.service is failed (exit-code)"),
        ({"service": {"active_state": "inactive", "switched_off": "masked"}}, ("broken", "service"), "inactive (masked)"),
        ({"library": {"imported": False, "error": "No module named 'redis'"}}, ("degraded", "library"), "nothing of it reaches Redis"),
        ({"redis": {"state": "refused", "error": "10.0.0.1:6379 refuses"}}, ("broken", "redis"), "refuses"),
        ({"redis": {"role": "slave"}}, ("broken", "role"), "what it writes is refused"),
        ({"redis": {"canary": ["it refuses a write: OOM"]}}, ("broken", "canary"), "OOM"),
        ({"readiness": {"status": None, "json": None, "error": "no answer"}}, ("broken", "readiness"), "it does not answer: no answer"),
        (
            {"readiness": {"status": 503, "json": {"status": "not_ready", "reason": "redis: refused"}}},
            ("broken", "readiness"),
            "not ready (HTTP 503): redis: refused",
        ),
        ({"readiness": {"json": {"status": "starting"}}}, ("broken", "readiness"), "it is not ready (HTTP 200)"),
        ({"readiness": {"json": {"status": "ready", "checks": {"redis": False}}}}, ("degraded", "readiness"), "says of its Redis: False"),
        (
            {"validation": {"json": {"checks": {"redis": {"status": "error", "message": "gone", "required": True}}}}},
            ("broken", "validation"),
            "does not work: gone",
        ),
        ({"validation": {"json": {"checks": {"redis": {"status": "error", "required": False}}}}}, ("degraded", "validation"), "not work"),
        ({"validation": {"json": {"checks": {"redis": {"status": "skip"}}}}}, ("degraded", "validation"), "has not looked at Redis"),
    ],
)
def test_the_first_step_that_fails_is_named(parts, result, said):
    verdict = judged(**parts)
    assert outcome(verdict) == result
    assert said in verdict["said"]
    assert any("FAILED" in sentence for sentence in _application_verdict.sentences(verdict))


@pytest.mark.parametrize(
    ("probe", "result", "said"),
    [
        ({"status": 502, "json": {"error": "cannot reach"}}, ("broken", "probe"), "HTTP 502 {'error': 'cannot reach'}"),
        ({"json": {"error": "An error occurred"}}, ("broken", "probe"), "An error occurred"),
        ({"status": None, "json": None, "error": "no answer within 10 s"}, ("broken", "probe"), "no answer within 10 s"),
        ({"wrote_to_redis": False, "found": 0}, ("degraded", "probe"), "nothing of it is in Redis"),
        ({"wrote_to_redis": None}, ("works", None), "the way to Redis and back is whole"),
        ({"left": ["shop:login:x"]}, ("works", None), "whole"),
    ],
)
def test_the_probe_tells_what_its_users_feel(probe, result, said):
    verdict = judged(probe=probe)
    assert outcome(verdict) == result
    assert said in verdict["said"]


def test_broken_ends_the_judgement_and_degraded_goes_on_with_what_users_feel():
    assert [row["step"] for row in judged(redis={"role": "slave"})["steps"]][-1] == "role"
    after = judged(library={"imported": False}, readiness={"status": 503, "json": {"status": "not_ready", "reason": "redis"}})
    assert [row["step"] for row in after["steps"]] == ["service", "library", "readiness"]
    assert outcome(after) == ("broken", "library")
    assert after["readiness"]["of_redis"] is True


@pytest.mark.parametrize("fallback", [{"variables_set": True}, {"lease": {"since": "09:00", "until": "13:00", "why": "incident 7"}}])
def test_an_application_in_its_fallback_is_degraded_and_its_probe_is_asked(fallback):
    verdict = judged(fallback=fallback, urls=urls.compare(["REDIS_URL"], {"REDIS_URL": ""}, {"REDIS_URL": ""}))
    assert outcome(verdict) == ("degraded", "urls")
    assert "its fallback is on" in verdict["said"]
    assert verdict["asks"] is True
    assert outcome(judged(fallback=fallback, probe={"wrote_to_redis": None})) == ("degraded", "urls")
    assert outcome(judged(fallback=fallback, probe={"status": 502, "json": None})) == ("broken", "urls")


def test_what_could_not_be_looked_at_fails_nothing_and_says_why():
    nothing = dict.fromkeys(SEEN)
    verdict = judged(**{**nothing, "name": "shop"}, denied={"service": "needs root (-b)", "redis": "redis-py is missing"})
    assert outcome(verdict) == ("works", None)
    assert {row["ok"] for row in verdict["steps"]} == {None}
    assert verdict["steps"][0]["said"] == "not looked at: needs root (-b)"
    assert verdict["steps"][3]["said"] == "not looked at: redis-py is missing"


def test_a_user_without_the_right_to_the_canary_is_no_failure():
    (row,) = (row for row in judged(redis={"canary": ["it refuses a write: NOPERM"]})["steps"] if row["step"] == "canary")
    assert row == {"step": "canary", "ok": None, "said": "its user has no right to the canary's key"}


def test_a_validation_that_says_nothing_is_tolerated():
    assert outcome(judged(validation={"json": None, "empty": True, "error": "Traceback"})) == ("works", None)


def test_a_host_that_could_not_be_asked_is_broken():
    verdict = _application_verdict.judge(PROFILE, {"unreachable": True, "msg": "no route"}, None, jmespath.search)
    assert outcome(verdict) == ("broken", "service")
    assert "no route" in verdict["said"]


def test_lines_of_its_log_stand_below():
    verdict = judged(journal={"matched": 2, "samples": [{"age_seconds": 3, "text": "Error in login"}]})
    assert "2 line(s) of its log in 15 minutes mean Redis; the last: Error in login" in _application_verdict.sentences(verdict)[-1]


@pytest.mark.parametrize(
    ("following", "running", "said"),
    [
        ({"A": URL, "B": URL}, {"A": URL, "B": URL}, None),
        ({"A": URL}, {"A": URL}, "B is not set for its next start"),
        ({"A": URL, "B": ""}, {"A": URL, "B": URL}, "B is empty for its next start"),
        ({"A": URL, "B": URL}, {"A": URL}, "B is not set in the running process"),
        ({"A": OTHER, "B": OTHER}, {"A": URL, "B": URL}, "A of the running process is not that of its next start: 10.0.0.1:6379/0 now"),
        ({"A": URL, "B": OTHER}, None, "the URLs in A and B differ: A 10.0.0.1:6379/0, B 10.0.0.2:6379/0"),
        ({"A": URL, "B": URL.replace("7391", "7392")}, None, "the URLs in A and B differ: the login or an option"),
        ({"A": URL, "B": URL}, {"A": URL, "B": URL + "?x=1"}, "with another login or option"),
    ],
)
def test_urls_are_compared_and_never_said(following, running, said):
    told = urls.compare(["A", "B"], following, running)
    assert "Planted" not in str(told)
    assert bool(said) == bool(told["troubles"])
    assert not said or said in "; ".join(told["troubles"])


def test_a_variable_that_the_application_reads_from_a_file_is_not_missing_in_its_process():
    assert urls.compare(["A"], {"A": URL}, {"HOME": "/"}, unseen={"A"})["troubles"] == []


@pytest.mark.parametrize(
    ("url", "plain", "options"),
    [
        ("redis://h:1/2", "redis://h:1/2", {}),
        ("redis://h:1?db=3&protocol=3", "redis://h:1?db=3", {}),
        ("rediss://h?ssl_cert_reqs=none&ssl_ca_certs=/ca.pem", "rediss://h", {"validate_certs": False, "ca_certs": "/ca.pem"}),
    ],
)
def test_options_of_redis_py_in_a_url(url, plain, options):
    assert urls.url_and_options(url) == (plain, options)


def test_secrets_of_an_environment_are_masked_in_whatever_it_says():
    variables = {"REDIS_URL": URL, "API_TOKEN": 'quo"ted-token', "USE_SECRETS": "true", "KEY_PREFIX": "shop", "DSN": "abc"}
    secrets = words.secrets_in(variables)
    assert secrets == {"Planted-7391", 'quo"ted-token'}
    said = {"why": f"cannot reach {URL} with Planted-7391", "password": ["x"], "ok": True, "list": ['quo\\"ted-token', 1]}
    masked = words.masked_data(said, secrets)
    assert masked == {"why": "cannot reach redis://***@10.0.0.1:6379/0 with ***", "password": "***", "ok": True, "list": ["***", 1]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("no", None),
        ('{"a": 1}', {"a": 1}),
        ('checking\n{"a": {"b": 2}}\nbye', {"a": {"b": 2}}),
        ("[1]", [1]),
        ("{" * 9999, None),
    ],
)
def test_json_is_found_among_other_lines(text, found):
    assert words.json_in(text) == found


def test_lines_that_never_mean_redis_are_not_counted():
    lines = [
        {"age_seconds": age, "text": text} for age, text in enumerate(["redis failed", "redis failed at localhost", "well", "redis failed"])
    ]
    told = words.journal(lines, ["redis failed"], ["at localhost"], set(), 3)
    assert (told["read"], told["matched"], told["by_pattern"]) == (4, 2, {"redis failed": 2})
    assert told["samples"] == [{"age_seconds": 3, "text": "redis failed"}]


def test_placeholders_are_filled_everywhere_and_other_braces_stay():
    assert words.filled({"a-{id}": ["{id}", {"b": "{other} {number}"}], "n": 1}, {"id": "x", "number": "7"}) == {
        "a-x": ["x", {"b": "{other} 7"}],
        "n": 1,
    }


SHOWN = """Id=shop.service
LoadState=loaded
ActiveState=active
SubState=running
Result=success
MainPID=77
User=shop
WorkingDirectory=!/opt/shop
Environment=A=1 "B=two words" C=gone
UnsetEnvironment=C D=other
EnvironmentFiles=/etc/shop env (ignore_errors=yes)
EnvironmentFiles=/etc/zz-shop.env (ignore_errors=no)
ExecStart={ path=/opt/shop/venv/bin/gunicorn ; argv[]=/opt/shop/venv/bin/gunicorn shop ; ignore_errors=no ; start_time=[n/a] }
"""


def test_a_unit_tells_as_whom_where_and_with_which_files():
    told = _application_unit.unit(SHOWN, 100.0)
    assert (told["pid"], told["user"], told["folder"]) == (77, "shop", "/opt/shop")
    assert told["files"] == ["/etc/shop env", "/etc/zz-shop.env"]
    assert _application_unit.next_start(told["variables"], [{"A": "2"}, {"D": "4"}], told["unset"]) == {
        "A": "2",
        "B": "two words",
        "D": "4",
    }
    assert _application_unit.python_of(told["program"]) == ["/opt/shop/venv/bin/python3", "/opt/shop/venv/bin/python"]
    assert _application_unit.unit("Id=x.service\nLoadState=not-found\n", 1.0) == {}


def test_a_container_tells_the_same():
    text = """[{"Name": "/shop", "State": {"Running": true, "Pid": 9, "Status": "running"}, "HostConfig": {"NetworkMode": "bridge"},
               "Config": {"Env": ["A=1=2", "B="], "User": "", "WorkingDir": "/app"}}]"""
    told = _application_unit.container(text, "docker", lambda dummy: 5)
    assert (told["name"], told["pid"], told["variables"], told["own_network"]) == ("shop", 9, {"A": "1=2", "B": ""}, True)
    assert _application_unit.container("[]", "docker", lambda dummy: 5) == {}

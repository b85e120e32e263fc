# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_notify and real receivers: what arrives, and what is said of those that cannot be told."""

from __future__ import annotations

import base64
import json
import time

import pytest
import yaml

from tests.conftest import ROOT
from tests.lab import modules, ports, receivers, servers

TOKEN = "hookToken-4bd1"
PASSWORD = "mailSecret-8c2e"
MESSAGE = {"title": "Redis is down on cache1", "body": "It has been down for **15 minutes**.\n\n- logins fail"}


@pytest.fixture
def hook():
    with receivers.hook() as kept:
        yield kept


@pytest.fixture
def post():
    with receivers.mail_server("robot", PASSWORD) as kept:
        yield kept


def json_hook(port, path=TOKEN):
    return f"json://127.0.0.1:{port}/{path}"


def mail(port, password=PASSWORD):
    return f"mailto://robot:{password}@127.0.0.1:{port}/?smtp=127.0.0.1&mode=insecure&from=robot@example.org&to=team@example.org"


def test_every_channel_is_told_with_its_files(run_module, hook, post, tmp_path):
    report = tmp_path / "report 1.html"
    report.write_text("<p>evidence</p>")
    urls = [
        {"name": "hook", "url": json_hook(hook.port)},
        {"name": "form", "url": f"form://127.0.0.1:{hook.port}/{TOKEN}/form"},
        {"name": "mail", "url": mail(post.port), "audience": "users"},
    ]
    result = run_module("redis_notify", urls=urls, attach=[str(report), str(tmp_path / "absent")], **MESSAGE)
    assert (result.get("failed"), result["changed"], result["told"], result["missed"]) == (None, True, ["hook", "form", "mail"], [])
    assert result["attached"] == ["report 1.html"]
    posted = {path: body for path, dummy, body in hook.posted}
    said = json.loads(posted[f"/{TOKEN}"])
    assert (said["title"], said["type"]) == (MESSAGE["title"], "failure")
    assert "15 minutes" in said["message"]
    assert base64.b64decode(said["attachments"][0]["base64"]) == b"<p>evidence</p>"
    assert b"<p>evidence</p>" in posted[f"/{TOKEN}/form"]
    (kept,) = post.mails
    assert kept["subject"] == MESSAGE["title"]
    body = kept.get_body(("html",)).get_content()
    assert "<strong>15 minutes</strong>" in body
    assert "<li>logins fail</li>" in body
    assert [part.get_content() for part in kept.iter_attachments()] == ["<p>evidence</p>"]


def test_only_the_audience_is_told(run_module, hook, post):
    urls = [{"url": json_hook(hook.port), "audience": "users"}, {"url": mail(post.port)}]
    result = run_module("redis_notify", urls=urls, audience="users", **MESSAGE)
    assert (result["told"], len(hook.posted), len(post.mails)) == (["json-1"], 1, 0)


def test_those_that_fail_do_not_stop_the_others_and_say_why(run_module, hook, post):
    with receivers.hook(status=404) as wrong, receivers.hook(status=500) as broken, ports.silent_port() as silent:
        urls = [
            {"name": "refused", "url": json_hook(servers.free_port())},
            {"name": "wrong", "url": json_hook(wrong.port)},
            {"name": "broken", "url": json_hook(broken.port)},
            {"name": "hanging", "url": f"{json_hook(silent)}?rto=60"},
            {"name": "nobody", "url": mail(post.port, "wrongSecret-1")},
            {"name": "nonsense", "url": f"nonsense://{TOKEN}"},
            {"name": "nowhere", "url": f"json://nowhere.invalid/{TOKEN}"},
            {"name": "hook", "url": json_hook(hook.port)},
        ]
        started = time.monotonic()
        result = run_module("redis_notify", urls=urls, timeout=4, **MESSAGE)
    assert time.monotonic() - started < 12
    errors = {row["name"]: row["error"] for row in result["channels"]}
    assert errors == {
        "refused": "the connection was refused",
        "wrong": "it answered HTTP 404, there is nothing at its address",
        "broken": "it answered HTTP 500",
        "hanging": "it did not answer within 4 s, and was given up",
        "nobody": "the login was refused",
        "nonsense": "apprise cannot use this URL: compare it with its documentation of that service",
        "nowhere": "its name cannot be resolved",
        "hook": "",
    }
    assert (result.get("failed"), result["told"]) == (None, ["hook"])
    assert [secret for secret in (TOKEN, PASSWORD, "wrongSecret") if secret in json.dumps(result)] == []


@pytest.mark.parametrize(("require", "failed"), [("any", True), ("all", True), ("none", None)])
def test_how_many_have_to_be_told_is_the_callers_choice(run_module, require, failed):
    result = run_module("redis_notify", urls=[{"name": "hook", "url": json_hook(servers.free_port())}], require=require, **MESSAGE)
    assert (result.get("failed"), result["missed"]) == (failed, ["hook"])
    assert not failed or result["msg"] == "1 of 1 channel(s) were not told: hook: the connection was refused"


def test_files_that_are_too_much_are_left_out_rather_than_the_message(run_module, tmp_path):
    (tmp_path / "report.html").write_text("x" * 100_000)
    with receivers.hook(largest=10_000) as small:
        result = run_module("redis_notify", urls=[{"url": json_hook(small.port)}], attach=[str(tmp_path / "report.html")], **MESSAGE)
    assert result["told"] == ["json-1"]
    assert "attachments" not in small.posted[0][2].decode() or json.loads(small.posted[0][2])["attachments"] == []


def test_check_mode_sends_nothing_and_says_who_would_be_told(run_module, hook):
    urls = [{"name": "hook", "url": json_hook(hook.port)}, {"name": "nonsense", "url": f"nonsense://{TOKEN}"}]
    result = run_module("redis_notify", urls=urls, _check_mode=True, **MESSAGE)
    assert (result["would_tell"], result["missed"], result["told"], hook.posted) == (["hook"], ["nonsense"], [], [])
    assert result["changed"]


def test_two_channels_of_one_name_are_a_sentence(run_module):
    urls = [{"name": "a", "url": json_hook(1)}, {"name": "a", "url": json_hook(2)}]
    assert "two channels are called a" in run_module("redis_notify", urls=urls, **MESSAGE)["msg"]


def test_without_apprise_there_is_one_sentence(run_module, monkeypatch, tmp_path):
    # A module looks here first.
    (tmp_path / "collections").mkdir()
    (tmp_path / "collections" / "ansible_collections").symlink_to(ROOT / "collections" / "ansible_collections")
    (tmp_path / "collections" / "apprise.py").write_text("raise ImportError('as on a host that has none')")
    monkeypatch.setattr(modules, "ROOT", tmp_path)
    result = run_module("redis_notify", urls=[{"url": json_hook(1)}], **MESSAGE)
    assert result["msg"].startswith("apprise is not installed for the Python that runs redis_notify")


def test_no_secret_of_a_channel_is_shown(play, hook, post, tmp_path):
    channels = [
        {"name": "hook", "url": json_hook(hook.port)},
        {"name": "refused", "url": json_hook(servers.free_port())},
        {"name": "mail", "url": mail(post.port)},
        {"name": "nobody", "url": mail(post.port, "wrongSecret-1")},
        {"name": "nonsense", "url": f"nonsense://{TOKEN}"},
    ]
    told = {"urls": "{{ channels }}", **MESSAGE}
    tasks = [
        {"aragora.redis.redis_notify": told},
        {"aragora.redis.redis_notify": {**told, "require": "all"}, "ignore_errors": True},
        {"aragora.redis.redis_notify": {**told, "typo": 1}, "ignore_errors": True},
        {"aragora.redis.redis_notify": told, "check_mode": True},
    ]
    (tmp_path / "notify.yml").write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "vars_files": ["secrets.yml"], "tasks": tasks}])
    )
    (tmp_path / "secrets.yml").write_text(yaml.safe_dump({"channels": channels}))
    played = play(str(tmp_path / "notify.yml"), "-vvv", "--diff", ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))
    assert played.status == 0, played.output
    assert "Unsupported parameters" in played.output
    assert [secret for secret in (TOKEN, PASSWORD, "wrongSecret") if secret in played.output] == []
    assert (len(hook.posted), len(post.mails)) == (2, 2)

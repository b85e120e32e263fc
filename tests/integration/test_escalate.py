# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""escalate.yml from the first look to the page: the clock, the channels, the document."""

from __future__ import annotations

import base64
import json
import stat
import time

import pytest
import yaml

from tests.lab import receivers, servers

ESCALATE = "playbooks/escalate.yml"
APPLY = ("-e", "redis_remediation_mode=apply")
TOKEN = "pagerToken-19fe"
PASSWORD = "urlSecret-7f3a"


@pytest.fixture
def hook():
    with receivers.hook() as kept:
        yield kept


@pytest.fixture
def guarded(tmp_path):
    return ("-e", "redis_guard_host=localhost", "-e", f"redis_guard_dir={tmp_path / 'guard'}")


@pytest.fixture
def told(tmp_path, hook):
    """Channels for users and the team, and one that nobody listens to."""
    channels = [
        {"name": "status page", "audience": "users", "url": f"json://127.0.0.1:{hook.port}/{TOKEN}/users"},
        {"name": "pager", "url": f"json://127.0.0.1:{hook.port}/{TOKEN}/team"},
        {"name": "old pager", "url": f"json://127.0.0.1:{servers.free_port()}/{TOKEN}"},
    ]
    application = {"profile": "generic", "name": "shop"}
    path = tmp_path / "channels.yml"
    path.write_text(yaml.safe_dump({"redis_escalation_channels": channels, "redis_application": application}))
    return ("-e", f"@{path}")


def ledger(tmp_path):
    return json.loads((tmp_path / "guard" / "ledger.json").read_text())


def nobody_there():
    return f"redis://127.0.0.1:{servers.free_port()}"


def sentences(played):
    return " ".join(played.output.split())


def test_before_the_deadline_it_says_how_much_time_is_left(play, hook, guarded, told, tmp_path):
    url = nobody_there()
    first = play(ESCALATE, *APPLY, *guarded, *told, REDIS_URL=url)
    assert first.status == 0, first.output
    assert "it is escalated in 15 min (900 s)" in sentences(first)
    (incident,) = ledger(tmp_path)["incidents"].values()
    assert incident["findings"] == ["process_down"]
    second = play(ESCALATE, *APPLY, *guarded, *told, REDIS_URL=url)
    assert second.status == 0, second.output
    assert list(ledger(tmp_path)["incidents"].values()) == [incident], "the clock has not started again"
    assert hook.posted == []


def test_at_the_deadline_people_are_told_once_and_it_is_written_down(play, hook, guarded, told, tmp_path):
    url = nobody_there()
    words = (*APPLY, *guarded, *told, "-e", "redis_escalation_deadline=0", "-vvv")
    played = play(ESCALATE, *words, REDIS_URL=url.replace("://", f"://:{PASSWORD}@"))
    assert played.status == 2, played.output
    assert "old pager: the connection was refused" in sentences(played)
    posted = {path.split("/")[-1]: json.loads(body) for path, dummy, body in hook.posted}
    assert posted["users"]["title"].startswith("shop: problems since")
    assert "the application answers with errors wherever it needs Redis" in posted["users"]["message"]
    assert posted["users"]["attachments"] == []
    assert posted["team"]["title"].startswith("Critical on 127.0.0.1")
    files = {item["filename"]: base64.b64decode(item["base64"]).decode() for item in posted["team"]["attachments"]}
    assert set(files) == {"incident.md", "incident.html", "report.html", "report.json"}
    assert "What it means to users" in files["incident.md"]
    (folder,) = (played.reports / "latest" / "incidents").iterdir()
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    document = (folder / "incident.md").read_text()
    assert "| old pager | team | no | the connection was refused |" in document
    assert "| pager | team | yes |" in document
    # Nobody says where the application runs: its fallback stays off, and people are told all the same.
    rows = [(row["action"], row["state"]) for row in played.report["timeline"]]
    assert rows == [("fallback_enable", "refused"), ("escalate", "escalated")]
    shown = "\n".join([played.output, *(path.read_text(errors="replace") for path in tmp_path.rglob("reports/**/*") if path.is_file())])
    assert [secret for secret in (TOKEN, PASSWORD) if secret in shown] == []
    again = play(ESCALATE, *words, "-e", "redis_escalation_now=true", REDIS_URL=url.replace("://", f"://:{PASSWORD}@"))
    assert again.status == 0, again.output
    assert "people are told again in" in sentences(again)
    assert len(hook.posted) == 2


def test_a_plan_shows_who_would_be_told_with_which_words_and_sends_nothing(play, hook, guarded, told, tmp_path):
    played = play(ESCALATE, *guarded, *told, "-e", "redis_escalation_now=true", REDIS_URL=nobody_there())
    assert played.status == 0, played.output
    assert "tell status page, pager" in sentences(played)
    assert "shop: problems since" in played.output
    assert hook.posted == []
    assert not (tmp_path / "guard").exists()
    assert not (played.reports / "latest" / "incidents").exists()


def test_a_healthy_server_ends_the_incident_and_a_new_one_gets_a_new_clock(family_binary, play, guarded, told, tmp_path):
    with servers.running(family_binary) as server:
        address = f"127.0.0.1-{server.port}"
        old = {"since": time.time() - 5000, "findings": ["process_down"], "escalated_at": None}
        (tmp_path / "guard").mkdir(mode=0o700)
        ledger_of = {"schema": 1, "entries": [], "leases": {}, "pending": [], "incidents": {address: old}}
        (tmp_path / "guard" / "ledger.json").write_text(json.dumps(ledger_of))
        played = play(ESCALATE, *APPLY, *guarded, *told, REDIS_URL=server.url)
    assert played.status == 0, played.output
    assert "incidents" not in ledger(tmp_path)
    assert "nothing critical is found" in sentences(played)


def test_without_a_clock_only_a_person_escalates(play, told, hook):
    played = play(ESCALATE, *APPLY, *told, "-e", "redis_escalation_deadline=0", REDIS_URL=nobody_there())
    assert played.status == 2, played.output
    assert "refused: a server by URL has no ledger to keep the clock" in sentences(played)
    assert hook.posted == []


def test_a_ledger_that_cannot_be_used_stops_no_call_for_help(play, guarded, told, hook, tmp_path):
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard").chmod(0o777)
    played = play(ESCALATE, *APPLY, *guarded, *told, "-e", "redis_escalation_now=true", REDIS_URL=nobody_there())
    assert played.status == 2, played.output
    assert "not this user's alone" in sentences(played)
    assert len(hook.posted) == 2

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document of an incident: what it says, and that nothing a server says becomes markup, a link or a mention."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from ansible_collections.aragora.redis.plugins.module_utils import _application
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.engine import diagnose_targets
from ansible_collections.aragora.redis.plugins.module_utils._report import incident, incident_html, incident_markdown, incident_words

ROOT = Path(__file__).resolve().parents[2]
EVIL = "</style><script>alert(1)</script> <!channel> @here [x](https://evil.example) `**_\u202e\x1b[31m www.evil.example | #1"
NOW = 1_700_000_900.0
OPEN = {"since": NOW - 900, "findings": ["process_down"], "escalated_at": None}
TOLD = [
    {"name": "pager", "audience": "team", "sent": True, "error": ""},
    {"name": "status page", "audience": "users", "sent": False, "error": "the connection was refused"},
]


def diagnosed(rule):
    kept = json.loads((Path(__file__).parent / "snapshots" / f"{rule}.json").read_text())
    return diagnose_targets([kept["snapshot"]], ["cache1"])[0]


def profile(name="aragora"):
    path = ROOT / "roles" / "redis_application" / "files" / "profiles" / f"{name}.yml"
    return _application.complete({"profile": name}, yaml.safe_load(path.read_text()))


def built(rule="process_down", **given):
    options = {"application": profile(), "told": TOLD, "run_id": "run-1", "now": NOW, **given}
    return incident.build("cache1", OPEN, diagnosed(rule), **options)


def evil():
    """A document in which whatever can be text is hostile."""
    one = {"id": "process_down", "severity": "critical", "cause": EVIL, "title": EVIL, "evidence": {EVIL: EVIL}, "explains": [],
           "advice": [EVIL, f"$ {EVIL}"], "remedy": None, "docs_url": EVIL}  # fmt: skip
    after = {**diagnosed("process_down"), "diagnosis": {"findings": [one], "not_applicable": [], "workload": {}}}
    rows = [{"at": EVIL, "target": EVIL, "action": EVIL, "state": EVIL, "findings": [EVIL], "steps": [EVIL], "why": EVIL, "mode": "apply"}]
    return incident.build(
        EVIL, OPEN, after, application={"name": EVIL, "impact": [{"findings": ["process_down"], "means": EVIL}]}, timeline=rows,
        told=[{"name": EVIL, "audience": EVIL, "sent": False, "error": EVIL}], fallback={"state": "refused", "why": EVIL}, run_id=EVIL,
        now=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([{"id": "process_down"}], ["logins fail with HTTP 502 or 504; who is logged in goes on; revoked tokens are accepted"]),
        ([{"id": "process_down"}, {"id": "connection_refused"}],
         ["logins fail with HTTP 502 or 504; who is logged in goes on; revoked tokens are accepted"]),
        ([{"id": "big_keys", "evidence": {"keys": [{"key": "aragora:rbac:user:1"}]}}],
         ["permissions are read from the database again for some minutes"]),
        ([{"id": "big_keys", "evidence": {"keys": [{"key": "other"}]}}], []),
        ([], []),
    ],
)  # fmt: skip
def test_findings_mean_to_users_what_the_profile_says(findings, said):
    assert incident.impact(profile(), findings) == said


def test_the_document_tells_the_incident_in_its_order():
    rows = [{"at": "2023-11-14T22:20:00Z", "target": "cache1", "mode": "apply", "action": "restart", "state": "failed",
             "findings": ["process_down"], "steps": [], "why": "the unit is masked"}]  # fmt: skip
    found = built(timeline=rows, fallback={"state": "on", "why": ""})
    assert [(row["action"], row["state"]) for row in found["timeline"]] == [
        ("incident", "began"), ("restart", "failed"), ("escalate", "escalated"), ("page the team", "told"),
        ("tell users", "not_told"),
    ]  # fmt: skip
    assert found["open_points"][0].endswith("(restart: failed)")
    assert found["open_points"][1:] == [
        "the application runs without Redis: end the fallback when Redis is back",
        "status page was not told: the connection was refused",
    ]
    assert "revoked tokens are accepted again" in found["costs"]
    assert (found["since"], found["severity"]) == ("2023-11-14T22:13:20Z", "critical")


def test_a_refused_fallback_costs_nothing_and_is_an_open_point():
    found = built(fallback={"state": "refused", "why": "several instances run"})
    assert found["costs"] == []
    assert "the fallback is off: several instances run" in found["open_points"]


def test_the_numbers_stand_beside_those_of_the_beginning():
    found = built("eviction_active", before=diagnosed("process_down"))
    states = {row["label"]: (row["before"], row["after"]) for row in found["numbers"]}
    assert states["State"] == ("refused", "up")
    assert states["Memory"][0] == ""
    assert states["Memory"][1]


def test_users_read_what_they_notice_and_the_team_what_to_do():
    words = incident_words.words(built(fallback={"state": "on"}))
    assert words["users"]["title"] == "aragora: problems since 2023-11-14 22:13 UTC"
    assert "- logins fail with HTTP 502 or 504" in words["users"]["body"]
    assert "cache1" not in words["users"]["body"]
    assert words["team"]["title"].startswith("Critical on cache1: ")
    assert "    $ " in words["team"]["body"]
    assert "status page was not told" in words["team"]["body"]


def test_an_application_of_which_nothing_is_known_is_still_told():
    words = incident_words.words(built(application=None))
    assert words["users"]["title"].startswith("The application: problems since")
    assert incident.NOTHING_KNOWN in words["users"]["body"]


def test_a_server_that_is_well_can_be_escalated_by_a_person():
    found = incident.build("cache1", OPEN, {**diagnosed("process_down"), "diagnosis": {"findings": []}}, now=NOW)
    assert "no rule finds anything wrong" in found["title"]
    assert "No rule spoke" in incident_markdown.render(found)
    assert "No rule spoke" in incident_html.render(found)


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.seen, self.links = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.links |= {value for name, value in attrs if name in ("href", "src")}


def test_nothing_that_is_said_becomes_markup():
    page = Tags(incident_html.render(evil()))
    assert not page.seen & {"script", "img", "iframe"}
    assert page.links <= {"data:,"}
    text = incident_markdown.render(evil())
    outside = [line for line in text.splitlines() if not line.startswith(("$", "```")) and "alert(1)" not in line]
    assert not any("<!channel>" in line or "](https" in line for line in outside)
    assert "\x1b" not in text


def test_a_message_mentions_links_and_formats_nothing():
    for message in incident_words.words(evil()).values():
        lines = [line for text in message.values() for line in text.splitlines() if not line.startswith("    $ ")]
        assert not [line for line in lines if "<!" in line or "@here" in line or "](" in line or "https://" in line or "`" in line]


def test_both_forms_say_what_is_open_and_who_was_told():
    found = built(fallback={"state": "refused", "why": "several instances run"})
    for text in (incident_markdown.render(found), incident_html.render(found)):
        for part in ("What it means to users", "What is open", "What was done", "Who was told", "several instances run", "pager"):
            assert part in text

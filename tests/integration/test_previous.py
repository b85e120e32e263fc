# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""diagnose.yml with an earlier report to compare with."""

from __future__ import annotations

import json
import os

import pytest
import yaml

from tests.lab import servers
from tests.lab.scenarios.scenario import fill

DIAGNOSE = "playbooks/diagnose.yml"
HOUR = 3_600_000_000


@pytest.fixture
def server(family_binary):
    with servers.running(family_binary, maxmemory="100mb") as started:
        yield started


@pytest.fixture
def compared_with(play, server):
    """Diagnose the server, set the clock of what was saved back by an hour, fill the server, and diagnose it again."""

    def run(which, **variables):
        words = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
        fill(server, 10_000)
        # Whoever always asks for the latest has none at first.
        first = play(DIAGNOSE, "-e", "redis_diagnosis_previous=latest", *words, REDIS_URL=server.url)
        assert first.status == 0, first.output
        (saved,) = (first.reports / "latest" / "snapshots").iterdir()
        snapshot = json.loads(saved.read_text(encoding="utf-8"))
        snapshot["info"]["server"]["server_time_usec"] -= HOUR
        saved.write_text(json.dumps(snapshot), encoding="utf-8")
        fill(server, 10_000, prefix="more:")
        place = {"latest": "latest", "run": saved.parents[1].resolve(), "report": saved.parents[1].resolve() / "report.json", "file": saved}
        return play(DIAGNOSE, "-e", f"redis_diagnosis_previous={place[which]}", *words, REDIS_URL=server.url)

    return run


@pytest.mark.parametrize("which", ["latest", "run", "report", "file"])
def test_memory_that_grows_is_foretold(compared_with, which):
    played = compared_with(which)
    assert "memory_forecast" in played.ids(), played.output
    found = next(finding for finding in played.report["targets"][0]["findings"] if finding["id"] == "memory_forecast")
    assert 0 < found["evidence"]["hours_left"] < 24


def test_by_host_as_well(server, play, tmp_path):
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    inventory = tmp_path / "inventory.yml"
    hosts = {"cache": {**local, "redis_connection": {"login_port": server.port}}}
    inventory.write_text(yaml.safe_dump({"redis": {"hosts": hosts}}), encoding="utf-8")
    fill(server, 10_000)
    first = play(DIAGNOSE, "-i", str(inventory))
    saved = first.reports / "latest" / "snapshots" / "cache.json"
    snapshot = json.loads(saved.read_text(encoding="utf-8"))
    snapshot["info"]["server"]["server_time_usec"] -= HOUR
    saved.write_text(json.dumps(snapshot), encoding="utf-8")
    fill(server, 10_000, prefix="more:")
    played = play(DIAGNOSE, "-i", str(inventory), "-e", "redis_diagnosis_previous=latest")
    assert "memory_forecast" in played.ids(), played.output


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "is no JSON"), ("{}", "is no snapshot"), (None, "cannot be read"), ("fifo", "is no file"), ("folder", "no snapshots")],
)
def test_what_cannot_be_compared_with_is_one_sentence_before_anything_is_read(server, play, tmp_path, text, words):
    place = tmp_path / "old.json"
    if text == "fifo":
        os.mkfifo(place)
    elif text == "folder":
        place.mkdir()
    elif text:
        place.write_text(text, encoding="utf-8")
    played = play(DIAGNOSE, "-e", f"redis_diagnosis_previous={place}", REDIS_URL=server.url)
    assert played.status != 0
    said = " ".join(played.output.split())
    assert "redis_diagnosis_previous: " in said
    assert words in said
    assert "Traceback" not in said
    assert not played.reports.exists()

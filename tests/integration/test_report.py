# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""report.yml and schedule_report.yml: what changed between two runs is told once, and nothing when nothing changed."""

from __future__ import annotations

import json

import pytest

from tests.lab import hosts, receivers, servers
from tests.lab.scenarios.scenario import fill

REPORT = "playbooks/report.yml"
SCHEDULE = "playbooks/schedule_report.yml"
UNIT = "aragora-redis-report"


def told(played):
    """What the newest run has kept of its comparison."""
    return json.loads((played.reports / "latest" / "changes.json").read_text(encoding="utf-8"))


def test_what_changed_is_told_once_and_nothing_when_nothing_did(family_binary, play):
    with servers.running(family_binary, maxmemory="200mb") as server, receivers.hook() as hook:
        fill(server, 2_000, prefix="session:")
        declared = {
            "redis_report_settings": {"maxmemory": "200mb", "maxclients": 10_000},
            "redis_report_channels": [{"name": "team", "url": f"json://127.0.0.1:{hook.port}/"}],
            "redis_report_keep": 2,
            "redis_diagnosis_window": 0.2,
            # How busy this machine is, is not what changed.
            "redis_diagnosis_thresholds": {"latency_probe_warning_ms": 5_000, "latency_probe_critical_ms": 9_000},
        }
        words = ("-e", json.dumps(declared))
        first = play(REPORT, *words, REDIS_URL=server.url)
        assert first.status == 0, first.output
        assert "This is the first report: there is nothing to compare it with." in first.output

        quiet = play(REPORT, *words, REDIS_URL=server.url)
        assert quiet.status == 0, quiet.output
        assert "Nothing changed since " in quiet.output
        assert (told(quiet)["changes"], hook.posted) == ([], [])
        assert "No findings" not in quiet.output, "the report itself is not shown"

        server.client().config_set("maxmemory", "300mb")
        fill(server, 40_000, 500, prefix="order:")
        changed = play(REPORT, *words, REDIS_URL=server.url)
        assert changed.status == 0, changed.output
        found = {row["kind"]: row["sentence"] for row in told(changed)["changes"]}
        assert "maxmemory is 314572800, declared is 209715200" in found["drift"]
        assert "new keys order:*" in found["pattern"]
        assert "its memory grew by" in found["growth"]
        ((dummy, dummy, body),) = hook.posted
        message = json.loads(body)
        assert message["title"].startswith("Redis report: ")
        assert "maxmemory is 314572800" in message["message"]
        assert [row["filename"] for row in message["attachments"]] == ["report.html"]

        again = play(REPORT, *words, REDIS_URL=server.url)
        assert (again.status, told(again)["changes"], len(hook.posted)) == (0, [], 1), again.output
        assert "maxmemory is" in json.dumps(told(again)["drift"]), "it is remembered"
        kept = [path for path in again.reports.iterdir() if path.is_dir() and not path.is_symlink()]
        assert len(kept) == 2


def test_who_could_not_be_told_is_told_next_time(family_binary, play):
    with servers.running(family_binary) as server, receivers.hook() as hook:
        words = ("-e", "redis_diagnosis_window=0.2", "-e", "redis_diagnosis_keyspace=none")
        play(REPORT, *words, REDIS_URL=server.url)
        settings = {"redis_report_settings": {"maxclients": 1234}}
        deaf = {"redis_report_channels": [{"name": "team", "url": f"json://127.0.0.1:{servers.free_port()}/"}], **settings}
        failed = play(REPORT, *words, "-e", json.dumps(deaf), REDIS_URL=server.url)
        assert failed.status == 2, failed.output
        heard = {"redis_report_channels": [{"name": "team", "url": f"json://127.0.0.1:{hook.port}/"}], **settings}
        assert play(REPORT, *words, "-e", json.dumps(heard), REDIS_URL=server.url).status == 0
        assert "declared is 1234" in json.loads(hook.posted[0][2])["message"]


def test_a_timer_reports_every_night(play, tmp_path):
    if reason := hosts.why_not():
        pytest.skip(reason)
    with hosts.host() as host:
        words, environment = hosts.inventory(tmp_path, cache=hosts.member(host))
        # Ansible is not there: what the unit calls is told by the journal.
        command = json.dumps({"redis_report_command": "/bin/echo", "redis_report_arguments": ["-i", "/etc/redis hosts.yml"]})
        words = (*words, "-e", "redis_report_on=cache", "-e", command)
        planned = play(SCHEDULE, *words, **environment)
        assert planned.status == 0, planned.output
        assert "OnCalendar=*-*-* 03:15:00" in planned.output
        assert not host.shell(f"ls /etc/systemd/system/{UNIT}.* 2>/dev/null", check=False)
        apply = (*words, "-e", "redis_remediation_mode=apply")
        assert play(SCHEDULE, *apply, **environment).status == 0
        assert "active" in host.systemctl("is-active", f"{UNIT}.timer")
        again = play(SCHEDULE, *apply, **environment)
        assert "changed=0" in again.output.split("PLAY RECAP")[1].split("cache", 1)[1].splitlines()[0], again.output
        host.systemctl("start", f"{UNIT}.service")
        called = "aragora.redis.report -e redis_report_dir=/var/lib/aragora-redis-reports -i /etc/redis hosts.yml"
        servers.wait_for(lambda: called in host.run("journalctl", "--unit", UNIT, "--output", "cat"), "the journal")
        gone = play(SCHEDULE, *apply, "-e", "redis_report_state=absent", **environment)
        assert gone.status == 0, gone.output
        assert not host.shell(f"ls /etc/systemd/system/{UNIT}.* 2>/dev/null", check=False)

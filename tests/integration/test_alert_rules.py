# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The alert rules as Prometheus understands them: each fires, and each is silent where it has to be (``promtool test rules``)."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import yaml
from ansible_collections.aragora.redis.plugins.module_utils import _alert_table, _alerts

from tests.lab.alert_cases import CASES

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool missing (apt-get install prometheus)")
KEPT = "alertname, severity, finding, redis_host, redis_port, redis_group"


def promtool(folder, words, **documents):
    for name, document in documents.items():
        (folder / f"{name}.yml").write_text(yaml.safe_dump(document, width=1000), encoding="utf-8")
    return subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def question(name, series, at, samples):
    asked = {"expr": f'count by ({KEPT}) (ALERTS{{alertname="{name}", alertstate="firing"}})', "eval_time": at, "exp_samples": samples}
    rows = [{"series": series_name, "values": values} for series_name, values in series.items()]
    return {"interval": "1m", "input_series": rows, "promql_expr_test": [asked]}


def alone(alert):
    """A rule file of one alert: Prometheus need not reckon the others."""
    return _alerts.rules(without=[other.name for other in _alert_table.ALERTS if other.name != alert.name])


def expected(alert, case):
    for severity in case.severities:
        for host in case.hosts:
            labels = {
                "alertname": alert.name, "severity": severity, "finding": alert.finding,
                "redis_host": host, "redis_port": "6379", "redis_group": "shop",
            }  # fmt: skip
            yield {"labels": "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}", "value": 1}


def test_every_alert_is_tried():
    assert CASES.keys() == {alert.name for alert in _alert_table.ALERTS}


@pytest.mark.parametrize("alert", _alert_table.ALERTS, ids=lambda alert: alert.name)
def test_it_fires_and_is_silent_and_carries_what_automation_needs(alert, tmp_path):
    case = CASES[alert.name]
    tests = [question(alert.name, case.fires, case.at, list(expected(alert, case)))]
    tests += [question(alert.name, series, case.at, []) for series in case.silent]
    if alert.wait != "0s":
        # Not at once: it has to hold.
        tests.append(question(alert.name, case.fires, "0m", []))
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
    done = promtool(tmp_path, ["test", "rules", "tests.yml"], rules=alone(alert), tests=document)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_that_did_not_fire_would_be_seen(tmp_path):
    alert = _alert_table.ALERTS[0]
    tests = [question(alert.name, CASES[alert.name].silent[0], "40m", list(expected(alert, CASES[alert.name])))]
    done = promtool(tmp_path, ["test", "rules", "tests.yml"], rules=alone(alert), tests={"rule_files": ["rules.yml"], "tests": tests})
    assert done.returncode == 1
    assert "got:nil" in done.stdout + done.stderr.replace(" ", "")


@pytest.mark.parametrize(
    "options", [{}, {"thresholds": {"memory_high_warning_percent": 70}, "waits": {"RedisUnavailable": "5s"}, "caches": ""}]
)
def test_prometheus_takes_the_rules(tmp_path, options):
    done = promtool(tmp_path, ["check", "rules", "--lint-fatal", "rules.yml"], rules=_alerts.rules(**options))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_limit_that_is_changed_is_the_limit(tmp_path):
    case = CASES["RedisHighMemory"]
    others = [alert.name for alert in _alert_table.ALERTS if alert.name != "RedisHighMemory"]
    rules = _alerts.rules({"memory_high_warning_percent": 94, "memory_high_critical_percent": 95}, without=others)
    document = {"rule_files": ["rules.yml"], "tests": [question("RedisHighMemory", case.fires, case.at, [])]}
    done = promtool(tmp_path, ["test", "rules", "tests.yml"], rules=rules, tests=document)
    assert done.returncode == 0, done.stdout + done.stderr

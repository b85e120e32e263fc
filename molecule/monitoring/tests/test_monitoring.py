# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus watches the server by its name, the files of others are what they were beside our lines, and a stopped server is told."""

from __future__ import annotations

import hashlib
import json
import re

import testinfra

from tests.lab.servers import wait_for

PASSWORD, TOKEN = "planted-redis-password-61", "planted-events-token-62"
BLOCK = re.compile(r"^ *# BEGIN aragora\.redis: .*?^ *# END aragora\.redis: [^\n]*\n", re.DOTALL | re.MULTILINE)
GET = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"


def host(name):
    return testinfra.get_host(f"docker://molecule-monitoring-{name}")


def asked(path, port=9090):
    answer = host("watch").run("python3 -c %s %s", GET, f"http://127.0.0.1:{port}{path}").stdout
    return json.loads(answer)["data"] if answer else {}


def series(expr):
    return [(found["metric"], found["value"][1]) for found in asked(f"/api/v1/query?query={expr}").get("result", [])]


def rules():
    return next(group["rules"] for group in asked("/api/v1/rules")["groups"] if group["name"] == "aragora-redis")


def posted():
    text = host("watch").run("cat /run/posted").stdout
    return [json.loads(line) for line in text.splitlines()]


def test_one_exporter_in_a_unit_of_its_own():
    assert host("watch").service("redis-monitoring-exporter").is_running
    assert host("watch").service("redis-monitoring-exporter").is_enabled
    assert not host("watch").service("prometheus-redis-exporter").is_running
    assert host("watch").socket("tcp://127.0.0.1:9122").is_listening
    assert not host("watch").socket("tcp://0.0.0.0:9121").is_listening


def test_prometheus_knows_the_server_by_its_name_and_has_the_rules():
    wait_for(lambda: series("redis_up"), "the first answer", 60)
    metric, value = series("redis_up")[0]
    assert (metric["redis_host"], metric["redis_port"], metric["redis_group"], value) == ("cache1", "6379", "shop", "1")
    # Prometheus looks at each for the first time some seconds after it has started.
    wait_for(lambda: "unknown" not in {rule["health"] for rule in rules()}, "the first look at each rule", 90)
    assert {rule["name"] for rule in rules()} >= {"RedisUnavailable", "RedisHighMemory", "RedisHighLatency", "RedisConnectionsHigh"}
    assert {rule["health"] for rule in rules()} == {"ok"}


def test_alertmanager_leads_to_us_and_to_people_as_well():
    words = "redis_host=cache1 finding=process_down alertname=RedisUnavailable"
    routes = host("watch").check_output(f"amtool config routes test --config.file=/etc/prometheus/alertmanager.yml {words}")
    assert routes == "aragora-redis-events,team-X-mails"
    assert (
        host("watch").check_output("amtool config routes test --config.file=/etc/prometheus/alertmanager.yml service=foo1")
        == "team-X-mails"
    )


def test_the_files_of_others_are_what_they_were():
    for name, package, blocks in (("prometheus.yml", "prometheus", 2), ("alertmanager.yml", "prometheus-alertmanager", 4)):
        text = host("watch").file(f"/etc/prometheus/{name}").content_string
        assert len(BLOCK.findall(text)) == blocks
        shipped = dict(
            line.split()[:2] for line in host("watch").check_output("dpkg-query -f '${Conffiles}' -W %s", package).splitlines() if line
        )
        assert hashlib.md5(BLOCK.sub("", text).encode(), usedforsecurity=False).hexdigest() == shipped[f"/etc/prometheus/{name}"]


def test_no_secret_is_to_be_read_by_others():
    assert host("watch").file("/etc/redis-monitoring/passwords.json").mode == 0o640
    assert host("watch").file("/etc/redis-monitoring/events-token").mode == 0o640
    for secret in (PASSWORD, TOKEN):
        assert (
            not host("watch")
            .run(f"find /etc /var/lib /var/log /run /tmp -type f -perm -o=r -exec grep -al {secret} {{}} +")
            .stdout.replace("/run/posted", "")
            .strip()
        )
        assert secret not in host("watch").check_output("ps axww -o args")


def test_a_stopped_server_is_told_with_the_token_and_so_is_its_return():
    before = len(posted())
    host("cache1").check_output("systemctl stop redis-server")
    told = wait_for(lambda: posted()[before:], "the alert", 90)[0]
    assert (told["path"], told["login"]) == ("/endpoint", f"Bearer {TOKEN}")
    alert = told["body"]["alerts"][0]
    assert (alert["status"], alert["labels"]["alertname"], alert["labels"]["redis_host"]) == ("firing", "RedisUnavailable", "cache1")
    assert (alert["labels"]["finding"], alert["labels"]["severity"], alert["labels"]["redis_group"]) == ("process_down", "critical", "shop")
    assert alert["annotations"]["runbook_url"].endswith("/monitoring.md#redisunavailable")
    assert told["body"]["groupLabels"] == {"alertname": "RedisUnavailable", "redis_host": "cache1"}
    host("cache1").check_output("systemctl start redis-server")
    wait_for(lambda: series("redis_up")[0][1] == "1", "Prometheus to see it again", 60)

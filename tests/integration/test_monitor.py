# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is watched is there: the metrics of every server, the dashboard's expressions, and alerts that carry what they must."""

from __future__ import annotations

import contextlib
import json
import re
import sys

import pytest
import yaml
from ansible_collections.aragora.redis.plugins.module_utils import _alert_table, _alerts, _monitored, _privileges
from ansible_collections.aragora.redis.plugins.module_utils._settings_plan import release_of

from tests.conftest import ROOT
from tests.lab import dashboard, hosts, prometheus, servers
from tests.lab.certificates import Authority
from tests.lab.servers import wait_for

PLAYBOOK = "playbooks/monitor.yml"
TOKEN = "planted-events-token-93"
PASSWORD = "planted-redis-password-94"

needs_programs = pytest.mark.skipif(bool(prometheus.why_not()), reason=str(prometheus.why_not()))
# What a server tells by being something else: a replica, a Sentinel, a node of a cluster; or by having refused something.
ELSEWHERE = {
    "redis_master_link_up", "redis_master_sync_in_progress", "redis_connected_slave_lag_seconds", "redis_errors_total",
    "redis_cluster_state", "redis_cluster_slots_fail", "redis_cluster_slots_pfail",
    "redis_sentinel_master_ckquorum_status", "redis_sentinel_tilt", "redis_sentinel_master_sentinels",
}  # fmt: skip
# Prometheus makes it.
OF_PROMETHEUS = {"up"}


def named():
    """Every metric that an alert or the dashboard names."""
    texts = [rule["expr"] for rule in _alerts.rules()["groups"][0]["rules"]]
    texts += [expr for row in dashboard.ROWS.values() for panel in row for expr, dummy in panel.lines]
    return {name for text in texts for name in re.findall(r"\b(redis_\w+|up)\{", text)} - OF_PROMETHEUS


def scraped(exporter, server):
    text = exporter.get("/scrape", target=server.url)
    assert re.search("^redis_up 1$", text, re.MULTILINE), text
    return {line.partition("{")[0].partition(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def ops_diagnose(server):
    """Make the user that the exporter is, with the least that he needs."""
    client = server.client()
    rules = _privileges.rules(_privileges.DIAGNOSE, *release_of({"server": client.info("server")}))
    client.execute_command("ACL", "SETUSER", "ops_diagnose", "on", f">{PASSWORD}", *rules)


@needs_programs
def test_every_server_shows_what_alerts_and_dashboard_ask_for_to_the_user_of_the_diagnosis(binary, tmp_path):
    with contextlib.ExitStack() as stack:

        def start(**options):
            return stack.enter_context(servers.running(binary, **options))

        master = start(maxmemory="50mb")
        replica = start(replicaof=f"127.0.0.1 {master.port}", repl_diskless_sync_delay=0)
        node = start(cluster_enabled="yes")
        sentinel = start(sentinel_mode=True, save=None, sentinel=f"monitor shop 127.0.0.1 {master.port} 1")
        for server in (master, replica, node):
            ops_diagnose(server)
        with contextlib.suppress(Exception):
            replica.client().set("a", 1)
        passwords = {server.url: PASSWORD for server in (master, replica, node)}
        exporter = stack.enter_context(prometheus.exporter(tmp_path, passwords, "ops_diagnose"))
        wait_for(lambda: replica.client().info()["master_link_status"] == "up", "the replica")
        wait_for(lambda: "redis_connected_slave_lag_seconds" in scraped(exporter, master), "the replica to be heard of")
        assert named() - ELSEWHERE - scraped(exporter, master) == set()
        everywhere = set().union(*(scraped(exporter, server) for server in (master, replica, node, sentinel)))
        assert named() - everywhere == set()


@needs_programs
def test_a_server_with_tls_that_asks_for_a_certificate(tmp_path):
    binary = servers.matrix()[servers.WITH_TLS[0]]
    if binary is None:
        pytest.skip(f"{servers.WITH_TLS[0]}, which speaks TLS, is not on this machine")
    authority = Authority(tmp_path)
    pair, mine, tls_port = authority.issue("server"), authority.issue("exporter"), servers.free_port()
    files = {"tls_cert_file": pair.certificate, "tls_key_file": pair.key, "tls_ca_cert_file": authority.file}
    watched = _monitored.monitored([], {}, [f"rediss://:{PASSWORD}@127.0.0.1:{tls_port}"])
    target = watched["targets"][0]["targets"][0]
    trusted = {
        "REDIS_EXPORTER_TLS_CA_CERT_FILE": str(authority.file),
        "REDIS_EXPORTER_TLS_CLIENT_CERT_FILE": str(mine.certificate),
        "REDIS_EXPORTER_TLS_CLIENT_KEY_FILE": str(mine.key),
    }
    with servers.running(binary, requirepass=PASSWORD, tls_port=tls_port, **files):
        for environment, answer in ((trusted, "redis_up 1"), ({}, "redis_up 0")):
            with prometheus.exporter(tmp_path, watched["passwords"], **environment) as exporter:
                assert f"\n{answer}\n" in exporter.get("/scrape", target=target)


@needs_programs
def test_alerts_fire_and_carry_the_names_of_the_inventory(family_binary, tmp_path):
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(servers.running(family_binary, maxmemory="3mb", requirepass=PASSWORD, save=""))
        locked = stack.enter_context(servers.running(family_binary, requirepass="another"))
        hung = stack.enter_context(servers.running(family_binary))
        hostvars = {
            "cache1": {"redis_monitoring_address": "127.0.0.1", "redis_group": "shop",
                       "redis_connection": {"login_port": full.port, "login_password": PASSWORD}},
            "cache2": {"redis_monitoring_address": "127.0.0.1", "redis_connection": {"login_port": locked.port}},
            "cache3": {"redis_monitoring_address": "127.0.0.1", "redis_connection": {"login_port": hung.port}},
        }  # fmt: skip
        watched = _monitored.monitored(list(hostvars), hostvars)
        exporter = stack.enter_context(prometheus.exporter(tmp_path, watched["passwords"], REDIS_EXPORTER_CONNECTION_TIMEOUT="500ms"))
        (tmp_path / "targets.json").write_text(json.dumps(watched["targets"]), encoding="utf-8")
        waits = {alert.name: "0s" for alert in _alert_table.ALERTS}
        (tmp_path / "rules.yml").write_text(json.dumps(_alerts.rules(waits=waits)), encoding="utf-8")
        client = full.client()
        with contextlib.suppress(Exception):
            for number in range(10_000):
                client.set(f"fill:{number}", "x" * 1000)
        hung.pause()
        web = stack.enter_context(prometheus.prometheus(tmp_path, {
            "global": {"evaluation_interval": "500ms"},
            "rule_files": [str(tmp_path / "rules.yml")],
            "scrape_configs": [{
                "job_name": "aragora-redis", "metrics_path": "/scrape", "scrape_interval": "1s", "scrape_timeout": "1s",
                "file_sd_configs": [{"files": [str(tmp_path / "targets.json")]}],
                "relabel_configs": [
                    {"source_labels": ["__address__"], "target_label": "__param_target"},
                    {"target_label": "__address__", "replacement": exporter.address},
                ],
            }],
        }))  # fmt: skip
        expected = {
            ("RedisMemoryFull", "cache1"),
            ("RedisHighMemory", "cache1"),
            ("RedisLoginRefused", "cache2"),
            ("RedisUnavailable", "cache3"),
        }

        def fired():
            return {(alert["labels"]["alertname"], alert["labels"]["redis_host"]) for alert in web.alerts()}

        wait_for(lambda: expected <= fired(), f"the alerts, not {fired()}", 30)
        assert ("RedisUnavailable", "cache2") not in fired(), "its users may be served"
        alert = next(alert for alert in web.alerts() if alert["labels"]["alertname"] == "RedisMemoryFull")
        assert alert["labels"].items() >= {
            "severity": "critical", "finding": "memory_limit_reached",
            "redis_host": "cache1", "redis_port": str(full.port), "redis_group": "shop",
        }.items()  # fmt: skip
        assert alert["annotations"]["summary"] == f"Redis cache1:{full.port}: its memory is full"
        assert re.match(r"(9\d|1\d\d) % of maxmemory are in use", alert["annotations"]["description"])
        # The dashboard asks what Prometheus understands, of the servers that are chosen.
        for row in dashboard.ROWS.values():
            for expr in (expr for panel in row for expr, dummy in panel.lines):
                where = dashboard.WHERE.replace("$redis_host", "cache1|cache2").replace("$redis_group", ".*")
                web.query(expr.replace("@", where).replace("$__rate_interval", "1m"))
        up = web.query("redis_up{@}".replace("@", dashboard.WHERE.replace("$redis_host", ".*").replace("$redis_group", ".*")))
        assert {series["metric"]["redis_host"]: series["value"][1] for series in up} == {"cache1": "1", "cache2": "0", "cache3": "0"}
        # What was ill is well again, and the alert ends.
        hung.process.send_signal(18)
        wait_for(lambda: ("RedisUnavailable", "cache3") not in fired(), "the alert to end", 30)


def test_the_dashboard_is_one():
    document = dashboard.dashboard()
    assert [variable["name"] for variable in document["templating"]["list"]] == ["datasource", "redis_group", "redis_host"]
    assert document["uid"] == "aragora-redis"
    described = " ".join(panel.get("description", "") for panel in document["panels"]).replace("…", "RedisWritesRefused")
    assert {alert.name for alert in _alert_table.ALERTS} - set(re.findall(r"\w+", described)) == set()
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in document["panels"]]
    assert len(places) == len(set(places))


@pytest.fixture
def inventory(tmp_path):
    """Words for ansible-playbook that have this machine watch a server, and would fail before they change anything."""

    def write(servers_of_group, **variables):
        watch = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "redis_monitoring_events_token": TOKEN}
        groups = {"redis": {"hosts": servers_of_group}, "redis_monitoring": {"hosts": {"watch": {**watch, **variables}}}}
        path = tmp_path / "hosts.json"
        path.write_text(json.dumps(groups), encoding="utf-8")
        return ["-i", str(path)]

    return write


@pytest.mark.parametrize(
    ("servers_of_group", "variables", "words"),
    [
        ({}, {}, "there is nothing to watch"),
        ({"all*": {}}, {}, "has a name that no alert may carry"),
        ({"a": {}}, {"redis_monitoring_events_token": "short", "redis_monitoring_listen": "9121"}, "give address:port; redis_mon"),
        (
            {"a": {}},
            {
                "redis_monitoring_listen": "127.0.0.1:70000", "redis_monitoring_interval": "10m",
                "redis_monitoring_events_token": "a token with spaces", "redis_monitoring_system_group": "a group",
                "redis_monitoring_exporter": "/opt/an exporter",
            },
            "redis_monitoring_listen is '127.0.0.1:70000': give a port from 1 to 65535; redis_monitoring_interval is '10m': give a number "
            "with its unit, as 15s, and no more than 2m, because the rules look back no further; redis_monitoring_events_token holds a "
            "space or a line break, which no request could show; redis_monitoring_system_group is 'a group': give the name of a system "
            "user that is a group too; redis_monitoring_exporter is '/opt/an exporter': give an absolute path",
        ),
        ({"a": {}}, {"redis_monitoring_thresholds": {"memory": 1}}, "the threshold 'memory' is unknown"),
        ({"a": {"redis_connection": {"login_password": PASSWORD}}}, {"redis_monitoring_user": "y"}, "no redis_monitoring_password"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told_before_anything_is_touched(play, inventory, servers_of_group, variables, words):
    played = play(PLAYBOOK, *inventory(servers_of_group, **variables), "-vvv")
    assert played.status == 2
    assert words in re.sub(r"\s+", " ", played.output)
    assert "changed=0" in played.output
    assert PASSWORD not in played.output
    assert TOKEN not in played.output


@pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not()))
def test_check_mode_tells_what_a_first_run_would_do_and_does_nothing(play, tmp_path):
    with hosts.host() as started:
        path = tmp_path / "watch.json"
        managed = {"redis_monitoring_manage_prometheus": True, "redis_monitoring_manage_alertmanager": True}
        watch = hosts.member(started, redis_monitoring_events_token=TOKEN, **managed)
        server = {"redis_connection": {"login_password": PASSWORD}}
        groups = {"redis": {"hosts": {"a": server}}, "redis_monitoring": {"hosts": {"watch": watch}}}
        path.write_text(json.dumps(groups), encoding="utf-8")
        played = play(PLAYBOOK, "-i", str(path), "--check", "--diff", "-vvv", timeout=240, **hosts.inventory(tmp_path)[1])
        assert played.status == 0, played.output
        for package in ("prometheus-redis-exporter", "prometheus", "prometheus-alertmanager"):
            assert f"the package {package} would be installed" in played.output
        assert "+ExecStart=/usr/bin/prometheus-redis-exporter" in played.output
        assert not [secret for secret in (PASSWORD, TOKEN) if secret in played.output]
        assert (
            started.shell("ls -d /etc/redis-monitoring /etc/prometheus /etc/systemd/system/redis-monitoring* 2>/dev/null", check=False)
            == ""
        )
        # Nor does it go on where it could not do what is wanted.
        started.shell("systemd-run --unit=taken python3 -m http.server 9122 --bind 127.0.0.1")
        wait_for(lambda: started.shell("ss -Htln 'sport = :9122'"), "somebody to listen", 20)
        watch |= {"redis_monitoring_parts": ["exporter"]}
        path.write_text(json.dumps(groups), encoding="utf-8")
        played = play(PLAYBOOK, "-i", str(path), timeout=240, **hosts.inventory(tmp_path)[1])
        assert "redis_monitoring_listen is 127.0.0.1:9122, where another program listens already" in played.output
        assert "changed=0" in played.output
        watch |= {"redis_monitoring_parts": ["alertmanager"], **dict.fromkeys(managed, False)}
        path.write_text(json.dumps(groups), encoding="utf-8")
        played = play(PLAYBOOK, "-i", str(path), timeout=240, **hosts.inventory(tmp_path)[1])
        assert "there is no system group 'prometheus' on this host" in played.output
        assert "changed=0" in played.output


def test_nobody_to_watch_is_an_error(play, tmp_path):
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps({"redis": {"hosts": {"a": {}}}}), encoding="utf-8")
    played = play(PLAYBOOK, "-i", str(path))
    assert played.status == 2
    assert "no host is to watch" in played.output


def test_the_filters_are_those_of_the_role(play, tmp_path):
    path = tmp_path / "filters.yml"
    facts = {
        "rules": "{{ {} | aragora.redis.alert_rules(without=['RedisEvicting']) }}",
        "watched": "{{ ['localhost'] | aragora.redis.monitored_servers({'localhost': {}}, ['redis://10.0.0.1']) }}",
        "text": "{{ 'rule_files:' | aragora.redis.yaml_with_items('rule_files', ['/etc/rules.yml'], 'mine') }}",
    }
    tasks = [
        {"ansible.builtin.set_fact": facts},
        {
            "ansible.builtin.copy": {
                "dest": str(tmp_path / "facts.json"),
                "content": "{{ {'r': rules, 'w': watched, 't': text} | to_json }}",
            }
        },
    ]
    path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    played = play(str(path), ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))
    assert played.status == 0, played.output
    found = json.loads((tmp_path / "facts.json").read_text(encoding="utf-8"))
    # What is Prometheus' to fill in has passed through untouched.
    assert "{{ $labels.redis_host }}" in found["r"]["groups"][0]["rules"][0]["annotations"]["summary"]
    assert [target["labels"]["redis_host"] for target in found["w"]["targets"]] == ["localhost", "10.0.0.1-6379"]
    assert yaml.safe_load(found["t"]) == {"rule_files": ["/etc/rules.yml"]}

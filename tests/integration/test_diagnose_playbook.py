# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of diagnose.yml: every way in, bad input, sick and healthy servers."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import threading
import time

import pytest
import redis
import yaml

from tests.conftest import ROOT, environment_of_a_user
from tests.lab import network, ports, sentinels, servers
from tests.lab.scenarios.groups import two_masters
from tests.lab.scenarios.scenario import fill

DIAGNOSE = "playbooks/diagnose.yml"
# Start of Ansible, three plays and a module on a loaded machine, beyond the time-outs of the connection.
OVERHEAD = 40


@pytest.fixture
def server(family_binary):
    with servers.running(family_binary) as started:
        yield started


@pytest.fixture
def inventory(tmp_path):
    """Write an inventory of local hosts: ``inventory(web={…}, db={…})`` returns its path."""

    def write(**hosts):
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        path = tmp_path / "inventory.yml"
        path.write_text(yaml.safe_dump({"redis": {"hosts": {name: {**local, **variables} for name, variables in hosts.items()}}}))
        return str(path)

    return write


def refuses(played, *words):
    """The run failed with these words and without a traceback."""
    assert played.status != 0
    assert "Traceback" not in played.output
    text = " ".join(played.output.split())
    for word in words:
        assert word in text, played.output


class TestWaysIn:
    def test_by_the_environment(self, server, play):
        played = play(DIAGNOSE, REDIS_URL=server.url)
        assert played.status == 0, played.output
        assert "the environment variable REDIS_URL" in played.output
        assert [target["name"] for target in played.report["targets"]] == [f"127.0.0.1:{server.port}"]

    def test_the_extra_variable_wins_over_the_environment(self, server, play):
        played = play(DIAGNOSE, "-e", f"redis_url={server.url}", REDIS_URL="redis://no-such-host.invalid")
        assert played.report["targets"][0]["availability"]["state"] == "up"

    def test_several_urls_stand_side_by_side_and_the_sick_one_first(self, server, play):
        gone = f"redis://127.0.0.1:{servers.free_port()}"
        played = play(DIAGNOSE, "-e", json.dumps({"redis_url": [server.url, gone]}))
        assert [target["availability"]["state"] for target in played.report["targets"]] == ["refused", "up"]

    def test_from_inside_the_folder_of_the_playbooks(self, server, play):
        assert play("diagnose.yml", cwd=ROOT / "playbooks", REDIS_URL=server.url).status == 0

    def test_installed_as_a_collection(self, server, play, tmp_path):
        checkout = tmp_path / "checkout"
        tracked = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
        )
        for name in tracked.stdout.splitlines():
            if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
                (checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, checkout / name)
        build = ["ansible-galaxy", "collection", "build", "--output-path", str(tmp_path)]
        subprocess.run(build, cwd=checkout, env=environment_of_a_user(), check=True, timeout=120, capture_output=True)
        tarball = next(tmp_path.glob("aragora-redis-*.tar.gz"))
        install = ["ansible-galaxy", "collection", "install", str(tarball), "-p", str(tmp_path / "installed"), "--offline"]
        subprocess.run(install, cwd=tmp_path, env=environment_of_a_user(), check=True, timeout=120, capture_output=True)
        played = play("aragora.redis.diagnose", cwd=tmp_path, REDIS_URL=server.url, ANSIBLE_COLLECTIONS_PATH=str(tmp_path / "installed"))
        assert played.status == 0, played.output
        assert played.report["targets"][0]["availability"]["state"] == "up"

    def test_by_the_inventory_with_each_host_its_own_connection(self, server, play, inventory):
        hosts = inventory(
            one={"redis_connection": {"login_port": server.port}}, two={"redis_connection": {"login_port": servers.free_port()}}
        )
        played = play(DIAGNOSE, "-i", hosts)
        assert played.status == 0, played.output
        assert {target["name"]: target["availability"]["state"] for target in played.report["targets"]} == {"one": "up", "two": "refused"}

    def test_target_wins_over_everything(self, server, play, inventory):
        hosts = inventory(one={"redis_connection": {"login_port": server.port}}, two={})
        played = play(DIAGNOSE, "-i", hosts, "-e", "target=one", REDIS_URL="redis://no-such-host.invalid")
        assert [target["name"] for target in played.report["targets"]] == ["one"]

    def test_an_empty_target_means_none(self, server, play):
        played = play(DIAGNOSE, "-e", "target=", REDIS_URL=server.url)
        assert played.report["targets"][0]["availability"]["state"] == "up"

    def test_a_limit_that_leaves_out_localhost_is_refused_and_not_ignored(self, play, inventory):
        refuses(play(DIAGNOSE, "-i", inventory(one={}), "--limit", "one"), "use -e target=one instead")

    def test_names_with_spaces_are_hosts_as_any_other(self, server, play, inventory):
        played = play(DIAGNOSE, "-i", inventory(**{"odd name": {"redis_connection": {"login_port": server.port}}}))
        assert [target["name"] for target in played.report["targets"]] == ["odd name"]

    @pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not()))
    def test_a_host_without_ssh_is_asked_from_here_at_its_own_address(self, family_binary, play, inventory):
        with (
            network.host() as host,
            servers.running(family_binary, host=host.address, launcher=host.launcher, protected_mode="no") as server,
        ):
            away = {"ansible_connection": "ssh", "ansible_ssh_common_args": "-o ConnectTimeout=3"}
            hosts = {
                host.address: {**away, "redis_connection": {"login_port": server.port}},
                "away": {**away, "ansible_host": host.address, "redis_connection": {"login_port": server.port}},
                "lost": {**away, "ansible_host": host.address, "redis_connection": {"login_port": servers.free_port()}},
            }
            played = play(DIAGNOSE, "-i", inventory(**hosts))
        assert played.status == 0, played.output
        states = {target["name"]: target["availability"]["state"] for target in played.report["targets"]}
        assert states == {host.address: "up", "away": "up", "lost": "refused"}
        assert all(target["server"]["host"] == host.address for target in played.report["targets"])
        assert all("ssh" in target["denied"]["host"] for target in played.report["targets"])

    def test_the_loopback_of_the_controller_is_not_that_of_a_host_behind_a_tunnel(self, server, play, inventory):
        tunnel = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": servers.free_port()}
        played = play(DIAGNOSE, "-i", inventory(vm={**tunnel, "redis_connection": {"login_port": server.port}}))
        assert played.ids() == ["host_unreachable"]

    def test_a_redis_that_listens_on_another_address_is_found(self, family_binary, play, inventory):
        with servers.running(family_binary, host="127.0.0.5") as server:
            played = play(DIAGNOSE, "-i", inventory(one={"ansible_host": "127.0.0.5", "redis_connection": {"login_port": server.port}}))
        assert played.report["targets"][0]["availability"]["state"] == "up"

    def test_a_host_whose_options_are_wrong_stays_in_the_report(self, server, play, inventory):
        wrong = {"redis_connection": {"url": "redis://onlyuser@127.0.0.1"}}
        played = play(DIAGNOSE, "-i", inventory(good={"redis_connection": {"login_port": server.port}}, wrong=wrong))
        # What the other one has under load is not asked here.
        found = {target["name"]: {finding["id"] for finding in target["findings"]} for target in played.report["targets"]}
        assert (set(found), found["wrong"]) == ({"wrong", "good"}, {"not_examined"})

    def test_a_host_without_python_is_asked_from_here(self, server, play, inventory):
        bare = {"ansible_host": "127.0.0.1", "ansible_python_interpreter": "/nonexistent/python3"}
        played = play(DIAGNOSE, "-i", inventory(bare={**bare, "redis_connection": {"login_port": server.port}}))
        assert played.report["targets"][0]["availability"]["state"] == "up"

    def test_a_host_without_redis_py_is_asked_from_here(self, server, play, inventory, tmp_path):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True, timeout=60)
        bare = {"ansible_host": "127.0.0.1", "ansible_python_interpreter": str(tmp_path / "bare/bin/python")}
        played = play(DIAGNOSE, "-i", inventory(bare={**bare, "redis_connection": {"login_port": server.port}}))
        target = played.report["targets"][0]
        assert target["server"]["version"]
        assert "redis-py" in target["denied"]["host"]


class TestGroups:
    @pytest.fixture
    def quarrel(self, family_binary):
        with two_masters(family_binary) as place:
            yield [int(url.rpartition(":")[2]) for url in place["targets"]]

    def test_hosts_of_an_inventory_are_judged_together(self, quarrel, play, inventory):
        hosts = {f"cache{port}": {"redis_connection": {"login_port": port}} for port in quarrel}
        played = play(DIAGNOSE, "-i", inventory(**hosts))
        assert [played.ids(place)[0] for place in range(2)] == ["masters_many", "masters_many"], played.output

    def test_hosts_of_different_groups_are_not(self, quarrel, play, inventory):
        hosts = {f"cache{port}": {"redis_connection": {"login_port": port}, "redis_group": f"group{port}"} for port in quarrel}
        played = play(DIAGNOSE, "-i", inventory(**hosts))
        assert "masters_many" not in played.ids(0) + played.ids(1)

    def test_replicas_that_are_not_there_are_missed(self, server, play):
        played = play(DIAGNOSE, "-e", "redis_expected_replicas=2", REDIS_URL=server.url)
        assert played.ids()[0] == "replicas_missing"

    def test_a_number_of_replicas_that_is_none_is_a_sentence(self, server, play):
        played = play(DIAGNOSE, "-e", "redis_expected_replicas=two", REDIS_URL=server.url)
        assert played.status != 0
        assert "redis_expected_replicas" in played.output


class TestSentinels:
    """Sentinels are targets beside the servers that they watch."""

    @pytest.fixture
    def watched(self, family_binary):
        with sentinels.watched(family_binary, replicas=1, sentinels=1) as group:
            yield group

    def test_what_they_know_counts_for_the_master_and_for_themselves(self, watched, play):
        played = play(DIAGNOSE, "-e", json.dumps({"redis_url": watched.urls}))
        ids = {target["server"]["port"]: [found["id"] for found in target["findings"]] for target in played.report["targets"]}
        assert "sentinels_few" in ids[watched.sentinels[0].port]
        assert "split_brain_window" in ids[watched.master.port]
        assert "replicas_missing" not in ids[watched.master.port]

    def test_hosts_that_were_judged_alone_are_judged_with_their_sentinel_in_the_end(self, watched, inventory, play):
        watched.replicas[0].stop()
        servers.wait_for(lambda: sentinels.online(watched.master) == 0, "the master to miss its replica")
        hosts = {"cache": {"redis_connection": {"login_port": watched.master.port}}}
        hosts["guard"] = {"redis_connection": {"login_port": watched.sentinels[0].port}}
        played = play(DIAGNOSE, "-i", inventory(**hosts), "-e", "redis_diagnosis_host=false")
        found = {target["name"]: {found["id"]: found for found in target["findings"]} for target in played.report["targets"]}
        assert found["cache"]["replicas_missing"]["title"] == "0 of 1 replicas are online"
        assert "no_high_availability" not in found["cache"]
        assert "no_failover_candidate" in found["guard"]


class TestBadInput:
    def test_nothing_to_diagnose(self, play):
        refuses(play(DIAGNOSE), "Nothing to diagnose: set REDIS_URL", "matches no host")

    def test_a_target_that_matches_nothing(self, play, inventory):
        refuses(play(DIAGNOSE, "-i", inventory(one={}), "-e", "target=nobody"), "The pattern 'nobody' matches no host")

    @pytest.mark.parametrize(
        ("url", "sentence"),
        [
            ("http://localhost", "must begin with redis://, rediss:// or unix://"),
            ("redis://", "names no host"),
            ("redis://localhost:99999", "cannot be read"),
            ("redis://localhost/zero", "give its number"),
            ("redis://localhost?timeout=1", "unknown parameter 'timeout'"),
            ("redis://:pa#ss@localhost", "%23"),
        ],
    )
    def test_a_wrong_url(self, play, url, sentence):
        played = play(DIAGNOSE, REDIS_URL=url)
        refuses(played, sentence)
        assert "pa#ss" not in played.output

    def test_an_unknown_threshold(self, play, server):
        extra = json.dumps({"redis_diagnosis_thresholds": {"memory_hihg": 1}})
        refuses(play(DIAGNOSE, "-e", extra, REDIS_URL=server.url), "the threshold 'memory_hihg' is unknown", "memory_high_warning_percent")

    def test_a_threshold_with_a_unit(self, play, server):
        extra = json.dumps({"redis_diagnosis_thresholds": {"memory_high_warning_percent": "80%"}})
        refuses(play(DIAGNOSE, "-e", extra, REDIS_URL=server.url), "is '80%': give a plain number in %")

    def test_an_unknown_workload_role(self, play, server):
        played = play(DIAGNOSE, "-e", "redis_diagnosis_workload_role=database", REDIS_URL=server.url)
        refuses(played, "the workload role 'database' is unknown: choose from cache, store, queue, session")

    def test_an_unknown_part(self, play, server):
        extra = json.dumps({"redis_diagnosis_gather_subset": ["memroy"]})
        refuses(play(DIAGNOSE, "-e", extra, REDIS_URL=server.url), "unknown part 'memroy'")

    def test_an_unknown_severity_to_fail_on(self, play, server):
        refuses(
            play(DIAGNOSE, "-e", "redis_diagnosis_fail_on=always", REDIS_URL=server.url), "value of redis_diagnosis_fail_on must be one of"
        )

    def test_a_report_folder_that_cannot_be_written(self, play, server, tmp_path):
        (tmp_path / "file").touch()
        played = play(DIAGNOSE, "-e", f"redis_report_dir={tmp_path}/file/reports", REDIS_URL=server.url)
        refuses(played, "cannot be written", "set redis_report_dir")
        assert "Take snapshots" not in played.output, "the server was read although the report could not be kept"


class TestKeys:
    """``redis_diagnosis_keyspace``: a sample without being asked, every key, or none."""

    @pytest.fixture
    def sessions(self, family_binary):
        with servers.running(family_binary, requirepass="Sesame-7391", maxmemory="100mb", maxmemory_policy="volatile-lru") as started:
            fill(started, 15_000, 1000, prefix="session:")
            fill(started, 10, 200_000, prefix="user:ann:")
            yield started

    def keys(self, played, place=0):
        """The part ``keyspace`` of a saved snapshot."""
        folder = played.reports / "latest" / "snapshots"
        return json.loads(sorted(folder.iterdir())[place].read_text(encoding="utf-8"))["keyspace"]

    def url(self, server):
        return f"redis://:Sesame-7391@127.0.0.1:{server.port}"

    def test_a_sample_names_what_holds_the_memory_and_no_key(self, sessions, play):
        played = play(DIAGNOSE, REDIS_URL=self.url(sessions))
        assert {"keys_without_ttl", "big_keys", "pattern_dominates"} <= set(played.ids())
        assert self.keys(played)["mode"] == "sample"
        assert "session:*" in played.output
        assert "user:ann:1" not in played.output + json.dumps(played.report) + json.dumps(self.keys(played))

    @pytest.mark.parametrize("subset", [["all"], ["!clients"]])
    def test_without_it_keys_are_left_alone(self, sessions, play, subset):
        extra = json.dumps({"redis_diagnosis_keyspace": "none", "redis_diagnosis_gather_subset": subset})
        played = play(DIAGNOSE, "-e", extra, REDIS_URL=self.url(sessions))
        assert self.keys(played) is None
        assert "cmdstat_scan" not in sessions.client().info("commandstats")

    def test_what_else_is_read_is_not_touched_by_it(self, sessions, play):
        extra = json.dumps({"redis_diagnosis_gather_subset": ["!clients", "!config"]})
        played = play(DIAGNOSE, "-e", extra, REDIS_URL=self.url(sessions))
        saved = json.loads(next((played.reports / "latest" / "snapshots").iterdir()).read_text(encoding="utf-8"))
        assert {part for part in ("clients", "config", "slowlog", "keyspace", "memory") if saved[part]} == {"slowlog", "keyspace", "memory"}

    def test_every_key_of_several_servers_by_url_and_no_password_is_shown(self, sessions, server, play, tmp_path):
        gone = f"redis://:Simsim-7391@127.0.0.1:{servers.free_port()}"
        fill(server, 50)
        variables = tmp_path / "variables.json"
        variables.write_text(json.dumps({"redis_diagnosis_keyspace": "full", "redis_url": [gone, self.url(sessions), server.url]}))
        played = play(DIAGNOSE, "-vvv", "-e", f"@{variables}")
        assert played.status == 0, played.output
        saved = [found for found in (self.keys(played, place) for place in range(3)) if found]
        assert sorted((found["keys_read"], found["mode"], found["complete"]) for found in saved) == [
            (50, "full", True),
            (15_010, "full", True),
        ]
        assert [target["denied"] for target in played.report["targets"]] == [{}, {}, {}]
        assert not [word for word in ("Simsim", "Sesame") if word in played.output]

    def test_every_key_by_host_on_the_host_and_from_here(self, sessions, play, inventory):
        login = {"redis_connection": {"login_port": sessions.port, "login_password": "Sesame-7391"}}
        bare = {"ansible_host": "127.0.0.1", "ansible_python_interpreter": "/nonexistent/python3", **login}
        played = play(DIAGNOSE, "-i", inventory(near=login, bare=bare), "-e", "redis_diagnosis_keyspace=full")
        assert played.status == 0, played.output
        assert [self.keys(played, place)["mode"] for place in range(2)] == ["full", "full"]

    def test_where_keys_may_not_be_read_the_report_says_so_and_goes_on(self, sessions, play):
        sessions.client().execute_command("ACL", "SETUSER", "ops", "on", ">Sesame-7391", "~*", "+@all", "-scan")
        url = f"redis://ops:Sesame-7391@127.0.0.1:{sessions.port}"
        for mode in ("sample", "full"):
            played = play(DIAGNOSE, "-e", f"redis_diagnosis_keyspace={mode}", REDIS_URL=url)
            assert played.status == 0, played.output
            assert self.keys(played) is None
            assert "refuses SCAN" in played.report["targets"][0]["denied"]["keyspace"]
            assert "permission_denied" not in played.ids()

    def test_a_value_that_cannot_be_meant_is_refused_before_anything_is_read(self, play, server):
        played = play(DIAGNOSE, "-e", "redis_diagnosis_keyspace=all", REDIS_URL=server.url)
        refuses(played, "value of redis_diagnosis_keyspace must be one of: sample, full, none, got: all")
        assert "Take snapshots" not in played.output


class TestFailOn:
    def test_a_pipeline_fails_on_what_it_asked_for_and_has_its_report(self, play):
        gone = f"redis://127.0.0.1:{servers.free_port()}"
        played = play(DIAGNOSE, "-e", "redis_diagnosis_fail_on=critical", REDIS_URL=gone)
        refuses(played, "1 finding(s) of the severities critical")
        assert played.ids() == ["process_down"]

    def test_notices_never_fail(self, play, server):
        assert play(DIAGNOSE, "-e", "redis_diagnosis_fail_on=warning", REDIS_URL=server.url).status == 0


class TestReport:
    def test_the_files_are_private_and_complete(self, play, server):
        played = play(DIAGNOSE, REDIS_URL=server.url)
        run = (played.reports / "latest").resolve()
        assert {path.name for path in run.iterdir()} == {"report.json", "report.md", "report.html", "snapshots"}
        for path in [played.reports, run, *run.rglob("*")]:
            assert oct(path.stat().st_mode & 0o777) == ("0o700" if path.is_dir() else "0o600"), path
        assert played.report["schema"] == 1
        assert played.report["run_id"] == run.name

    def test_a_saved_snapshot_is_judged_the_same_offline(self, play, server, tmp_path):
        played = play(DIAGNOSE, REDIS_URL=server.url)
        saved = next((played.reports / "latest" / "snapshots").iterdir())
        again = tmp_path / "again.yml"
        judged = (
            "{{ (lookup('ansible.builtin.file', saved) | from_json | aragora.redis.diagnose).findings | map(attribute='id') | join(',') }}"
        )
        again.write_text(
            yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": judged}}]}])
        )
        offline = play(str(again), "-e", f"saved={saved}", ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))
        assert ",".join(played.ids()) in offline.output

    def test_check_mode_shows_the_report_and_writes_nothing(self, play, server):
        played = play(DIAGNOSE, "--check", REDIS_URL=server.url)
        assert played.status == 0, played.output
        assert "1 server" in played.output
        assert not played.reports.exists()

    def test_the_statistics_carry_the_root_cause(self, play):
        gone = f"redis://127.0.0.1:{servers.free_port()}"
        played = play(DIAGNOSE, REDIS_URL=gone, ANSIBLE_SHOW_CUSTOM_STATS="true")
        assert "process_down" in played.output.split("CUSTOM STATS")[1]


class TestSickServers:
    def test_a_hung_server_does_not_hang_the_play(self, play, server):
        server.pause()
        started = time.monotonic()
        played = play(DIAGNOSE, REDIS_URL=server.url)
        assert time.monotonic() - started < 6 + OVERHEAD
        assert played.ids() == ["server_hung"]

    def test_a_silent_port_does_not_hang_the_play(self, play):
        with ports.silent_port() as port:
            assert play(DIAGNOSE, REDIS_URL=f"redis://127.0.0.1:{port}").ids() == ["server_hung"]

    def test_a_wrong_password_is_named_and_never_shown(self, play, family_binary):
        with servers.running(family_binary, requirepass="Sesame-7391") as server:
            played = play(DIAGNOSE, REDIS_URL=f"redis://:Simsim-7391@127.0.0.1:{server.port}")
        assert played.ids() == ["auth_failed"]
        assert "Simsim" not in played.output + json.dumps(played.report)

    def test_a_server_of_which_nothing_is_known_is_not_called_healthy(self, play, family_binary):
        with servers.running(family_binary, rename_command='INFO ""') as server:
            played = play(DIAGNOSE, "-e", "redis_diagnosis_fail_on=warning", REDIS_URL=server.url)
        assert played.ids()[0] == "not_examined"
        assert played.status != 0

    @pytest.mark.skipif(not shutil.which("redis-cli"), reason="there is no redis-cli to paste into")
    def test_the_advice_for_a_user_who_may_not_look_works_when_it_is_pasted(self, play, server):
        server.client().execute_command("ACL", "SETUSER", "ops", "on", ">Sesame-7391", "+ping")
        url = f"redis://ops:Sesame-7391@127.0.0.1:{server.port}"
        played = play(DIAGNOSE, REDIS_URL=url)
        commands = [line[2:] for line in played.report["targets"][0]["findings"][0]["advice"] if line.startswith("$ ")]
        for command in commands:
            subprocess.run(["bash", "-c", command], check=True, timeout=20, capture_output=True)
        again = play(DIAGNOSE, REDIS_URL=url)
        assert "permission_denied" not in again.ids()
        assert again.report["targets"][0]["denied"] == {}


class TestHealthyServers:
    @pytest.fixture
    def load(self):
        """A mixed load in the background, bounded in time, until the test is over."""
        stop = threading.Event()
        threads = []

        def start(server):
            def work():
                with contextlib.suppress(redis.exceptions.RedisError):  # the server ends first
                    hit()

            def hit():
                client = server.client()
                for number in range(200_000):
                    if stop.is_set():
                        return
                    client.set(f"session:{number % 5000}", "x" * 200, ex=600)
                    client.get(f"session:{number % 5000}")
                    client.hset(f"user:{number % 500}", "seen", number)
                    client.expire(f"user:{number % 500}", 600)
                    time.sleep(0.002)

            threads.extend(threading.Thread(target=work, daemon=True) for dummy in range(2))
            for thread in threads:
                thread.start()

        yield start
        stop.set()
        for thread in threads:
            thread.join(10)

    def severe(self, diagnose):
        """What is worse than a notice. A starved machine delays even a PING: then the server is looked at again, three times at most."""
        for dummy in range(3):
            played = diagnose()
            found = [finding["id"] for finding in played.report["targets"][0]["findings"] if finding["severity"] != "notice"]
            if "latency_probe_high" not in found:
                break
        return found, played

    def test_a_healthy_server_under_load_gives_no_warning(self, play, binary, load):
        with servers.running(binary, maxmemory="200mb", maxmemory_policy="volatile-lru", save="3600 1") as server:
            load(server)
            assert self.severe(lambda: play(DIAGNOSE, REDIS_URL=server.url))[0] == []

    def test_a_user_who_may_not_look_gives_just_that_warning(self, play, binary, load):
        with servers.running(binary, maxmemory="200mb") as server:
            load(server)
            server.client().execute_command("ACL", "SETUSER", "ops", "on", ">Sesame-7391", "~*", "+@all", "-config", "-client", "-slowlog")
            found, played = self.severe(lambda: play(DIAGNOSE, REDIS_URL=f"redis://ops:Sesame-7391@127.0.0.1:{server.port}"))
            assert found == ["permission_denied"]
            assert set(played.report["targets"][0]["denied"]) == {"clients", "config", "slowlog"}

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulebook of alerts in the real ansible-rulebook: what starts a run, what starts none, and what a storm starts."""

from __future__ import annotations

import contextlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.lab import eda, sentinels, servers
from tests.lab.eda import alert, message
from tests.lab.servers import wait_for

# Those that share a rulebook; the others may run beside them.
one_rulebook = pytest.mark.xdist_group("rulebook_of_alerts")
# A whole plan, beside others.
RUN = 240.0
OFTEN = 0.2
STARTS = re.compile(r"^PLAY \[Refuse", re.MULTILINE)
PLAYS = re.compile(r"^PLAY \[Remediate, replicas first\]", re.MULTILINE)
RULES_OF_SENTINELS = "aragora.redis.redis_sentinel_events"
LOCAL = {"ansible_connection": "local", "redis_diagnosis_host": False, "redis_diagnosis_keyspace": "none", "redis_diagnosis_window": 0.1}
HOSTS = ("storm1", "storm2")


@pytest.fixture(scope="module", autouse=True)
def program():
    """Not before a test needs it: it may have to be installed."""
    if reason := eda.why_not():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def rulebook(tmp_path_factory, embedded_server):
    """The rulebook of alerts over hosts that are all one healthy server; it plans."""
    folder = tmp_path_factory.mktemp("rulebook")
    here = {
        **LOCAL, "ansible_python_interpreter": str(eda.python()), "redis_guard_dir": f"{folder}/guard",
        "redis_connection": {"login_port": embedded_server.port},
    }  # fmt: skip
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"redis": {"hosts": dict.fromkeys(HOSTS, here)}}))
    with eda.running(folder, inventory, redis_events_fallback=["RedisUnavailable"]) as started:
        yield started


@pytest.fixture(scope="module")
def embedded_server():
    with servers.running(servers.embedded(), maxmemory="100mb", maxmemory_policy="volatile-lru") as server:
        yield server


def reports(rulebook):
    """The servers of each report that is written."""
    found = []
    # Not the link "latest".
    for path in rulebook.log.parent.glob("reports/*Z-*/report.json"):
        # One that is being written is none yet.
        with contextlib.suppress(json.JSONDecodeError):
            found.append([target["name"] for target in json.loads(path.read_text())["targets"]])
    return found


def targets(rulebook):
    """The servers of all of them, one name for each run."""
    return sorted(name for names in reports(rulebook) for name in names)


def refused_name(rulebook, name):
    """Wait for the run of a name that is none of the inventory: one task, and one sentence."""
    sentence = f"'{name}' is not the name of one host of the inventory: nothing is done"
    wait_for(lambda: sentence in " ".join(rulebook.said().split()), sentence, RUN, OFTEN)


def touching(path):
    return f"{{{{ lookup('pipe', 'touch {path}') }}}}"


@one_rulebook
def test_what_is_forged_starts_nothing_and_the_webhook_goes_on_listening(rulebook, tmp_path):
    template = touching(tmp_path / "touched")
    for host in (
        template,
        "all",
        "ALL",
        "localhost",
        "well:!x",
        "well,name",
        "w*",
        "~w.*",
        "../..",
        "well\n",
        "",
        None,
        7,
        ["well"],
        {"a": {}},
    ):
        assert rulebook.tell(alert(host)) == 200
    labels = alert("well")
    for label in ("alertname", "severity", "redis_host"):
        rest = {name: value for name, value in labels["labels"].items() if name != label}
        assert rulebook.tell({**labels, "labels": rest}) == 200
    assert rulebook.tell({**alert("well"), "meta": {"hosts": "all"}, "status": "suppressed"}) == 200
    assert rulebook.tell(alert("well", "RedisOfSomebodyElse"), alert("well", severity="notice"), alert("well", template)) == 200
    assert rulebook.tell(alert("well", status="resolved")) == 200, "no fallback was asked for"
    for odd in ([], "x", 3, None, {}, {"alerts": {}}, {"alerts": [[]]}, {"alerts": [{"labels": "x"}]}, {"payload": message(alert("well"))}):
        assert rulebook.post(json.dumps(odd)) == 200
    refused = [
        rulebook.post(b"{not json"), rulebook.post(b"\xff\xfe\x00"), rulebook.post(b""), rulebook.post("[" * 100_000 + "]" * 100_000),
        rulebook.tell(alert("well", note="x" * 1_100_000)), rulebook.post(json.dumps(message(alert("well"))), "wrong"),
        rulebook.post(json.dumps(message(alert("well"))), None), rulebook.post(json.dumps(message(alert("well"))), ""),
        rulebook.post("", method="GET"), rulebook.post(json.dumps(message(alert("well"))), method="PUT"),
    ]  # fmt: skip
    assert all(status >= 400 for status in refused), refused
    assert refused[5:8] == [401, 401, 401]
    deep = {"a": None}
    for dummy in range(500):
        deep = {"a": deep}
    assert rulebook.tell(alert(deep), alert("well", "Watchdog", note=deep)) == 200
    # What comes after all of that is heard. The name is another one: a second alert of the same would be folded into a run of the first.
    assert rulebook.tell(alert("afterwards")) == 200
    refused_name(rulebook, "afterwards")
    assert len(STARTS.findall(rulebook.said())) == 1
    assert not (tmp_path / "touched").exists()
    assert eda.TOKEN not in rulebook.said()
    assert rulebook.process.poll() is None


@one_rulebook
def test_a_name_that_is_no_host_of_the_inventory_is_one_sentence(rulebook):
    before = len(PLAYS.findall(rulebook.said()))
    # The group, a host that is not there, and what a template would make nothing of, so that all hosts were meant.
    names = ("redis", "elsewhere", "0", "None", "False")
    assert rulebook.tell(*map(alert, names)) == 200
    for name in names:
        refused_name(rulebook, name)
    assert len(PLAYS.findall(rulebook.said())) == before


@one_rulebook
def test_the_end_of_an_alert_has_the_application_use_redis_again(rulebook):
    assert rulebook.tell(alert(HOSTS[0], "RedisUnavailable", "resolved"), alert("redis", "RedisUnavailable", "resolved")) == 200
    wait_for(lambda: "PLAY [Choose the hosts of the application]" in rulebook.said(), "the playbook", RUN, OFTEN)
    wait_for(lambda: "Nobody says where the application runs" in " ".join(rulebook.said().split()), "its sentence", RUN, OFTEN)
    assert len(re.findall(r"^PLAY .Choose the hosts of the application", rulebook.said(), re.MULTILINE)) == 1


@one_rulebook
def test_a_storm_of_alerts_starts_one_run_a_server(rulebook, tmp_path):
    names = ("RedisUnavailable", "RedisHighMemory", "RedisHighLatency", "RedisConnectionsHigh")
    # What is forged beside a true alert stays where it is.
    template = touching(tmp_path / "touched")
    forged = {"annotations": {"summary": template}}
    storm = [
        {**alert(HOSTS[place % 2], names[place // 2 % 4], note=template, finding=(f"number{place}", template)[place % 3 == 0]), **forged}
        for place in range(500)
    ]
    with ThreadPoolExecutor(5) as pool:
        told = pool.map(lambda place: rulebook.tell(*storm[place::5]), range(5))
        assert list(told) == [200] * 5
    # The sentence for a name that comes after them tells that nothing of the storm is waiting.
    assert rulebook.tell(alert("after_the_storm")) == 200
    refused_name(rulebook, "after_the_storm")
    wait_for(lambda: set(HOSTS) <= set(targets(rulebook)), "a run for each server", RUN, OFTEN)
    assert targets(rulebook) == list(HOSTS)
    assert len(PLAYS.findall(rulebook.said())) == len(HOSTS)
    assert not (tmp_path / "touched").exists()
    assert "'well'" not in rulebook.said()


def test_without_a_token_it_does_not_listen(tmp_path):
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"redis": {"hosts": {"cache1": LOCAL}}}))
    with pytest.raises(RuntimeError, match="ended with 1"), eda.running(tmp_path, inventory, token=None):
        pass
    assert "'REDIS_EVENTS_TOKEN' is undefined" in (tmp_path / "rulebook.log").read_text()


def test_what_sentinels_tell_of_is_acted_upon(tmp_path):
    """A failover, then one that fails because nobody is left, then no Sentinel that answers."""
    with sentinels.watched(servers.embedded(), replicas=1) as watched:
        here = {**LOCAL, "ansible_python_interpreter": str(eda.python()), "redis_guard_dir": f"{tmp_path}/guard"}
        ports = [server.port for server in (watched.master, *watched.replicas)]
        members = {f"shop{port}": {**here, "redis_group": "shop", "redis_connection": {"login_port": port}} for port in ports}
        others = {"other": {**here, "redis_connection": {"login_port": servers.free_port()}}}
        inventory = tmp_path / "hosts.json"
        inventory.write_text(json.dumps({"shop": {"hosts": members}, "others": {"hosts": others}}))
        told = {
            "redis_events_sentinels": [f"127.0.0.1:{guard.port}" for guard in watched.sentinels],
            "redis_events_masters": {sentinels.NAME: "shop", "another": "others"},
            "redis_events_sentinel_silent": 10,
        }
        with eda.running(tmp_path, inventory, RULES_OF_SENTINELS, listens=False, **told) as started:

            def waits_for(words, what, times=1):
                # A long line of the output is broken anywhere.
                wait_for(lambda: " ".join(started.said().split()).count(words) >= times, what, RUN, OFTEN)

            wait_for(lambda: all(sentinels.listeners(guard) for guard in watched.sentinels), "the rulebook to listen", eda.STARTING)
            promoted = watched.failover()
            waits_for("PLAY [Diagnose]", "the diagnosis of the master that was down")
            waits_for("PLAY [Heal, replicas first]", "the plan to put the group in order")
            promoted.stop()
            waits_for("PLAY [Look, and escalate where it is time]", "people to be told of a failover that failed")
            waits_for("(item=team)", "what they would be told")
            assert touched(started) & {*members, *others} == set(members)
            for guard in watched.sentinels:
                guard.stop()
            waits_for("PLAY [Diagnose]", "the diagnosis of all, because nobody answers", 2)
            assert {*members, *others} <= touched(started)
            assert playbooks(tmp_path)
    assert not playbooks(tmp_path), "they outlive the rulebook"


def playbooks(folder):
    """The command lines of playbooks that run, of rulebooks of this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().decode(errors="replace"))
    return [words for words in found if "ansible-playbook" in words and f"{folder}/" in words]


def touched(rulebook):
    """What any task of a playbook was done for, one by one: hosts, where they are chosen."""
    return set(re.findall(r"\(item=(\w+)\)", rulebook.said()))

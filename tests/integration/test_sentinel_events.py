# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source sentinel_events with real Sentinels, called as ansible-rulebook calls it."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import re
import runpy
import threading

import pytest
import yaml

from tests.conftest import MATRIX, ROOT
from tests.lab import ports, sentinels, servers
from tests.lab.certificates import Authority
from tests.lab.servers import wait_for

SOURCE = ROOT / "extensions" / "eda" / "plugins" / "event_source" / "sentinel_events.py"
# A failover, beside others.
PATIENCE = 60.0


class Events:
    """What the source has put into its queue so far."""

    def __init__(self):
        self._heard = queue.SimpleQueue()
        self._all = []

    async def put(self, event):
        self._heard.put(event["sentinel"])

    def all(self):
        with contextlib.suppress(queue.Empty):
            while True:
                self._all.append(self._heard.get_nowait())
        return self._all

    def of(self, kind, **fields):
        return [event for event in self.all() if event["type"] == kind and fields.items() <= event.items()]

    def wait(self, kind, **fields):
        wait_for(lambda: self.of(kind, **fields), f"{kind} {fields}", PATIENCE)


@contextlib.contextmanager
def listening(**args):
    """The source in a thread of its own; it has to end without an error when it is cancelled."""
    events, loop = Events(), asyncio.new_event_loop()
    task = loop.create_task(runpy.run_path(str(SOURCE))["main"](events, args))

    def run():
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield events
        assert thread.is_alive(), "the source has ended by itself"
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(20)
        loop.close()


def test_a_failover_is_told_once_however_many_sentinels_tell_of_it(family_binary):
    # Nobody is down but the master that is killed, however busy the machine is: there is one failover.
    with sentinels.watched(family_binary, sentinel_lines=f"down-after-milliseconds {sentinels.NAME} 4000") as watched:
        addresses = [f"127.0.0.1:{guard.port}" for guard in watched.sentinels]
        # One that is never there does not keep the others waiting.
        with listening(sentinels=[*addresses, f"127.0.0.1:{servers.free_port()}"], masters={sentinels.NAME: "shop"}, window=30) as events:
            wait_for(lambda: all(sentinels.listeners(guard) for guard in watched.sentinels), "the source to listen")
            promoted = watched.failover()
            events.wait("+switch-master")
            # Each of them has told of it when each names the new master.
            switched = events.of("+switch-master", master_name=sentinels.NAME)
            assert len(switched) == 1, switched
            (event,) = switched
            assert (event["port"], event["old_port"], event["target"]) == (str(promoted.port), str(watched.master.port), "shop")
            assert len(events.of("+sdown", role="master")) == 1
            assert len(events.of("+odown", role="master")) == 1
            assert all(event["target"] in ("shop", "") for event in events.all())


def test_it_survives_sentinels_that_go_and_come_back(family_binary):
    with servers.running(family_binary) as master, contextlib.ExitStack() as stack:
        port = servers.free_port()
        first = stack.enter_context(sentinels.sentinel(family_binary, master, 1, port=port))
        with listening(sentinels=f"127.0.0.1:{port}", silent=1, connect_timeout=1, types=["+monitor", "+sdown", "+reset-master"]) as events:
            wait_for(lambda: sentinels.listeners(first), "the source to listen")
            first.stop()
            events.wait("unreachable", target="")
            with sentinels.sentinel(family_binary, master, 1, port=port) as second:
                events.wait("reachable")
                wait_for(lambda: sentinels.listeners(second), "the source to listen again")
                second.client().execute_command("SENTINEL", "RESET", sentinels.NAME)
                events.wait("+reset-master", name=sentinels.NAME)
                # One that hangs keeps its connection open, and says nothing.
                second.pause()
                wait_for(lambda: len(events.of("unreachable")) == 2, "the source to notice", PATIENCE)


def test_it_logs_in_where_that_is_needed(family_binary):
    options = {"requirepass": "a-password-of-the-lab"}
    with servers.running(family_binary) as master, sentinels.sentinel(family_binary, master, 1, **options) as guard:
        place = f"127.0.0.1:{guard.port}"
        with listening(sentinels=place, silent=1) as refused, listening(sentinels=place, login_password=options["requirepass"]) as events:
            wait_for(lambda: sentinels.listeners(guard) == 1, "the source to listen")
            guard.client().execute_command("SENTINEL", "RESET", sentinels.NAME)
            events.wait("+reset-master")
            refused.wait("unreachable")


def test_it_speaks_tls_and_trusts_nobody_else(tmp_path):
    binary = next((MATRIX[name] for name in servers.WITH_TLS if MATRIX[name]), None)
    if binary is None:
        pytest.skip(f"none of {', '.join(servers.WITH_TLS)} is on this machine")
    authority = Authority(tmp_path)
    signed = authority.issue("sentinel")
    tls = {
        "tls_cert_file": signed.certificate,
        "tls_key_file": signed.key,
        "tls_ca_cert_file": authority.file,
        "tls_port": servers.free_port(),
    }
    with servers.running(binary) as master, sentinels.sentinel(binary, master, 1, **tls) as guard:
        place = f"127.0.0.1:{guard.options['tls-port']}"
        shown = {"client_cert_file": str(signed.certificate), "client_key_file": str(signed.key)}
        with listening(sentinels=place, tls=True, silent=1, **shown) as refused:
            refused.wait("unreachable")
        with listening(sentinels=place, tls=True, ca_certs=str(authority.file), **shown) as events:
            wait_for(lambda: sentinels.listeners(guard), "the source to listen")
            guard.client().execute_command("SENTINEL", "RESET", sentinels.NAME)
            events.wait("+reset-master")


def test_a_port_that_is_no_sentinel_is_tried_again():
    with contextlib.ExitStack() as stack:
        odd = [stack.enter_context(port) for port in (ports.web_server(), ports.resetting_port(), ports.odd_server(b"*-3\r\n$x\r\n"))]
        events = stack.enter_context(listening(sentinels=[f"127.0.0.1:{port}" for port in odd], silent=1, connect_timeout=1))
        events.wait("unreachable")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({}, "give at least one address"),
        ({"sentinels": ["a b"]}, "'a b' is no address"),
        ({"sentinels": 5}, "sentinels: give a list"),
        ({"sentinels": ["redis://:secret-x@a"]}, "a URL is no address"),
        ({"sentinels": ["a"], "silent": "soon"}, "silent: 'soon' cannot be read"),
        # These would ask without end.
        ({"sentinels": ["a"], "silent": 0}, "silent: 0 cannot be meant"),
        ({"sentinels": ["a"], "connect_timeout": -1}, "connect_timeout: -1 cannot be meant"),
        ({"sentinels": ["a"], "window": "nan"}, "window: 'nan' cannot be meant"),
        ({"sentinels": ["a"], "tls": "maybe"}, "tls: 'maybe' cannot be read"),
        ({"sentinels": ["a"], "types": ["switch-master"]}, "'switch-master' is no name of a channel"),
        ({"sentinels": ["a"], "masters": ["shop"]}, "masters: .* give a mapping"),
        ({"sentinels": ["a"], "masters": {"shop": ["a", "b"]}}, "masters: 'shop' has .* give hosts of the inventory, as text"),
        ({"sentinels": ["a"], "ca_certs": "/not/there.pem"}, "ca_certs: '/not/there.pem' cannot be read: No such file"),
        ({"sentinels": ["a"], "client_key_file": "/dev/null"}, "belong together"),
        ({"sentinels": ["a"], "login_user": "u"}, "login_user is given without login_password"),
        ({"sentinels": ["a"], "pasword": "secret-x"}, "has no option pasword"),
    ],
)
def test_an_option_that_is_wrong_is_a_sentence(args, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        asyncio.run(runpy.run_path(str(SOURCE))["main"](Events(), args))
    assert "secret-x" not in str(raised.value)


def test_a_master_that_nobody_named_is_said_once(caplog):
    module = runpy.run_path(str(SOURCE))
    listener = module["Listener"](
        asyncio.Queue(), module["_options"]({"sentinels": "a, a:26379", "masters": {"shop": "shops"}, "tls": "no"})
    )
    assert listener.places == [("a", 26379)]

    async def tell():
        for line in (b"master shpo 10.0.0.1 6379", b"master shpo 10.0.0.1 6379", b"master shop 10.0.0.1 6379"):
            await listener._tell({"channel": b"+odown", "data": line}, ("a", 26379))

    asyncio.run(tell())
    assert [record.getMessage() for record in caplog.records] == [
        "a Sentinel tells of the master 'shpo', of which masters says nothing: it names shop"
    ]


def test_the_rulebook_gives_options_that_there_are_and_documents_their_variables():
    module = runpy.run_path(str(SOURCE))
    rulebook = ROOT / "extensions" / "eda" / "rulebooks" / "redis_sentinel_events.yml"
    given = yaml.safe_load(rulebook.read_text(encoding="utf-8"))[0]["sources"][0]["aragora.redis.sentinel_events"]
    assert set(given) <= set(module["OPTIONS"])
    variables = set(re.findall(r"redis_events_\w+", rulebook.read_text(encoding="utf-8").partition("sources:")[2]))
    documented = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert sorted(name for name in variables if f"{name}`" not in documented and f"{name}:" not in documented) == []

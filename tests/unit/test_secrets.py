# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must never be shown."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._secrets import MASK, auth_facts, is_secret, masked_config, without_hashes


@pytest.mark.parametrize(
    "setting",
    [
        "requirepass", "masterauth", "primaryauth", "tls-key-file-pass", "tls-client-key-file-pass", "tls-key-file-passphrase",
        "sentinel-pass", "auth-pass", "REQUIREPASS", "OSS_GLOBAL_PASSWORD", "search.oss-global-password", "my-module.secret-key",
        "module.api-token",
    ],
)  # fmt: skip
def test_a_setting_that_holds_a_secret_is_one(setting):
    assert is_secret(setting)


@pytest.mark.parametrize(
    "setting",
    ["maxmemory", "tls-auth-clients", "masteruser", "aclfile", "tls-key-file", "bind", "passive", "author", "", "acl-pubsub-default"],
)
def test_a_setting_that_holds_none_is_shown(setting):
    assert not is_secret(setting)


def test_secrets_of_the_configuration_are_masked_and_an_empty_one_is_none():
    config = {"requirepass": "pw", "masterauth": "", "tls-key-file-pass": "pw", "maxmemory": "0"}
    assert masked_config(config) == {"requirepass": MASK, "masterauth": "", "tls-key-file-pass": MASK, "maxmemory": "0"}
    assert config["requirepass"] == "pw"


@pytest.mark.parametrize(
    ("config", "facts"),
    [
        ({}, (False, False, True)),
        ({"requirepass": "", "masterauth": ""}, (False, False, True)),
        ({"requirepass": "a", "masterauth": "a"}, (True, True, True)),
        ({"requirepass": "a", "masterauth": "b"}, (True, True, False)),
        ({"requirepass": "a", "masterauth": ""}, (True, False, False)),
        ({"requirepass": "", "masterauth": "b"}, (False, True, False)),
        ({"requirepass": "a", "primaryauth": "a"}, (True, True, True)),
        ({"requirepass": "a", "masterauth": "", "primaryauth": "a"}, (True, True, True)),
    ],
)
def test_of_the_passwords_only_facts_are_told(config, facts):
    found = auth_facts(config)
    assert (found["requirepass_set"], found["masterauth_set"], found["masterauth_equals_requirepass"]) == facts
    assert set(map(type, found.values())) == {bool}


@pytest.mark.parametrize(("passwords", "count"), [([], 0), (["a" * 64, "b" * 64], 2), (None, 0)])
def test_a_users_hashes_are_counted(passwords, count):
    user = {"flags": ["on"], "passwords": passwords, "commands": "+@all"}
    assert without_hashes(user) == {"flags": ["on"], "commands": "+@all", "password_count": count}


def test_a_user_without_a_list_of_passwords_has_none():
    assert without_hashes({})["password_count"] == 0

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration files: what they set, and where a running server differs."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._config_file import differences, lines, told
from hypothesis import given
from hypothesis import strategies as st

BUFFERS = "client-output-buffer-limit"
FILE = """\
# the shop's cache
Port 6380
maxmemory 100mb
requirepass "hunter two"
slave-priority 50
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit slave 1gb 64mb 60
save 900 1
save 300 10
user shop on >hunter3 ~* +@all
sentinel auth-pass shop hunter4
rename-command CONFIG hunter5
some.module-password hunter6
unknown-directive yes
dir ./
"""
RUNNING = {
    "port": "6380", "maxmemory": "104857600", "requirepass": "***", "replica-priority": "50", "save": "900 1 300 10",
    "dir": "/var/lib/redis",
    "client-output-buffer-limit": "normal 0 0 0 slave 1073741824 67108864 60 pubsub 33554432 8388608 60", "timeout": "0",
}  # fmt: skip


def found(**changes):
    return set(differences({**RUNNING, **changes}, told(lines(FILE))))


def test_a_file_tells_its_settings_and_no_secret():
    settings = told(lines(FILE))
    assert settings == {
        "port": "6380", "maxmemory": "100mb", "requirepass": "***", "replica-priority": "50", "save": "900 1 300 10", "user": "***",
        "client-output-buffer-limit": "normal 0 0 0 slave 1gb 64mb 60", "dir": "./",
    }  # fmt: skip
    assert "hunter" not in str(lines(FILE))


def test_a_server_that_runs_as_its_file_says_does_not_differ():
    assert found() == set()


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({"maxmemory": "209715200"}, {"maxmemory"}),
        ({"replica-priority": "0"}, {"replica-priority"}),
        ({"save": ""}, {"save"}),
        # Its default is known, and the file is silent.
        ({"timeout": "300"}, {"timeout"}),
        ({BUFFERS: "normal 1 0 0 slave 1073741824 67108864 60 pubsub 33554432 8388608 60"}, {BUFFERS}),
        # A class that the file does not mention may be anything, and so may a setting of unknown default.
        ({BUFFERS: "normal 0 0 0 slave 1073741824 67108864 60 pubsub 1 1 60"}, set()),
        ({"lfu-log-factor": "77"}, set()),
    ],
)  # fmt: skip
def test_what_differs(changes, differing):
    assert found(**changes) == differing


@pytest.mark.parametrize(
    ("text", "running", "differing"),
    [
        ("requirepass x", "", {"requirepass"}),
        ("requirepass x", "***", set()),
        ("", "***", {"requirepass"}),
        ("", "", set()),
        # The password of the user default may stand there.
        ("user default on #abc ~* +@all", "***", set()),
    ],
)
def test_of_secrets_only_whether_they_are_set_is_compared(text, running, differing):
    assert set(differences({"requirepass": running}, told(lines(text)))) == differing


def test_what_arguments_decide_is_not_compared():
    assert differences({"timeout": "300", "slave-priority": "1"}, {"replica-priority": "2"}, ["timeout", "slave-priority"]) == {}


@given(st.text(), st.dictionaries(st.sampled_from(sorted(RUNNING)), st.text()))
def test_no_file_however_odd_makes_the_comparison_fail(text, running):
    differences(running, told(lines(text)))


@given(st.lists(st.tuples(st.sampled_from(["requirepass", "masterauth", "tls-key-file-pass", "user default on"]), st.text(min_size=5))))
def test_no_secret_of_a_file_is_kept(pairs):
    text = "\n".join(f"{name} {''.join(secret.split())}7391" for name, secret in pairs)
    assert "7391" not in str(lines(text))

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why somebody was not told: sentences of our own, whatever a library has said."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _notify
from hypothesis import given
from hypothesis import strategies as st

SAYINGS = {sentence for dummy, sentence in _notify.REASONS} | {_notify.UNKNOWN}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Failed to send JSON POST notification: Not Found, error=404.", "it answered HTTP 404, there is nothing at its address"),
        ("Failed to send Slack notification: error=429.", "it answered HTTP 429, too many were sent"),
        ("Socket Exception: HTTPSConnectionPool(host='h', port=443): Max retries exceeded with url: /tok3n (Caused by "
         "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]')))", "its certificate is not trusted"),
        ("Socket Exception: (535, b'5.7.8 authentication failed for tok3n')", "the login was refused"),
        ("Socket Exception: [Errno 111] Connection refused", "the connection was refused"),
        ("tok3n", _notify.UNKNOWN),
    ],
)  # fmt: skip
def test_a_reason_is_a_sentence_of_ours(line, said):
    assert _notify.reason(["Loaded", line]) == said


@given(st.lists(st.text()))
def test_no_word_of_a_log_is_passed_on(lines):
    said = _notify.reason(lines)
    assert said in SAYINGS or said.startswith("it answered HTTP ")


def test_channels_without_a_name_get_one_that_shows_nothing():
    channels = [{"name": None, "url": "slack://tok3n/x", "audience": "team"}, {"name": None, "url": "tok3n", "audience": "users"}]
    assert [row["name"] for row in _notify.chosen(channels, None)] == ["slack-1", "channel-2"]
    assert [row["name"] for row in _notify.chosen(channels, "users")] == ["channel-2"]


def test_nobody_at_all_is_not_anybody():
    assert _notify.objection([], "any") == "nobody is to be told: no channel has this audience"
    assert _notify.objection([], "all") == _notify.objection([], "none") == ""

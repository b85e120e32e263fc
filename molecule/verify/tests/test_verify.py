# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One works and has written to the Redis of another host, one is in its fallback, and nothing is left."""

from __future__ import annotations

import pytest
import testinfra


def host(name):
    return testinfra.get_host(f"docker://molecule-verify-{name}")


@pytest.mark.parametrize(("name", "verdict"), [("app", "works  True"), ("alone", "degraded urls")])
def test_what_came_of_it(name, verdict):
    assert host(name).file("/run/verified").content_string.replace("None", "").strip() == verdict


def test_redis_was_written_to_and_nothing_is_left():
    redis = "redis-cli --no-auth-warning -a molecule"
    assert "cmdstat_incr" in host("cache").check_output(f"{redis} info commandstats")
    assert host("cache").check_output(f"{redis} -n 1 dbsize") == "0"
    assert host("cache").check_output(f"{redis} dbsize") == "0"

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_info against every server of the matrix."""

from __future__ import annotations


def test_a_snapshot_of_a_healthy_server_is_complete(server, run_module):
    result = run_module("redis_info", url=server.url, window=0.2)
    snapshot = result["snapshot"]
    assert result["changed"] is False
    assert snapshot["availability"]["state"] == "up"
    assert snapshot["denied"] == {}
    assert snapshot["info"]["server"]["tcp_port"] == server.port

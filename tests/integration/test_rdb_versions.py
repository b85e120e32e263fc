# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of RDB versions against the files that the servers of the matrix write."""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils import _info, _rdb_versions


def test_a_file_has_the_version_of_the_table(server):
    client = server.client()
    client.set("a", "1")
    client.save()
    head = (server.folder / "dump.rdb").read_bytes()[:9]
    product, version = _info.product(client.info("server"))
    assert _rdb_versions.written(product, version) == int(head.removeprefix(b"REDIS").removeprefix(b"VALKEY"))

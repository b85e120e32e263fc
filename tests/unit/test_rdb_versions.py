# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who reads whose RDB files, and so which upgrades there are."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _info, _rdb_versions

from tests.lab import servers


@pytest.mark.parametrize(
    ("product", "version", "new_product", "new_version"),
    [
        ("redis", "7.0.15", "redis", "8.0.2"),
        ("redis", "7.0.15", "valkey", "8.1.1"),
        ("redis", "7.2.4", "valkey", "9.1.2"),
        ("valkey", "8.1.1", "valkey", "9.0.0"),
        ("redis", "8.0.2", "redis", "8.0.3"),
        ("redis", "6.2.5", "redis", "6.2.5"),
    ],
)
def test_what_can_be_upgraded(product, version, new_product, new_version):
    assert _rdb_versions.refusal(product, version, new_product, new_version) is None


@pytest.mark.parametrize(
    ("product", "version", "new_product", "new_version", "said"),
    [
        (
            "redis",
            "7.4.0",
            "valkey",
            "8.1.1",
            "Valkey 8.1.1 cannot read what Redis 7.4.0 writes: RDB version 12, and of Redis it reads no more",
        ),
        ("redis", "8.2.3", "valkey", "9.1.2", "RDB version 12"),
        ("redis", "8.0.2", "redis", "7.0.15", "would be a downgrade: it writes RDB version 12, and Redis 7.0.15 reads no more than 10"),
        ("redis", "6.2.7", "redis", "6.2.5", "would be a downgrade"),
        ("valkey", "9.1.2", "valkey", "8.1.1", "it writes RDB version 80"),
        ("valkey", "8.1.1", "redis", "8.0.2", "there is no way back"),
        ("redis", "2.8.0", "redis", "8.0.2", "nothing is known of the data of Redis 2.8.0"),
    ],
)
def test_what_cannot(product, version, new_product, new_version, said):
    assert said in _rdb_versions.refusal(product, version, new_product, new_version)


def test_every_server_of_the_matrix_is_in_the_table():
    lines = {(product, release) for product, release, dummy, source in _rdb_versions.WRITES if source.startswith("https://")}
    assert {(name.split("-")[0], _info.version_tuple(name.split("-")[1])) for name in servers.matrix()} <= lines

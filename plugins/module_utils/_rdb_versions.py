# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which RDB version each release writes, and so who can read whose data: a replica of a newer release reads what an older master writes.

Pure. A test saves a file with every server of the matrix and compares.
"""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils._info import version_tuple

REDIS = "https://github.com/redis/redis/blob/{}/src/rdb.h"
VALKEY = "https://github.com/valkey-io/valkey/blob/{}/src/rdb.h"
# (product, release line, RDB version that it writes, where that stands); a later line writes what the last one here does, or more.
WRITES: tuple[tuple[str, tuple[int, int], int, str], ...] = (
    ("redis", (6, 0), 9, REDIS.format("6.0.0")),
    ("redis", (6, 2), 9, REDIS.format("6.2.0")),
    ("redis", (7, 0), 10, REDIS.format("7.0.0")),
    ("redis", (7, 2), 11, REDIS.format("7.2.0")),
    ("redis", (7, 4), 12, REDIS.format("7.4.0")),
    ("redis", (8, 0), 12, REDIS.format("8.0.0")),
    ("redis", (8, 2), 12, REDIS.format("8.2.0")),
    ("valkey", (7, 2), 11, VALKEY.format("7.2.5")),
    ("valkey", (8, 0), 11, VALKEY.format("8.0.0")),
    ("valkey", (8, 1), 11, VALKEY.format("8.1.0")),
    # Its files begin with VALKEY, and skip the numbers that only Redis uses.
    ("valkey", (9, 0), 80, VALKEY.format("9.0.0")),
    ("valkey", (9, 1), 80, VALKEY.format("9.1.0")),
)
# Until here both products read the same.
COMMON = 11
# Above that a number is one of Valkey, whose files begin with its name.
FOREIGN = 79


def written(product: str, version: str) -> int | None:
    """The RDB version that a release writes; None for one that is older than the table."""
    line = version_tuple(version)[:2]
    fitting = [rdb for name, release, rdb, dummy in WRITES if name == product and release <= line]
    return fitting[-1] if fitting else None


def refusal(product: str, version: str, new_product: str, new_version: str) -> str | None:
    """Why a server cannot be upgraded to another release, None where it can."""
    old, new = f"{product.capitalize()} {version}", f"{new_product.capitalize()} {new_version}"
    writes, reads = written(product, version), written(new_product, new_version)
    if writes is None or reads is None:
        return f"nothing is known of the data of {old if writes is None else new}"
    if product == new_product:
        if version_tuple(new_version) >= version_tuple(version):
            return None
        cannot = f": it writes RDB version {writes}, and {new} reads no more than {reads}" if writes > reads else ""
        return f"from {old} to {new} would be a downgrade{cannot}"
    if new_product == "redis":
        return f"from {old} to {new} there is no way back: it writes RDB version {writes}, which Redis does not promise to read"
    if writes > COMMON:
        return f"{new} cannot read what {old} writes: RDB version {writes}, and of Redis it reads no more than {COMMON} (Redis 7.2)"
    return None


def unreadable(product: str, version: str, magic: str, rdb: int) -> str | None:
    """Why a server cannot load a file that begins with ``magic`` (REDIS, VALKEY) and this RDB version, None where it can."""
    reads, name = written(product, version), f"{product.capitalize()} {version}"
    if reads is None:
        return f"nothing is known of the data that {name} reads"
    if magic == "VALKEY" and product != "valkey":
        return f"it is a file of Valkey 9 or newer (RDB version {rdb}), which {name} does not read"
    most = COMMON if magic == "REDIS" and product == "valkey" else reads
    return f"it is of RDB version {rdb}, and of {magic.capitalize()} {name} reads no more than {most}" if rdb > most else None

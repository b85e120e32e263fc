# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of a backup: what the server said when it was taken, what was counted in it, and which ones may go. Pure.

Counts are ``{db: {keys: [least, most], expires: [least, most]}}``: equal where they are exact, apart where clients wrote meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

SCHEMA = 1
NAME = re.compile(r"\d{8}T\d{6}Z(-\d+)?")
KINDS = ("keys", "expires")
# Why a backup was taken that holds what a restore was to replace.
BEFORE_RESTORE = re.compile(r"before \S+ was restored")
# Keys that come and go while they are looked at may differ, one of so many.
TOLERATED = 50
# Milliseconds between two ways to tell when a key expires.
SAME_MOMENT = 2_000
SHOWN = 5


def keyspace(info: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """``{db: {keys, expires}}`` of INFO, without empty databases."""
    rows = {db: {kind: int(row.get(kind) or 0) for kind in KINDS} for db, row in (info.get("keyspace") or {}).items()}
    return {db: row for db, row in sorted(rows.items()) if row["keys"]}


def between(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, list[int]]]:
    """The counts of a moment between two looks."""
    nothing = dict.fromkeys(KINDS, 0)
    return {
        db: {kind: sorted([before.get(db, nothing)[kind], after.get(db, nothing)[kind]]) for kind in KINDS}
        for db in sorted({*before, *after})
    }


def exactly(counted: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, list[int]]]:
    """Counts that must be met."""
    plain = {db: {kind: int(row[kind]) for kind in KINDS} for db, row in counted.items()}
    return between(plain, plain)


def differences(said: Mapping[str, Mapping[str, Sequence[int]]], counted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One sentence for each count that does not fit."""
    found = []
    for db in sorted({*said, *counted}):
        for kind in KINDS:
            least, most = said.get(db, {}).get(kind) or (0, 0)
            number = int(counted.get(db, {}).get(kind) or 0)
            if not least <= number <= most:
                wanted = str(least) if least == most else f"{least} to {most}"
                what = "keys" if kind == "keys" else "keys with a TTL"
                found.append(f"{db} holds {number} {what}, and should hold {wanted}")
    return found


def strangers(first: Mapping[bytes, tuple[str, int]], second: Mapping[bytes, tuple[str, int]]) -> list[bytes]:
    """Names of ``first`` whose type or expiry ``second`` tells otherwise; expiry in milliseconds of the epoch, -1 for never."""
    return [name for name, known in first.items() if not _same(known, second.get(name, ("none", -1)))]


def _same(one: tuple[str, int], other: tuple[str, int]) -> bool:
    both_never = one[1] < 0 and other[1] < 0
    return one[0] == other[0] and (both_never or (min(one[1], other[1]) >= 0 and abs(one[1] - other[1]) <= SAME_MOMENT))


def sample_differs(looked: int, differing: int) -> list[str]:
    """A sentence where more of the sample differs than clients would explain."""
    if differing <= (looked // TOLERATED):
        return []
    return [f"{differing} of {looked} keys that were looked at have another type or expiry"]


def total(counted: Mapping[str, Mapping[str, Any]]) -> int:
    """All keys."""
    return sum(int(row["keys"]) for row in counted.values())


def total_said(said: Mapping[str, Mapping[str, Sequence[int]]]) -> int:
    """All keys, by what the server said."""
    return sum(int(row["keys"][1]) for row in said.values())


def shown(manifest: Mapping[str, Any]) -> str:
    """A backup in one line."""
    keys = total(manifest["counted"]) if manifest.get("counted") else total_said(manifest["said"])
    tested = "tested" if manifest["tested"] else f"not tested: {manifest.get('untested_because') or 'nobody asked'}"
    size, version = f"{int(manifest['bytes']):,} bytes", f"{str(manifest['product']).capitalize()} {manifest['version']}"
    return f"{manifest['server']}/{manifest['file']}: {keys} keys, {size}, of {version}, taken {manifest['taken_at']}, {tested}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_range(value: Any) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and all(map(_is_number, value))


def _is_table(value: Any, is_count: Callable[[Any], bool]) -> bool:
    """Counts by database."""
    return isinstance(value, Mapping) and all(
        isinstance(row, Mapping) and all(is_count(row.get(kind)) for kind in KINDS) for row in value.values()
    )


# What a manifest holds at least. People may have written in it.
FIELDS: dict[str, Callable[[Any], bool]] = {
    "schema": lambda value: value == SCHEMA,
    "file": _is_text,
    "sha256": _is_text,
    "bytes": _is_number,
    "server": _is_text,
    "product": _is_text,
    "version": _is_text,
    "taken_at": _is_text,
    "tested": lambda value: isinstance(value, bool),
    "rdb_version": _is_number,
    "said": lambda value: _is_table(value, _is_range),
    "counted": lambda value: value is None or _is_table(value, _is_number),
}
OTHER_FIELDS: dict[str, Callable[[Any], bool]] = {"untested_because": _is_text, "reason": _is_text, "used_memory": _is_number}


def check(manifest: Any, path: str) -> dict[str, Any]:
    """The manifest. ValueError for what is none, or would lead to another file than the one beside it."""
    if not isinstance(manifest, Mapping):
        raise ValueError(f"{path} is no manifest of a backup")
    wrong = [name for name, fits in FIELDS.items() if name not in manifest or not fits(manifest[name])]
    wrong += [name for name, fits in OTHER_FIELDS.items() if name in manifest and not fits(manifest[name])]
    if wrong:
        raise ValueError(f"{path} is no manifest of a backup: it has no proper {', '.join(wrong)}")
    if not NAME.fullmatch(str(manifest["file"]).removesuffix(".rdb")) or not str(manifest["file"]).endswith(".rdb"):
        raise ValueError(f"{path} names the file '{manifest['file']!r:.80}', which is none of a backup")
    return dict(manifest)


def is_before_restore(manifest: Mapping[str, Any]) -> bool:
    """Whether it holds what somebody wanted to be rid of. Such a one is restored only by its name."""
    return bool(BEFORE_RESTORE.fullmatch(str(manifest.get("reason"))))


def dispensable(manifests: Iterable[Mapping[str, Any]], keep: int) -> list[str]:
    """Files of the oldest backups beyond ``keep``; the newest one that was tested stays, however old it is. 0 keeps all."""
    rows = sorted(manifests, key=lambda row: str(row["file"]).removesuffix(".rdb"), reverse=True)
    good = next((str(row["file"]) for row in rows if row["tested"]), None)
    return [str(row["file"]) for row in rows[keep:] if str(row["file"]) != good] if keep > 0 else []

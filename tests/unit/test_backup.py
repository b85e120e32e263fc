# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups: what fits, what may go, and what is believed of a folder."""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _backup, _backup_store, _rdb_versions, _scratch_server

DATA = b"REDIS0011 and more"
MANIFEST = {
    "sha256": hashlib.sha256(DATA).hexdigest(), "bytes": len(DATA), "server": "cache1", "product": "redis", "version": "7.2.4",
    "taken_at": "2026-11-23T00:00:00Z", "said": {"db0": {"keys": [1, 1], "expires": [0, 0]}}, "counted": None, "tested": True,
    "rdb_version": 11,
}  # fmt: skip


def row(name, *, tested=True):
    return {"file": f"{name}.rdb", "tested": tested}


@pytest.mark.parametrize(
    ("said", "counted", "words"),
    [
        ({"db0": {"keys": [2, 2], "expires": [1, 1]}}, {"db0": {"keys": 2, "expires": 1}}, []),
        ({"db0": {"keys": [2, 4], "expires": [0, 0]}}, {"db0": {"keys": 3, "expires": 0}}, []),
        ({"db0": {"keys": [0, 1], "expires": [0, 0]}}, {}, []),
        ({"db0": {"keys": [2, 2], "expires": [1, 1]}}, {"db0": {"keys": 1, "expires": 1}}, ["db0 holds 1 keys, and should hold 2"]),
        ({"db0": {"keys": [2, 3], "expires": [1, 1]}}, {"db0": {"keys": 4, "expires": 1}}, ["db0 holds 4 keys, and should hold 2 to 3"]),
        ({}, {"db1": {"keys": 1, "expires": 0}}, ["db1 holds 1 keys, and should hold 0"]),
        ({"db0": {"keys": [1, 1], "expires": [1, 1]}}, {"db0": {"keys": 1}}, ["db0 holds 0 keys with a TTL, and should hold 1"]),
    ],
)
def test_counts_that_do_not_fit_are_told(said, counted, words):
    assert _backup.differences(said, counted) == words


def test_keys_with_another_type_or_expiry_are_strangers():
    first = {b"a": ("string", -1), b"b": ("hash", 90_000), b"c": ("set", 90_000), b"d": ("list", -1), b"e": ("string", 90_000)}
    second = {b"a": ("string", -1), b"b": ("hash", 91_000), b"c": ("set", 99_000), b"e": ("string", -1)}
    assert _backup.strangers(first, second) == [b"c", b"d", b"e"]
    assert _backup.sample_differs(500, 10) == []
    assert _backup.sample_differs(500, 11) == ["11 of 500 keys that were looked at have another type or expiry"]
    assert _backup.sample_differs(5, 1) != []


@pytest.mark.parametrize(
    ("rows", "keep", "gone"),
    [
        ([row("3"), row("2"), row("1")], 2, ["1.rdb"]),
        ([row("3", tested=False), row("2", tested=False), row("1")], 1, ["2.rdb"]),
        ([row("3"), row("2"), row("1")], 0, []),
        ([], 1, []),
    ],
)
def test_the_newest_one_that_was_tested_stays(rows, keep, gone):
    assert _backup.dispensable(rows, keep) == gone


@pytest.mark.parametrize(
    ("product", "version", "magic", "rdb", "words"),
    [
        ("redis", "7.2.4", "REDIS", 11, None),
        ("redis", "7.0.15", "REDIS", 11, "of Redis Redis 7.0.15 reads no more than 10"),
        ("redis", "8.2.0", "VALKEY", 80, "a file of Valkey 9 or newer"),
        ("valkey", "8.1.0", "REDIS", 12, "reads no more than 11"),
        ("valkey", "9.1.0", "REDIS", 11, None),
        ("valkey", "9.1.0", "VALKEY", 80, None),
        ("valkey", "8.1.0", "VALKEY", 80, "reads no more than 11"),
        ("redis", "5.0.0", "REDIS", 9, "nothing is known"),
    ],
)
def test_what_a_server_cannot_read_is_known_before(product, version, magic, rdb, words):
    told = _rdb_versions.unreadable(product, version, magic, rdb)
    assert words in told if words else told is None


class TestStore:
    def keep(self, folder, keep=7, **changes):
        partial = _backup_store.prepared(folder, "cache1", len(DATA))
        partial.write_bytes(DATA)
        return _backup_store.kept(partial, {**MANIFEST, **changes}, keep)

    def test_what_is_kept_is_found_again(self, tmp_path):
        manifest, gone = self.keep(tmp_path)
        assert gone == []
        assert _backup_store.found(tmp_path, "cache1", "latest") == (manifest, tmp_path / "cache1" / manifest["file"])
        by_path = str(tmp_path / "cache1" / manifest["file"])
        assert _backup_store.found(tmp_path, "other", by_path)[0] == manifest

    def test_the_latest_is_the_newest_that_was_tested(self, tmp_path):
        good, dummy = self.keep(tmp_path)
        self.keep(tmp_path, tested=False)
        assert _backup_store.found(tmp_path, "cache1", "latest")[0] == good

    def test_the_latest_is_none_of_what_a_restore_has_replaced(self, tmp_path):
        good, dummy = self.keep(tmp_path, reason="before page:* was flushed")
        replaced, dummy = self.keep(tmp_path, reason=f"before {good['file']} was restored")
        assert _backup_store.found(tmp_path, "cache1", "latest")[0] == good
        assert _backup_store.found(tmp_path, "cache1", replaced["file"])[0] == replaced
        (tmp_path / "cache1" / good["file"]).with_suffix(".json").unlink()
        with pytest.raises(ValueError, match=r"no backup in .* but what 1 restores have replaced"):
            _backup_store.found(tmp_path, "cache1", "latest")

    def test_only_files_that_a_manifest_names_are_deleted(self, tmp_path):
        first, dummy = self.keep(tmp_path)
        (tmp_path / "cache1" / "20200101T000000Z.rdb").write_text("somebody's own")
        (tmp_path / "cache1" / "20200101T000000Z.json").write_text(json.dumps({**first, "file": "../cache1/x.rdb"}))
        (tmp_path / "cache1" / "20200102T000000Z.json").write_text(json.dumps(first))
        dummy, gone = self.keep(tmp_path, 1)
        assert gone == [str(tmp_path / "cache1" / first["file"])]
        assert (tmp_path / "cache1" / "20200101T000000Z.rdb").exists()

    def test_a_file_that_changed_on_its_way_is_not_kept(self, tmp_path):
        partial = _backup_store.prepared(tmp_path, "cache1", 1)
        partial.write_bytes(DATA[:-1])
        with pytest.raises(ValueError, match="checksum"):
            _backup_store.kept(partial, MANIFEST, 7)
        assert not partial.exists()

    def test_a_damaged_file_is_not_found(self, tmp_path):
        manifest, dummy = self.keep(tmp_path)
        (tmp_path / "cache1" / manifest["file"]).write_bytes(DATA[:-1])
        with pytest.raises(ValueError, match="is damaged"):
            _backup_store.found(tmp_path, "cache1", "latest")

    @pytest.mark.parametrize("text", ["{", "[]", '{"schema": 2}', json.dumps({**MANIFEST, "schema": 1, "file": "../../etc/passwd"})])
    def test_what_is_no_manifest_is_not_believed(self, tmp_path, text):
        (tmp_path / "cache1").mkdir(mode=0o700)
        (tmp_path / "cache1" / "20261123T000000Z.json").write_text(text)
        with pytest.raises(ValueError, match="manifest"):
            _backup_store.found(tmp_path, "cache1", "20261123T000000Z")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("bytes", None), ("bytes", True), ("bytes", -1), ("counted", 5), ("counted", {"db0": 5}), ("counted", {"db0": {"keys": 1}}),
            ("counted", {"db0": {"keys": "1", "expires": 0}}), ("said", []), ("said", {"db0": {"keys": [1], "expires": [0, 0]}}),
            ("version", "\x1b[31m7"), ("server", "a\nb"), ("taken_at", 5), ("tested", "yes"), ("reason", ["x"]), ("used_memory", "1"),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_into_a_manifest_is_named(self, field, value):
        with pytest.raises(ValueError, match=rf"no proper {field}$"):
            _backup.check({**MANIFEST, "schema": 1, "file": "20261123T000000Z.rdb", field: value}, "it")

    def test_a_folder_of_others_is_refused(self, tmp_path):
        (tmp_path / "cache1").mkdir()
        (tmp_path / "cache1").chmod(0o777)
        with pytest.raises(PermissionError):
            _backup_store.prepared(tmp_path, "cache1", 1)

    def test_more_than_there_is_room_for_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="has room for"):
            _backup_store.prepared(tmp_path, "cache1", 10**18)

    def test_without_a_backup_it_says_where_it_looked(self, tmp_path):
        with pytest.raises(ValueError, match="there is no backup"):
            _backup_store.found(tmp_path, "cache1", "latest")


def test_a_throw_away_server_gets_its_whole_configuration_however_slow_the_machine_is(tmp_path, monkeypatch):
    # A second between any two looks at the clock.
    monkeypatch.setattr(subprocess, "_time", itertools.count().__next__)
    (tmp_path / "dump.rdb").write_bytes(DATA)
    # It ends when it has read all, and has said it.
    with (
        pytest.raises(ValueError, match=r"^it cannot be loaded: .*maxmemory 0$"),
        _scratch_server.loaded(tmp_path / "dump.rdb", ("/bin/cat", "redis", "7.0.0"), 5),
    ):
        pass

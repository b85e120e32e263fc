# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts say, as plain data. The texts are those of real hosts (Debian 12, systemd 252, nft 1.0.6, Docker 20.10)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import (
    _host_config,
    _host_container,
    _host_firewall,
    _host_log,
    _host_proc,
    _host_units,
)
from hypothesis import given
from hypothesis import strategies as st

TEXTS = Path(__file__).parent / "texts"
BOOT = 5_800.0  # seconds since boot of the captured unit's clock
NOW = 1795419800.0


def text(name):
    return (TEXTS / name).read_text(encoding="utf-8")


class TestUnits:
    def unit(self, **changes):
        units = _host_units.parse(text("systemctl-failed.txt"), BOOT)
        return {**units[0], **changes}

    def test_a_unit_in_a_crash_loop(self):
        unit = self.unit()
        assert unit["name"] == "redis-server.service"
        assert (unit["active_state"], unit["result"], unit["restarts"], unit["exit_status"]) == ("failed", "exit-code", 5, 1)
        assert unit["config_file"] == "/etc/redis/redis.conf"
        assert unit["changed_seconds"] == 30
        assert unit["open_files"] is None, "it was not asked for"

    def test_the_open_files_that_a_unit_allows(self):
        for limit, number in (("65535", 65535), ("infinity", None)):
            (unit,) = _host_units.parse(f"Id=redis.service\nLoadState=loaded\nLimitNOFILE={limit}\n", BOOT)
            assert unit["open_files"] == number
        assert unit["active_seconds"] is None
        assert unit["switched_off"] is None

    def test_units_that_do_not_exist_are_left_out(self):
        assert [unit["name"] for unit in _host_units.parse(text("systemctl-failed.txt"), BOOT)] == [
            "redis-server.service",
            "redis-sentinel.service",
        ]

    @pytest.mark.parametrize(
        ("state", "expected"),
        [
            ("LoadState=masked\nActiveState=inactive\nUnitFileState=masked", "masked"),
            ("LoadState=masked\nActiveState=inactive\nUnitFileState=masked-runtime", "masked"),
            ("LoadState=loaded\nActiveState=inactive\nUnitFileState=disabled", "disabled"),
            ("LoadState=loaded\nActiveState=active\nUnitFileState=disabled", None),
            ("LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled", None),
        ],
    )
    def test_what_a_person_switched_off(self, state, expected):
        (unit,) = _host_units.parse(f"Id=redis.service\n{state}\n", BOOT)
        assert unit["switched_off"] == expected

    def test_names_of_both_lists_without_templates_and_strangers(self):
        loaded = "● redis-server.service loaded failed failed Advanced key-value store\nredis_6380.service loaded active running Redis\n"
        files = (
            "redis-server@.service disabled enabled\nvalkey-server@a.service enabled enabled\nredis-exporter.service enabled enabled\n\n"
        )
        assert _host_units.names(loaded, files) == ["redis-server.service", "redis_6380.service", "valkey-server@a.service"]

    def test_the_unit_of_the_process_wins_then_the_port_then_the_only_one(self):
        first, second = self.unit(name="redis@a.service", main_pid=11), self.unit(name="redis@b.service", main_pid=12)
        sentinel = self.unit(name="redis-sentinel.service", main_pid=None)
        everything = [first, second, sentinel]
        assert _host_units.choose(everything, 6379, 12, {}) is second
        assert _host_units.choose(everything, 6379, None, {"redis@a.service": 6379, "redis@b.service": 6380}) is first
        assert _host_units.choose(everything, 6379, None, {"redis@a.service": 6380}) is second
        assert _host_units.choose(everything, 26379, None, {}) is sentinel
        assert _host_units.choose(everything, 6379, None, {}) == {}, "two of a kind: nobody knows which"

    def test_options_of_a_command_line(self):
        words = ["/usr/bin/redis-server", "/etc/redis.conf", "--port", "6380", "--supervised", "systemd", "--save", ""]
        assert _host_units.config_file(words) == "/etc/redis.conf"
        assert _host_units.config_file(["/usr/bin/redis-server", "--port", "1"]) is None
        assert _host_units.options_of(words) == {"port": "6380", "supervised": "systemd", "save": ""}


class TestContainers:
    def container(self):
        return _host_container.parse(text("inspect-oom.json"), "docker", _host_container_time("2026-11-23T07:55:23Z"))[0]

    def test_one_that_has_ended(self):
        container = self.container()
        assert (container["name"], container["status"], container["running"], container["exit_code"]) == ("oom1", "exited", False, 137)
        assert container["memory_limit_bytes"] == 40 * 2**20
        assert container["published_ports"] == [17379], "the port it asks for, although it has ended"
        assert container["changed_seconds"] == 60

    @pytest.mark.parametrize(
        ("port", "given", "owner", "found"),
        [
            (17379, False, "", True),
            (6379, False, "", False),
            (6379, True, "", True),
            (6379, False, "4:memory:/docker/bb5273b13859cc\n", True),
        ],
    )
    def test_which_one_the_port_belongs_to(self, port, given, owner, found):
        assert bool(_host_container.choose([self.container()], port, given=given, owner=owner)) is found

    @pytest.mark.parametrize(
        ("stamp", "expected"),
        [("2026-11-23T08:55:13.5+01:00", 10), ("2026-11-23T07:55:13.123456789Z", 10), ("0001-01-01T00:00:00Z", None), (None, None)],
    )
    def test_ages(self, stamp, expected):
        assert _host_container.age(stamp, _host_container_time("2026-11-23T07:55:23Z")) == expected


def _host_container_time(stamp):
    """Unix time of a stamp, by way of an age."""
    return 2_000_000_000.0 - _host_container.age(stamp, 2_000_000_000.0)


class TestProc:
    def test_status(self):
        found = _host_proc.status(text("proc-status.txt"))
        assert (found["name"], found["state"], found["threads"], found["thp_disabled"], found["uid"]) == ("systemd", "S", 1, False, 0)
        assert found["rss_bytes"] == 12048 * 1024
        assert found["swap_bytes"] == 0

    def test_cpu_and_start_of_a_process_with_an_odd_name(self):
        assert _host_proc.ticks("1 (a) S) S 0 1 1 0 -1 4194560 4677 28743 2 4 11 6 31 16 20 0 1 0 575031 171425792 2950") == (17, 575031)

    def test_open_files(self):
        line = "Max open files            20000                unlimited            files     \n"
        assert _host_proc.open_files("Limit                     Soft Limit\n" + line) == (20000, None)

    def test_listeners_of_both_versions(self):
        head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        four = "   0: 0100007F:18EB 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 478533 1 0 100 0 0 10 0\n"
        zeros = "00000000" * 4
        odd = "   0: B80D01200000000000000000010000 00:18EB 0 0A\n"
        six = odd + f"   1: {zeros[:24]}01000000:18EB {zeros}:0000 0A 00000000:00000000 00:00000000 00000000  0  0 77 1 0\n"
        established = "   1: 0100007F:18EB 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 5 1 0 100 0 0 10 0\n"
        assert _host_proc.listeners(head + four + established, 6379) == [
            {"address": "127.0.0.1", "port": 6379, "waiting": 3, "inode": 478533}
        ]
        assert _host_proc.listeners(head + six, 6379) == [{"address": "::1", "port": 6379, "waiting": 0, "inode": 77}]
        assert _host_proc.listeners(head + four, 6380) == []

    @pytest.mark.parametrize(
        ("cgroup", "expected"),
        [
            ("9:name=systemd:/\n4:memory:/docker/abc\n0::/docker/abc/init.scope\n", (1, "/docker/abc")),
            ("0::/system.slice/redis-server.service\n", (2, "/system.slice/redis-server.service")),
            ("4:cpu,memory:/x\n", (1, "/x")),
            ("", None),
        ],
    )
    def test_the_memory_cgroup(self, cgroup, expected):
        assert _host_proc.memory_cgroup(cgroup) == expected

    def test_folders_of_a_cgroup_inside_and_outside_a_container(self):
        inside = "85 81 0:32 /docker/abc /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory\n"
        assert _host_proc.cgroup_folders(inside, 1, "/docker/abc") == ["/sys/fs/cgroup/memory"]
        assert _host_proc.cgroup_folders(inside, 1, "/docker/abc/x") == ["/sys/fs/cgroup/memory/x", "/sys/fs/cgroup/memory"]
        outside = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
        assert _host_proc.cgroup_folders(outside, 2, "/system.slice/redis.service") == [
            "/sys/fs/cgroup/system.slice/redis.service",
            "/sys/fs/cgroup/system.slice",
            "/sys/fs/cgroup",
        ]

    @pytest.mark.parametrize(
        ("texts", "expected"),
        [(["max\n", "max\n"], None), (["268435456\n", "536870912\n"], 268435456), (["9223372036854771712\n"], None), ([], None)],
    )
    def test_the_limit_is_the_least_and_what_exceeds_the_machine_is_none(self, texts, expected):
        assert _host_proc.cgroup_limit(texts, 2**34) == expected

    @pytest.mark.parametrize(
        ("name", "title", "server", "shown"),
        [
            ("redis-server", "/usr/bin/redis-server 127.0.0.1:6379", True, [6379]),
            ("redis-server", "/usr/bin/redis-server *:6380 [cluster]", True, [6380]),
            ("redis-server", "/usr/bin/redis-server [::1]:6379", True, [6379]),
            ("redis-server", "/usr/bin/redis-server --port 6380", True, [6380]),
            ("valkey-server", "valkey-server /etc/valkey/valkey.conf", True, []),
            ("redis-server", "", False, []),
            ("redis-check-aof", "redis-check-aof appendonly.aof", False, []),
            ("nginx", "nginx: master process", False, []),
        ],
    )
    def test_who_is_a_server_and_of_which_port(self, name, title, server, shown):
        assert _host_proc.is_server(name, title) is server
        assert _host_proc.title_ports(title) == shown

    def test_huge_pages(self):
        assert _host_proc.huge_pages("always [madvise] never\n") == "madvise"

    def test_the_mount_of_a_path(self):
        table = (
            "1 0 254:0 / / rw - ext4 /dev/vda rw\n2 1 0:5 / /var/lib rw - xfs /dev/vdb rw\n3 1 0:6 / /var/lib\\040x ro - tmpfs tmpfs ro\n"
        )
        assert _host_proc.mount_of(table, "/var/lib/redis")["type"] == "xfs"
        assert _host_proc.mount_of(table, "/var/lib x/redis")["type"] == "tmpfs"
        assert _host_proc.mount_of(table, "/var/library")["type"] == "ext4"


class TestFirewall:
    @pytest.mark.parametrize(
        ("file", "port", "verdicts"),
        [
            ("nft-drop.json", 6379, ["drop"]),
            ("nft-drop.json", 7005, ["reject"]),
            ("nft-drop.json", 26379, ["drop"]),
            ("nft-drop.json", 6381, []),
            ("nft-policy.json", 6379, ["drop"]),
            ("nft-policy.json", 22, []),
            # ufw drops by the policy of iptables' chain, firewalld rejects by the last rule; both captured with one port open.
            ("nft-ufw.json", 6380, ["drop"]),
            ("nft-ufw.json", 6379, []),
            ("nft-firewalld.json", 6379, ["reject"]),
            ("nft-firewalld.json", 22, []),
        ],
    )
    def test_nft(self, file, port, verdicts):
        assert [found["verdict"] for found in _host_firewall.from_nft(text(file), port)] == verdicts

    def test_a_rule_can_be_read(self):
        (found,) = _host_firewall.from_nft(text("nft-drop.json"), 26379)
        assert found["chain"] == "inet filter input"
        assert "tcp dport 26379" in found["rule"]
        assert found["rule"].endswith("counter drop")

    @pytest.mark.parametrize(
        ("rules", "verdicts"),
        [
            ("-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 6379 -j DROP", ["drop"]),
            ("-P INPUT ACCEPT\n-A INPUT -p tcp -m multiport --dports 80,6370:6380 -j REJECT --reject-with tcp-reset", ["reject"]),
            ("-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 6380 -j DROP", []),
            ("-P INPUT ACCEPT\n-A INPUT -p udp -m udp --dport 6379 -j DROP", []),
            ("-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", ["drop"]),
            (
                "-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited",
                ["reject"],
            ),
            ("-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 6379 -j ACCEPT\n-A INPUT -j DROP", []),
            ("-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 6379 -j ACCEPT", []),
            ("-P INPUT DROP\n-A INPUT -j ACCEPT", []),
            ("-P INPUT ACCEPT\n-A INPUT -i lo -p tcp --dport 6379 -j DROP", []),
            ("-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp ! --dport 22 -j DROP", ["drop"]),
        ],
    )
    def test_iptables(self, rules, verdicts):
        assert [found["verdict"] for found in _host_firewall.from_iptables(rules, 6379)] == verdicts


class TestLog:
    def crash_loop(self, most=20):
        return _host_log.told(_host_log.journal(text("journal-crash-loop.txt"), NOW), most, 900)

    def test_the_line_that_redis_names_with_what_may_be_a_password_hidden(self):
        log = self.crash_loop()
        assert (log["reason"], log["config_line"], log["config_line_number"]) == ("bad_directive", "requirepas ***", 2277)
        assert log["restarts_recently"] == 6
        assert "foo-secret" not in json.dumps(log)

    def test_restarts_of_long_ago_do_not_count(self):
        later = _host_log.journal(text("journal-crash-loop.txt"), NOW + 10_000)
        assert _host_log.told(later, 20, 900)["restarts_recently"] == 0

    def test_no_more_lines_than_asked_for_and_the_last_ones(self):
        assert [line["text"] for line in self.crash_loop(2)["lines"]] == [
            "redis-server.service: Failed with result 'exit-code'.",
            "Failed to start redis-server.service - Advanced key-value store.",
        ]
        assert self.crash_loop(0)["lines"] == []

    def test_an_orderly_end_is_no_failed_start(self):
        assert _host_log.told(_host_log.plain(text("redis-log-stopped.txt"), "log"), 20, 900)["reason"] is None

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("# Warning: Could not create server TCP listening socket 127.0.0.1:6379: bind: Address already in use", "port_in_use"),
            ("# Could not create server TCP listening socket 10.9.9.9:6379: bind: Cannot assign requested address", "address_unknown"),
            ("Fatal error, can't open config file '/etc/redis/redis.conf': Permission denied", "config_unreadable"),
            ("Can't chdir to '/var/lib/redis': No such file or directory", "data_unreachable"),
            ("# Bad file format reading the append only file: make a backup of your AOF file", "aof_corrupt"),
            ("# Short read or OOM loading DB. Unrecoverable error, aborting now.", "rdb_corrupt"),
            ("# Fatal error loading the DB: Permission denied. Exiting.", "data_unreachable"),
            ("# Can't handle RDB format version 80", "rdb_too_new"),
            ("# Can't open or create append-only dir appendonlydir: Permission denied", "data_unreachable"),
            ("# Failed to configure TLS. Check logs for more info.", "tls_files"),
            ("redis-server.service: Failed at step EXEC spawning /usr/bin/redis-server: No such file or directory", "unit_environment"),
            ("# Can't load module from /x.so: server aborting", "module"),
            ("* DB saved on disk", None),
        ],
    )
    def test_reasons(self, line, reason):
        found = _host_log.told(_host_log.plain(line, "log"), 5, 900)["reason"]
        assert found == reason

    def test_what_happened_before_it_ran_again_is_over(self):
        lines = "# Bad file format reading the append only file\n* Ready to accept connections\n"
        assert _host_log.told(_host_log.plain(lines, "log"), 5, 900)["reason"] is None

    def test_a_warning_on_the_way_does_not_hide_the_reason(self):
        lines = (
            "bind: Address already in use\nCould not create server TCP listening socket ::1:6379: bind: Cannot assign requested address\n"
        )
        assert _host_log.told(_host_log.plain(lines, "log"), 5, 900)["reason"] == "port_in_use"

    @pytest.mark.parametrize(
        ("line", "shown"),
        [
            (">>> 'requirepass hunter2 x'", ">>> 'requirepass ***'"),
            (">>> 'user default on >hunter2 ~*'", ">>> 'user ***'"),
            (">>> 'sentinel auth-pass mymaster hunter2'", ">>> 'sentinel ***'"),
            (">>> 'maxmemory 10 gb'", ">>> 'maxmemory 10 gb'"),
            ("start --requirepass hunter2 --port 6379", "start --requirepass ***"),
            ("connecting to redis://ops:hunter2@db:6379", "connecting to redis://***@db:6379"),
            ("Error in applying operation '>hunter2': syntax", "Error in applying operation '>***': syntax"),
            ("Unable to AUTH to MASTER: -WRONGPASS invalid username-password pair", None),
        ],
    )
    def test_secrets_are_masked(self, line, shown):
        assert _host_log.masked(line) == (shown or line)

    def test_oom_kills_of_the_kernel_log(self):
        (found,) = _host_log.oom_kills(text("dmesg-oom.txt"), 6500.0, _host_proc.SERVERS)
        assert found == {"pid": 19028, "name": "redis-server", "age_seconds": 6, "rss_bytes": 38656 * 1024, "cgroup": True}

    @pytest.mark.parametrize(("cgroups", "found"), [(["bb5273b13859"], 1), (["redis-server.service"], 0), ([], 1)])
    def test_oom_kills_of_other_servers_are_told_apart_by_their_cgroup(self, cgroups, found):
        assert len(_host_log.oom_kills(text("dmesg-oom.txt"), 6500.0, _host_proc.SERVERS, cgroups)) == found


class TestConfig:
    def test_directives_that_are_wanted_and_no_others(self):
        found = _host_config.parse('# x\nport 6380\nrequirepass hunter2\nDir "/var/lib/my redis"\nsave 3600 1\nsave 300 100\nlogfile ""\n')
        assert found == {"port": "6380", "dir": "/var/lib/my redis", "save": "3600 1 300 100", "logfile": ""}

    @pytest.mark.parametrize(
        ("settings", "port"), [({}, 6379), ({"port": "6380"}, 6380), ({"port": "0", "tls-port": "6390"}, 6390), ({"port": "0"}, 0)]
    )
    def test_the_port(self, settings, port):
        assert _host_config.port_of(settings) == port

    @pytest.mark.parametrize(
        ("mode", "uid", "gids", "expected"),
        [
            (0o640, 0, [], True),
            (0o640, 5, [], True),
            (0o440, 5, [], False),
            (0o660, 6, [7], True),
            (0o606, 6, [7], False),
            (0o602, 6, [], True),
        ],
    )
    def test_who_may_write(self, mode, uid, gids, expected):
        assert _host_config.writable(mode, 5, 7, uid, gids) is expected
        assert _host_config.writable(mode, 5, 7, None, gids) is None


# Real words in odd places find more than random letters.
WORDS = sorted({word for path in TEXTS.iterdir() for word in re.split(r"[\s,]+", path.read_text(encoding="utf-8"))[:300]})
ODD = st.one_of(st.text(), st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(["\n", "=", ":", " - ", "\x00"]))).map(" ".join))


@given(ODD, st.integers(0, 65535))
def test_no_text_however_odd_makes_a_parser_fail(odd, port):
    units = _host_units.parse(odd, BOOT)
    _host_units.choose(units, port, None, {})
    _host_units.names(odd, odd)
    _host_container.choose(_host_container.parse(odd, "docker", NOW), port, owner=odd)
    _host_proc.status(odd)
    _host_proc.ticks(odd)
    _host_proc.open_files(odd)
    _host_proc.meminfo(odd)
    _host_proc.listeners(odd)
    _host_proc.unix_listeners(odd)
    _host_proc.memory_cgroup(odd)
    _host_proc.cgroup_folders(odd, 1, odd)
    _host_proc.mount_of(odd, odd)
    _host_proc.is_server("redis-server", odd)
    _host_proc.title_ports(odd)
    _host_firewall.from_iptables(odd, port)
    _host_log.told(_host_log.journal(odd, NOW) + _host_log.plain(odd, "log"), 10, 900)
    _host_log.oom_kills(odd, BOOT, _host_proc.SERVERS)
    _host_config.parse(odd)


@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text()), lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner))
    )
)
def test_no_json_however_odd_is_taken_for_a_container_or_breaks_anything(odd):
    for document in (odd, [odd], [{"State": odd, "HostConfig": odd, "Config": {"Image": odd}, "Id": odd}]):
        _host_container.choose(_host_container.parse(json.dumps(document), "podman", NOW), 6379)


def test_links_and_their_addresses():
    told = json.dumps(
        [
            {"ifname": "lo", "flags": ["LOOPBACK"], "addr_info": [{"local": "127.0.0.1", "scope": "host"}]},
            {"ifname": "eth0", "flags": ["UP"], "address": "02:42:ac:11:00:02", "addr_info": [
                {"local": "10.0.0.5", "scope": "global"}, {"local": "fe80::1", "scope": "link"},
                {"local": "2001:db8::5", "scope": "global"}]},
            {"ifname": "veth0", "flags": ["UP"], "addr_info": []},
            {"ifname": "docker0"},
        ]
    )  # fmt: skip
    assert _host_proc.links(told) == {"eth0": ["10.0.0.5", "2001:db8::5"]}

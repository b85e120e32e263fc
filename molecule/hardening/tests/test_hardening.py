# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel is set now and for the next boot, the unit may open more files from its next start on, and the users are as they should be."""

from __future__ import annotations

import pytest
import testinfra


@pytest.fixture(scope="module")
def host():
    return testinfra.get_host("docker://molecule-hardening-whole")


@pytest.fixture(scope="module")
def bare():
    return testinfra.get_host("docker://molecule-hardening-bare")


def test_the_kernel_is_as_redis_needs_it(host):
    assert host.check_output("cat /proc/sys/vm/overcommit_memory") == "1"
    assert host.check_output("cat /proc/sys/net/core/somaxconn") == "511"
    assert host.check_output("cat /sys/kernel/mm/transparent_hugepage/enabled") == "madvise"


def test_it_stays_so_and_what_was_before_is_known(host):
    kept = host.file("/etc/sysctl.d/60-aragora-redis.conf")
    assert kept.mode == 0o644
    assert kept.contains("^vm.overcommit_memory = 1$")
    assert kept.contains("^# vm.overcommit_memory was 0$")
    assert host.file("/etc/tmpfiles.d/aragora-redis.conf").contains("- - - - madvise$")


def test_steps_that_are_left_out_are_not_taken(bare):
    assert bare.check_output("cat /proc/sys/vm/overcommit_memory") == "0"
    assert not bare.file("/etc/sysctl.d/60-aragora-redis.conf").exists


def test_redis_py_is_there(bare):
    assert bare.package("python3-redis").is_installed


def test_the_next_start_may_open_more_files_and_nobody_restarted_it(host):
    assert "10032" in host.check_output("systemctl show --property=LimitNOFILE redis-server")
    assert "500" in host.check_output("grep 'open files' /proc/$(pidof redis-server)/limits")


def test_the_application_may_do_what_it_needs_and_no_more(host):
    assert host.check_output("redis-cli --user shop --pass any set cart:1 book 2>/dev/null") == "OK"
    assert "NOPERM" in host.run("redis-cli --user shop --pass any keys '*'").stdout


def test_the_user_of_the_diagnosis_is_there(host):
    assert "ops_diagnose" in host.check_output("redis-cli acl users")


def test_what_runs_stands_in_the_file(host):
    config = host.file("/etc/redis/redis.conf")
    assert config.contains("^timeout 300$")
    assert config.contains("^maxmemory 100mb$")
    assert config.contains("^user ops_diagnose on ")

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The master's host is lost: logins of the real aragora work again without a restart, and the endpoint stays as it was."""

from __future__ import annotations

import subprocess
import time

import testinfra

from tests.lab.servers import wait_for

PLANTED = ("planted-redis-password-51", b"planted-redis-password-51".hex())
# A login that must be refused for its password, which the application can only say with its Redis. Others may try as often as they like.
LOGIN = """
import json, sys, urllib.error, urllib.request
number = sys.argv[1]
body = json.dumps({"email": f"probe-{number}@example.invalid", "password": "x"}).encode()
headers = {"Content-Type": "application/json", "X-Forwarded-For": f"192.0.2.{number}"}
request = urllib.request.Request("http://127.0.0.1:8080/api/v1/auth/login", body, headers)
try:
    urllib.request.urlopen(request, timeout=10)
except urllib.error.HTTPError as error:
    print(error.code)
except OSError as error:
    print(type(error).__name__)
"""
MOST_SECONDS = 30


def host(name):
    return testinfra.get_host(f"docker://molecule-endpoint-{name}")


def pid():
    return host("app").check_output("systemctl show --property=MainPID --value aragora")


def login(number):
    done = subprocess.run(
        ["docker", "exec", "molecule-endpoint-app", "python3", "-c", LOGIN, str(number)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout.strip()


def through_the_endpoint(*words):
    return host("app").run(f"REDISCLI_AUTH={PLANTED[0]} redis-cli -p 6380 {' '.join(words)}").stdout


def test_logins_work_again_after_the_loss_of_the_masters_host_without_a_restart(capsys):
    wait_for(lambda: login(1) == "401", "a login that is answered", 60)
    before = pid()
    assert "aragora:lockout" in through_the_endpoint("--scan")
    subprocess.run(["docker", "kill", "molecule-endpoint-cache1"], check=True, capture_output=True, timeout=30)
    lost, number, said = time.monotonic(), 1, []
    while time.monotonic() - lost < MOST_SECONDS:
        number += 1
        said.append(login(number))
        if said[-1] == "401" and len(said) > 1:
            break
    seconds = time.monotonic() - lost
    with capsys.disabled():
        print(f"login works again after {seconds:.1f} s; answers meanwhile: {said}")
    assert said[-1] == "401", said
    assert pid() == before, "it was restarted"
    assert "role:master" in through_the_endpoint("info", "replication")
    assert f"probe-{number}" in through_the_endpoint("--scan"), "it has gone on without its Redis"


def test_the_password_is_nowhere_to_be_read():
    words = " ".join(f"-e {secret}" for secret in PLANTED)
    found = host("app").run(f"find /etc /var/lib /var/log /run /tmp -type f -perm -o=r -exec grep -al {words} {{}} +").stdout
    assert not found


def test_the_unit_of_the_package_is_left_alone():
    assert not host("app").service("haproxy").is_running
    assert host("app").service("redis-endpoint-redis").is_enabled

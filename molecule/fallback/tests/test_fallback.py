# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins work on both hosts: without Redis on the one, in Redis on the other, where nothing of the fallback is left."""

from __future__ import annotations

import json

import testinfra

SECRET = "moleculeSecret-8d1"  # noqa: S105 - of a Redis that lives for a minute
LOGIN = "python3 -c \"import urllib.request as r; print(r.urlopen(r.Request('http://127.0.0.1:8080/login/alice', method='POST')).status)\""


def host(name):
    return testinfra.get_host(f"docker://molecule-fallback-{name}")


def environment(of):
    pid = of.check_output("systemctl show --property=MainPID --value shop")
    return of.check_output(f"tr '\\0' '\\n' </proc/{pid}/environ").splitlines()


def test_the_service_goes_on_without_redis():
    lost = host("lost")
    assert not lost.service("redis-server").is_running
    assert {"REDIS_URL=", "SHOP_SINGLE=true"} <= set(environment(lost))
    assert lost.check_output(LOGIN) == "200"
    fact = json.loads(lost.file("/etc/ansible/facts.d/redis_fallback.fact").content_string)["shop.service"]
    assert (fact["phase"], list(fact["holders"])) == ("on", ["molecule"])
    assert lost.service("aragora-redis-fallback-shop.timer").is_running
    assert lost.check_output(f"grep -rl {SECRET} /etc /var/lib /run --include='*' 2>/dev/null || true").split() == [
        "/etc/redis/redis.conf",
        "/etc/shop/env",
    ]


def test_the_service_uses_redis_again():
    back = host("back")
    assert back.check_output(LOGIN) == "200"
    assert back.check_output(f"redis-cli -a {SECRET} --no-auth-warning get login:alice") == "yes"
    assert not back.file("/etc/systemd/system/shop.service.d").exists
    assert not back.file("/etc/ansible").exists
    assert back.check_output("find /etc /usr -name '*aragora*'") == ""
    audit = back.file("/var/lib/aragora-redis/audit.jsonl").content_string.splitlines()
    assert [json.loads(line)["action"] for line in audit] == ["fallback_enable", "fallback_disable"]

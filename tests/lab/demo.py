# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Redis with a believable incident, and its diagnosis: ``make demo``.

Sessions without a TTL fill the memory of an embedded server, a client calls KEYS, another one leaks connections. The server lives on a free
loopback port in a temporary folder and ends with this program.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import redis

from tests.lab import servers

ROOT = Path(__file__).resolve().parents[2]
MAXMEMORY = "48mb"
FULL_PERCENT = 97
LEAKED = 160
# One batch of sessions, made by the server itself: faster than sending them.
FILL = """
for i = ARGV[1], ARGV[1] + 999 do
  redis.call('HSET', 'session:' .. redis.sha1hex(i), 'user', i, 'token', redis.sha1hex('t' .. i), 'cart', string.rep('x', 120))
end
"""


def main() -> int:
    """Start, break, diagnose, end. Returns the exit status of the playbook."""
    limits: dict[str, Any] = {"maxmemory": MAXMEMORY, "maxmemory_policy": "volatile-lru", "maxclients": 190}
    try:
        binary = servers.embedded()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Starting {binary.name} with an incident: sessions without a TTL, KEYS, a connection leak …", flush=True)
    with servers.running(binary, **limits) as server, contextlib.ExitStack() as connections:
        _fill(server)
        _call_keys(server)
        _leak(server, connections)
        environment = {**os.environ, "REDIS_URL": server.url, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        command = ["ansible-playbook", str(ROOT / "playbooks" / "diagnose.yml"), *sys.argv[1:]]
        return subprocess.run(command, env=environment, check=False).returncode


def _fill(server: servers.Server) -> None:
    client = server.client()
    limit = int(str(client.config_get("maxmemory")["maxmemory"]))
    first = 0
    while client.info("memory")["used_memory"] < limit * FULL_PERCENT / 100:
        client.eval(FILL, 0, first)
        first += 1000


def _call_keys(server: servers.Server) -> None:
    """What a careless report job does; the slow log keeps whatever took over a millisecond."""
    client = server.client(client_name="nightly-report")
    client.config_set("slowlog-log-slower-than", 1000)
    for dummy in range(3):
        client.keys("session:*")


def _leak(server: servers.Server, connections: contextlib.ExitStack) -> None:
    for dummy in range(LEAKED):
        client: redis.Redis = server.client(single_connection_client=True, client_name="checkout-worker")
        connections.callback(client.close)
        client.ping()


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many keys of mixed types, written by the server itself: the keyspace of an application, for tests and measurements."""

from __future__ import annotations

from tests.lab.servers import Server

# Shares in tenths: 3 sessions (UUID, TTL), 2 users, a cart, tags, a board by date, a queue, a page cache (hash, short TTL).
SCRIPT = """
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local m = i % 10
  local h = redis.sha1hex(tostring(i))
  if m < 3 then
    local uuid = h:sub(1, 8) .. '-' .. h:sub(9, 12) .. '-' .. h:sub(13, 16) .. '-' .. h:sub(17, 20) .. '-' .. h:sub(21, 32)
    redis.call('SET', 'session:' .. uuid, string.rep('x', 100 + i % 200), 'EX', 36000 + i % 86400)
  elseif m < 5 then redis.call('SET', 'user:' .. i .. ':name', 'name' .. i)
  elseif m == 5 then redis.call('HSET', 'cart:' .. i, 'a', i, 'b', string.rep('y', i % 50), 'c', 3)
  elseif m == 6 then redis.call('SADD', 'tags:' .. i, 'red', 'green', i)
  elseif m == 7 then redis.call('ZADD', 'board:2024-01-' .. string.format('%02d', i % 28 + 1) .. ':' .. i, 1, 'a', 2, 'b')
  elseif m == 8 then redis.call('RPUSH', 'queue:mail:' .. i, 'job' .. i, 'job2')
  else redis.call('SET', 'cache:page:' .. h, string.rep('z', i % 1000), 'EX', 7200 + i % 600) end
end
"""
AT_ONCE = 5_000
PATTERNS = {
    "session:*": 0.3, "user:*:name": 0.2, "cart:*": 0.1, "tags:*": 0.1, "board:*:*": 0.1, "queue:mail:*": 0.1, "cache:page:*": 0.1,
}  # fmt: skip


def fill(server: Server, keys: int) -> None:
    """Write that many keys."""
    with server.client(socket_timeout=60) as client:
        script = client.register_script(SCRIPT)
        for start in range(0, keys, AT_ONCE):
            script(args=[start, min(start + AT_ONCE, keys) - 1])

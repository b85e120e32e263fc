# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a command costs and what to use instead: the table behind the slow-log groups and the advice.

Complexities are those of https://redis.io/docs/latest/commands/ ; N is what the command touches.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """``kind`` is keyspace (walks all keys), collection (walks a whole value), range, script, admin or plain.

    ``first_key`` is the position of the first key among the arguments (the command itself is 0); 0 means that there is none.
    """

    kind: str
    complexity: str
    instead: str | None = None
    first_key: int = 1


COMMANDS = {
    "KEYS": Command("keyspace", "O(N), N keys in the database", "SCAN with MATCH and COUNT, or an index set kept by the application", 1),
    "FLUSHALL": Command("keyspace", "O(N), N keys on the server", "FLUSHALL ASYNC, or UNLINK in batches of what must go", 0),
    "FLUSHDB": Command("keyspace", "O(N), N keys in the database", "FLUSHDB ASYNC, or UNLINK in batches of what must go", 0),
    "DBSIZE": Command("plain", "O(1)", None, 0),
    "RANDOMKEY": Command("plain", "O(1)", None, 0),
    "SCAN": Command("plain", "O(1) a call", "a smaller COUNT", 0),
    "SMEMBERS": Command("collection", "O(N), N members", "SSCAN, or SMISMEMBER for the members that are wanted"),
    "SINTER": Command("collection", "O(N·M)", "SINTERCARD with LIMIT, or SINTERSTORE outside peak hours"),
    "SUNION": Command("collection", "O(N), N members of all sets", "SUNIONSTORE once, then SSCAN"),
    "SDIFF": Command("collection", "O(N), N members of all sets", "SDIFFSTORE once, then SSCAN"),
    "SINTERSTORE": Command("collection", "O(N·M)", "smaller sets, or the work on a replica"),
    "SUNIONSTORE": Command("collection", "O(N), N members of all sets", "smaller sets, or the work on a replica"),
    "HGETALL": Command("collection", "O(N), N fields", "HMGET for the fields that are wanted, or HSCAN"),
    "HKEYS": Command("collection", "O(N), N fields", "HSCAN"),
    "HVALS": Command("collection", "O(N), N fields", "HMGET for the fields that are wanted, or HSCAN"),
    "LRANGE": Command("range", "O(S+N), N elements returned", "LRANGE with a bounded page"),
    "LREM": Command("range", "O(N), N elements of the list", "a sorted set, or a stream"),
    "LINSERT": Command("range", "O(N), N elements before the pivot", "a sorted set"),
    "LINDEX": Command("range", "O(N), N elements on the way", "a hash, or access at the ends only"),
    "LPOS": Command("range", "O(N), N elements of the list", "a set beside the list"),
    "LTRIM": Command("range", "O(N), N elements removed", "trimming more often"),
    "ZRANGE": Command("range", "O(log N+M), M members returned", "ZRANGE with LIMIT"),
    "ZREVRANGE": Command("range", "O(log N+M), M members returned", "ZRANGE … REV with LIMIT"),
    "ZRANGEBYSCORE": Command("range", "O(log N+M), M members returned", "ZRANGE … BYSCORE with LIMIT"),
    "ZREVRANGEBYSCORE": Command("range", "O(log N+M), M members returned", "ZRANGE … BYSCORE REV with LIMIT"),
    "ZUNIONSTORE": Command("collection", "O(N)+O(M log M)", "smaller sets, or the work on a replica", 1),
    "ZINTERSTORE": Command("collection", "O(N·K)+O(M log M)", "smaller sets, or the work on a replica", 1),
    "ZREMRANGEBYSCORE": Command("range", "O(log N+M), M members removed", "smaller steps"),
    "ZREMRANGEBYRANK": Command("range", "O(log N+M), M members removed", "smaller steps"),
    "ZRANGEBYLEX": Command("range", "O(log N+M), M members returned", "ZRANGE … BYLEX with LIMIT"),
    "ZREVRANGEBYLEX": Command("range", "O(log N+M), M members returned", "ZRANGE … BYLEX REV with LIMIT"),
    "ZRANGESTORE": Command("range", "O(log N+M), M members stored", "ZRANGESTORE with LIMIT"),
    "ZREMRANGEBYLEX": Command("range", "O(log N+M), M members removed", "smaller steps"),
    "ZDIFFSTORE": Command("collection", "O(N·K)+O(M log M)", "smaller sets, or the work on a replica"),
    "SDIFFSTORE": Command("collection", "O(N), N members of all sets", "smaller sets, or the work on a replica"),
    "SORT": Command("collection", "O(N+M log M)", "a sorted set that is kept in order"),
    "SORT_RO": Command("collection", "O(N+M log M)", "a sorted set that is kept in order"),
    "XRANGE": Command("range", "O(N), N entries returned", "XRANGE with COUNT"),
    "XREVRANGE": Command("range", "O(N), N entries returned", "XREVRANGE with COUNT"),
    "GETRANGE": Command("range", "O(N), N bytes returned", "smaller values"),
    "BITCOUNT": Command("range", "O(N), N bytes", "BITCOUNT with a range"),
    "BITOP": Command("collection", "O(N), N bytes", "the work on a replica", 2),
    "BITPOS": Command("range", "O(N), N bytes", "BITPOS with a range"),
    "LCS": Command("collection", "O(N·M), the lengths of both values", "smaller values, or the work in the application"),
    "GEORADIUS": Command("range", "O(N+log M), N members in the circle", "GEOSEARCH with COUNT … ANY"),
    "GEORADIUS_RO": Command("range", "O(N+log M), N members in the circle", "GEOSEARCH with COUNT … ANY"),
    "GEORADIUSBYMEMBER": Command("range", "O(N+log M), N members in the circle", "GEOSEARCH with COUNT … ANY"),
    "GEORADIUSBYMEMBER_RO": Command("range", "O(N+log M), N members in the circle", "GEOSEARCH with COUNT … ANY"),
    "GEOSEARCH": Command("range", "O(N+log M), N members around the area", "GEOSEARCH with COUNT … ANY"),
    "GEOSEARCHSTORE": Command("range", "O(N+log M), N members around the area", "GEOSEARCHSTORE with COUNT … ANY"),
    "VSIM": Command("range", "O(log N), N elements of the set", "VSIM with a smaller COUNT and EF"),
    "MGET": Command("range", "O(N), N keys", "batches of about 100 keys"),
    "MSET": Command("range", "O(N), N keys", "batches of about 100 keys"),
    "MSETNX": Command("range", "O(N), N keys", "batches of about 100 keys"),
    "HMGET": Command("range", "O(N), N fields", "batches of about 100 fields"),
    "HSET": Command("range", "O(N), N fields", "batches of about 100 fields"),
    "HMSET": Command("range", "O(N), N fields", "batches of about 100 fields"),
    "SADD": Command("range", "O(N), N members", "batches of about 100 members"),
    "ZADD": Command("range", "O(N log M), N members", "batches of about 100 members"),
    "RPUSH": Command("range", "O(N), N elements", "batches of about 100 elements"),
    "LPUSH": Command("range", "O(N), N elements", "batches of about 100 elements"),
    "DEL": Command("collection", "O(N), N members of the value", "UNLINK, which frees in the background"),
    "UNLINK": Command("plain", "O(1) here, O(N) in the background"),
    "RENAME": Command("collection", "O(1), O(N) when it overwrites a big value", "UNLINK the old value first"),
    "RESTORE": Command("collection", "O(N), N bytes", "smaller values"),
    "DUMP": Command("collection", "O(N), N bytes", "smaller values"),
    "MIGRATE": Command("admin", "O(N), N bytes; holds both servers", "smaller values, or fewer keys at once", 3),
    "EVAL": Command("script", "that of the script", "shorter scripts, bounded loops, SCAN outside of them", 3),
    "EVALSHA": Command("script", "that of the script", "shorter scripts, bounded loops, SCAN outside of them", 3),
    "EVAL_RO": Command("script", "that of the script", "shorter scripts, bounded loops", 3),
    "EVALSHA_RO": Command("script", "that of the script", "shorter scripts, bounded loops", 3),
    "FCALL": Command("script", "that of the function", "shorter functions, bounded loops", 3),
    "FCALL_RO": Command("script", "that of the function", "shorter functions, bounded loops", 3),
    "DEBUG": Command("admin", "any", "nothing of it in production", 0),
    "SAVE": Command("admin", "O(N); holds the server", "BGSAVE", 0),
    "BGSAVE": Command("admin", "O(1) and a fork", "a quieter hour", 0),
    "BGREWRITEAOF": Command("admin", "O(1) and a fork", "a quieter hour", 0),
    "SHUTDOWN": Command("admin", "O(N) when it saves", None, 0),
    "MONITOR": Command("admin", "O(1) for every command of every client", "SLOWLOG, LATENCY, or a few seconds of it at most", 0),
    "CONFIG": Command("admin", "O(N), N settings", None, 0),
    "CLIENT": Command("admin", "O(N), N clients", "CLIENT LIST less often", 0),
    "INFO": Command("admin", "O(1)", "INFO with the section that is wanted", 0),
    "MEMORY": Command("admin", "O(N), N samples", "MEMORY USAGE with SAMPLES", 2),
    "ACL": Command("admin", "O(N), N users", None, 0),
    "CLUSTER": Command("admin", "O(N), N nodes or slots", "CLUSTER SHARDS less often", 0),
    "COMMAND": Command("admin", "O(N), N commands", "COMMAND INFO for the one that is wanted", 0),
    "FUNCTION": Command("admin", "O(N)", None, 0),
    "SCRIPT": Command("admin", "O(N)", None, 0),
    "LATENCY": Command("admin", "O(1)", None, 0),
    "SLOWLOG": Command("admin", "O(N), N entries", "SLOWLOG GET with a count", 0),
    "COMMANDLOG": Command("admin", "O(N), N entries", "COMMANDLOG GET with a count", 0),
    "PUBLISH": Command("plain", "O(N+M), N subscribers", "fewer subscribers a channel", 0),
    "EXEC": Command("plain", "that of its commands", "shorter transactions", 0),
    "MULTI": Command("plain", "O(1)", None, 0),
    "PING": Command("plain", "O(1)", None, 0),
    "AUTH": Command("admin", "O(N), N passwords of the user", None, 0),
    "HELLO": Command("admin", "O(1)", None, 0),
    "SELECT": Command("plain", "O(1)", None, 0),
    "PSYNC": Command("admin", "O(1) and a fork", None, 0),
    "REPLCONF": Command("admin", "O(1)", None, 0),
    "XREAD": Command("range", "O(N), N entries returned", "XREAD with COUNT", 0),
    "XREADGROUP": Command("range", "O(N), N entries returned", "XREADGROUP with COUNT", 0),
}
# Everything with one key and nothing to walk. Module commands are unknown on purpose: which argument is their key is not known either.
PLAIN = (
    "APPEND", "BITFIELD", "BITFIELD_RO", "BLMOVE", "BLPOP", "BRPOP", "BRPOPLPUSH", "BZPOPMAX", "BZPOPMIN", "COPY", "DECR", "DECRBY",
    "DELIFEQ", "EXISTS", "EXPIRE", "EXPIREAT", "EXPIRETIME", "GEOADD", "GEODIST", "GEOHASH", "GEOPOS", "GET", "GETBIT", "GETDEL",
    "GETEX", "GETSET", "HDEL", "HEXISTS", "HEXPIRE", "HEXPIREAT", "HEXPIRETIME", "HGET", "HGETDEL", "HGETEX", "HINCRBY", "HINCRBYFLOAT",
    "HLEN", "HPERSIST", "HPEXPIRE", "HPEXPIREAT", "HPEXPIRETIME", "HPTTL", "HRANDFIELD", "HSCAN", "HSETEX", "HSETNX", "HSTRLEN", "HTTL",
    "INCR", "INCRBY", "INCRBYFLOAT", "LLEN", "LMOVE", "LPOP", "LPUSHX", "LSET", "MOVE", "PERSIST", "PEXPIRE", "PEXPIREAT",
    "PEXPIRETIME", "PFADD", "PFCOUNT", "PFMERGE", "PSETEX", "PTTL", "RENAMENX", "RPOP", "RPOPLPUSH", "RPUSHX", "SCARD", "SET", "SETBIT",
    "SETEX", "SETNX", "SETRANGE", "SISMEMBER", "SMISMEMBER", "SMOVE", "SPOP", "SRANDMEMBER", "SREM", "SSCAN", "STRLEN", "SUBSTR",
    "TOUCH", "TTL", "TYPE", "VADD", "VCARD", "VDIM", "VEMB", "VGETATTR", "VINFO", "VISMEMBER", "VLINKS", "VRANDMEMBER", "VREM",
    "VSETATTR", "WATCH", "XACK", "XACKDEL", "XADD", "XAUTOCLAIM", "XCLAIM", "XDEL", "XDELEX", "XLEN", "XPENDING", "XSETID", "XTRIM",
    "ZCARD", "ZCOUNT", "ZINCRBY", "ZLEXCOUNT", "ZMSCORE", "ZPOPMAX", "ZPOPMIN", "ZRANDMEMBER", "ZRANK", "ZREM", "ZREVRANK", "ZSCAN",
    "ZSCORE",
)  # fmt: skip
COMMANDS.update({name: Command("plain", "O(1) or O(log N)") for name in PLAIN})
# Commands whose second word belongs to their name.
CONTAINERS = {
    "ACL", "CLIENT", "CLUSTER", "COMMAND", "COMMANDLOG", "CONFIG", "DEBUG", "FUNCTION", "LATENCY", "MEMORY", "MODULE", "OBJECT", "PUBSUB",
    "SCRIPT", "SENTINEL", "SLOWLOG", "XGROUP", "XINFO",
}  # fmt: skip
COMMANDS.update(dict.fromkeys(("OBJECT", "XGROUP", "XINFO"), Command("plain", "O(1)", None, 2)))
UNKNOWN = Command("plain", "unknown", None, 0)


def lookup(name: str) -> Command:
    """What is known about a command, by its name or by ``CONTAINER SUBCOMMAND``, in any case."""
    return COMMANDS.get(name.upper().split(" ", 1)[0], UNKNOWN)

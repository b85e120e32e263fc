# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about the settings of Redis 6.2 and newer and of Valkey: data only.

A setting stands in exactly one of the tables of kinds, under the first name of its synonyms. One that stands in none (a module's, or a
newer server's) is compared as it is written. Long lists of names are texts, one name after the other.
Source: ``src/config.c`` of Redis and Valkey.
"""

from __future__ import annotations

SWITCHES = """
    activedefrag activerehashing always-show-logo aof-disable-auto-gc aof-load-truncated aof-rewrite-incremental-fsync
    aof-timestamp-enabled aof-use-rdb-preamble appendonly cluster-allow-pubsubshard-when-down cluster-allow-reads-when-down
    cluster-allow-replica-migration cluster-enabled cluster-replica-no-failover cluster-require-full-coverage cluster-slot-stats-enabled
    crash-log-enabled crash-memcheck-enabled daemonize disable-thp dual-channel-replication-enabled dynamic-hz
    extended-redis-compatibility gopher-enabled hide-user-data-from-log import-mode io-threads-do-reads jemalloc-bg-thread
    latency-tracking lazyfree-lazy-eviction lazyfree-lazy-expire lazyfree-lazy-server-del lazyfree-lazy-user-del
    lazyfree-lazy-user-flush lua-replicate-commands mptcp no-appendfsync-on-rewrite protected-mode rdb-del-sync-files
    rdb-save-incremental-fsync rdbchecksum rdbcompression repl-disable-tcp-nodelay repl-diskless-sync repl-mptcp replica-announced
    replica-ignore-disk-write-errors replica-ignore-maxmemory replica-lazy-flush replica-read-only replica-serve-stale-data
    set-proc-title stop-writes-on-bgsave-error syslog-enabled tls-cluster tls-prefer-server-ciphers tls-replication tls-session-caching
    use-exit-on-panic vset-force-single-threaded-execution
"""

INTEGERS = """
    acllog-max-len active-defrag-cycle-max active-defrag-cycle-min active-defrag-cycle-us active-defrag-max-scan-fields
    active-defrag-threshold-lower active-defrag-threshold-upper active-expire-effort auto-aof-rewrite-percentage busy-reply-threshold
    cluster-announce-bus-port cluster-announce-client-port cluster-announce-client-tls-port cluster-announce-port
    cluster-announce-tls-port cluster-blacklist-ttl cluster-compatibility-sample-ratio cluster-databases
    cluster-manual-failover-timeout cluster-migration-barrier cluster-node-timeout cluster-port cluster-replica-validity-factor
    cluster-slot-migration-log-max-len commandlog-large-reply-max-len commandlog-large-request-max-len commandlog-reply-larger-than
    commandlog-request-larger-than databases hash-max-listpack-entries hz io-threads key-load-delay latency-monitor-threshold
    lfu-decay-time lfu-log-factor list-compress-depth list-max-listpack-size max-new-connections-per-cycle
    max-new-tls-connections-per-cycle maxclients maxmemory-eviction-tenacity maxmemory-samples min-replicas-max-lag
    min-replicas-to-write port prefetch-batch-max-size rdb-key-save-delay rdma-completion-vector rdma-port repl-backlog-ttl
    repl-diskless-sync-delay repl-diskless-sync-max-replicas repl-ping-replica-period repl-timeout replica-announce-port
    replica-priority set-max-intset-entries set-max-listpack-entries shutdown-timeout slowlog-log-slower-than slowlog-max-len
    socket-mark-id stream-node-max-entries tcp-backlog tcp-keepalive timeout tls-auto-reload-interval tls-port tls-session-cache-size
    tls-session-cache-timeout tracking-table-max-keys watchdog-period zset-max-listpack-entries
"""

# Redis's own units are understood here and nowhere else.
SIZES = """
    active-defrag-ignore-bytes auto-aof-rewrite-min-size client-query-buffer-limit cluster-link-sendbuf-limit hash-max-listpack-value
    hll-sparse-max-bytes maxmemory proto-max-bulk-len repl-backlog-size replica-full-sync-buffer-limit set-max-listpack-value
    stream-node-max-bytes zset-max-listpack-value
"""

SIZES_OR_PERCENTS = "maxmemory-clients"

# Access modes: octal, as chmod takes them.
MODES = "unixsocketperm"

TEXTS = """
    aclfile aof-rewrite-cpulist appenddirname appendfilename availability-zone bgsave-cpulist bind-source-addr bio-cpulist
    cluster-announce-client-ipv4 cluster-announce-client-ipv6 cluster-announce-hostname cluster-announce-human-nodename
    cluster-announce-ip cluster-config-file dbfilename hash-seed ignore-warnings locale-collate logfile masterauth masteruser pidfile
    proc-title-template replica-announce-ip requirepass server-cpulist syslog-ident tls-ca-cert-dir tls-ca-cert-file tls-cert-file
    tls-ciphers tls-ciphersuites tls-client-cert-file tls-client-key-file tls-client-key-file-pass tls-dh-params-file tls-key-file
    tls-key-file-pass unixsocket unixsocketgroup
"""

# A folder is the same with and without a slash at its end.
FOLDERS = "dir"

# Words in an order that matters, and numbers in an order that matters.
WORD_LISTS = "bind rdma-bind"
NUMBER_LISTS = "latency-tracking-info-percentiles oom-score-adj-values"

# Words without an order.
WORD_SETS = {
    "shutdown-on-sigint": ("default", "save", "nosave", "now", "force"),
    "shutdown-on-sigterm": ("default", "save", "nosave", "now", "force"),
    "tls-protocols": ("tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"),
}

# One word of several, whatever its case; the words of all releases together.
CHOICES = {
    "acl-pubsub-default": ("allchannels", "resetchannels"),
    "appendfsync": ("always", "everysec", "no"),
    "cluster-preferred-endpoint-type": ("ip", "hostname", "unknown-endpoint"),
    "enable-debug-command": ("no", "yes", "local"),
    "enable-module-command": ("no", "yes", "local"),
    "enable-protected-configs": ("no", "yes", "local"),
    "log-format": ("legacy", "logfmt"),
    "log-timestamp-format": ("legacy", "iso8601", "milliseconds"),
    "loglevel": ("debug", "verbose", "notice", "warning", "nothing"),
    "maxmemory-policy": (
        "noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-lrm", "allkeys-random",
        "volatile-lru", "volatile-lfu", "volatile-lrm", "volatile-random", "volatile-ttl",
    ),
    "oom-score-adj": ("no", "relative", "absolute"),
    "propagation-error-behavior": ("ignore", "panic", "panic-on-replicas"),
    "rdb-version-check": ("strict", "relaxed"),
    "repl-diskless-load": ("disabled", "on-empty-db", "swapdb", "flush-before-load"),
    "sanitize-dump-payload": ("no", "yes", "clients"),
    "supervised": ("no", "upstart", "systemd", "auto"),
    "syslog-facility": ("user", *(f"local{number}" for number in range(8))),
    "tls-auth-clients": ("no", "yes", "optional"),
}  # fmt: skip

# Another spelling of a choice: {setting: {spelling: choice}}.
CHOICE_SPELLINGS = {"oom-score-adj": {"yes": "relative"}}

# Names of one setting, the one of the tables first. Which of them a server knows depends on product and release.
SYNONYMS = (
    ("aof-rewrite-cpulist", "aof_rewrite_cpulist"),
    ("bgsave-cpulist", "bgsave_cpulist"),
    ("bio-cpulist", "bio_cpulist"),
    ("busy-reply-threshold", "lua-time-limit"),
    ("cluster-replica-no-failover", "cluster-slave-no-failover"),
    ("cluster-replica-validity-factor", "cluster-slave-validity-factor"),
    ("hash-max-listpack-entries", "hash-max-ziplist-entries"),
    ("hash-max-listpack-value", "hash-max-ziplist-value"),
    ("list-max-listpack-size", "list-max-ziplist-size"),
    ("masterauth", "primaryauth"),
    ("masteruser", "primaryuser"),
    ("min-replicas-max-lag", "min-slaves-max-lag"),
    ("min-replicas-to-write", "min-slaves-to-write"),
    ("repl-ping-replica-period", "repl-ping-slave-period"),
    ("replica-announce-ip", "slave-announce-ip"),
    ("replica-announce-port", "slave-announce-port"),
    ("replica-ignore-maxmemory", "slave-ignore-maxmemory"),
    ("replica-lazy-flush", "slave-lazy-flush"),
    ("replica-priority", "slave-priority"),
    ("replica-read-only", "slave-read-only"),
    ("replica-serve-stale-data", "slave-serve-stale-data"),
    ("server-cpulist", "server_cpulist"),
    ("slowlog-log-slower-than", "commandlog-execution-slower-than"),
    ("slowlog-max-len", "commandlog-slow-execution-max-len"),
    ("zset-max-listpack-entries", "zset-max-ziplist-entries"),
    ("zset-max-listpack-value", "zset-max-ziplist-value"),
)

# Read once, when the server starts.
IMMUTABLE = """
    aclfile always-show-logo aof-rewrite-cpulist appenddirname appendfilename bgsave-cpulist bio-cpulist client-default-resp
    cluster-config-file cluster-databases cluster-enabled cluster-port daemonize databases disable-thp enable-debug-assert
    enable-debug-command enable-module-command enable-protected-configs hash-seed io-threads io-threads-do-reads logfile mptcp pidfile
    rdbchecksum rdma-completion-vector rdma-rx-size repl-mptcp req-res-logfile server-cpulist set-proc-title socket-mark-id supervised
    syslog-enabled syslog-facility syslog-ident tcp-backlog unixsocket unixsocketgroup unixsocketperm
"""

# … but these could be set before a release or can be set since one: {setting: (product, first release, release after the last)}.
MUTABLE_IN = {
    "disable-thp": ("redis", (0, 0), (7, 0)),
    "io-threads": ("valkey", (9, 0), (1000, 0)),
}

# Since Redis 7.0 these can only be set at run time where enable-protected-configs allows it.
PROTECTED = {"dbfilename", "dir"}

# Lines of the configuration file that no CONFIG command knows, and what to use in their place.
NO_SETTINGS = {
    "include": "is a line of the configuration file, not a setting: write it there while the server is stopped",
    "loadmodule": "is a line of the configuration file, not a setting: use MODULE LOAD, or write it there while the server is stopped",
    "rename-command": "is a line of the configuration file, not a setting: write it there while the server is stopped, or use ACL rules",
    "replicaof": "is the role of the server, not a setting: use the command REPLICAOF",
    "sentinel": "belongs to Sentinel, not to the server: use SENTINEL SET",
    "slaveof": "is the role of the server, not a setting: use the command REPLICAOF",
    "user": "is an ACL user, not a setting: use ACL SETUSER",
}

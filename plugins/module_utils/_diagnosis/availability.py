# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of the alert RedisUnavailable: nobody can talk to the server, or it refuses what it is asked."""

from __future__ import annotations

import shlex
from typing import Any
from urllib.parse import unquote

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import UNREACHABLE

SECURITY_DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/security/"
ACL_DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/"
TLS_DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/security/encryption/"
CLIENTS_DOCS = "https://redis.io/docs/latest/develop/reference/clients/"

# What redis_info runs.
READING = (
    "ping", "info", "client|list", "client|id", "client|setname", "config|get", "slowlog|get", "slowlog|len", "latency|latest",
    "latency|histogram", "memory|stats", "memory|doctor", "acl|whoami", "acl|getuser", "module|list", "cluster|info", "cluster|nodes",
    "dbsize", "scan", "type", "pttl", "memory|usage", "object|encoding",
)  # fmt: skip

TLS_TITLES = {
    "expired": "the server's certificate has expired",
    "not_yet_valid": "the server's certificate is not valid yet",
    "unknown_ca": "the server's certificate is signed by an unknown CA",
    "hostname_mismatch": "the server's certificate is for another name",
    "plain_on_tls_port": "a client without TLS calls a TLS port",
    "tls_on_plain_port": "a TLS client calls a port without TLS",
    "client_certificate_required": "the server wants a client certificate",
    "client_certificate_refused": "the server refuses the client certificate",
    "unreadable_file": "a certificate or key file of the client cannot be used",
    "no_common_version": "client and server share no TLS version or cipher",
}
TLS_ADVICE = {
    "expired": "Renew the certificate on the server; Redis loads it with CONFIG SET tls-cert-file, without a restart.",
    "not_yet_valid": "Compare the clocks of both machines, then the dates of the certificate.",
    "unknown_ca": "Give the CA's file (ca_certs, redis-cli --cacert). Do not switch validation off in production.",
    "hostname_mismatch": "Connect by a name that the certificate holds, or issue one for this name.",
    "plain_on_tls_port": "Use rediss:// (or tls: true) in the client's URL.",
    "tls_on_plain_port": "Use redis:// (or tls: false), or the server's tls-port.",
    "client_certificate_required": "Give client_cert_file and client_key_file, or set tls-auth-clients to no on the server.",
    "client_certificate_refused": "The client certificate must be signed by the server's tls-ca-cert-file.",
    "unreadable_file": "Check that ca_certs, client_cert_file and client_key_file exist, are PEM, belong together, and have no passphrase.",
    "no_common_version": "Compare tls-protocols and tls-ciphers of the server with what the client allows.",
}


def _evidence(facts: Facts, *more: str) -> dict[str, Any]:
    """The conversation's own words, and more fields by path where they are known."""
    names = ("state", "reason", "error")
    evidence = {name: facts.get_or(f"availability.{name}", None) for name in names}
    evidence.update({path.rpartition(".")[2]: facts.get_or(path, None) for path in more})
    return {name: value for name, value in evidence.items() if value not in (None, "")}


def _not_examined(facts: Facts) -> Verdict | None:
    if facts.get_or("availability.reason", None) == "not_examined":
        again = ("Mend what the message says, and diagnose again: nothing is known of this server.",)
        return Verdict("critical", "This server could not be examined", _evidence(facts), again)
    denied = facts.get_or("denied", {})
    if facts.state() != "up" or facts.get_or("info", None) or any("NOPERM" in str(words) for words in denied.values()):
        return None
    evidence = {**_evidence(facts), "denied": denied}
    advice = ("A proxy stands in between, or INFO was renamed: ask the server itself.", "$ {cli} info server")
    return Verdict("warning", "The server answers, but tells nothing of itself", evidence, advice)


def _name_not_resolved(facts: Facts) -> Verdict | None:
    if facts.state() != "dns":
        return None
    advice = ("Check the spelling in REDIS_URL, then the resolver of this machine:", "$ getent hosts {host}; cat /etc/resolv.conf")
    return Verdict("critical", "The server's name cannot be resolved", _evidence(facts, "server.host"), advice)


def _host_unreachable(facts: Facts) -> Verdict | None:
    reason = facts.get_or("availability.reason", None)
    # Nobody but SSH knows more of a host of which no other port was asked.
    no_ssh = reason is None and str(facts.get_or("denied.host", "")).startswith(UNREACHABLE)
    silent = facts.state() == "timeout" and (reason == "host_silent" or no_ssh) and not facts.get_or("host.listeners", None)
    if reason == "not_examined" or (facts.state() != "unreachable" and not silent):
        return None
    advice = (
        "The host is down or the way to it is broken: ask its console or the cloud provider, then the network.",
        "$ ping -c 3 {host}; ip route get {host}",
    )
    return Verdict("critical", "The server's host cannot be reached", _evidence(facts, "denied.host"), advice)


def _port_filtered(facts: Facts) -> Verdict | None:
    reason, listeners = facts.get_or("availability.reason", None), facts.get_or("host.listeners", None)
    no_ssh = reason is None and str(facts.get_or("denied.host", "")).startswith(UNREACHABLE)
    if facts.state() != "timeout" or ((reason == "host_silent" or no_ssh) and not listeners):
        return None
    dropping = [f"{rule.get('chain')}: {rule.get('rule')}" for rule in facts.get_or("host.firewall", None) or []]
    waiting = max([int(listener.get("waiting") or 0) for listener in listeners or []], default=None)
    known = {"firewall": dropping or None, "listens": bool(listeners) or None, "connections_waiting": waiting}
    evidence = {**_evidence(facts), **{name: value for name, value in known.items() if value is not None}}
    title = (
        "A firewall of the host drops the packets to the port"
        if dropping
        else "Packets to the port are dropped while the host is reachable"
    )
    advice = (
        "Let the port through for the clients' addresses, in the file that the firewall is loaded from."
        if dropping
        else "The host answers, its Redis port does not: a firewall or security group drops the packets, or the listen backlog is full.",
        "$ nft list ruleset; iptables -S; ss -ltn   # on the server's host",
    )
    return Verdict("critical", title, evidence, advice)


def _connection_reset(facts: Facts) -> Verdict | None:
    if facts.state() != "reset":
        return None
    advice = (
        "Something closes the connection: a proxy, a load balancer without a healthy server, a firewall, or Redis itself (see its log).",
    )
    return Verdict("critical", "Connections are accepted and closed without an answer", _evidence(facts), advice)


def _server_loading(facts: Facts) -> Verdict | None:
    if facts.state() != "loading":
        return None
    eta = facts.get_or("availability.eta_seconds", None)
    ends = f", ready in about {eta} s" if eta is not None else ""
    evidence = _evidence(facts, "availability.eta_seconds", "info.persistence.loading_loaded_perc", "info.persistence.loading_total_bytes")
    advice = ("Wait: a restart would begin again from zero.", "$ {cli} info persistence | grep loading_")
    return Verdict("warning", f"The server is loading its data set{ends}", evidence, advice)


def _script_running(facts: Facts) -> Verdict | None:
    if facts.state() != "busy":
        return None
    kind = str(facts.get_or("availability.reason", "script"))
    if kind == "module":
        advice: tuple[str, ...] = ("A command of a module cannot be killed: wait for its end, and ask who runs it.",)
    else:
        kill = "function kill" if kind == "function" else "script kill"
        advice = (
            f"{kill.upper()} ends it unless it has written already; then only SHUTDOWN NOSAVE would, which loses what is unsaved: wait.",
            f"$ {{cli}} {kill}",
        )
    what = "command of a module" if kind == "module" else kind
    return Verdict("critical", f"A {what} keeps the server busy: every other command is refused", _evidence(facts), advice)


def _auth_required(facts: Facts) -> Verdict | None:
    if facts.state() != "auth_required":
        return None
    advice = ("The client sends no password: put it into REDIS_URL (redis://user:password@host). A restart mends nothing.",)
    return Verdict("critical", "The server wants a password and none was given", _evidence(facts), advice)


def _auth_failed(facts: Facts) -> Verdict | None:
    if facts.state() != "auth_failed":
        return None
    if facts.get_or("availability.reason", None) == "no_password_set":
        advice = "Remove the password from the URL, or set requirepass on the server: is this the right server at all?"
        return Verdict("critical", "A password was given to a server that has none", _evidence(facts), (advice,))
    advice = "Compare the secret that the client has with the server's; was one of them rotated? A restart mends nothing."
    return Verdict("critical", "The server refuses this user or password", _evidence(facts), (advice, "$ {cli} acl whoami"))


def _permission_denied(facts: Facts) -> Verdict | None:
    user = login_user(facts)
    advice = (
        f"For a diagnosis give the user {user} the reading commands; log in as one who may:",
        f"$ {{bare_cli}} acl setuser {shlex.quote(user)} {' '.join(shlex.quote('+' + name) for name in READING)}",
    )
    if facts.state() == "no_permission":
        return Verdict("critical", "This user may not even run PING", _evidence(facts), advice)
    denied = {part: text for part, text in facts.get("denied").items() if "NOPERM" in text}
    # Who watches a server needs no permission to read its keys.
    if not denied.keys() - {"keyspace"}:
        return None
    title = f"This user may not look at {', '.join(sorted(denied))}"
    return Verdict("warning", title, {"user": user, "denied": sorted(denied)}, advice)


def login_user(facts: Facts) -> str:
    """The user that was logged in as, by the URL; who gives none is ``default``."""
    login = str(facts.get_or("server.url", "")).partition("://")[2].rpartition("@")[0]
    return unquote(login.partition(":")[0]) or "default"


def _protected_mode(facts: Facts) -> Verdict | None:
    if facts.state() != "protected":
        return None
    advice = (
        "The server has no password and therefore answers loopback only. Choose one, give it to the clients, then set it on its host.",
        "Type CONFIG SET requirepass …, AUTH … and CONFIG REWRITE inside redis-cli, so that the shell does not keep the password:",
        "$ redis-cli -p {port}",
    )
    return Verdict("critical", "Protected mode refuses every client from outside", _evidence(facts), advice)


def _tls_failure(facts: Facts) -> Verdict | None:
    if facts.state() != "tls":
        return None
    reason = str(facts.get_or("availability.reason", ""))
    title = TLS_TITLES.get(reason, "the TLS handshake fails")
    advice = (TLS_ADVICE.get(reason, "Look at the handshake:"), "$ openssl s_client -connect {host}:{port} -showcerts </dev/null")
    return Verdict("critical", title[0].upper() + title[1:], _evidence(facts), advice)


def _not_redis(facts: Facts) -> Verdict | None:
    if facts.state() != "not_redis":
        return None
    advice = ("Another service answers there: check host and port in REDIS_URL, and on the host who listens:", "$ ss -ltnp")
    return Verdict("critical", "The port answers, but not as Redis", _evidence(facts), advice)


def _clients_exhausted(facts: Facts) -> Verdict | None:
    if facts.state() != "max_clients":
        return None
    advice = (
        "No slot is left, not even for us: retry until one frees, and let the first command be the one that makes room.",
        "<NEW-LIMIT> is a quarter more than maxclients in its configuration file (10000 where none is set).",
        "$ until {bare_cli} -e config set maxclients <NEW-LIMIT>; do sleep 0.2; done   # password: export REDISCLI_AUTH",
        "On the host the largest holder shows without Redis:",
        "$ ss -Htn state established '( sport = :{port} )' | awk '{print $4}' | sed 's/:[0-9]*$//' | sort | uniq -c | sort -rn | head",
    )
    return Verdict("critical", "maxclients is reached: every new connection is refused", _evidence(facts), advice)


RULES = (
    Rule(
        "not_examined",
        "access",
        "no snapshot could be taken, or the server tells nothing of itself",
        "critical/warning",
        "human",
        _not_examined,
    ),
    Rule(
        "host_unreachable",
        "network",
        "no route, or connecting times out and the host answers on no other port, nor by SSH",
        "critical",
        "human",
        _host_unreachable,
    ),
    Rule(
        "port_filtered",
        "network",
        "connecting times out while the host answers on another port, or a process listens there",
        "critical",
        "guarded",
        _port_filtered,
    ),
    Rule("name_not_resolved", "network", "DNS gives no address", "critical", "human", _name_not_resolved),
    Rule("connection_reset", "network", "the connection is closed before an answer", "critical", "human", _connection_reset),
    Rule("server_loading", "process_down", "LOADING", "warning", "safe", _server_loading),
    Rule("script_running", "slow_commands", "BUSY", "critical", "guarded", _script_running),
    Rule("auth_required", "access", "NOAUTH", "critical", "human", _auth_required, docs_url=ACL_DOCS),
    Rule(
        "auth_failed", "access", "WRONGPASS, or a password for a server without one", "critical", "human", _auth_failed, docs_url=ACL_DOCS
    ),
    Rule(
        "permission_denied",
        "access",
        "NOPERM: critical for PING, else a warning",
        "critical/warning",
        "human",
        _permission_denied,
        docs_url=ACL_DOCS,
    ),
    Rule("protected_mode", "configuration", "DENIED by protected mode", "critical", "human", _protected_mode, docs_url=SECURITY_DOCS),
    Rule("tls_failure", "access", "the TLS handshake fails; says why", "critical", "human", _tls_failure, docs_url=TLS_DOCS),
    Rule("not_redis", "configuration", "the port answers, but not in RESP", "critical", "human", _not_redis),
    Rule(
        "clients_exhausted",
        "too_many_connections",
        "max number of clients reached",
        "critical",
        "guarded",
        _clients_exhausted,
        docs_url=CLIENTS_DOCS,
    ),
)

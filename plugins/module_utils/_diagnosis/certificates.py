# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule about the certificate that the server shows."""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict


def _tls_certificate_expiring(facts: Facts) -> Verdict | None:
    days = facts.number("availability.certificate.days_left")
    if days >= facts.limit("certificate_warning_days"):
        return None
    evidence = {name: facts.get_or(f"availability.certificate.{name}", None) for name in ("days_left", "not_after", "subject", "issuer")}
    title = f"The server's certificate expires in {days:g} days" if days >= 0 else f"The server's certificate expired {-days:g} days ago"
    advice = (
        "From then on clients that validate it cannot connect. Renew it, put it in the place of the old one, then let Redis load it anew:",
        "$ openssl s_client -connect {host}:{port} </dev/null 2>/dev/null | openssl x509 -noout -subject -issuer -dates",
        "$ {cli} config set tls-cert-file CERT tls-key-file KEY   # their own paths again; no restart. Before 7.0 one at a time",
    )
    return Verdict("critical" if days < facts.limit("certificate_critical_days") else "warning", title, evidence, advice)


RULES = (
    Rule(
        "tls_certificate_expiring",
        "access",
        "the certificate that the server shows ends in < 14 days (critical < 3)",
        "warning/critical",
        "human",
        _tls_certificate_expiring,
        (),
        "https://redis.io/docs/latest/operate/oss_and_stack/management/security/encryption/",
    ),
)

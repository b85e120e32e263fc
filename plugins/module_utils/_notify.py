# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is told, and why somebody could not be. Pure: the URLs of channels hold tokens, so no word of an error is passed on as it came."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

AUDIENCES = ("users", "team")
REQUIRES = ("any", "all", "none")
UNKNOWN = "it was not sent, and no reason is known"
UNUSABLE = "apprise cannot use this URL: compare it with its documentation of that service"
# The first row that fits the log of a channel names the reason; whatever else the log says may quote the URL.
REASONS = tuple(
    (re.compile(pattern, re.IGNORECASE), sentence)
    for pattern, sentence in (
        (r"certificate.verify.failed|SSLCertVerificationError|CERTIFICATE_VERIFY", "its certificate is not trusted"),
        (r"SSLError|SSL: |wrong version number", "TLS failed"),
        (r"name or service not known|nodename nor servname|name resolution|getaddrinfo|NameResolutionError", "its name cannot be resolved"),
        (r"connection refused", "the connection was refused"),
        (r"no route to host|network is unreachable", "the network does not reach it"),
        (r"read timed out|connect timeout|connection to .* timed out|timed out|TimeoutError", "it did not answer in time"),
        (r"SMTPAuthenticationError|authentication (credentials|failed)|\b535\b", "the login was refused"),
        (r"SMTPRecipientsRefused|all recipients were refused|\b55[0-4]\b", "the recipients were refused"),
        (r"AUTH extension not supported|SMTPNotSupportedError", "the mail server offers no login, or no TLS"),
        (r"connection reset|connection aborted|remote end closed|unexpectedly closed|RemoteDisconnected", "the connection was broken off"),
        (r"could not access .*attachment|attachment .*(does not exist|too large|not accessible)", "an attachment cannot be read"),
    )
)
HTTP = re.compile(r"\berror=(\d{3})\b")
HTTP_WORDS = {"401": ", the token or login is wrong", "403": ", it may not be used so", "404": ", there is nothing at its address",
              "413": ", it was too large", "429": ", too many were sent"}  # fmt: skip


def chosen(channels: Sequence[Mapping[str, Any]], audience: str | None) -> list[dict[str, Any]]:
    """``[{name, url, audience}]`` of those to tell, each with a name of its own. ValueError for two of one name."""
    named = [{**row, "name": row.get("name") or f"{_scheme(row['url'])}-{place}"} for place, row in enumerate(channels, 1)]
    names = [row["name"] for row in named]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two channels are called {', '.join(twice)}: give each its own name, so that the report can tell them apart")
    return [row for row in named if audience in (None, row["audience"])]


def reason(lines: Iterable[str]) -> str:
    """Why a channel was not told, out of what apprise has logged: one of the sentences above, never its words."""
    text = "\n".join(lines)
    status = HTTP.search(text)
    if status:
        return f"it answered HTTP {status.group(1)}{HTTP_WORDS.get(status.group(1), '')}"
    return next((sentence for pattern, sentence in REASONS if pattern.search(text)), UNKNOWN)


def objection(results: Sequence[Mapping[str, Any]], require: str) -> str:
    """Why this is not enough, by what was required; empty where it is."""
    missed = [row for row in results if row["error"]]
    told = len(results) - len(missed)
    if require == "none" or (require == "all" and not missed) or (require == "any" and told):
        return ""
    if not results:
        return "nobody is to be told: no channel has this audience"
    return f"{len(missed)} of {len(results)} channel(s) were not told: " + "; ".join(f"{row['name']}: {row['error']}" for row in missed)


def _scheme(url: str) -> str:
    found = re.match(r"[a-z][a-z0-9+.-]{0,20}(?=:)", str(url), re.IGNORECASE)
    return found.group().lower() if found else "channel"

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many servers at a glance: which are ill for the same reason, and what those have in common that the others have not."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import SEVERITIES
from ansible_collections.aragora.redis.plugins.module_utils._report.order import health, is_ill, nested

ROLES = {"slave": "replicas", "master": "masters"}
MOST_NAMES = 5


def ailments(targets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """``[{cause, id, severity, title, names, shared}]``, one row a root cause, the most severe first, then the most frequent.

    ``title`` is that of the first server, ``shared`` what all of several servers have in common and not everybody has, in words.
    """
    rows: dict[str, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = defaultdict(list)
    for target in targets:
        for finding, dummy in nested(target["findings"]):
            if finding["severity"] != "notice":
                rows[finding["id"]].append((target, finding))
    found = [_row(members, targets) for members in rows.values()]
    return sorted(found, key=lambda row: (SEVERITIES.index(row["severity"]), -len(row["names"])))


def sentence(targets: Sequence[Mapping[str, Any]]) -> str:
    """How many are ill."""
    ill = [target for target in targets if is_ill(target)]
    critical = sum(health(target) == "critical" for target in ill)
    if not ill:
        return f"None of the {len(targets)} servers is ill"
    return f"{len(ill)} of {len(targets)} servers {'is' if len(ill) == 1 else 'are'} ill, {critical} of them critically"


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _row(members: list[tuple[Mapping[str, Any], Mapping[str, Any]]], targets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = members[0][1]
    severity = min((finding["severity"] for dummy, finding in members), key=SEVERITIES.index)
    return {
        "cause": first["cause"],
        "id": first["id"],
        "severity": severity,
        "title": first["title"],
        "names": [str(target["name"]) for target, dummy in members],
        "shared": _shared([target for target, dummy in members], targets),
    }


def _shared(members: Sequence[Mapping[str, Any]], targets: Sequence[Mapping[str, Any]]) -> list[str]:
    if len(members) < 2:
        return []
    common = set.intersection(*(_traits(member) for member in members))
    everybody = set.intersection(*(_traits(target) for target in targets))
    return sorted(common - everybody)


def _traits(target: Mapping[str, Any]) -> set[str]:
    """What may be said of a server that others may have too."""
    server = target["server"]
    version = " ".join(filter(None, (server.get("product"), server.get("version"))))
    host = str(server.get("host") or "")
    traits = {version, ROLES.get(str(server.get("role")), ""), f"host {host}" if host else "", _network(host)}
    if version:
        traits.add(f"judged as {target['workload']['role']}")
    return traits - {""}


def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"domain {host.partition('.')[2]}" if "." in host else ""
    return f"network {ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False)}"

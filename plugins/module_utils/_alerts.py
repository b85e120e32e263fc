# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the table of alerts to a rule file of Prometheus. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import Template
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _alert_table
from ansible_collections.aragora.redis.plugins.module_utils._alert_table import Alert
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import thresholds as limits

GROUP = "aragora-redis"
DOCS = "https://github.com/aragora/ansible-redis/blob/main/docs/monitoring.md"
CACHES = "allkeys-.*"
DURATION = re.compile(r"[0-9]{1,6}(ms|s|m|h|d)")
POLICIES = re.compile(r"[a-z|.*-]*")
WORDS = {
    # Only what the targets file names is ours, whatever else an exporter is asked for.
    "where": 'redis_host!=""',
    "by": "by (redis_host, redis_port, redis_group, instance, job)",
    "on": "on (redis_host, redis_port)",
}
WHO = "{{ $labels.redis_host }}:{{ $labels.redis_port }}"
NEXT = "Why, and what mends it: ansible-playbook aragora.redis.diagnose -e target={{ $labels.redis_host }}"


def rules(
    thresholds: Mapping[str, Any] | None = None,
    waits: Mapping[str, str] | None = None,
    without: Sequence[str] = (),
    caches: str = CACHES,
    docs: str = DOCS,
) -> dict[str, Any]:
    """A rule file. ``waits`` is how long alerts have to hold, by their names; ``without`` are alerts that are not wanted. ValueError."""
    values = limits.merged(thresholds)
    _check(waits or {}, without, caches)
    found = []
    for alert in _alert_table.ALERTS:
        if alert.name not in without:
            words = {**WORDS, **{name: f"{value:.12g}" for name, value in values.items()}, "caches": caches}
            wait = (waits or {}).get(alert.name, alert.wait)
            found += [_rule(alert, severity, {**words, "limit": words.get(limit, "")}, wait, docs) for severity, limit in alert.levels]
    return {"groups": [{"name": GROUP, "rules": found}]}


def _rule(alert: Alert, severity: str, words: Mapping[str, str], wait: str, docs: str) -> dict[str, Any]:
    # $labels and $value are Prometheus' own.
    description = Template(alert.description).safe_substitute(words)
    return {
        "alert": alert.name,
        # Parts of expressions hold words themselves.
        "expr": Template(alert.expr).substitute(words),
        "for": wait,
        "labels": {"severity": severity, "finding": alert.finding},
        "annotations": {
            "summary": f"Redis {WHO}: {alert.summary}",
            "description": f"{description} {NEXT}",
            "runbook_url": f"{docs}#{alert.name.lower()}",
        },
    }


def _check(waits: Mapping[str, str], without: Sequence[str], caches: str) -> None:
    """ValueError for what cannot be meant."""
    names = {alert.name for alert in _alert_table.ALERTS}
    unknown = sorted({*map(str, waits), *map(str, without)} - names)
    if unknown:
        raise ValueError(f"there is no alert '{unknown[0]}': choose from {', '.join(sorted(names))}")
    for name, wait in waits.items():
        if not DURATION.fullmatch(str(wait)):
            raise ValueError(f"{name} is to hold for '{wait}': give a number with its unit, as 30s, 5m or 1h")
    if not POLICIES.fullmatch(caches) or not _is_pattern(caches):
        raise ValueError(f"the policies of caches are '{caches}': give a pattern of names of policies, as allkeys-.*")


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True

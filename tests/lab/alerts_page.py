# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/monitoring.md, where alerts lead people to: made from the table of alerts and from the actions."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.aragora.redis.plugins.module_utils import _remedies
from ansible_collections.aragora.redis.plugins.module_utils._alert_table import ALERTS, ARAGORA, Alert
from ansible_collections.aragora.redis.plugins.module_utils._alerts import rules
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine

HEAD = """\
# Monitoring: from a metric to what mends it

[`monitor`](../roles/redis_monitoring/README.md) sets up redis_exporter, alert rules, a route of Alertmanager and a dashboard; `make docs`
makes the tables below from the same code as the rules. An alert says what an exporter can see; the finding is what it most likely is, and
the diagnosis, which sees more, has the last word. An alert's limit is the [threshold](thresholds.md) of its finding.

```
redis_exporter ──> Prometheus ──alert──> Alertmanager ──webhook──> ansible-rulebook ──> remediate (plan or apply) ──> report
   one for all       our rules             our route                 a token
```

Every alert carries `redis_host` (the server's name in the inventory), `redis_port`, `redis_group` (missing where there is none, as
Prometheus knows no empty labels), `severity` and `finding`, and the annotations `summary`, `description` and `runbook_url`. The first
three are set where the target is, never taken from `instance`.

## An existing Prometheus and Alertmanager

By default the role changes neither's configuration. It writes into `/etc/redis-monitoring` and says what is left to do:

```yaml
# prometheus.yml
rule_files:
  - /etc/redis-monitoring/rules.yml
scrape_config_files:                     # Prometheus 2.43 and newer; for an older one copy the job from that file
  - /etc/redis-monitoring/scrape.yml
```

`redis_monitoring_manage_prometheus: true` puts the same two between marks (`# BEGIN aragora.redis: …`) into `prometheus.yml`, and
`redis_monitoring_manage_alertmanager: true` route, receiver and inhibition into `alertmanager.yml`; the rest of the files stays as it is,
to the byte. `promtool` and `amtool` look at a file before it takes the old one's place, the old one is kept beside it, and the service is
reloaded, not restarted. The route comes first and lets alerts go on to those that were there;
what none of them takes goes to the receiver that is for the rest.

An exporter that is there already will do as well: leave out the part `exporter`, and give its targets the labels `redis_host`,
`redis_port` and, where there is one, `redis_group`. RedisHighLatency needs its option `-ping-on-connect`, the two alerts
about the memory of the host `-include-system-metrics`.

## The dashboard

`/etc/redis-monitoring/dashboards/redis.json` (uid `aragora-redis`; variables `redis_group` and `redis_host`) is announced to a Grafana on
the same host, which reads it when it starts; anywhere else import it. Each graph names the alerts that it is about.

## What alerts do not know

- The exporter cannot tell a wrong password from a server that is down: both are RedisUnavailable. A server that asks for a password where
  the exporter has none is RedisLoginRefused.
- When all connections are taken the exporter gets none either: RedisUnavailable, not RedisConnectionsHigh.
- A server with the policy `allkeys-*` counts as a cache, and may be full (`redis_monitoring_caches`); the diagnosis looks at more.
- Without maxmemory RedisHighMemory is silent, because there is no limit to be near to; RedisMemoryUnlimited and RedisMemoryPressure are
  for that.
- What needs the keys, the slow log's text, the client list or the host is for the diagnosis alone.
"""


def text() -> str:
    """The page."""
    parts = [HEAD, "## Alerts\n", *_overview(), "\n## Names of aragora\n", _aragora_head(), *_aragora(), "\n## Each alert\n"]
    return "\n".join([*parts, *(line for alert in ALERTS for line in _section(alert))]).rstrip("\n") + "\n"


def _overview() -> Iterator[str]:
    yield "| alert | severity | holds for | finding | mended by |"
    yield "|---|---|---|---|---|"
    for alert in ALERTS:
        severities = "/".join(severity for severity, dummy in alert.levels)
        link = f"[{alert.name}](#{alert.name.lower()})"
        yield f"| {link} | {severities} | {alert.wait} | [`{alert.finding}`](findings.md) | {_mended(alert)} |"


def _mended(alert: Alert) -> str:
    """The playbook that a remediation runs for the finding, and who may let it."""
    rule = next(rule for rule in (*engine.RULES, *engine.GROUP_RULES) if rule.id == alert.finding)
    remedy = _remedies.remedy(rule.id, rule.risk)
    return f"`{remedy['playbook'].rpartition('.')[2]}` ({remedy['risk']})" if remedy else "people"


def _aragora_head() -> str:
    return (
        "What the rule files and runbooks of aragora call it, and what takes its place. Take the old rules away when these are there, or "
        "both fire.\n\n"
        "| there | here | |\n|---|---|---|"
    )


def _aragora() -> Iterator[str]:
    for there, (here, differs) in ARAGORA.items():
        yield f"| {there} | [{here}](#{here.lower()}) | {differs} |"


def _section(alert: Alert) -> Iterator[str]:
    found = [rule for rule in rules()["groups"][0]["rules"] if rule["alert"] == alert.name]
    said = found[0]["annotations"]["description"].partition("{{ $value")
    yield f"### {alert.name}\n"
    # What is shown without a value is told here in words.
    yield f"{alert.summary[0].upper()}{alert.summary[1:]}. {'' if said[1] else _meaning(found[0]['annotations']['description'])}".rstrip()
    yield f"Finding [`{alert.finding}`](findings.md); mended by: {_mended(alert)}.\n"
    yield "```"
    yield from (f"{rule['labels']['severity']}: {rule['expr']}" for rule in found)
    yield "```\n"


def _meaning(description: str) -> str:
    """Without the names of a server, and without the sentence that all of them end with."""
    return description.partition(" Why, and what mends it:")[0].replace("{{ $labels.redis_group }}", "")

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_alerts: from a message of Alertmanager one event an alert, with nothing in it that was not looked at."""

from __future__ import annotations

import logging
import runpy
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
---
short_description: Take the alerts of Redis out of a message of Alertmanager
description:
  - Makes one event of each alert whose labels have the shape that the monitoring of this collection gives them. Everything else is left
    behind - alerts without the labels, annotations, further labels, headers - so that a forged message starts nothing.
  - An event is C(alert) with C(name), C(status) (V(firing) or V(resolved)), C(severity), C(host), C(port), C(group) and C(finding), all of
    them text of a few harmless characters; and C(lane), which is a lock for eight runs at once, and one for each server.
  - How many alerts of a message were left behind is logged, without what they say.
"""

EXAMPLES = r"""
- eda.builtin.webhook:
    port: 5000
    token: "{{ REDIS_EVENTS_TOKEN | string | tojson }}"
  filters:
    - aragora.redis.redis_alerts:
"""

# ansible-rulebook runs a plugin as a lone file: the collection is no package for it.
COLLECTION = Path(__file__).resolve().parents[4]
READ = runpy.run_path(str(COLLECTION / "plugins" / "module_utils" / "_event_alerts.py"))
LOG = logging.getLogger("aragora.redis.redis_alerts")
LOST = "%d alerts of a message were left behind: their labels are not those of aragora.redis, or name no single host (docs/events.md)"


def main(event: Any) -> list[dict[str, Any]]:
    """Take the alerts out of an event of the webhook."""
    message = event.get("payload") if isinstance(event, dict) else None
    if lost := READ["left_behind"](message):
        LOG.warning(LOST, lost)
    return [{"alert": {**alert, "lane": READ["lane"](alert["host"])}} for alert in READ["alerts"](message)]

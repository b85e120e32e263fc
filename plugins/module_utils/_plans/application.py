# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restart_application would do: an application that found Redis down at its start, and did not look again, is started anew. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def restart(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a snapshot with its application: ``hosts``, ``unit``, ``container`` beside refusals and steps.

    ``options`` has ``within``, seconds to become ready.
    """
    application = snapshot.get("application")
    if not application:
        return {"refused": ["nothing is known of an application of this server: give redis_application with its hosts"]}
    hosts = application.get("not_ready") or []
    if not hosts or application["fallback"]["on"]:
        return {"hosts": []}
    name = application["container"] or application["unit"]
    refused = []
    state = snapshot["availability"]["state"]
    if state != "up":
        refused.append(f"Redis itself is not well ({state}): a restart would only make the application find that out again")
    if not name:
        refused.append("its unit is not known: give redis_application.unit or redis_application.container")
    if refused:
        return {"refused": refused}
    steps = [f"restart {name} on {host}, whose readiness says that Redis is not well; its users feel that" for host in hosts]
    steps.append(f"wait until it is ready, {options['within']} s at most")
    return {"steps": steps, "hosts": hosts, "unit": application["unit"], "container": application["container"]}

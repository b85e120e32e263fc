# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tune_pools would do: a bound for the pools of an application, so that all of its instances together fit into maxclients. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Others connect as well: replicas, monitoring, people.
SHARE = 0.8


def plan(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a snapshot with its application: ``hosts``, ``unit``, ``variables`` to set, beside refusals and steps.

    ``options``: ``bound``, the engineer's own number or 0; ``variables``, the names that bound its pools; ``within``, seconds to become
    ready.
    ValueError for a bound that cannot be meant.
    """
    bound = _bound(options.get("bound"))
    application = snapshot.get("application")
    pool, most = (application or {}).get("pool"), _number((snapshot.get("config") or {}).get("maxclients"))
    if not application or not pool:
        return {"refused": ["nothing is known of the pools of an application of this server: give redis_application with its pool"]}
    if not most:
        return {"refused": ["the server does not tell maxclients, and without it nothing can be reckoned"]}
    users = pool["clients"] * pool["processes"] * pool["instances"]
    if not bound and pool["total"] <= most:
        return {"hosts": []}
    wanted = bound or int(most * SHARE // users)
    if wanted == pool["bound"]:
        return {"hosts": []}
    refused = []
    if wanted < 1:
        refused.append(f"{users} pools cannot share {most} connections: raise maxclients, or run fewer instances")
    if wanted * users > most:
        refused.append(f"redis_pools_bound is {wanted}: {users} pools of that size are {wanted * users} connections, maxclients is {most}")
    if not options.get("variables"):
        refused.append("nobody says which variables bound its pools: give redis_application.pool.variables")
    if not application.get("unit"):
        refused.append("only the environment of a unit can be changed: give redis_application.unit, or recreate its container by hand")
    if refused:
        return {"refused": refused}
    hosts = list(application["hosts"])
    names = ", ".join(options["variables"])
    steps = [
        f"{names} {pool['bound']} → {wanted} on {', '.join(hosts)}: {users} pools of {wanted} are {wanted * users} of {most} connections",
        f"restart {application['unit']} there, one host after the other, and wait until it is ready, {options['within']} s at most each",
    ]
    variables = {name: str(wanted) for name in options["variables"]}
    return {"steps": steps, "hosts": hosts, "unit": application["unit"], "container": None, "variables": variables}


def _bound(given: Any) -> int:
    number = _number(given or 0)
    if number is None or number < 0:
        raise ValueError(f"redis_pools_bound is '{given}': give a whole number of connections, or 0 to have it reckoned")
    return number


def _number(value: Any) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None

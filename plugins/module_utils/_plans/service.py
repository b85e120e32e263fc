# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restart and wait would do to a server. Pure; what a restart could lose is reckoned in ``_plans/loss.py``.

``{refused: [sentence], steps: [sentence], settings: {}, way, name, engine, state, reset, save, lossy}``: ``way`` is ``unit``,
``container`` or ``wait``, ``state`` is ``started`` or ``restarted``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import thresholds, workload
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import part_or_empty, service
from ansible_collections.aragora.redis.plugins.module_utils._plans import loss

NOTHING: dict[str, Any] = {
    "refused": [], "steps": [], "settings": {}, "way": "", "name": "", "engine": "", "state": "", "reset": False, "save": False,
    "lossy": False,
}  # fmt: skip
ACCEPT = "to accept that: redis_service_accept_data_loss=true"
BY_URL = "nothing is known of its host, and a service is restarted there: give an inventory with the host in it (-i), not only a URL"
# How redis_host_info says so.
NEEDS_ROOT = "needs root"
# States in which a restart mends nothing, and why.
USELESS = {
    "loading": "it is loading its data, and a restart would begin again from zero: wait, with the playbook wait_loading",
    "auth_required": "it wants a password: give it one, a restart mends nothing",
    "auth_failed": "it refuses the user or password: a restart mends nothing",
    "no_permission": "this user may not even run PING, so nobody could see whether it came back: log in as one who may",
    "protected": "protected mode refuses this client: a restart mends nothing",
    "tls": "the TLS handshake fails, so nobody could see whether it came back: mend that first",
    "not_redis": "the port answers, but not as Redis",
    "dns": "its name cannot be resolved",
    "unreachable": "its host cannot be reached",
    "timeout": "packets to its port are dropped: see the firewall",
}
# States in which it runs, and cannot say what it holds.
MUTE = {
    "hung": "it does not answer, and what is in its memory may be unsaved",
    "busy": "a script keeps it busy, and what is in its memory may be unsaved",
    "max_clients": "it has no connection left for us, and what is in its memory may be unsaved",
    "reset": "it closes connections without an answer, and what is in its memory may be unsaved",
    "up": "it tells nothing of itself (INFO), and what is in its memory may be unsaved",
}


def restart(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a server that is down, or for one that runs and is to be restarted all the same (``planned``).

    ``options``: ``{planned, young, accept_data_loss, workload_role, expected_replicas, wait, names, group, peers}``; ``peers`` are what
    :func:`engine.diagnose_targets` returned of other servers, ``names`` what replicas may call this one. ValueError for odd ones.
    """
    facts = Facts(snapshot, thresholds.merged(None), workload.judged_as(snapshot, options.get("workload_role") or None)["role"])
    young = _number(options, "young", "redis_service_young")
    _number(options, "wait", "redis_service_wait")
    if facts.state() == "refused":
        return _started(facts, options)
    ran = facts.number_or("info.server.uptime_in_seconds", float("inf"))
    if facts.state() == "up" and (not options.get("planned") or ran < young):
        return {**NOTHING, "idle": f"nothing to do: it runs, and was started {_age(ran)} ago{_how(options)}"}
    return _restarted(facts, options)


def wait(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a server that loads its data: wait, and nothing else. ``options``: ``{wait}``."""
    facts = Facts(snapshot, thresholds.merged(None), "store")
    most = _number(options, "wait", "redis_service_wait")
    state = facts.state()
    if state == "up" and not facts.get_or("info.persistence.loading", 0):
        return {**NOTHING, "idle": "nothing to do: its data is loaded"}
    if state not in ("up", "loading"):
        return {**NOTHING, "refused": [f"it does not load its data, its state is {state}: see what a diagnosis says"]}
    done, left = facts.get_or("info.persistence.loading_loaded_perc", None), facts.get_or("availability.eta_seconds", None)
    told = [f"{float(done):.0f} % are loaded"] if done is not None else []
    told += [f"{left} s are left by its own estimate"] if left is not None else []
    known = f" ({', '.join(told)})" if told else ""
    return {**NOTHING, "way": "wait", "steps": [f"wait until its data is loaded{known}, {most:g} s at most; it is not restarted"]}


def _started(facts: Facts, options: Mapping[str, Any]) -> dict[str, Any]:
    """Start a server that is down."""
    service_of, refused = _service(facts)
    elsewhere = [f"{item.get('address')}:{item.get('port')}" for item in facts.get_or("host.listeners", None) or []]
    elsewhere = elsewhere or list(part_or_empty(facts, "process").get("listens_on") or [])
    unit, container = part_or_empty(facts, "unit"), part_or_empty(facts, "container")
    if elsewhere:
        refused.append(f"it runs, and listens on {', '.join(elsewhere)}: a restart does not change that, see bind and port")
    elif service_of and (unit.get("active_state") == "active" if unit else container.get("running")):
        refused.append(f"{service(facts)} runs, and nothing listens on the port: it has only just been started, or is another server's")
    risks, known = loss.of_a_start(facts, options)
    refused += _risks(risks, options)
    if refused:
        return {**NOTHING, "refused": refused}
    reset = unit.get("active_state") == "failed"
    was = "/".join(str(unit[name]) for name in ("active_state", "result") if unit.get(name)) or container.get("status") or "down"
    steps = [f"start {service(facts)}, which is {was}: {known}", f"wait until its data is loaded, {options.get('wait')} s at most"]
    return {**NOTHING, **service_of, "state": "started", "reset": reset, "lossy": bool(risks), "steps": _accepted(risks) + steps}


def _restarted(facts: Facts, options: Mapping[str, Any]) -> dict[str, Any]:
    """Restart a server that runs, or hangs."""
    state = facts.state()
    if state in USELESS:
        return {**NOTHING, "refused": [USELESS[state]]}
    service_of, refused = _service(facts)
    mute = state != "up" or not facts.get_or("info.persistence", None)
    risks, save = ([MUTE.get(state, f"its state is {state}")], "") if mute else loss.of_a_restart(facts)
    refused += _risks(risks, options)
    if refused:
        return {**NOTHING, "refused": refused}
    steps = [
        *_accepted(risks),
        *([save] if save else []),
        f"restart {service(facts)}" + (f": {loss.cold(facts)}" if not mute and loss.cold(facts) else ""),
        f"wait until its data is loaded, {options.get('wait')} s at most",
    ]
    return {**NOTHING, **service_of, "state": "restarted", "save": bool(save), "lossy": bool(risks), "steps": steps}


def _service(facts: Facts) -> tuple[dict[str, Any], list[str]]:
    """(what runs the server, why that may not be touched)."""
    if not facts.get_or("host", None):
        told = facts.get_or("denied.host", None)
        return {}, [f"nothing is known of its host: {told}" if told else BY_URL]
    unit, container = part_or_empty(facts, "unit"), part_or_empty(facts, "container")
    if container and not unit:
        held = [f"the container {container.get('name')} is paused: {container.get('engine')} unpause {container.get('name')}"]
        found = {"way": "container", "name": str(container.get("name")), "engine": str(container.get("engine"))}
        return found, held if container.get("paused") else []
    if not unit:
        return {}, ["no unit and no container on its host is known to run it: start it the way it was started before"]
    name = str(unit.get("name"))
    return {"way": "unit", "name": name}, _kept_off(facts, unit, name)


def _kept_off(facts: Facts, unit: Mapping[str, Any], name: str) -> list[str]:
    """Why a unit may not be started: a person's decision stands, whatever data may be lost."""
    off = "masked" if unit.get("load_state") == "masked" else unit.get("switched_off")
    refused = []
    if off == "masked":
        refused.append(f"somebody masked the unit {name} on purpose: ask before you undo it (systemctl unmask {name})")
    elif off:
        refused.append(f"the unit {name} is {off}: was it switched off on purpose? (else: systemctl enable --now {name})")
    if "sentinel" in name or facts.get_or("server.mode", None) == "sentinel":
        refused.append("it is a Sentinel: restart it by hand, one at a time, and see that the others agree on the master")
    parts = [part for part in ("config", "firewall", "log", "oom") if facts.get_or(f"denied.host {part}", "").startswith(NEEDS_ROOT)]
    if parts:
        refused.append(f"starting the unit {name} needs root: add -b to the command")
    return refused


def _risks(risks: list[str], options: Mapping[str, Any]) -> list[str]:
    return [] if options.get("accept_data_loss") or not risks else [*risks, ACCEPT]


def _accepted(risks: list[str]) -> list[str]:
    """What somebody has accepted to lose stands above what is done."""
    return [f"accepted: {risk}" for risk in risks]


def _number(options: Mapping[str, Any], name: str, variable: str) -> float:
    """ValueError names the role's variable."""
    try:
        number = float(options.get(name) or 0)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 86_400:
        raise ValueError(f"{variable} is '{options.get(name)}': give seconds, from 0 to 86400")
    return number


def _how(options: Mapping[str, Any]) -> str:
    return "; to restart it all the same: redis_service_young=0" if options.get("planned") else ""


def _age(seconds: float) -> str:
    if seconds == float("inf"):
        return "some time"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"

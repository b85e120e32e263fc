# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fallback of an application, with which it goes on without Redis: what is set, what it costs, what is refused, and who holds it. Pure.

The lease is one JSON document for each application on a host. Its phase tells where a run that was killed has stopped: ``enabling`` (files
are being written, or the restart has not proved itself), ``on``, ``disabling`` (files are being taken away, or the same).
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _environment_file
from ansible_collections.aragora.redis.plugins.module_utils._host_log import masked

SCHEMA = 1
# Sorted last among the drop-ins of a unit; where others come later still, it gets more of its first letter.
DROP_IN = "zz-aragora-redis-fallback.conf"
MOST_LETTERS = 6
# An equal enable prolongs the lease when this part of it is gone, so that a second run changes nothing.
RENEWED_AFTER = 0.1
EVERYBODY = "all"
PHASES = ("enabling", "on", "disabling")


def variables(fallback: Mapping[str, Any], normal: Mapping[str, str]) -> dict[str, str]:
    """What is set: all of ``variables``, and of ``only_where_true`` what is switched on in the application's normal environment."""
    wanted = dict(fallback.get("variables") or {})
    more = fallback.get("only_where_true") or {}
    wanted.update({name: value for name, value in more.items() if _environment_file.is_true(normal.get(name))})
    return wanted


def objections(application: Mapping[str, Any], service: Mapping[str, Any], wanted: Mapping[str, str], accepts: bool) -> list[str]:
    """Why the fallback may not be switched on. Values of the application's environment are not repeated, but for those of the profile."""
    fallback, found = application["fallback"], list(service["trouble"])
    if not wanted:
        found.append(f"nobody says what {application['name']} needs to go on without Redis: give fallback.variables in redis_application")
    for name, words in (fallback.get("refused_where") or {}).items():
        if (service["normal"].get(name) or "").strip().lower() in [word.lower() for word in words]:
            found.append(f"{name} is set, with which the fallback would not hold: its other source puts the values back")
    if application["instances"] > 1 and not accepts:
        found.append(
            f"{application['name']} runs {application['instances']} times, and without Redis each instance goes its own way: "
            "give redis_fallback_accept_inconsistency=true where that is better than no service"
        )
    for name in sorted(set(service["unset"]) & set(wanted)):
        found.append(f"the unit has UnsetEnvironment={name}, which takes it away whatever is set: remove it there")
    for path, names in service["beyond"].items():
        beaten = sorted(names & set(wanted))
        if beaten:
            found.append(f"{path} sets {', '.join(beaten)} and is no EnvironmentFile of the unit: the fallback might lose against it")
    return found


def drop_in_name(others: Iterable[str]) -> str:
    """A name that systemd reads after all these paths. ValueError where there is none that a person would read."""
    names = {PurePath(path).name for path in others}
    names = {name for name in names if not re.fullmatch("z+" + DROP_IN[2:], name)}
    for more in range(MOST_LETTERS):
        name = "z" * more + DROP_IN
        if all(name > other for other in names):
            return name
    raise ValueError(f"the drop-in {max(names)} would be read after ours, whatever it is called: rename that one")


def files(service: Mapping[str, Any], wanted: Mapping[str, str], folder: str) -> dict[str, str]:
    """{path: text} of what is written, in the order in which it is written: the application can be started between any two."""
    if service["kind"] == "compose":
        # JSON is YAML; a dollar sign would be taken for a variable.
        environment = {name: value.replace("$", "$$") for name, value in wanted.items()}
        document = {"services": {service["service"]: {"environment": environment}}}
        return {f"{folder}/{service['name']}.override.json": json.dumps(document, indent=1) + "\n"}
    path = environment_path(service["name"], folder)
    lines = [_environment_file.line(name, value) for name, value in wanted.items()]
    # The minus: a unit whose environment file is gone has to start all the same.
    drop_in = (
        f"# The fallback is on, without Redis; see ansible-playbook aragora.redis.fallback_status\n[Service]\nEnvironmentFile=-{path}\n"
    )
    return {path: "\n".join(lines) + "\n", f"{service['drop_in_folder']}/{drop_in_name(service['drop_ins'])}": drop_in}


def environment_path(name: str, folder: str) -> str:
    """Our environment file of a unit."""
    return f"{folder}/{name}.env"


def checksum(text: str | bytes) -> str:
    """What the lease keeps of a file."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def opened(service: Mapping[str, Any], application: Mapping[str, Any], settled: int, now: float) -> dict[str, Any]:
    """A lease that nobody holds yet."""
    return {
        "schema": SCHEMA, "name": service["name"], "kind": service["kind"], "application": application["name"], "phase": "enabling",
        "since": now, "holders": {}, "variables": {}, "files": {}, "made": [], "reminded": 0, "revert_failed": None, "settled": settled,
        "watched": {
            "name": application["name"], "unit": application["unit"], "container": application["container"],
            "compose_folder": application["compose_folder"], "compose_service": application["compose_service"],
            "instances": application["instances"], "environment_files": application["environment_files"],
            "url_variables": application["url_variables"], "readiness": application["readiness"], "fallback": application["fallback"],
        },
    }  # fmt: skip


def checked(document: Any) -> dict[str, Any]:
    """The lease as it was read. ValueError where it is none."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA or document.get("phase") not in PHASES:
        raise ValueError("it is no lease of this version")
    for key, kind in (("holders", dict), ("files", dict), ("variables", dict), ("made", list), ("watched", dict), ("name", str)):
        if not isinstance(document.get(key), kind):
            raise ValueError(f"its {key} cannot be read")
    return document


def with_holder(lease: Mapping[str, Any], incident: str, seconds: int, now: float, **told: str) -> dict[str, Any]:
    """The lease, held by one more incident, or longer by the same one."""
    old = lease["holders"].get(incident) or {}
    held = {
        "who": told["who"],
        "why": masked(told["why"]),
        "since": old.get("since", now),
        "until": max(now + seconds, old.get("until", 0)),
    }
    return {**lease, "holders": {**lease["holders"], incident: held}, "reminded": 0, "revert_failed": None}


def is_fresh(lease: Mapping[str, Any], incident: str, seconds: int, now: float) -> bool:
    """Whether the lease of this incident has nearly all of its time."""
    until = (lease["holders"].get(incident) or {}).get("until", 0)
    return bool(until >= now + seconds * (1 - RENEWED_AFTER))


def others(lease: Mapping[str, Any], incident: str, now: float) -> list[str]:
    """Who else holds it now; an incident whose time is over does not."""
    return [name for name in held(lease, now) if incident not in (name, EVERYBODY)]


def held(lease: Mapping[str, Any], now: float) -> list[str]:
    """Who holds it now."""
    return sorted(name for name, holder in lease["holders"].items() if holder["until"] > now)


def drift(lease: Mapping[str, Any], found: Mapping[str, str | None]) -> dict[str, list[str]]:
    """``{changed, missing}``: our files that somebody changed, or took away while the fallback is on."""
    changed = [path for path, sum_now in found.items() if sum_now and sum_now != lease["files"].get(path)]
    missing = [path for path, sum_now in found.items() if not sum_now and lease["phase"] == "on"]
    return {"changed": changed, "missing": missing}


def status(lease: Mapping[str, Any] | None, gone: Mapping[str, Sequence[str]], losing: Sequence[str], now: float) -> dict[str, Any]:
    """What people may know."""
    if not lease:
        return {"phase": "off", "since": None, "until": None, "expired": False, "holders": {}, "variables": [], "drift": [], "losing": []}
    until = max((holder["until"] for holder in lease["holders"].values()), default=0)
    holders = {name: {**holder, "since": at(holder["since"]), "until": at(holder["until"])} for name, holder in lease["holders"].items()}
    return {
        "phase": lease["phase"], "since": at(lease["since"]), "until": at(until), "expired": until <= now, "holders": holders,
        "variables": sorted(lease["variables"]), "drift": drift_sentences(gone), "losing": sorted(losing),
    }  # fmt: skip


def drift_sentences(gone: Mapping[str, Sequence[str]]) -> list[str]:
    """What somebody did to our files."""
    changed = [f"{path} was changed by somebody" for path in gone["changed"]]
    return changed + [f"{path} was taken away by somebody" for path in gone["missing"]]


def status_sentences(name: str, told: Mapping[str, Any]) -> list[str]:
    """The same in words."""
    if told["phase"] == "off":
        return [f"{name}: the fallback is off"]
    words = {
        "on": f"the fallback is on since {told['since']}",
        "enabling": "the fallback is being switched on; if nobody is at it, run fallback_enable or fallback_disable again",
        "disabling": "the fallback is being switched off; if nobody is at it, run fallback_disable again",
    }
    rows = [f"held by {who['who']} for {incident} until {who['until']}: {who['why']}" for incident, who in told["holders"].items()]
    over = ["its time is over"] if told["expired"] else []
    lost = [f"another source sets {', '.join(told['losing'])}: the fallback does not survive a start"] if told["losing"] else []
    return [f"{name}: {words[told['phase']]}", *over, *rows, *told["drift"], *lost]


def enable_steps(application: Mapping[str, Any], service: Mapping[str, Any], wanted: Mapping[str, str], paths: Sequence[str]) -> list[str]:
    """What switching on means, and what it costs."""
    name, within = service["name"], within_seconds(application)
    told = ", ".join(f"{variable}={masked(value)}" for variable, value in wanted.items())
    stale = ["its unit files were changed since systemd has read them: the restart takes those changes, too"] if service["stale"] else []
    again = "restarts" if service["kind"] == "unit" else "recreates"
    return [
        f"sets {told} for {name}",
        f"writes {', '.join(paths)}",
        *stale,
        f"{again} {name}, and puts everything back unless it is ready within {within} s ({application['readiness']['url'] or 'it runs'})",
        *(f"it costs: {cost}" for cost in application["fallback"]["costs"]),
    ]


def disable_steps(application: Mapping[str, Any], service: Mapping[str, Any], lease: Mapping[str, Any]) -> list[str]:
    """What switching off means."""
    name, within = service["name"], within_seconds(application)
    again = "restarts" if service["kind"] == "unit" else "recreates"
    return [
        f"takes {', '.join(lease['files'])} away, and with them {', '.join(sorted(lease['variables']))}",
        f"{again} {name}, and switches the fallback on again unless it is ready within {within} s",
        "what it kept in its memory since then is lost",
    ]


def within_seconds(application: Mapping[str, Any]) -> int:
    """How long the application may need to become ready."""
    return int(application["fallback"].get("within") or application["readiness"].get("within") or 120)


def at(moment: float) -> str:
    """A time as people and other programs read it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def held_by(fact: Any, name: str) -> dict[str, str] | None:
    """``{since, until, who, why}`` of a service in the local fact, None where no fallback of it is held. Odd content is no error."""
    lease = fact.get(name) if isinstance(fact, dict) else None
    holders = lease.get("holders") if isinstance(lease, dict) else None
    # One that is being switched off is not held any more.
    if not isinstance(lease, dict) or not isinstance(holders, dict) or lease.get("phase") == "disabling":
        return None
    rows = [row for row in holders.values() if isinstance(row, dict)]
    joined = {key: ", ".join(dict.fromkeys(str(row.get(key) or "unknown") for row in rows)) for key in ("who", "why")}
    return {"since": str(lease.get("since")), "until": str(lease.get("until")), **joined}

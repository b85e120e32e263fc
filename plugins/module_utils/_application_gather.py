# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an application's host tells of it and of its way to Redis, part by part; what cannot be looked at stands in ``denied``.

Nothing of the environment leaves this call but the names of variables, where URLs lead, and the bound of a pool.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import (
    _application,
    _application_http,
    _application_redis,
    _application_run,
    _fallback,
    _fallback_files,
)
from ansible_collections.aragora.redis.plugins.module_utils import _application_text as words
from ansible_collections.aragora.redis.plugins.module_utils import _application_urls as urls
from ansible_collections.aragora.redis.plugins.module_utils import _host_files as files
from ansible_collections.aragora.redis.plugins.module_utils._application_service import Service
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import Denied

PARTS = ("service", "library", "urls", "redis", "readiness", "validation", "journal", "pool", "fallback")
IMPORT_SECONDS = 30.0
READY_SECONDS = 10.0
SAMPLES = 3
IMPORT = "import importlib, sys; print(getattr(importlib.import_module(sys.argv[1]), '__version__', ''))"
ODD = (ArithmeticError, AttributeError, LookupError, OSError, TypeError)


def application_argument_spec() -> dict[str, Any]:
    """The options that both modules take."""
    return {
        "application": {"type": "dict", "required": True},
        "connect_timeout": {"type": "float", "default": 3.0},
        "timeout": {"type": "float", "default": 5.0},
    }


def info_argument_spec() -> dict[str, Any]:
    """The options of redis_application_info."""
    return {
        **application_argument_spec(),
        "parts": {"type": "list", "elements": "str", "choices": list(PARTS), "default": list(PARTS)},
        "canary": {"type": "bool", "default": False},
        "replicas": {"type": "int"},
        "journal_minutes": {"type": "int", "default": 15},
    }


def profile_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The whole profile. ValueError names what cannot be meant."""
    profile = _application.complete(options["application"])
    for name in ("unit", "container", "client_library"):
        if str(profile[name] or "").startswith("-"):
            raise ValueError(f"redis_application.{name} is '{profile[name]}': a name does not begin with a dash")
    return profile


def gather(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """``{changed, application, denied}``; see the RETURN block of redis_application_info. ValueError for options that make no sense."""
    profile = profile_of(options)
    if not 0 < options["journal_minutes"] <= 1440:
        raise ValueError(f"journal_minutes is {options['journal_minutes']}: give a number from 1 to 1440")
    service = Service(profile)
    takes = {
        "service": lambda: service.shown() if service.is_known else None,
        "library": lambda: _library(service),
        "urls": lambda: urls.compare(profile["url_variables"], service.next, service.running, service.unseen),
        "redis": lambda: _application_redis.look(service, options, options["canary"] and not check_mode),
        "readiness": lambda: _readiness(service),
        "validation": lambda: _validation(service),
        "journal": lambda: _journal(service, options["journal_minutes"]),
        "pool": lambda: _pool(service),
        "fallback": lambda: _switched(service),
    }
    found: dict[str, Any] = {}
    denied = dict(service.denied)
    for part in PARTS:
        found[part] = None
        if part in options["parts"] and (part != "redis" or profile["url_variables"]):
            try:
                found[part] = takes[part]()
            except Denied as error:
                denied[part] = service.hide(error)
            except ODD as error:
                denied[part] = service.hide(f"not understood: {type(error).__name__}: {error}")
    return {"changed": False, "application": {"name": profile["name"], **found}, "denied": denied}


def _library(service: Service) -> dict[str, Any] | None:
    """Whether the application's own Python has the package with which it talks to Redis."""
    name, python = service.profile["client_library"], service.profile["python"] if service.is_container else service.python
    if not name:
        return None
    if not python:
        raise Denied("its Python is not known: give redis_application.python")
    status, output, errors = _application_run.run(service, [python, "-c", IMPORT, name], IMPORT_SECONDS)
    if status:
        return {"name": name, "python": python, "imported": False, "version": None, "error": service.hide(_last(errors))}
    return {"name": name, "python": python, "imported": True, "version": service.hide(_last(output)) or None, "error": None}


def _readiness(service: Service) -> dict[str, Any] | None:
    url = service.profile["readiness"]["url"]
    return _application_http.ask(url, READY_SECONDS, service.secrets) if url else None


def _validation(service: Service) -> dict[str, Any] | None:
    """Its own check; the exit status is kept and judged by nobody."""
    said = service.profile["validation"]
    if not said["argv"]:
        return None
    python = service.profile["python"] if service.is_container else service.python
    if not python and any("{python}" in word for word in said["argv"]):
        raise Denied("its Python is not known: give redis_application.python")
    argv = [words.filled(word, {"python": python or ""}) for word in said["argv"]]
    status, output, errors = _application_run.run(service, argv, said["within"] or 60)
    document = words.masked_data(words.json_in(output), service.secrets)
    return {
        "json": document,
        "empty": not output.strip(),
        "exit_status": status,
        "error": service.hide(_last(errors)) if document is None else None,
    }


def _journal(service: Service, minutes: int) -> dict[str, Any] | None:
    patterns = service.profile["journal"]
    if not patterns["redis"]:
        return None
    lines = service.journal(minutes)
    return {"minutes": minutes, **words.journal(lines, patterns["redis"], patterns["never"], service.secrets, SAMPLES)}


def _pool(service: Service) -> dict[str, Any] | None:
    """How many connections all instances may open together."""
    pool, variables = service.profile["pool"], {**(service.next or {}), **(service.running or {})}
    given = {name: int(variables[name]) for name in pool["variables"] if variables.get(name, "").isdigit()}
    # Several variables bound several kinds of pools: the largest is what one client may take.
    bound = max(given.values(), default=pool["default"])
    if bound is None:
        return None
    clients, processes, instances = pool["clients"] or 1, pool["processes"] or 1, service.profile["instances"]
    return {
        "variables": given, "bound": bound, "clients": clients, "processes": processes, "instances": instances,
        "total": bound * clients * processes * instances,
    }  # fmt: skip


def _switched(service: Service) -> dict[str, Any]:
    """``{variables_set, lease}``: whether its process has the variables of the fallback, and the lease where one is held."""
    wanted, now = service.profile["fallback"]["variables"], service.running if service.running is not None else service.next
    # A variable that nobody has set is no switch.
    have = None
    if now is not None and wanted:
        have = any(name in now for name in wanted) and all(now.get(name, "") == value for name, value in wanted.items())
    text = files.text_or(_fallback_files.FACT)
    lease = _fallback.held_by(words.json_in(text), service.told.get("name") or service.profile["unit"]) if text else None
    return {"variables_set": have, "lease": words.masked_data(lease, service.secrets)}


def _last(text: str) -> str:
    """The last line that says something."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")

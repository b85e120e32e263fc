# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of an application: what systemd or compose gives it at its next start, and what its process has. All of it is secret."""

from __future__ import annotations

import contextlib
import glob
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _environment_file
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import Denied, run

PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,MainPID,NeedDaemonReload,DropInPaths,Environment,EnvironmentFiles,UnsetEnvironment"
FILE = re.compile(r"(.*) \(ignore_errors=(yes|no)\)")
SWITCHED_OFF = ("masked", "masked-runtime", "disabled")
# Where drop-ins are written that survive a reboot.
UNITS = "/etc/systemd/system"
COMPOSE = "com.docker.compose."
NO_COMPOSE = (
    "the environment of a container cannot be changed, only a new container can have another one, and how to make that its compose file "
    "knows: give compose_folder and compose_service in redis_application, or recreate {name} by hand with the variables of fallback_status"
)
NOWHERE = "nobody says how {name} is run: give unit, or compose_folder and compose_service, in redis_application"


def look(application: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """The service: ``{kind, name, trouble, pid, normal, next, unset, beyond, ...}``. ``normal`` is its environment without our files in
    ``folder``, ``next`` with them. ``trouble`` are sentences why it cannot be changed.
    """
    if application["unit"]:
        return _unit(application, folder)
    if application["compose_folder"] and application["compose_service"]:
        return _compose(application, folder)
    name = application["name"]
    words = NO_COMPOSE if application["container"] else NOWHERE
    return _service("none", name, [words.format(name=application["container"] or name)])


def _service(kind: str, name: str, trouble: list[str], **more: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "kind": kind, "name": name, "trouble": trouble, "pid": 0, "active": "", "stale": False, "normal": {}, "next": {}, "unset": [],
        "beyond": {}, "drop_ins": [], "drop_in_folder": "", "recreate": [],
    }  # fmt: skip
    return {**nothing, **more}


def _unit(application: Mapping[str, Any], folder: str) -> dict[str, Any]:
    name = application["unit"] if "." in application["unit"] else f"{application['unit']}.service"
    told = shown(run("systemctl", "show", "--no-pager", f"--property={PROPERTIES}", "--", name))
    one = {key: values[0] for key, values in told.items()}
    name = one.get("Id") or name
    trouble = []
    if one.get("LoadState") == "masked":
        trouble.append(f"{name} is masked: a person has switched it off")
    elif one.get("LoadState") != "loaded":
        trouble.append(f"there is no unit {name} on this host ({one.get('LoadState', 'unknown')})")
    elif one.get("ActiveState") == "inactive" and one.get("UnitFileState") in SWITCHED_OFF:
        trouble.append(f"{name} is stopped and {one['UnitFileState']}: a person has switched it off")
    own = _environment_file.from_unit(one.get("Environment", ""))
    named = [match.group(1) for line in told.get("EnvironmentFiles", []) for match in [FILE.fullmatch(line)] if match]
    foreign = [path for path in named if not path.startswith(f"{folder}/")]
    given = application["environment_files"]
    beyond = {path: set(_environment_file.parse(_text(path))) for path in given if path not in _spread(foreign)}
    unset = [word.partition("=")[0] for word in one.get("UnsetEnvironment", "").split()]
    return _service(
        "unit",
        name,
        trouble,
        pid=int(one.get("MainPID") or 0),
        active=one.get("ActiveState", ""),
        stale=one.get("NeedDaemonReload") == "yes",
        normal=_environment_file.effective(own, _variables(_spread(given or foreign))),
        next=_environment_file.effective(own, _variables(_spread(named))),
        unset=unset,
        beyond=beyond,
        drop_ins=one.get("DropInPaths", "").split(),
        drop_in_folder=f"{UNITS}/{name}.d",
    )


def shown(text: str) -> dict[str, list[str]]:
    """``systemctl show``: {property: values}; a property may stand in several lines."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            found.setdefault(name, []).append(value)
    return found


def _compose(application: Mapping[str, Any], folder: str) -> dict[str, Any]:
    service, place = application["compose_service"], str(Path(application["compose_folder"]))
    labels = (f"--filter=label={COMPOSE}project.working_dir={place}", f"--filter=label={COMPOSE}service={service}")
    ids = run("docker", "ps", "--all", "--quiet", *labels).split()
    if not ids:
        return _service("compose", f"compose-{service}", [f"docker knows no container of the service {service} of {place}"])
    return composed(run("docker", "inspect", "--type", "container", *ids), service, place, folder, _composer())


def _composer() -> Sequence[str]:
    """How compose is called here: Docker's plugin, or the program that came before it; empty where there is neither."""
    for words in (("docker", "compose"), ("docker-compose",)):
        with contextlib.suppress(Denied):
            run(*words, "version")
            return words
    return ()


def composed(text: str, service: str, place: str, folder: str, program: Sequence[str]) -> dict[str, Any]:
    """The service of compose as ``docker inspect`` tells of its containers. ``program`` are the words with which compose is called."""
    document = json.loads(text)[0]
    labels = document["Config"].get("Labels") or {}
    project = labels.get(f"{COMPOSE}project", "")
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", f"compose-{project}-{service}")
    override = f"{folder}/{name}.override.json"
    # Compose notes there which files it was given; ours is among them while the fallback is on.
    known = [path for path in (labels.get(f"{COMPOSE}project.config_files") or "").split(",") if path and path != override]
    files = [str(Path(place, path)) for path in known]
    environment_file = labels.get(f"{COMPOSE}project.environment_file")
    command = [
        *program, "--project-name", project, "--project-directory", place,
        *([f"--env-file={environment_file}"] if environment_file else []), *(f"--file={path}" for path in files),
    ]  # fmt: skip
    environment = dict(pair.split("=", 1) for pair in document["Config"].get("Env") or [] if "=" in pair)
    trouble = [] if project and files else [f"the container of {service} names no compose project: let compose make it"]
    trouble += [] if program else ["neither 'docker compose' nor docker-compose is installed: install one of them"]
    end = ["up", "--detach", "--no-deps", "--force-recreate", service]
    return _service(
        "compose",
        name,
        trouble,
        service=service,
        pid=int((document.get("State") or {}).get("Pid") or 0),
        active="active" if (document.get("State") or {}).get("Running") else "inactive",
        normal=environment,
        next=environment,
        # With our file last, and without it.
        recreate=[[*command, f"--file={override}", *end], [*command, *end]],
    )


def losing(service: Mapping[str, Any], wanted: Mapping[str, str]) -> list[str]:
    """Variables of the fallback that the next start of the unit would give another value, or that the container was made without."""
    return sorted(name for name, value in wanted.items() if service["next"].get(name) != value or name in service["unset"])


def running(pid: int) -> dict[str, str]:
    """The environment with which a process was started; empty where it cannot be read, or the process wrote over it."""
    with contextlib.suppress(OSError):
        words = (Path("/proc") / str(pid) / "environ").read_bytes().decode("utf-8", "replace").split("\0")
        return dict(word.split("=", 1) for word in words if "=" in word)
    return {}


def _spread(paths: Iterable[str]) -> list[str]:
    """Paths with their wildcards resolved, as systemd does."""
    return [match for path in paths for match in (sorted(glob.glob(path)) if glob.has_magic(path) else [path])]  # noqa: PTH207 - absolute


def _variables(paths: Sequence[str]) -> list[dict[str, str]]:
    return [_environment_file.parse(_text(path)) for path in paths]


def _text(path: str) -> str:
    """A file's text; a missing one is none. Denied where it may not be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return ""
    except OSError as error:
        raise Denied(f"{path} cannot be read ({error.strerror})") from None

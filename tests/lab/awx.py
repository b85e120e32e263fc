# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the API of AWX 24, as far as the modules of awx.awx use it: objects in memory, found by name, with AWX's own refusals.

AWX itself is a cluster of containers that no test can bring along. What is refused here is what AWX refuses: a survey, an injector or an
answer that it could not take, and a playbook that the project does not have.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jinja2
import jinja2.sandbox

from tests.lab import web

API = "/api/v2/"
TOKEN = "a-token-of-the-lab"
PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
# {endpoint: type of its objects}
TYPES = {
    "organizations": "organization",
    "projects": "project",
    "project_updates": "project_update",
    "execution_environments": "execution_environment",
    "credential_types": "credential_type",
    "credentials": "credential",
    "inventories": "inventory",
    "inventory_sources": "inventory_source",
    "job_templates": "job_template",
    "workflow_job_templates": "workflow_job_template",
    "workflow_job_template_nodes": "workflow_job_template_node",
    "workflow_approval_templates": "workflow_approval_template",
    "schedules": "schedule",
}
TEMPLATES = ("projects", "inventory_sources", "job_templates", "workflow_job_templates")
ANSWERS = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": (str, list),
    "integer": int,
    "float": (int, float),
}
Object = dict[str, Any]


class RefusedError(Exception):
    """What AWX answers with status 400."""


@dataclass
class Awx:
    """``objects`` are those of each endpoint; ``written`` are (method, path) of all requests that change something."""

    port: int = 0
    objects: dict[str, list[Object]] = field(default_factory=lambda: {endpoint: [] for endpoint in TYPES})
    written: list[tuple[str, str]] = field(default_factory=list)
    linked: dict[str, list[int]] = field(default_factory=dict)
    surveys: dict[int, Object] = field(default_factory=dict)
    secrets: dict[int, Object] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """How the modules find it."""
        return {"CONTROLLER_HOST": f"http://127.0.0.1:{self.port}", "CONTROLLER_OAUTH_TOKEN": TOKEN}

    def one(self, endpoint: str, name: str) -> Object:
        """The object of a name."""
        return next(found for found in self.objects[endpoint] if name in (found.get("name"), found.get("identifier")))

    def links(self, endpoint: str, name: str, kind: str) -> list[str]:
        """The names of what is linked with an object."""
        ids = self.linked.get(f"{endpoint}/{self.one(endpoint, name)['id']}/{kind}", [])
        every = (found for objects in self.objects.values() for found in objects)
        return [found.get("name") or found["identifier"] for found in every if found["id"] in ids]

    def answer(self, method: str, path: str, query: dict[str, str], body: Object) -> tuple[int, Any]:
        """(status, JSON) of a request."""
        if method != "GET":
            self.written.append((method, path))
        endpoint, *more = path.removeprefix(API).strip("/").split("/")
        if not more:
            return self._create(endpoint, body) if method == "POST" else (200, _page(self._found(endpoint, query)))
        ours = next((found for found in self._all(endpoint) if str(found["id"]) == more[0]), None)
        if ours is None:
            return 404, {"detail": "Not found."}
        if len(more) == 1:
            return (200, ours) if method == "GET" else self._change(endpoint, ours, body)
        if more[1] == "survey_spec":
            return self._survey(method, ours, body)
        if more[1] == "create_approval_template":
            made = self._add("workflow_approval_templates", body)
            ours["related"]["unified_job_template"] = made["url"]
            return 201, made
        return self._link(method, f"{endpoint}/{more[0]}/{more[1]}", body)

    def _all(self, endpoint: str) -> list[Object]:
        names = TEMPLATES if endpoint == "unified_job_templates" else (endpoint,)
        return [found for name in names for found in self.objects.get(name, [])]

    def _found(self, endpoint: str, query: dict[str, str]) -> list[Object]:
        return [found for found in self._all(endpoint) if all(str(found.get(name)) == value for name, value in query.items())]

    def _create(self, endpoint: str, body: Object) -> tuple[int, Any]:
        if endpoint not in self.objects:
            return 404, {"detail": "Not found."}
        self._check(endpoint, body)
        made = self._add(endpoint, body)
        if endpoint == "projects":
            update = self._add("project_updates", {"status": "successful"})
            made["summary_fields"]["current_update"] = {"id": update["id"], "status": "pending"}
        return 201, made

    def _add(self, endpoint: str, body: Object) -> Object:
        identity = sum(len(objects) for objects in self.objects.values()) + 1
        url = f"{API}{endpoint}/{identity}/"
        fixed = {"id": identity, "type": TYPES[endpoint], "url": url, "summary_fields": {}}
        made = {**body, **fixed, "related": {"survey_spec": f"{url}survey_spec/", "update": f"{url}update/"}, "scm_revision": ""}
        self.objects[endpoint].append(made)
        return self._seen(endpoint, made)

    def _change(self, endpoint: str, ours: Object, body: Object) -> tuple[int, Any]:
        self._check(endpoint, {**ours, **body})
        ours.update(body)
        return 200, self._seen(endpoint, ours)

    def _seen(self, endpoint: str, ours: Object) -> Object:
        """As AWX gives it back: the organization of a template is that of its project, and no secret."""
        if endpoint == "job_templates":
            ours["organization"] = next(found["organization"] for found in self.objects["projects"] if found["id"] == ours["project"])
        if endpoint == "credentials":
            kind = next(found for found in self.objects["credential_types"] if found["id"] == ours["credential_type"])
            secret = {row["id"] for row in kind["inputs"]["fields"] if row.get("secret")}
            kept = self.secrets.setdefault(ours["id"], {})
            kept.update({name: value for name, value in ours["inputs"].items() if value != "$encrypted$"})
            ours["inputs"] = {name: "$encrypted$" if name in secret else value for name, value in kept.items()}
        return ours

    def _survey(self, method: str, ours: Object, body: Object) -> tuple[int, Any]:
        if method == "POST":
            check_survey(body)
            self.surveys[ours["id"]] = body
        return 200, self.surveys.get(ours["id"], {}) if method == "GET" else {}

    def _link(self, method: str, place: str, body: Object) -> tuple[int, Any]:
        linked = self.linked.setdefault(place, [])
        if method == "GET":
            return 200, _page([{"id": identity} for identity in linked])
        if body.get("disassociate"):
            linked.remove(body["id"])
        else:
            linked.append(body["id"])
        return 204, None

    def _check(self, endpoint: str, body: Object) -> None:
        """RefusedError where AWX would refuse the object."""
        if endpoint == "job_templates" and body["playbook"] not in {f"playbooks/{path.name}" for path in PLAYBOOKS.glob("*.yml")}:
            raise RefusedError("playbook: Playbook not found for project.")
        if endpoint == "credential_types":
            _check_injectors(body)
        if endpoint == "schedules" and not re.match(r"DTSTART\S*:\d{8}T\d{6}Z? RRULE:\S*INTERVAL=\d", body["rrule"]):
            raise RefusedError("rrule: a valid rrule has DTSTART and INTERVAL")
        if endpoint == "workflow_job_template_nodes":
            questions = {row["variable"]: row for row in self.surveys.get(body.get("unified_job_template", 0), {}).get("spec", [])}
            for name, value in (body.get("extra_data") or {}).items():
                if name not in questions:
                    raise RefusedError(f"extra_data: Variables {name} are not allowed on launch.")
                if "choices" in questions[name] and value not in questions[name]["choices"].splitlines():
                    raise RefusedError(f"Value {value} for '{name}' expected to be one of its choices.")


def check_survey(spec: Object) -> None:
    """As JobTemplateSurveySpec of AWX does."""
    if not all(isinstance(spec.get(name), str) for name in ("name", "description")) or not spec.get("spec"):
        raise RefusedError("a survey has a name, a description, and at least one question")
    variables = [row["variable"] for row in spec["spec"]]
    if len(variables) != len(set(variables)):
        raise RefusedError("'variable' duplicated in survey")
    for row in spec["spec"]:
        texts = all(isinstance(row.get(name), str) for name in ("type", "question_name", "variable"))
        if not texts or not isinstance(row.get("required"), bool) or row["type"] not in ANSWERS:
            raise RefusedError(f"a question has a type, a name, a variable, and is required or not: {row}")
        if row["type"].startswith("multi") and not row.get("choices"):
            raise RefusedError(f"{row['variable']} must specify choices")
        if "default" in row and not isinstance(row["default"], ANSWERS[row["type"]]):  # type: ignore[arg-type]
            raise RefusedError(f"the default of {row['variable']} has another type")
        if row["type"].startswith("multi") and row.get("default", row["choices"].split("\n")[0]) not in row["choices"].split("\n"):
            raise RefusedError("Default choice must be answered from the choices listed.")


def rendered(kind: Object, inputs: Object, folder: str = "/runner/env") -> tuple[dict[str, str], dict[str, str]]:
    """(environment, {path: content}) of a job with a credential of this type, as AWX renders them."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment()
    labels = {name.partition(".")[2]: text for name, text in kind["injectors"].get("file", {}).items()}
    files = {label: environment.from_string(text).render(**inputs) for label, text in labels.items()}
    names: Object = {"tower": {"filename": {label: f"{folder}/{label}" for label in files}}}
    found = {name: environment.from_string(text).render(**inputs, **names) for name, text in kind["injectors"]["env"].items()}
    return found, {f"{folder}/{label}": content for label, content in files.items()}


def _check_injectors(kind: Object) -> None:
    """As CredentialTypeInjectorField of AWX does: known fields only, no variables of Ansible's own."""
    if any(name.startswith("ANSIBLE_") or not re.fullmatch(r"[a-zA-Z_]\w*", name) for name in kind["injectors"].get("env", {})):
        raise RefusedError("Environment variable is not allowed to be used in credentials.")
    strict = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    known: Object = {row["id"]: "EXAMPLE" for row in kind["inputs"]["fields"]}
    known["tower"] = {"filename": {name.partition(".")[2]: "EXAMPLE" for name in kind["injectors"].get("file", {})}}
    try:
        for injector in kind["injectors"].values():
            for text in injector.values():
                strict.from_string(text).render(**known)
    except jinja2.TemplateError as error:
        raise RefusedError(f"an injector uses an undefined field ({error})") from None


def _page(found: list[Object]) -> Object:
    return {"count": len(found), "next": None, "previous": None, "results": found}


@contextlib.contextmanager
def running() -> Iterator[Awx]:
    """The API on a loopback port."""
    awx = Awx()

    class Api(web.Quiet):
        def answer(self) -> None:
            where = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answered: Any
            try:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    status, answered = 401, {"detail": "Authentication credentials were not provided."}
                else:
                    status, answered = awx.answer(self.command, where.path, dict(parse_qsl(where.query)), json.loads(body or "{}"))
            except RefusedError as refused:
                status, answered = 400, {"error": str(refused), "__all__": [str(refused)]}
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.end_headers()
            if status != 204:
                self.wfile.write(json.dumps(answered).encode())

        do_GET = do_POST = do_PATCH = do_DELETE = answer

    with web.serving(Api) as awx.port:
        yield awx

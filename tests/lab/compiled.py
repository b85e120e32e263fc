# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates as Jinja compiles them, kept for all playbooks of the tests.

Ansible compiles each template in the process of each task that meets it, and forgets it there: a quarter of what such a process does.
"""

from __future__ import annotations

import hashlib
import marshal
import types
from typing import Any

import jinja2
from ansible._internal._templating import _engine, _jinja_bits
from jinja2 import nodes
from jinja2.environment import TemplateExpression

from tests.lab import kept


class Environment(_jinja_bits.AnsibleEnvironment):  # type: ignore[misc]  # Ansible has no types
    """Ansible's own, which looks first whether somebody has compiled that already. What cannot be compiled is told each time anew."""

    # While an expression is compiled, where it is kept.
    _expression = ""

    def compile(
        self, source: Any, name: str | None = None, filename: str | None = None, raw: bool = False, defer_init: bool = False
    ) -> Any:
        """See Jinja."""
        key = self._expression if isinstance(source, nodes.Template) else self._key(source, name, filename, defer_init)
        if raw or not key:
            return super().compile(source, name, filename, raw, defer_init)
        return _known(key) or _kept(key, super().compile(source, name, filename, raw, defer_init))

    def compile_expression(self, source: str, undefined_to_none: bool = True) -> Any:
        """See Jinja."""
        key = self._key(source, "expression")
        code = _known(key)
        if code:
            return TemplateExpression(self.template_class.from_code(self, code, self.make_globals(None)), undefined_to_none)
        self._expression = key
        try:
            return super().compile_expression(source, undefined_to_none)
        finally:
            self._expression = ""

    def _key(self, source: str, *about: Any) -> str:
        """The name of a file for all that decides what becomes of a source."""
        context = _jinja_bits._TemplateCompileContext.current(optional=True)
        settings = [getattr(self, field) for field in _jinja_bits._TEMPLATE_OVERRIDE_FIELD_NAMES]
        decides = [jinja2.__version__, *about, *settings, context and context.escape_backslashes]
        return hashlib.sha256(f"{decides}\n{source}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


def once() -> None:
    """Have Ansible compile no template twice, in this process and those that it forks."""
    _engine.AnsibleEnvironment = Environment


def _known(key: str) -> types.CodeType | None:
    data = kept.known(f"{key}.template")
    return marshal.loads(data) if data else None  # noqa: S302  we wrote it


def _kept(key: str, code: types.CodeType) -> types.CodeType:
    kept.keep(f"{key}.template", marshal.dumps(code))
    return code

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The watch of a fallback as one file that any Python 3.9 runs without Ansible: itself and what it imports of ours, zipped."""

from __future__ import annotations

import ast
import io
import sys
import zipfile
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _fallback_watch

PREFIX = _fallback_watch.__name__.rpartition(".")[0]
MAIN = f"""\
import sys
from pathlib import Path
from {PREFIX} import _fallback_watch
sys.exit(_fallback_watch.main(Path(sys.argv[0]).parent, sys.argv[1]))
"""
# The same bytes each time, so that a second run changes nothing.
DATE = (2020, 1, 1, 0, 0, 0)


def packed() -> bytes:
    """The zip file."""
    needed = sorted(_needed(_fallback_watch.__name__, set()))
    packages = {name.rsplit(".", depth)[0] for name in needed for depth in range(1, name.count(".") + 1)}
    texts = {f"{name.replace('.', '/')}/__init__.py": "" for name in sorted(packages)}
    texts["__main__.py"] = MAIN
    texts.update({f"{name.replace('.', '/')}.py": _source(name) for name in needed})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in texts.items():
            archive.writestr(zipfile.ZipInfo(path, DATE), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _needed(name: str, found: set[str]) -> set[str]:
    """The names of this file of ours and of all that it imports of ours."""
    found.add(name)
    for node in ast.walk(ast.parse(_source(name))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PREFIX):
            for one in (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)):
                if one in sys.modules and one not in found and one != PREFIX:
                    _needed(one, found)
    return found


def _source(name: str) -> str:
    module: Any = sys.modules[name]
    source = module.__loader__.get_source(name) or ""
    # Ansible's own loader, on the controller, gives bytes.
    return source.decode("utf-8") if isinstance(source, bytes) else str(source)

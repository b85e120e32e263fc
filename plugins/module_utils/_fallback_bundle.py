# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The watch of a fallback as one file that any Python 3.9 runs without Ansible: the files that are imported here anyway, zipped."""

from __future__ import annotations

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
    packages = PREFIX.split(".")
    texts = {"/".join([*packages[:depth], "__init__.py"]): "" for depth in range(1, len(packages) + 1)}
    texts["__main__.py"] = MAIN
    for name in sorted(sys.modules):
        if name.startswith(f"{PREFIX}._"):
            texts[name.replace(".", "/") + ".py"] = _source(sys.modules[name])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in texts.items():
            archive.writestr(zipfile.ZipInfo(path, DATE), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _source(module: Any) -> str:
    return str(module.__loader__.get_source(module.__name__) or "")

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules as Ansible packs them for their targets: kept for all playbooks of the tests, and with their bytecode.

Ansible sends a module with everything that it imports as an archive of sources. It packs them anew for each playbook, and each process
of a module compiles them all: more than a quarter of the time that tests of playbooks take. A target with another Python than this one
compiles the sources, which are there as well.
"""

from __future__ import annotations

import importlib.util
import marshal
import struct
import types
import zipfile
from typing import Any

from ansible.executor import module_common

# PEP 552: bytecode that is not compared with its source, which nobody can have changed.
UNCHECKED = struct.pack("<4sI8x", importlib.util.MAGIC_NUMBER, 0b01)


class Archive(zipfile.ZipFile):
    """The same archive with the bytecode of each source beside it."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *more: Any, **named: Any) -> None:
        """See the standard library."""
        super().writestr(zinfo_or_arcname, data, *more, **named)
        name = getattr(zinfo_or_arcname, "filename", zinfo_or_arcname)
        if name.endswith(".py"):
            super().writestr(f"{name}c", UNCHECKED + marshal.dumps(compile(data, name, "exec", dont_inherit=True)))


def with_bytecode() -> None:
    """Have Ansible pack them so, in this process and those that it forks."""
    module_common.zipfile = types.SimpleNamespace(**{**vars(zipfile), "ZipFile": Archive})

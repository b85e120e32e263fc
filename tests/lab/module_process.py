# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens inside the process of a module. A server imports this file once and forks that process from itself.

Importing Ansible and redis-py takes longer than most modules do; everything of ours is imported by each process for itself.
"""

from __future__ import annotations

import faulthandler
import os
import runpy
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import ansible.module_utils.basic
import redis

# Imported for the processes to come.
IMPORTED = (ansible.module_utils.basic, redis)
# Standard input, output and errors are opened so.
HOW = (os.O_RDONLY, os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_APPEND)


@dataclass(frozen=True)
class Call:
    """A module by its whole name, the file with its arguments, the two for what it says, and how its process is told about the world."""

    module: str
    streams: tuple[str, str, str]
    environment: Mapping[str, str]
    path: list[str]
    folder: str


def play(call: Call) -> None:
    """Run a module with its arguments on standard input."""
    os.environ.clear()
    os.environ.update(call.environment)
    os.chdir(call.folder)
    sys.path[:] = call.path
    sys.argv[:] = [call.module]
    for number, (name, how) in enumerate(zip(call.streams, HOW)):
        os.dup2(os.open(name, how), number)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    # Who waits for it in vain ends it by SIGABRT, and then it says where it was.
    faulthandler.enable()
    try:
        runpy.run_module(call.module, run_name="__main__", alter_sys=True)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()

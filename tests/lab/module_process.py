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
from typing import NoReturn

import ansible.module_utils.basic
import redis

from tests.lab import forked

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


def play(call: Call) -> NoReturn:
    """Run a module with its arguments on standard input, and end."""
    forked.take_on(call.environment, call.folder, (os.open(name, how) for name, how in zip(call.streams, HOW)))
    sys.path[:] = call.path
    sys.argv[:] = [call.module]
    # Who waits for it in vain ends it by SIGABRT, and then it says where it was.
    faulthandler.enable()
    forked.finish(lambda: runpy.run_module(call.module, run_name="__main__", alter_sys=True))

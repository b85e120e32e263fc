# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens inside the process of a playbook. A server imports this file once and forks that process from itself.

Ansible compiles a collection's Python in every process that uses it, and ansible-playbook forks one for each task; what is imported here is
there for all of them. What modules are sent to their targets as is kept as well (packed.py), and so are the collection's YAML (parsed.py)
and compiled templates (compiled.py). More than half of a playbook's time is saved that way. ``make full`` starts every playbook from
nothing.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping
from multiprocessing import connection
from pathlib import Path
from typing import NoReturn

import pygal
from ansible import constants, template
from ansible.cli import playbook as command
from ansible.config import manager
from ansible.executor import playbook_executor, task_executor, task_queue_manager
from ansible.executor.process import worker
from ansible.parsing import dataloader
from ansible.playbook import play_context
from ansible.plugins import loader
from ansible.template import trust_as_template
from ansible.utils import color

from tests.lab import compiled, forked, kept, local_modules, packed, parsed
from tests.lab.ansible_runs import COLLECTIONS, Call

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.aragora.redis"
# Imported for the processes to come.
IMPORTED = (playbook_executor, task_executor, task_queue_manager, worker, pygal)
# Seconds.
POLL = 0.005


def prepare() -> None:
    """Import what playbooks of the collection use. Once, in the server."""
    loader.init_plugin_loader([str(COLLECTIONS)])
    # The playbook's own process asks for it again.
    loader._configure_collection_loader = lambda *_: None
    folder = ROOT / "plugins"
    for path in sorted((folder / "module_utils").rglob("*.py")):
        importlib.import_module(".".join([COLLECTION, *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__"))
    for plugins, kind in ((loader.filter_loader, "filter"), (loader.action_loader, "action")):
        list(plugins.all(class_only=True))
        for path in (folder / kind).glob("*.py"):
            plugins.get(f"aragora.redis.{path.stem}", **({"class_only": True} if kind == "action" else {}))
    list(loader.test_loader.all())
    packed.with_bytecode()
    kept.folder()
    parsed.once()
    compiled.once()
    local_modules.once()
    # What playbooks look up first.
    for kind in (loader.connection_loader, loader.shell_loader, loader.become_loader):
        list(kind.all(class_only=True))
    # A lexer of Jinja compiles a dozen of patterns.
    template.Templar(loader=dataloader.DataLoader()).template(trust_as_template("{{ 1 == 1 }}"))
    # The forks share this memory as long as nobody touches it.
    gc.collect()
    gc.freeze()
    gc.disable()


def play(call: Call) -> NoReturn:
    """Be ansible-playbook, and end as it does."""
    # Whoever ends it ends what it has started.
    os.setpgid(0, 0)
    ways = [(os.devnull, os.O_RDONLY), *((name, os.O_WRONLY | os.O_APPEND) for name in call.streams)]
    forked.take_on(call.environment, call.folder, (os.open(name, how) for name, how in ways))
    program = Path(sys.executable).with_name("ansible-playbook")
    sys.argv[:] = [str(program), *call.words]
    forked.finish(lambda: _run(call.environment))


def _run(environment: Mapping[str, str]) -> None:
    """ansible-playbook, with what it would have read of its environment before it is called."""
    constants.config._config_file = manager.find_ini_config_file()
    constants.config._parse_config_file()
    for setting in constants.config.get_configuration_definitions():
        constants.set_constant(setting, constants.config.get_config_value(setting, variables=vars(constants)))
    for place in filter(None, environment.get("ANSIBLE_CONNECTION_PLUGINS", "").split(":")):
        loader.connection_loader.add_directory(place)
    color.ANSIBLE_COLOR = constants.ANSIBLE_FORCE_COLOR
    vars(play_context.PlayContext)["pipelining"].default = constants.ANSIBLE_PIPELINING
    # Asked a thousand times a second whether a task has ended, the machine would have little time left to end it.
    constants.set_constant("DEFAULT_INTERNAL_POLL_INTERVAL", POLL)
    Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache").symlink_to(kept.folder())
    command.main(sys.argv)


def serve(number: int) -> None:
    """Start a playbook for each connection; until standard input ends, as it does with who has started this.

    A connection brings a :class:`Call`, and is told the exit status.
    """
    prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    with socket.socket(fileno=number) as listener:
        while sys.stdin not in select.select([sys.stdin, listener], [], [])[0]:
            client = listener.accept()[0]
            if not os.fork():
                listener.close()
                _mind(connection.Connection(client.detach()))
            client.close()


def _mind(client: connection.Connection) -> NoReturn:
    """One process beside each playbook, so that the server waits for nobody. The playbook ends where nobody waits for it any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    call = client.recv()
    number = os.fork()
    if not number:
        client.close()
        play(call)
    # The playbook says so itself as well; whoever comes first.
    with contextlib.suppress(OSError):
        os.setpgid(number, number)
    ended = os.pidfd_open(number)
    ways: list[int | connection.Connection] = [ended, client]
    if ended not in select.select(ways, [], [])[0]:
        os.killpg(number, signal.SIGKILL)
    with contextlib.suppress(OSError):
        client.send(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]))
    os._exit(0)


if __name__ == "__main__":
    serve(int(sys.argv[1]))

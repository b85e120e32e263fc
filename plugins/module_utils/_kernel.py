# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a kernel should be set to for Redis, how it is kept over a reboot, and what has to be done for that. Pure.

Our files tell in comments what a value was before, so that it can be put back, be it months later.

Sources: https://redis.io/docs/latest/operate/oss_and_stack/management/admin/, sysctl.d(5), tmpfiles.d(5)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HEAD = "# Written by aragora.redis.prevent, which takes it away again with redis_hardening_state=absent."
WAS = re.compile(r"^# (\S+) was (\S+)$", re.MULTILINE)
SYSCTL, TMPFILES = "/etc/sysctl.d/60-aragora-redis.conf", "/etc/tmpfiles.d/aragora-redis.conf"
HUGE_PAGES = "transparent_hugepage"
HUGE_PAGES_PATH = "/sys/kernel/mm/transparent_hugepage/enabled"


@dataclass(frozen=True)
class Item:
    """One value of the kernel. ``least``: more is as good. ``unusual``: no kernel has it by itself, so it has to be kept in a file."""

    name: str
    path: str
    wanted: str
    least: bool = False
    unusual: bool = False

    def is_met(self, value: str | None) -> bool:
        """Whether this value is good enough."""
        if value is not None and self.least and value.isdecimal():
            return int(value) >= int(self.wanted)
        return value == self.wanted


@dataclass(frozen=True)
class Found:
    """How it is: the value now, the file of somebody else that sets it at boot with its value, what ours says it was, and whether it may
    be written.
    """

    now: str | None
    kept_in: str = ""
    kept: str | None = None
    was: str | None = None
    ours: bool = False
    writable: bool = True


def items(*, overcommit: bool, somaxconn: int, huge_pages: str) -> list[Item]:
    """What is asked for, in this order."""
    found = [Item("vm.overcommit_memory", "/proc/sys/vm/overcommit_memory", "1", unusual=True)] if overcommit else []
    found += [Item("net.core.somaxconn", "/proc/sys/net/core/somaxconn", str(somaxconn), least=True)] if somaxconn else []
    return found + ([Item(HUGE_PAGES, HUGE_PAGES_PATH, huge_pages)] if huge_pages else [])


def value_of(text: str) -> str | None:
    """The value that a file of the kernel shows: the chosen of several words, or all of it."""
    chosen = re.search(r"\[(\w+)\]", text)
    return chosen.group(1) if chosen else text.strip() or None


def kept(files: Iterable[tuple[str, str]], name: str) -> tuple[str, str | None]:
    """(file, value) of the last line that sets it, files as ``(path, text)`` in the order in which they are read at boot."""
    found: tuple[str, str | None] = ("", None)
    sysctl = rf"^\s*-?{name.replace('.', '[./]')}\s*=\s*(\S+)"
    pattern = rf"^w\S*\s+{HUGE_PAGES_PATH}\s.*\s(\S+)$" if name == HUGE_PAGES else sysctl
    for path, text in files:
        for value in re.findall(pattern, text, re.MULTILINE):
            found = (path, value)
    return found


def remembered(text: str) -> dict[str, str]:
    """What one of our files says that values were."""
    return dict(WAS.findall(text))


def lacks(item: Item, found: Found) -> bool:
    """Whether there is something to do: now, or for the next boot."""
    if not item.is_met(found.now):
        return True
    return not (found.ours or item.is_met(found.kept)) and (item.unusual or found.kept is not None)


def why_not(item: Item, found: Found) -> str:
    """Why it cannot be done here, in one sentence, or nothing."""
    if found.now is None:
        return f"{item.name} is not told here: set it where the kernel is, on the machine around this container"
    if not item.is_met(found.now) and not found.writable:
        who = "run with root (-b), or where this is a container, on the machine around it"
        return f"{item.name} is {found.now} and may not be set to {item.wanted} from here ({item.path} is not writable): {who}"
    return ""


def overruled(item: Item, found: Found, own_file: str) -> str:
    """What is still to be said where another file comes after ours."""
    name = found.kept_in.rpartition("/")[2]
    if found.kept is None or item.is_met(found.kept) or name < own_file.rpartition("/")[2]:
        return ""
    return f"{found.kept_in} sets {item.name} to {found.kept}, and is read after {own_file} at the next boot: change it there"


def text_of(values: Mapping[str, str], was: Mapping[str, str]) -> dict[str, str]:
    """{path: text} of our files; empty where there is nothing to keep in one."""
    memory = {name: f"# {name} was {was[name]}\n" if name in was else "" for name in values}
    sysctls = "".join(f"{memory[name]}{name} = {value}\n" for name, value in values.items() if name != HUGE_PAGES)
    pages = "".join(f"{memory[name]}w {HUGE_PAGES_PATH} - - - - {value}\n" for name, value in values.items() if name == HUGE_PAGES)
    return {path: f"{HEAD}\n{text}" if text else "" for path, text in ((SYSCTL, sysctls), (TMPFILES, pages))}

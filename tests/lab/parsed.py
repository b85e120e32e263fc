# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's YAML as Ansible reads it, kept for all playbooks of the tests. A file that has changed since is read anew."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

from ansible import cli
from ansible.parsing import dataloader

from tests.lab import kept

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "collections" / "ansible_collections" / "aragora" / "redis"
OURS = tuple(f"{place}/{folder}/" for place in (ROOT, COLLECTION) for folder in ("roles", "playbooks"))


class DataLoader(dataloader.DataLoader):  # type: ignore[misc]  # Ansible has no types
    """Ansible's own, which gives everybody a copy of what it has read. So does this one."""

    def load_from_file(
        self, file_name: str, cache: str = "all", unsafe: bool = False, json_only: bool = False, trusted_as_template: bool = False
    ) -> Any:
        """See there."""
        path = self.path_dwim(file_name)
        if unsafe or json_only or not trusted_as_template or not path.startswith(OURS):
            return super().load_from_file(file_name, cache, unsafe, json_only, trusted_as_template)
        found = Path(path).stat()
        state = path, found.st_mtime_ns, found.st_size
        name = f"{hashlib.sha256(repr(state).encode()).hexdigest()[:24]}.yaml"
        known = kept.known(name)
        if known:
            return pickle.loads(known)  # noqa: S301  we wrote it
        data = super().load_from_file(file_name, cache, unsafe, json_only, trusted_as_template)
        kept.keep(name, pickle.dumps(data, pickle.HIGHEST_PROTOCOL))
        return data


def once() -> None:
    """Have Ansible read no file of the collection twice, in this process and those that it forks."""
    cli.DataLoader = DataLoader

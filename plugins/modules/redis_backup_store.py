#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_backup_store
short_description: Keep backups of Redis or Valkey on the controller
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - "A backup is C(<dir>/<server>/<time>.rdb) and its manifest C(<time>.json), which names the file, its checksum, the server and what was
    counted; no secrets and no names of keys. Only their owner can read them."
  - It runs on the controller, as an action plugin; the target is not touched.
attributes:
  check_mode:
    support: full
    description: Nothing is written or deleted; V(found) is the same as ever.
  diff_mode:
    support: none
    description: Backups are never changed.
options:
  state:
    description:
      - With V(prepared) there is a folder with room for O(bytes), and the path to fetch the file to is returned.
      - With V(kept) the fetched file O(path) is compared with the checksum of O(backup), gets its manifest, and older backups are deleted.
      - With V(found) the backup O(name) is looked for, and compared with its checksum.
    type: str
    choices: [prepared, kept, found]
    required: true
  dir:
    description:
      - The folder of all backups. Only its owner may be able to write into it.
    type: path
    default: redis-backups
  server:
    description:
      - What people call the server.
    type: str
    required: true
  bytes:
    description:
      - For V(prepared), how large the file is.
    type: int
    default: 0
  path:
    description:
      - For V(kept), what V(prepared) returned.
    type: path
  backup:
    description:
      - For V(kept), the manifest that M(aragora.redis.redis_backup) returned.
    type: dict
    default: {}
  reason:
    description:
      - For V(kept), why the backup was taken, for people.
    type: str
    default: asked for
  keep:
    description:
      - For V(kept), how many backups of the server stay; V(0) keeps all. Only files are deleted that a manifest names, and never the newest
        one that was tested.
    type: int
    default: 7
  name:
    description:
      - For V(found), V(latest) (the newest one that was tested, else the newest; never one that holds what a restore has replaced), the
        time in a file's name, or the path of a manifest or of its file, with a slash in it.
    type: str
    default: latest
seealso:
  - module: aragora.redis.redis_backup
"""

EXAMPLES = r"""
- name: Which backup would be restored, and is it whole?
  aragora.redis.redis_backup_store:
    state: found
    server: cache1
  register: stored
"""

RETURN = r"""
path:
  description: Where to fetch the file to, or where it is.
  returned: success, but not for V(prepared) in check mode
  type: str
backup:
  description: The manifest.
  returned: for V(kept) and V(found)
  type: dict
sentence:
  description: The backup in one line.
  returned: for V(kept) and V(found)
  type: str
deleted:
  description: Paths of the backups that were deleted.
  returned: for V(kept)
  type: list
  elements: str
"""

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conversation that reads and sets settings: all of them, or none.

Redis 7.0 and newer and Valkey take many settings in one CONFIG SET and keep none when one is bad. Older servers take one at a time; there
the old values are put back here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _info
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._secrets import MASK
from ansible_collections.aragora.redis.plugins.module_utils._settings import is_known, same
from ansible_collections.aragora.redis.plugins.module_utils._settings_plan import Setting, release_of

# The server's own words for settings that cannot be set at run time: (pattern with the name, reason). Before 7.0 it calls what
# CONFIG GET has just told unsupported.
NOT_AT_RUN_TIME = (
    (r"argument '([^']+)'\) - can't set immutable config", "immutable"),
    (r"argument '([^']+)'\) - can't set protected config", "protected"),
    (r"Unsupported CONFIG parameter: (\S+)", "immutable"),
)
NO_FILE = "the server was started without a configuration file"


class NotApplied(Exception):
    """The settings could not be set or kept. ``str()`` is one sentence that also tells how the server was left."""


def read(client: Client, names: Iterable[str]) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """(CONFIG GET, INFO). ``names`` are asked for by name as well, because ``*`` leaves out what is hidden."""
    asked = [name.lower() for name in names if re.fullmatch(r"[\w.-]+", name)]
    replies = client.pipeline([("INFO",), ("CONFIG", "GET", "*"), *(("CONFIG", "GET", name) for name in asked)])
    for command, reply in zip(("INFO", "CONFIG GET", *asked), replies):
        if isinstance(reply, Refused):
            raise NotApplied(
                f"{client.endpoint.address} refuses {command} ({reply}): grant +info +config|get +config|set, "
                "or use the settings of the provider where the service is managed"
            )
    config: dict[str, str] = {}
    for reply in replies[1:]:
        config.update(zip(reply[::2], reply[1::2]))
    return config, _info.parse(replies[0])


def apply(client: Client, changes: Sequence[Setting], info: dict[str, dict[str, Any]], rewrite: bool) -> tuple[dict[str, str], str | None]:
    """Set the changes, read them back and, with ``rewrite``, write them into the configuration file.

    Returns ({name of a setting that the server cannot set at run time: reason}, why nothing was written or None). Raises NotApplied.
    """
    product, release = release_of(info)
    at_once = product == "valkey" or release >= (7, 0)
    try:
        refused = _set_at_once(client, changes) if at_once else _set_one_by_one(client, changes)
        done = [change for change in changes if change.name not in refused]
        trouble = _differences(client, done)
        why_not = None if trouble or not rewrite or not done else write_file(client, info)
        if why_not and why_not != NO_FILE:
            trouble = why_not
        if trouble:
            raise NotApplied(f"{trouble}; {_put_back(client, done)}")
    except Unavailable as error:
        raise NotApplied(f"{error}; it broke off while settings were set, so read them before you go on") from None
    return refused, why_not


def _set_at_once(client: Client, changes: Sequence[Setting]) -> dict[str, str]:
    """One CONFIG SET; what the server calls immutable or protected is left out and returned."""
    left, refused = list(changes), dict[str, str]()
    while left:
        try:
            client.call("CONFIG", "SET", *(text for change in left for text in (change.server_name, change.after)))
            break
        except Refused as error:
            found = _not_at_run_time(str(error), left)
            if found is None:
                raise NotApplied(f"{client.endpoint.address} refuses the settings ({_said(error, left)}); nothing was changed") from None
            refused[found[0].name] = found[1]
            left.remove(found[0])
    return refused


def _set_one_by_one(client: Client, changes: Sequence[Setting]) -> dict[str, str]:
    """One CONFIG SET each; the first refusal puts everything back."""
    done: list[Setting] = []
    refused: dict[str, str] = {}
    # maxmemory comes last: evicted keys are the one thing that putting back does not bring back.
    for change in sorted(changes, key=lambda item: item.server_name == "maxmemory"):
        try:
            client.call("CONFIG", "SET", change.server_name, change.after)
            done.append(change)
        except Refused as error:
            found = _not_at_run_time(str(error), [change])
            if found is None:
                sentence = f"{client.endpoint.address} refuses {change.name} ({_said(error, [change])})"
                raise NotApplied(f"{sentence}; {_put_back(client, done)}") from None
            refused[change.name] = found[1]
    return refused


def _differences(client: Client, done: Sequence[Setting]) -> str | None:
    """The first setting that does not read as it was set, in a sentence."""
    replies = client.pipeline([("CONFIG", "GET", change.server_name) for change in done])
    for change, reply in zip(done, replies):
        text = "" if isinstance(reply, Refused) or len(reply) < 2 else reply[1]
        if is_known(change.server_name) and not same(change.server_name, text, change.after):
            shown, wanted = (MASK, MASK) if change.secret else (text, change.after)
            return f"{client.endpoint.address} took {change.name} '{wanted}' as '{shown}': give a value that it keeps"
    return None


def write_file(client: Client, info: dict[str, dict[str, Any]]) -> str | None:
    """CONFIG REWRITE; why it was not done, or None."""
    path = info.get("server", {}).get("config_file")
    if not path:
        return NO_FILE
    try:
        client.call("CONFIG", "REWRITE")
    except Refused as error:
        return (
            f"{client.endpoint.address} cannot write its configuration file {path} ({error}): "
            "let its user write the file and the folder, grant +config|rewrite, or set persist: none"
        )
    return None


def keep(client: Client, info: dict[str, dict[str, Any]], check_mode: bool) -> str | None:
    """Write the file although nothing was set; why there is none, or None. Raises NotApplied where it cannot be written."""
    if check_mode:
        return None if info.get("server", {}).get("config_file") else NO_FILE
    why_not = write_file(client, info)
    if why_not and why_not != NO_FILE:
        raise NotApplied(why_not)
    return why_not


def _put_back(client: Client, done: Sequence[Setting]) -> str:
    """Set the old values again, last first; the end of the sentence that tells how the server was left."""
    replies = client.pipeline([("CONFIG", "SET", change.server_name, change.before) for change in reversed(done)])
    stuck = [change.name for change, reply in zip(reversed(done), replies) if isinstance(reply, Refused)]
    return f"the old values could not be put back for {', '.join(stuck)}" if stuck else "the old values are back"


def _not_at_run_time(text: str, changes: Sequence[Setting]) -> tuple[Setting, str] | None:
    for pattern, reason in NOT_AT_RUN_TIME:
        found = re.search(pattern, text)
        if found:
            return next(((change, reason) for change in changes if change.server_name == found.group(1).lower()), None)
    return None


def _said(error: Refused, changes: Sequence[Setting]) -> str:
    """The server's words; old servers repeat the value, which may be a secret."""
    text = str(error)
    for change in changes:
        if change.secret and change.after:
            text = text.replace(change.after, MASK)
    return text

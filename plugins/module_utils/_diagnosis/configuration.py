# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the configuration file: does it hold what the server runs with, and could the server write it?

Both need the host: a managed service has no file that its users could mind.
"""

from __future__ import annotations

import shlex

from ansible_collections.aragora.redis.plugins.module_utils import _config_file
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing, Rule, Verdict
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import part

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/config/"
REWRITE_DOCS = "https://redis.io/docs/latest/commands/config-rewrite/"
MOST_NAMES = 4
MOST_SETTINGS = 20


def _config_not_persisted(facts: Facts) -> Verdict | None:
    directives = dict(facts.get("host.config.directives"))
    path, own = str(facts.get("host.config.path")), str(facts.get("info.server.config_file"))
    if own and own != path:
        # Another file than the one that the server was started with.
        raise Missing("host.config.path")
    running = {str(name): str(value) for name, value in facts.get("config").items()}
    found = _config_file.differences(running, directives, facts.get_or("host.config.arguments", []))
    if _is_cut(facts):
        found.pop("maxclients", None)
    if not own or not found:
        return None
    names = ", ".join(list(found)[:MOST_NAMES]) + (f" and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else "")
    evidence = {"file": path, "differing": len(found), "settings": _config_file.shown(found, MOST_SETTINGS)}
    advice = (
        "The next start brings back what the file says. What was given as an argument at the start is no loss; for the rest, decide:",
        "$ {cli} config rewrite   # keeps what runs now, all of it",
        "or set back what was meant for a while only, or edit the file where it is the file that is right and the start still to come.",
    )
    title = f"{len(found)} setting{'s' * (len(found) > 1)} would not survive a restart: {names}"
    return Verdict("notice", title, evidence, advice)


def _is_cut(facts: Facts) -> bool:
    """Whether the limit of open files made maxclients lower than the file says: that is a finding of its own."""
    return facts.number_or("config.maxclients", 0) < facts.number_or("host.process.open_files_soft", 0) < 10_032


def _config_not_writable(facts: Facts) -> Verdict | None:
    places, path = part(facts, "files"), str(facts.get("info.server.config_file"))
    evidence: dict[str, object] = {"config_file": path}
    if not path:
        advice = (
            "Whatever is set at run time is gone with the next start, and CONFIG REWRITE fails. Start it with a file, or as before with",
            "all settings as arguments (then keep those of its unit or container in step):",
            "$ {cli} info server | grep -E 'config_file|executable'",
        )
        return Verdict("notice", "There is no configuration file to keep settings in", evidence, advice)
    if part(facts, "container"):
        # Paths of a container mean nothing outside.
        raise Missing("host.files.config")
    writable = {name: facts.get(f"host.files.{name}.writable") for name in ("config", "config_folder")}
    blocked = [places[name] for name, may in writable.items() if not may]
    if not blocked:
        return None
    evidence.update({f"{place['path']}": f"{place['owner']}:{place['group']} {place['mode']}" for place in blocked}, **writable)
    user = str(facts.get_or("host.process.user", "redis"))
    places_shown = " ".join(shlex.quote(str(place["path"])) for place in blocked)
    advice = (
        f"CONFIG REWRITE writes a new file beside the old one and renames it: the user {user} must be able to write both.",
        f"$ chown {shlex.quote(user)} {places_shown} && chmod u+w {places_shown}",
        "Leave it as it is where the file is written by something else, and set nothing at run time that must last.",
    )
    return Verdict("notice", f"CONFIG REWRITE would fail: {user} may not write {blocked[0]['path']}", evidence, advice)


RULES = (
    Rule(
        "config_not_persisted",
        "configuration",
        "running values differ from the configuration file, or from known defaults where it is silent",
        "notice",
        "guarded",
        _config_not_persisted,
        (),
        DOCS,
    ),
    Rule(
        "config_not_writable",
        "configuration",
        "CONFIG REWRITE would fail: no configuration file, or file or folder not writable by the server's user; needs the host",
        "notice",
        "human",
        _config_not_writable,
        (),
        REWRITE_DOCS,
    ),
)

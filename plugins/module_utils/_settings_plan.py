# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one declaration of settings would do to one server: what changes, what waits for a restart, what must not be done.

Pure: dicts in, a Plan out; ValueError with one sentence for what cannot be meant or must not be done.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _info, _settings_known
from ansible_collections.aragora.redis.plugins.module_utils._secrets import MASK, is_secret
from ansible_collections.aragora.redis.plugins.module_utils._settings import canonical, merged, names_of, same

Config = Mapping[str, str]
Info = Mapping[str, Mapping[str, Any]]
RESTART_REASONS = {
    "immutable": "is only read when the server starts",
    "protected": "is protected by enable-protected-configs",
}


@dataclass(frozen=True)
class Setting:
    """One wanted setting: the name that was asked for, the one that this server uses, its texts before and after."""

    name: str
    server_name: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        """True when the wanted value means something else than the present one."""
        return not same(self.server_name, self.before, self.after)

    @property
    def secret(self) -> bool:
        """True when the texts must not be shown."""
        return is_secret(self.server_name)


@dataclass(frozen=True)
class Plan:
    """All wanted settings, those to set now, and why others of them wait for a restart (``{name: reason}``)."""

    settings: list[Setting]
    changes: list[Setting]
    waiting: dict[str, str]


def make_plan(wanted: Mapping[str, Any], config: Config, info: Info, local: bool) -> Plan:
    """What must be done for the wanted values. ``local`` tells that the server sees us as a client of its own machine."""
    settings = [
        Setting(name, server_name, config[server_name], merged(server_name, config[server_name], raw))
        for name, server_name, raw in _resolved(wanted, config)
    ]
    differing = [setting for setting in settings if setting.differs]
    reasons = {setting.name: restart_reason(setting.server_name, config, info, local) for setting in differing}
    waiting = {name: reason for name, reason in reasons.items() if reason}
    return Plan(settings, [setting for setting in differing if setting.name not in waiting], waiting)


def without(plan: Plan, refused: Mapping[str, str]) -> Plan:
    """The plan once the server said of some changes that it cannot make them at run time."""
    return Plan(plan.settings, [change for change in plan.changes if change.name not in refused], {**plan.waiting, **refused})


def restart_reason(server_name: str, config: Config, info: Info, local: bool) -> str | None:
    """``immutable`` or ``protected`` when the setting cannot be set at run time on this server, else None."""
    name = canonical(server_name)
    product, release = release_of(info)
    if name in _settings_known.IMMUTABLE.split():
        mutable_on, first, end = _settings_known.MUTABLE_IN.get(name, ("", (0, 0), (0, 0)))
        return None if product == mutable_on and first <= release < end else "immutable"
    # Before 7.0 there is no enable-protected-configs, and nothing is protected.
    allowed = config.get("enable-protected-configs", "yes")
    if name in _settings_known.PROTECTED and allowed != "yes" and not (allowed == "local" and local):
        return "protected"
    return None


def release_of(info: Info) -> tuple[str, tuple[int, int]]:
    """(product, (major, minor))."""
    product, version = _info.product(dict(info.get("server", {})))
    numbers = re.match(r"(\d+)\.(\d+)", str(version or ""))
    return str(product), (int(numbers.group(1)), int(numbers.group(2))) if numbers else (0, 0)


def check_eviction(changes: Iterable[Setting], config: Config, info: Info) -> None:
    """ValueError when the changes would make the server evict keys, or refuse writes, as soon as they are set."""
    after = {**config, **{canonical(change.server_name): change.after for change in changes}}
    limit, before = int(after.get("maxmemory", 0)), int(config.get("maxmemory", 0))
    memory = info.get("memory", {})
    # What Redis itself compares with maxmemory: buffers of replicas and of the AOF do not count.
    used = memory.get("used_memory", 0) - memory.get("mem_not_counted_for_evict", 0)
    lowered = limit != before and (before == 0 or limit < before)
    # Another policy finds other keys: what could not be evicted so far may go at once.
    begins = config.get("maxmemory-policy") != after.get("maxmemory-policy") != "noeviction"
    if limit and limit < used and (lowered or begins):
        effect = "writes would be refused" if after.get("maxmemory-policy") == "noeviction" else "keys would be evicted"
        raise ValueError(
            f"maxmemory {limit} is below the {used} bytes that are in use, so {effect} at once: "
            "give more, make room first, or set allow_eviction: true"
        )


def previous(changes: Iterable[Setting]) -> dict[str, str]:
    """The old values of what was changed, as they can be declared again; secrets masked."""
    return {change.name: _masked(change, change.before) for change in changes}


def resulting(plan: Plan) -> dict[str, str]:
    """The values of all wanted settings once the changes are set; secrets masked."""
    changed = {change.name for change in plan.changes}
    return {setting.name: _masked(setting, setting.after if setting.name in changed else setting.before) for setting in plan.settings}


def diff(changes: Iterable[Setting], address: str) -> dict[str, Any]:
    """Ansible's diff; a secret shows that it changes and not what it is."""
    listed = list(changes)
    after = {change.name: change.after for change in listed}
    after.update({change.name: f"{MASK} (changed)" if change.after else "" for change in listed if change.secret})
    return {"before_header": address, "after_header": address, "before": previous(listed), "after": after}


def waiting_rows(plan: Plan) -> list[dict[str, str]]:
    """``{setting, current, wanted, reason, message}`` of what waits for a restart."""
    rows = []
    for setting in plan.settings:
        reason = plan.waiting.get(setting.name)
        if reason:
            current, wanted = _masked(setting, setting.before), _masked(setting, setting.after)
            message = (
                f"{setting.name} stays '{current}': it {RESTART_REASONS[reason]}; "
                f"give the server '{wanted}' on its command line or in its configuration file, and restart it"
            )
            rows.append({"setting": setting.name, "current": current, "wanted": wanted, "reason": reason, "message": message})
    return rows


def leaves(value: Any) -> set[str]:
    """Every text and number of a structure as text, keys of mappings left out."""
    if isinstance(value, Mapping):
        return set().union(*map(leaves, value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*map(leaves, value))
    return set() if value is None or isinstance(value, bool) else {str(value)}


def secret_values(wanted: Mapping[str, Any]) -> set[str]:
    """The wanted values that must not be shown."""
    return leaves([value for name, value in wanted.items() if is_secret(str(name))]) - {"", MASK}


def _resolved(wanted: Mapping[str, Any], config: Config) -> list[tuple[str, str, Any]]:
    """(name as asked for, name on this server, wanted value). ValueError for unknown names and for two names of one setting."""
    rows, seen = [], dict[str, str]()
    for key, raw in wanted.items():
        name = str(key)
        server_name = _server_name(name.lower(), config)
        other = seen.setdefault(canonical(server_name), name)
        if other != name:
            raise ValueError(f"{other} and {name} are the same setting: give one of them")
        rows.append((name, server_name, raw))
    return rows


def _server_name(name: str, config: Config) -> str:
    """The name of the setting that this server knows. ValueError when it knows none."""
    if name in _settings_known.NO_SETTINGS:
        raise ValueError(f"{name} {_settings_known.NO_SETTINGS[name]}")
    found = next((synonym for synonym in (name, *names_of(name)) if synonym in config), None)
    if found:
        return found
    near = difflib.get_close_matches(name, list(config), n=1)
    hint = f"did you mean {near[0]}?" if near else "CONFIG GET * lists what it knows"
    raise ValueError(f"{name} is no setting of this server: {hint}")


def _masked(setting: Setting, text: str) -> str:
    return MASK if setting.secret and text else text

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about who may do what."""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/security/"


def _exposed_without_password(facts: Facts) -> Verdict | None:
    flags = facts.get("acl.default.flags")
    bind = str(facts.get("config.bind")).split()
    beyond = not bind or any(address.lstrip("-") not in ("127.0.0.1", "::1", "localhost") for address in bind)
    if "nopass" not in flags or "on" not in flags or not beyond or facts.get("config.protected-mode") == "yes":
        return None
    evidence = {"default_user": flags, "bind": facts.get("config.bind"), "protected-mode": "no"}
    advice = (
        "Whoever reaches the port owns the data and, through it, often the host.",
        "Bind to the addresses that need it, choose a password, give it to the clients, then set it.",
        "Type CONFIG SET requirepass … inside redis-cli, so that the shell does not keep the password:",
        "$ {cli}",
    )
    return Verdict("critical", "Anybody who reaches the port may do anything: no password, not only loopback", evidence, advice)


RULES = (
    Rule(
        "exposed_without_password",
        "security",
        "default user nopass, and listening beyond loopback without protected mode",
        "critical",
        "human",
        _exposed_without_password,
        (),
        DOCS,
    ),
)

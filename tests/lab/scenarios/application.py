# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers with an application, which is the shop of the lab: well, latched in its degraded mode, in its fallback, with large pools."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.filter.application_verdict import application_verdict
from ansible_collections.aragora.redis.plugins.filter.with_application import with_application as with_application_of
from ansible_collections.aragora.redis.plugins.module_utils import _application

from tests.lab import modules, servers, shops
from tests.lab.scenarios.previous import snapshot_of
from tests.lab.scenarios.scenario import Make, Scenario
from tests.lab.servers import Server


def with_application(server: Server, shop: shops.Shop) -> dict[str, Any]:
    """The snapshot of a server, with what its application says."""
    profile = _application.complete(shop.profile(unit="shop.service"))
    seen = modules.run("redis_application_info", {"application": profile, "parts": ["redis", "readiness", "pool", "fallback"]})
    snapshot = snapshot_of(server)
    verdict = application_verdict(seen, profile)
    return dict(with_application_of(snapshot, {"app1": verdict}, profile))


def served(prepare: Any = None, variables: dict[str, str] | None = None, late: bool = False, **directives: Any) -> Make:
    """A server that its application uses; with ``late`` the application was started before it."""

    @contextlib.contextmanager
    def make(binary: Path) -> Iterator[dict[str, Any]]:
        port = servers.free_port()
        given = {"REDIS_URL": f"redis://127.0.0.1:{port}", **(variables or {})}
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aragora-redis-")))
            if late:
                shop = stack.enter_context(shops.running(folder, **given))
                server = stack.enter_context(servers.running(binary, port=port, **directives))
            else:
                server = stack.enter_context(servers.running(binary, port=port, **directives))
                shop = stack.enter_context(shops.running(folder, **given))
            if prepare:
                prepare(server)
            yield {"snapshot": with_application(server, shop)}

    return make


SCENARIOS = {
    "application_not_ready": Scenario(served(variables={"SHOP_REQUIRE_REDIS": "true"}, late=True)),
    "application_fallback_active": Scenario(served(variables={"SHOP_SINGLE": "true", "REDIS_URL": ""})),
    "application_pools_large": Scenario(served(maxclients=128)),
}

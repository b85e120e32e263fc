# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The states in which each rule must speak, and those in which none may."""

from __future__ import annotations

from tests.lab.scenarios import (
    acl,
    application,
    availability,
    certificates,
    clusters,
    configuration,
    connections,
    host,
    keyspace,
    latency,
    memory,
    network,
    persistence,
    previous,
    releases,
    replication,
    sentinels,
)
from tests.lab.scenarios.healthy import HEALTHY, ONLY_ON
from tests.lab.scenarios.scenario import Scenario

__all__ = ["HEALTHY", "ONLY_ON", "SCENARIOS", "Scenario"]

SCENARIOS: dict[str, Scenario] = {
    **availability.SCENARIOS,
    **memory.SCENARIOS,
    **connections.SCENARIOS,
    **latency.SCENARIOS,
    **replication.SCENARIOS,
    **clusters.SCENARIOS,
    **sentinels.SCENARIOS,
    **persistence.SCENARIOS,
    **host.SCENARIOS,
    **releases.SCENARIOS,
    **certificates.SCENARIOS,
    **acl.SCENARIOS,
    **configuration.SCENARIOS,
    **network.SCENARIOS,
    **previous.SCENARIOS,
    **keyspace.SCENARIOS,
    **application.SCENARIOS,
}

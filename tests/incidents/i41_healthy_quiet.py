# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A healthy server that has nothing to do."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import Injecting, Lab
from tests.lab.scenarios.healthy import WELL_SET, some_data

first = None
alone = True


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.server(**WELL_SET) as server:
        some_data(server)
        yield {"url": server.url}

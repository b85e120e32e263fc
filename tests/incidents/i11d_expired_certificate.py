# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's certificate has expired."""

from __future__ import annotations

from tests.incidents.lab import WITH_TLS, scenario

inject = scenario("tls_failure")
first = "tls_failure"
reason = "expired"
servers = WITH_TLS

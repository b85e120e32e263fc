# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a finding means to the people who use the application, by its profile; where no application is known, nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def told(snapshot: Mapping[str, Any], findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The findings, each with ``impact``: sentences, which may be none."""
    application = snapshot.get("application")
    rows = (application.get("impact") if isinstance(application, Mapping) else None) or []
    return [{**finding, "impact": [_sentence(row) for row in rows if finding["id"] in row["findings"]]} for finding in findings]


def _sentence(row: Mapping[str, Any]) -> str:
    keys = f" ({', '.join(row['keys'])})" if row.get("keys") else ""
    return f"{row['means']}{keys}"

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits of the rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import thresholds
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.thresholds import THRESHOLDS, merged

RULES = Path(thresholds.__file__).parent


def test_without_overrides_the_defaults_hold():
    assert merged(None) == merged({}) == {name: default for name, (default, dummy, dummy) in THRESHOLDS.items()}


@pytest.mark.parametrize(("value", "number"), [(70, 70.0), (0, 0.0), ("70", 70.0), ("70.5", 70.5), (" 70 ", 70.0), (1e9, 1e9)])
def test_an_override_wins_for_its_own_name_only(value, number):
    values = merged({"memory_high_warning_percent": value})
    assert values["memory_high_warning_percent"] == number
    assert {name for name in values if values[name] != THRESHOLDS[name][0]} == {"memory_high_warning_percent"}


@pytest.mark.parametrize("value", [-1, "-1", "70%", "70 %", "1gb", "", None, True, False, "nan", float("nan"), float("inf"), "inf", [], {}])
def test_what_is_no_plain_number_is_refused_with_its_unit(value):
    with pytest.raises(ValueError, match=r"^the threshold memory_high_warning_percent is .* give a plain number in %"):
        merged({"memory_high_warning_percent": value})


@pytest.mark.parametrize("name", ["memory_high", "", "MEMORY_LIMIT_PERCENT", "memory-limit-percent", None, 5])
def test_an_unknown_threshold_is_named_with_the_known_ones(name):
    with pytest.raises(ValueError, match="is unknown: choose from") as caught:
        merged({name: 5})
    assert f"'{name}'" in str(caught.value)
    assert "memory_limit_percent" in str(caught.value)


@pytest.mark.parametrize("overrides", [["memory_limit_percent"], "memory_limit_percent=5", 5])
def test_overrides_are_a_mapping(overrides):
    with pytest.raises(ValueError, match="thresholds"):
        merged(overrides)


def test_every_threshold_has_a_unit_and_a_purpose():
    for name, (default, unit, purpose) in THRESHOLDS.items():
        assert re.fullmatch(r"[a-z0-9_]+", name)
        assert 0 <= default < float("inf")
        assert unit
        assert purpose


def test_a_warning_comes_before_its_critical_finding():
    pairs = [(name, name.replace("_warning_", "_critical_")) for name in THRESHOLDS if "_warning_" in name]
    assert len(pairs) > 2
    # Of what runs out less is worse.
    runs_out = {warning for warning, dummy in pairs if THRESHOLDS[warning][2].startswith("left until")}
    earlier = [(critical, warning) if warning in runs_out else (warning, critical) for warning, critical in pairs]
    assert all(THRESHOLDS[low][0] < THRESHOLDS[high][0] for low, high in earlier)


def test_the_rules_use_every_threshold_and_no_other():
    code = "".join(path.read_text(encoding="utf-8") for path in RULES.glob("*.py") if path.name != "thresholds.py")
    assert {name for name in THRESHOLDS if f'"{name}"' not in code} == set()
    assert set(re.findall(r'facts\.limit\(\s*"(\w+)"\s*\)', code)) <= set(THRESHOLDS)

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a part of the keys tells of all of them: totals and shares with 95 % confidence intervals.

SCAN walks the hash table, whose order has nothing to do with names or sizes, so that the keys read first are a simple random sample
without replacement. The intervals widen with few keys and with giants among them (Student's t), and vanish when all keys were read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# Sizes are skewed, and a sample without the rarest giants believes that there are none: without this margin the intervals of such
# patterns hold the truth in 92 of 100 samples only (tests/unit/test_keyspace.py simulates it).
MARGIN = 1.12


@dataclass(frozen=True)
class Sample:
    """``read`` of ``total`` keys, with the sum of their sizes and of the squared sizes."""

    read: int
    total: int
    bytes: int
    squares: int

    @property
    def factor(self) -> float:
        """How many keys each key that was read stands for."""
        return self.total / self.read if self.read else 0.0

    @property
    def unread(self) -> float:
        """The share of the keys that was not read: the finite population correction."""
        return max(0.0, 1 - self.read / self.total) if self.total else 0.0


@dataclass(frozen=True)
class Estimate:
    """A value and the interval that holds the truth in 95 of 100 samples."""

    value: float
    low: float
    high: float


def total_bytes(sample: Sample, keys: int, size: int, squares: int) -> Estimate:
    """The memory of a pattern of which ``keys`` keys with these sums were read; what was read is the least that it can be."""
    value = size * sample.factor
    if not keys or sample.unread == 0:
        return Estimate(value, value, value)
    variance = max(0.0, squares - size * size / sample.read) / max(1, sample.read - 1)
    error = _quantile(size, squares) * sample.total * math.sqrt(sample.unread * variance / sample.read)
    return Estimate(value, max(float(size), value - error), value + error)


def share_of_bytes(sample: Sample, keys: int, size: int, squares: int) -> Estimate:
    """The share of a pattern in all memory, from 0 to 1: the ratio of two estimates that come from the same keys."""
    share = size / sample.bytes if sample.bytes else 0.0
    if not keys or sample.unread == 0 or not sample.bytes:
        return Estimate(share, share, share)
    # The residuals are size · (1 − share) for keys of the pattern and −size · share for all others.
    residuals = squares * (1 - 2 * share) + share * share * sample.squares
    variance = max(0.0, residuals) / max(1, sample.read - 1)
    error = _quantile(size, squares) * math.sqrt(sample.unread * variance / sample.read) / (sample.bytes / sample.read)
    return Estimate(share, max(0.0, share - error), min(1.0, share + error))


def _quantile(size: int, squares: int) -> float:
    """Student's t for 95 % by its series, with as many degrees of freedom as keys of one size would be as good as these.

    Few giants among many keys count as few keys, which is what they are worth.
    """
    equal_keys = size * size / squares if squares else 1.0
    freedom = max(1.0, equal_keys - 1)
    return MARGIN * (1.96 + 2.37 / freedom + 2.82 / freedom**2 + 2.56 / freedom**3)

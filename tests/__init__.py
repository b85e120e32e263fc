"""Tests, and what they stand on. ``python -m tests.…`` finds the collection where it lies."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "collections"))

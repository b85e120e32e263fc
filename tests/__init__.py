"""Tests, and what they stand on. ``python -m tests.…`` finds the collection where it lies."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The root as well: ansible-test imports this below ansible_collections, where nobody would find `tests`.
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

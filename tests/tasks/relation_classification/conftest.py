"""Lets the tests of documents share their documents."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # in importlib mode a test's folder is not on the path

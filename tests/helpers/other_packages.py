"""Packages of others that add something to loreweave, as tests make them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from loreweave.plugins import Registry


def isolate(registry: Registry[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is registered, and entry points are looked for anew; after the test all is as before."""
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(registry, "_loaded", {})
    monkeypatch.setattr(registry, "_points", None)
    monkeypatch.delitem(sys.modules, "their_module", raising=False)


def package(folder: Path, group: str, entry_point: str, source: str = "") -> None:
    """An installed package with one entry point, and a module `their_module`."""
    (folder / "their_module.py").write_text(source)
    described = folder / "their_package-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[{group}]\n{entry_point}\n")

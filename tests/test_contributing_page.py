"""CONTRIBUTING.md names the folders and the registries that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "loreweave"
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TREE = re.compile(r"^(?P<indent> *)(?P<name>[\w/]+)/  +\S", re.MULTILINE)
NOT_SHOWN = {"miniworld/data"}
"""Folders of data."""


def shown_folders() -> set[str]:
    """Folders of the layout below `src/loreweave`, as paths."""
    layout = PAGE[PAGE.index("src/loreweave/\n") : PAGE.index("\ntests/ ")]
    folders, above = set(), ""
    for match in TREE.finditer(layout):
        above = above if len(match["indent"]) > 2 else match["name"]
        folders.add(f"{above}/{match['name']}" if len(match["indent"]) > 2 else match["name"])
    return folders


def test_the_layout_shows_every_folder_and_no_other() -> None:
    packages = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*") if path.is_dir() and list(path.glob("*.py"))}
    tasks = {f"tasks/{path.parent.name}" for path in SOURCE.glob("tasks/*/model.py")} | {"tasks/latent_types"}
    assert shown_folders() - {"recipes"} == packages - tasks - NOT_SHOWN - {"."}


def rows() -> list[tuple[str, str, str]]:
    table = PAGE[PAGE.index("| I want to add") : PAGE.index("A package of your own")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:] if line]
    return [(wish, place, listed) for wish, place, listed in cells]


@pytest.mark.parametrize("wish, place, listed", rows(), ids=lambda cell: cell)
def test_the_place_and_the_registry_of_a_wish_exist(wish: str, place: str, listed: str) -> None:
    folder = re.search(r"`([\w/.]+)`", place)
    if folder and "of the task" in place:
        assert list(SOURCE.glob(f"tasks/*/{folder[1]}"))
    elif folder:
        assert (SOURCE / folder[1]).exists()
    registry = re.match(r"`([A-Z_]+)`(?: and `\w+`)? (?:there|in its `([\w.]+)`|in `([\w/.]+)`)", listed)
    if registry and "of the task" not in listed:
        name, inside, elsewhere = registry.groups()
        assert folder
        path = SOURCE / (elsewhere or (f"{folder[1]}/{inside}" if inside else folder[1]))
        assert re.search(rf"^{name}\b", path.read_text(encoding="utf-8"), re.MULTILINE)

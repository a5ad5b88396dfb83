"""The attention explorer's page: its template, style and scripts, filled with one page's data."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from loreweave.attention.packing import packed

SCRIPTS = (
    "numbers",
    "tokens",
    "kinds",
    "edges",
    "analysis",
    "state",
    "palette",
    "scene",
    "chart",
    "dom",
    "pointing",
    "tables",
    "aligned",
    "changes",
    "lists",
    "summary",
    "view_heads",
    "view_grid",
    "view_layers",
    "view_matrix",
    "view_classes",
    "view_relevance",
    "view_statistics",
    "view_compare",
    "controls",
    "exports",
    "pins",
    "keyboard",
    "probe",
    "app",
)
"""The scripts in the order in which the page runs them: each uses only those before it when it starts."""
LOADER = ("packed", "loader")
"""The scripts that unpack and start the others."""

_DATA = b'id="attention-data"'
"""Identifier of the element with the header of the data."""
PLACES = re.compile(r"/\*BUNDLE\*/|/\*LOADER\*/|<!--DATA-->|<!--TITLE-->")


def page_file(name: str) -> str:
    """Text of one file of the page."""
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def script(names: Sequence[str] = SCRIPTS) -> str:
    """Scripts one after the other, without the comments of functions and without indentation."""
    text = "".join(page_file(f"{name}.js") for name in names)
    return re.sub(r"^ +", "", re.sub(r"^ */\*\*.*?\*/\n", "", text, flags=re.MULTILINE | re.DOTALL), flags=re.MULTILINE)


@cache
def bundle() -> str:
    """Style and scripts, compressed."""
    return packed(json.dumps({"style": page_file("style.css"), "script": script()}).encode(), numbers=False)


def is_page(path: Path) -> bool:
    """Whether a file is a page that was written before: it has the beginning of every page, and the place of the data."""
    start = PLACES.split(page_file("page.html"))[0].strip().encode()
    with open(path, "rb") as file:
        if not file.read(len(start) + 2).replace(b"\r", b"").startswith(start):
            return False
        return _DATA in file.read()


def page_html(title: str, data: str) -> str:
    """The whole page as one HTML text.

    `title` is plain text. `data` is markup that is safe already: the header in a script element of type `application/json`
    with the identifier `attention-data`, and one script element of type `text/plain` for each block (`block-0`, ...).
    """
    parts = {
        "/*BUNDLE*/": bundle(),
        "/*LOADER*/": script(LOADER),
        "<!--DATA-->": data,
        "<!--TITLE-->": html.escape(title),
    }
    return PLACES.sub(lambda place: parts[place.group()], page_file("page.html"))

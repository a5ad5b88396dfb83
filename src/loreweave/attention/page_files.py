"""The attention explorer's page: its template, style and scripts, filled with one page's data."""

from __future__ import annotations

import html
import re
from importlib import resources

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

PLACES = re.compile(r"/\*STYLE\*/|/\*SCRIPT\*/|<!--DATA-->|<!--TITLE-->")


def page_file(name: str) -> str:
    """Text of one file of the page."""
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def script() -> str:
    """All scripts in their order, without the comments of functions and without indentation."""
    text = "".join(page_file(f"{name}.js") for name in SCRIPTS)
    return re.sub(r"^ +", "", re.sub(r"^ */\*\*.*?\*/\n", "", text, flags=re.MULTILINE | re.DOTALL), flags=re.MULTILINE)


def page_html(title: str, data: str) -> str:
    """The whole page as one HTML text.

    `title` is plain text. `data` is markup that is safe already: the header in a script element of type `application/json`
    with the identifier `attention-data`, and one script element of type `text/plain` for each block (`block-0`, ...).
    """
    parts = {
        "/*STYLE*/": page_file("style.css"),
        "/*SCRIPT*/": script(),
        "<!--DATA-->": data,
        "<!--TITLE-->": html.escape(title),
    }
    return PLACES.sub(lambda place: parts[place.group()], page_file("page.html"))

"""The examples of docs/formats.md, by format."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^### `(?P<name>[\w-]+)`\n(?P<body>.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS = {found["name"]: BLOCK.findall(found["body"]) for found in SECTION.finditer(PAGE)}
EXAMPLES = {name: blocks[0] for name, blocks in SECTIONS.items() if len(blocks) == 1}


def write_example(name: str, example: str, folder: Path) -> Path:
    """The example of a format as a file, or as the folder that it needs."""
    if name == "brat":
        (folder / "train.txt").write_text("Mia left Oslo.")
        (folder / "train.ann").write_text(example)
        return folder
    path = folder / "train.txt"
    path.write_text(example, encoding="utf-8")
    return path

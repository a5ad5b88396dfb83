"""The page on models names every encoder family of the table, and says rightly which can become a LUKE."""

from __future__ import annotations

import re
from pathlib import Path

from loreweave.encoding.families import FAMILIES, luke_families

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "models.md").read_text(encoding="utf-8")


def test_every_family_is_on_the_page() -> None:
    table = PAGE.partition("| family (`model_type`)")[2].partition("\n\n")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    named = {kind: row for row in rows for kind in re.findall(r"`([\w-]+)`", row)}
    assert set(named) == set(FAMILIES) - {"luke"}
    assert {kind for kind, row in named.items() if row.endswith("| yes |")} == set(luke_families())

from __future__ import annotations

from pathlib import Path

import pytest
from luke_databases import dumped

from loreweave.corpus.mentions.redirects import read_redirects
from loreweave.errors import DataError


def test_redirects_lead_to_the_last_target(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("Norge\tNoreg\n\nNoreg\tNorway\nOslo\tOslo\n")
    expected = {"Norge": "Norway", "Noreg": "Norway", "Oslo": "Oslo"}
    assert read_redirects(tmp_path / "a.tsv") == expected
    assert read_redirects(dumped(tmp_path / "a.pkl", {"Norge": "Noreg", "Noreg": "Norway", "Oslo": "Oslo"})) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Norge\n", r"a\.tsv, line 1: found 'Norge', expected two titles with a tab between them"),
        ("a\tb\nNorge\t\n", r"a\.tsv, line 2: found 'Norge', expected two titles"),
        ("a\tb\tc\n", r"a\.tsv, line 1: found 'a\\tb\\tc', expected two titles"),
        ("a\tb\na\tc\n", r"a\.tsv, line 2: found a second target of 'a': 'c' after 'b'"),
        ("a\tb\nb\ta\n", r"a\.tsv: found redirects in a circle: a, b"),
        ("c\ta\na\tb\nb\ta\n", r"a\.tsv: found redirects in a circle: a, b"),
    ],
)
def test_wrong_lines_are_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.tsv").write_text(content)
    with pytest.raises(DataError, match=message):
        read_redirects(tmp_path / "a.tsv")

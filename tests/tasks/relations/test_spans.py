"""Mentions in files of relations: names that are not the text, blanks at the edges, gaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from relation_files import PAIR, TACRED, mentions, write

from loreweave.errors import DataError
from loreweave.tasks.relations.files import read

TOKENIZED = {"token": ["Zeltron", "was", "founded", "by", "Mia", "Brandt", "."], "relation": "r"}
ENDS = {"h": {"name": "zeltron", "pos": [0, 1]}, "t": {"name": "mia brandt", "pos": [4, 6]}}
PLAIN = {"text": "Zeltron was founded by Mia Brandt.", "relation": "r", "h": {"name": "Zeltron", "pos": [0, 7]}}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (TOKENIZED | ENDS | {"h": {"name": "zeltron", "pos": [0, 0]}}, "'h.name': found 'zeltron', .*the end is inclusive"),
        (TOKENIZED | ENDS | {"t": {"name": "mia brandt", "pos": [4, 5]}}, "'t.name': .*the end is inclusive"),
        (PLAIN | {"t": {"name": "Mia Brandt", "pos": [24, 34]}}, "'t.name': found 'Mia Brandt', .*counted from 1"),
        (PLAIN | {"t": {"name": "Mia Brandt", "pos": [23, 32]}}, "'t.name': .*the end is inclusive"),
        (TOKENIZED | ENDS | {"t": {"name": 7, "pos": [4, 6]}}, "'t.name': found 7, expected a string"),
    ],
)
def test_a_name_that_fits_with_another_way_of_counting_is_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    assert len(read(write(tmp_path / "good.jsonl", [TOKENIZED | ENDS])).records) == 1
    with pytest.raises(DataError, match="line 1, field " + message):
        read(write(tmp_path / "a.jsonl", [row, TOKENIZED | ENDS]))


def test_other_names_are_counted_and_most_may_not_be_other(tmp_path: Path) -> None:
    lemma = TOKENIZED | ENDS | {"h": {"name": "zeltrons", "pos": [0, 1]}}
    result = read(write(tmp_path / "a.jsonl", [lemma, TOKENIZED | ENDS]))
    assert len(result.records) == 2
    assert result.dropped == {"mentions whose name differs from the text at their offsets (the text is used)": 1}
    strange = lemma | {"t": {"name": "quarvo", "pos": [4, 6]}}
    with pytest.raises(DataError, match="3 of 4 mentions whose name is not the text at their offsets"):
        read(write(tmp_path / "b.jsonl", [lemma, strange]))


def test_blanks_at_the_edges_of_mentions_are_trimmed_and_counted(tmp_path: Path) -> None:
    tacred = {**TACRED, "token": ["Mia", "", "of", "\N{NO-BREAK SPACE}", "Zeltron"], "subj_start": 0, "subj_end": 1}
    for name, row in (
        ("a.json", tacred | {"obj_start": 3, "obj_end": 4}),
        ("b.jsonl", {**PAIR, "text": "Mia of Zeltron", "head": {"start": 0, "end": 4}, "tail": {"start": 6, "end": 14}}),
    ):
        result = read(write(tmp_path / name, [row]))
        assert mentions(result.records[0]) == ("Mia", "Zeltron")
        assert result.dropped == {"white space at the edges of mentions": 2}
    with pytest.raises(DataError, match="record 1, field 'obj_start': found a blank mention"):
        read(write(tmp_path / "c.json", [tacred | {"obj_start": 3, "obj_end": 3}]))


@pytest.mark.parametrize(
    ("first", "given", "expected", "dropped"),
    [
        ([0, 2], "ann", "Ann", {}),  # two places written as one
        ([2, 0], "ann", "Ann", {}),
        ([0, 1], "ann b", "Ann b", {}),
        ([0, 3], "ann lee", "Ann b Ann Lee", {"discontinuous mentions (the tokens between the parts are included)": 1}),
    ],
)
def test_fewrels_mentions_with_gaps(
    tmp_path: Path, first: list[int], given: str, expected: str, dropped: dict[str, int]
) -> None:
    tokens = ["Ann", "b", "Ann", "Lee", "in", "Oslo"]
    row = {"tokens": tokens, "h": [given, "Q1", [first]], "t": ["oslo", "Q2", [[5]]]}
    result = read(write(tmp_path / "a.json", {"P1": [row]}))
    assert mentions(result.records[0]) == (expected, "Oslo") and result.dropped == dropped

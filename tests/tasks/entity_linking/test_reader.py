"""Files of entity linking."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from loreweave.errors import DataError
from loreweave.tasks.entity_linking.reader import query, read
from loreweave.tasks.entity_linking.record import labels_of, mentions_of, rows_of_text
from loreweave.tasks.entity_linking.settings import Mentions

AIDA = """-DOCSTART- (1 EU)
EU\tB\tEU\t--NME--
rejects
German\tB\tGerman\tGermany\thttp://en.wikipedia.org/wiki/Germany\t11867\t/m/0345h
call
.

Peter\tB\tPeter Blackburn\t--NME--
Blackburn\tI\tPeter Blackburn\t--NME--

-DOCSTART- (947testa CRICKET)
Jos\\u00e9\tB\tJos\\u00e9\tJos\\u00e9_Mourinho
-DOCSTART- (1163testb SOCCER)
SOCCER
JAPAN\tB\tJAPAN\tJapan\thttp://en.wikipedia.org/wiki/Japan_national_football_team\t1\t/m/1
CHINA\tB\tCHINA\tChina\t\t1\t/m/1
"""
ELEVANT: dict[str, Any] = {
    "id": 7,
    "title": "A",
    "text": "Louis VIII, Landgrave, was born in 1691. He died.",
    "evaluation_span": [0, 49],
    "hyperlinks": [[[12, 21], "Landgrave"]],
    "labels": [
        {"id": 3, "span": [0, 21], "entity_id": "Q1", "name": "Louis VIII", "type": "Q215627|Q5", "children": [5, 6]},
        {"id": 5, "span": [0, 10], "entity_id": "Q1", "name": "Louis VIII", "type": "Q215627", "parent": 3},
        {"id": 6, "span": [12, 21], "entity_id": "Unknown2", "name": "Unknown", "parent": 3, "optional": True},
        {"id": 8, "span": [35, 39], "entity_id": "DATETIME", "name": "Unknown", "type": "DATETIME"},
        {"id": 9, "span": [41, 43], "entity_id": "Q1", "name": "Louis VIII", "coref": True},
    ],
}
GUM = [
    {
        "doc": "d1", "sent_id": "d1-1", "tokens": ["The", "University", "of", "Bonn", "."],
        "entities": [
            {"start": 1, "end": 4, "type": "organization", "wiki": "University_of_Bonn"},
            {"start": 3, "end": 4, "type": "place", "wiki": "Bonn"},
            {"start": 0, "end": 1, "type": "abstract", "wiki": None},
        ],
    },
    {"doc": "d1", "sent_id": "d1-2", "tokens": ["Bonn"], "entities": [{"start": 0, "end": 1, "wiki": "Bonn"}]},
    {"doc": "d2", "sent_id": "d2-1", "tokens": ["It"], "entities": [{"start": 0, "end": 1, "wiki": "Bonn"}]},
]  # fmt: skip


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_mentions_at_one_place_are_counted_and_equal_ones_kept_once(tmp_path: Path) -> None:
    place = {"start": 0, "end": 4}
    mentions = [place | {"entity": "Q1"}, place | {"entity": "Q1"}, place | {"entity": "Q2"}, {"start": 9, "end": 14}]
    found = read(write(tmp_path / "data.jsonl", {"id": "a", "text": "Oslo and Paris", "mentions": mentions}))
    assert [one.entity for one in found.records[0].mentions] == ["Q1", "Q2", None]
    assert found.dropped == {"repeated mentions (kept once)": 1}
    assert "1 mention is at the place of another one; only one entity is predicted for each place" in found.notes


def test_aida(tmp_path: Path) -> None:
    path = tmp_path / "aida.tsv"
    path.write_text(AIDA, encoding="utf-8")
    result = read(path)
    first, second, third = result.records
    assert [record.id for record in result.records] == ["1 EU", "947testa CRICKET", "1163testb SOCCER"]
    assert first.text == "EU rejects German call .\nPeter Blackburn"
    assert [(first.surface(one), one.entity) for one in first.mentions] == [
        ("EU", None), ("German", "http://en.wikipedia.org/wiki/Germany"), ("Peter Blackburn", None)
    ]  # fmt: skip
    assert second.mentions[0].entity == "Jos\\u00e9_Mourinho"
    assert [one.entity for one in third.mentions] == ["http://en.wikipedia.org/wiki/Japan_national_football_team", "China"]
    assert "2 mentions without an entity (NIL)" in result.notes
    assert result.places == ["line 1", "line 11", "line 13"]


def test_annotation_tools_that_keep_entities(tmp_path: Path) -> None:
    """Their format is recognised, and mentions without an entity have none."""
    spans = [{"start": 0, "end": 3, "label": "PER"}, {"start": 9, "end": 13, "label": "LOC", "kb_id": "Q585"}]
    (tmp_path / "brat").mkdir()
    (tmp_path / "brat" / "a.txt").write_text("Mia left Oslo.")
    (tmp_path / "brat" / "a.ann").write_text("T1\tPER 0 3\tMia\nT2\tLOC 9 13\tOslo\nN1\tReference T2 Wikidata:Q585\tOslo\n")
    paths = [
        tmp_path / "brat",
        write(tmp_path / "entities.jsonl", {"text": "Mia left Oslo.", "entities": spans}),
        write(tmp_path / "prodigy.jsonl", {"text": "Mia left Oslo.", "spans": spans, "answer": "accept", "_input_hash": 1}),
    ]
    for path in paths:
        result = read(path)
        (record,) = result.records
        assert [(record.surface(one), one.entity, one.types) for one in record.mentions] == [
            ("Mia", None, ("PER",)), ("Oslo", "Q585", ("LOC",)),
        ]  # fmt: skip
        assert "1 mention without an entity (NIL)" in result.notes


@pytest.mark.parametrize(("part", "documents"), [("train", ["1 EU"]), ("testa", ["947testa CRICKET"])])
def test_parts_of_aida(tmp_path: Path, part: str, documents: list[str]) -> None:
    path = tmp_path / "aida.tsv"
    path.write_text(AIDA, encoding="utf-8")
    assert [record.id for record in read(path, f"aida-{part}").records] == documents


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x\tI\tx\tX", "line 4: found I without B"),
        ("x\tB\ty\tX", "line 4: found the mention 'y', but the tokens are 'x'"),
        ("x\tB\tx", "line 4: found 3 columns, expected the tag, the mention and the entity"),
        ("x\tS\tx\tX", "line 4: found 'S', expected B or I"),
    ],
)
def test_bad_lines_of_aida(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "aida.tsv"
    path.write_text(
        f"-DOCSTART- (1 A)\nOslo\tB\tOslo\tOslo\nsaw\n{line}\n\n-DOCSTART- (2 B)\nOslo\tB\tOslo\tOslo\n", encoding="utf-8"
    )
    with pytest.raises(DataError, match=message):
        read(path)
    assert [record.id for record in read(path, None, True).records] == ["2 B"]


def test_a_mention_does_not_go_over_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "aida.tsv"
    path.write_text("-DOCSTART- (1 A)\nNew\tB\tNew\tNew\n\nYork\tI\tYork\tYork\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 4: found I without B"):
        read(path)


def test_annotations_without_a_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "AIDA-YAGO2-annotations.tsv"
    path.write_text("-DOCSTART- (1 EU)\n0\t--NME--\n2\tGermany\thttp://en.wikipedia.org/wiki/Germany\t11867\t/m/0345h\n")
    with pytest.raises(DataError, match="found no mention in the columns, expected AIDA-CoNLL"):
        read(path)


def test_elevant(tmp_path: Path) -> None:
    (record,) = read(write(tmp_path / "e.jsonl", ELEVANT)).records
    outer, inner, unknown, year, he = record.mentions
    assert record.id == "7" and record.evaluated == (0, 49) and record.hyperlinks == ((12, 21),)
    assert outer.children == (1, 2) and outer.types == ("Q215627", "Q5") and inner.parent == unknown.parent == 0
    assert unknown.entity is None and unknown.optional and unknown.name == ""
    assert year.entity is None and year.is_quantity and he.coreference is True
    assert record.asked() == [0]  # neither alternatives nor dates nor pronouns
    said = {how: " ".join(read(tmp_path / "e.jsonl", mentions=how).notes) for how in get_args(Mentions)}
    assert "4 mentions are neither predicted nor scored when mentions are given" in said["given"]
    assert "neither" not in said["found"]
    assert mentions_of(record) == (record.text, [(0, 21)]) and labels_of([record]) == ["linked"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"span": [0, 99]}, r"field 'span': found \[0, 99\], expected \[start, end\] in a text of 49 characters"),
        ({"span": [3, 3]}, "field 'labels.span'"),
        ({"parent": 77}, "field 'labels.parent': found the parent 77"),
        ({"children": [77]}, "field 'labels.children': found the child 77"),
        ({"children": [3]}, "found label 0 among its own children, expected a tree"),
        ({"children": 1}, "field 'labels.children': found 1, expected a list of ids"),
        ({"children": [[1]]}, "field 'labels.children': found the child \\[1\\], expected the id of a label"),
        ({"parent": [1]}, "field 'labels.parent': found the parent \\[1\\], expected the id of a label"),
        ({"id": 5}, "field 'labels.id': found labels with the same id"),
        ({"entity_id": None}, "field 'entity_id': found null, expected a string"),
    ],
)
def test_bad_labels_of_elevant(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    bad = ELEVANT | {"labels": [ELEVANT["labels"][0] | changes, *ELEVANT["labels"][1:]]}
    path = write(tmp_path / "e.jsonl", ELEVANT, bad)
    with pytest.raises(DataError, match=f"line 2, .*{message}|line 2.*{message}"):
        read(path)
    result = read(path, None, True)
    assert len(result.records) == 1 and len(result.left_out) == 1


@pytest.mark.parametrize("links", [5, [5], [[]], ["x"], [[[0, 99]]]])
def test_bad_hyperlinks_of_elevant(tmp_path: Path, links: Any) -> None:
    with pytest.raises(DataError, match="field 'hyperlinks': found"):
        read(write(tmp_path / "e.jsonl", ELEVANT | {"hyperlinks": links}))


def test_gum_sentences_become_documents(tmp_path: Path) -> None:
    result = read(write(tmp_path / "gum.jsonl", *GUM))
    first, second = result.records
    assert first.id == "d1" and first.text == "The University of Bonn .\nBonn"
    assert [(first.surface(one), one.entity) for one in first.mentions] == [
        ("University of Bonn", "University_of_Bonn"), ("Bonn", "Bonn"), ("Bonn", "Bonn")
    ]  # fmt: skip
    assert second.asked() == []  # a pronoun
    assert result.dropped == {"mentions without a title of Wikipedia": 1}


def test_gum_sentences_without_a_document_stay_apart(tmp_path: Path) -> None:
    rows = [{"sent_id": f"s{n}", "tokens": ["Bonn"], "entities": [{"start": 0, "end": 1, "wiki": "Bonn"}]} for n in range(2)]
    path = write(tmp_path / "gum.jsonl", *rows, rows[0] | {"doc": "d"}, rows[1] | {"doc": "d"})
    assert [(one.id, one.text) for one in read(path).records] == [("s0", "Bonn"), ("s1", "Bonn"), ("d", "Bonn\nBonn")]


def test_annotated_text(tmp_path: Path) -> None:
    row = {"id": "a", "text": "Ann saw Oslo.", "mentions": [{"start": 0, "end": 3}, {"start": 8, "end": 12, "entity": "Oslo"}]}
    result = read(write(tmp_path / "a.jsonl", row))
    assert [one.entity for one in result.records[0].mentions] == [None, "Oslo"]
    assert result.notes == ["1 mention without an entity (NIL)"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found the keys sentence, label, expected a record of annotated-text, elevant"):
        read(write(tmp_path / "x.jsonl", {"sentence": "a", "label": 1}))


def test_a_file_with_bad_records_alone_shows_them(tmp_path: Path) -> None:
    bad = {"text": "Ann.", "mentions": [{"start": 0, "end": 9, "entity": "Q1"}]}
    result = read(write(tmp_path / "a.jsonl", bad), None, True)
    (line,) = result.left_out
    assert result.records == [] and "line 1: field 'mentions': found the span (0, 9) in a text of 4 characters" in line


def test_queries() -> None:
    (one,) = query({"text": "Ann saw Oslo.", "mentions": [{"start": 8, "end": 12}]}, "1")
    assert one.asked() == [0] and one.metadata["given"] is True
    (none,) = query({"text": "Ann saw Oslo."}, "2")
    assert none.metadata["given"] is False
    (null,) = query({"text": "Ann saw Oslo.", "mentions": None}, "2")
    assert null.metadata["given"] is False  # names are found, as without mentions
    for mentions in (5, "Oslo", {"start": 8, "end": 12}, [[8, 12]]):
        with pytest.raises(DataError, match="field 'mentions': found .*, expected a list"):
            query({"text": "Ann saw Oslo.", "mentions": mentions}, "2")
    (single,) = query({"text": "He saw it.", "start": 0, "end": 2}, "3")
    assert single.asked() == [0]  # a mention that is given is asked for, whatever its words
    with pytest.raises(DataError, match="found the span"):
        query({"text": "Oslo", "mentions": [{"start": 0, "end": 9}]}, "4")
    for name in ("text", "mention"):
        row = {"text": "Curie and Curie", "mentions": [{"start": 10, "end": 15, name: "curie"}]}
        assert query(row, "5")[0].asked() == [0]
        row["mentions"][0][name] = "Marie"  # type: ignore[index]
        with pytest.raises(DataError, match=f"field 'mentions.{name}': found 'Marie', but the text has 'Curie'"):
            query(row, "5")
    assert rows_of_text("Oslo", []) == [{"text": "Oslo"}]
    assert rows_of_text("Oslo", [(0, 4)]) == [{"text": "Oslo", "mentions": [{"start": 0, "end": 4}]}]


def test_titles_that_begin_with_unknown_are_entities(tmp_path: Path) -> None:
    names = ("Unknown1", "Unknown", "UnknownNoMapping", "Unknown_Pleasures", "Unknown Pleasures")
    labels = [{"id": n, "span": [n, n + 1], "entity_id": name} for n, name in enumerate(names)]
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps({"text": "abcdef", "labels": labels}) + "\n")
    (record,) = read(path).records
    assert [mention.entity for mention in record.mentions] == [None, None, None, "Unknown_Pleasures", "Unknown Pleasures"]

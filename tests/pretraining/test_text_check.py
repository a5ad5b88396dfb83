"""Checks of texts before pre-training: counts by hand, places, leaks and what is found in other formats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.corpus.annotated_text import AnnotatedText, Mention, write_annotated_texts
from loreweave.errors import ConfigurationError, DataError
from loreweave.pretraining import text_check
from loreweave.pretraining.text_check import check_texts

OSLO, RIVER, NONE = "Mia left Oslo.", "The Rhine is a river.", "Nobody came."


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Training texts, and held-out texts of which two are also training texts and two cannot be read."""
    train, held = tmp_path / "train.jsonl", tmp_path / "held.jsonl"
    mentions = (Mention(0, 3, "Mia", "person"), Mention(9, 13, "Oslo", labels=("city", "capital")))
    write_annotated_texts(
        train,
        [
            AnnotatedText("1", OSLO, mentions),
            AnnotatedText("2", RIVER, (Mention(4, 9, "Rhine"), Mention(4, 9, "Rhine"), Mention(15, 20, label="water"))),
            AnnotatedText("3", NONE),
            AnnotatedText("4", NONE),
        ],
    )
    write_annotated_texts(held, [AnnotatedText("1", OSLO, (mentions[1],)), AnnotatedText("x", "Os", (Mention(0, 1, "Rome"),))])
    held.write_text(held.read_text() + json.dumps({"text": NONE}) + "\n{broken\n" + json.dumps({"id": "x", "text": NONE}))
    return [train, held]


def test_counts_of_each_file(files: list[Path]) -> None:
    train, held = check_texts(files)["files"]
    names = ("texts", "words", "mentions", "mentions_per_text", "with_entity", "with_label_only", "entities", "labels")
    assert [train[name] for name in names] == [4, 4 + 6 + 3 + 3, 4, 1.0, 3, 1, 3, 4]
    assert [held[name] for name in names] == [3, 4 + 1 + 3, 2, 0.6667, 2, 0, 2, 2]
    names = ("bad", "without_mentions", "misaligned", "duplicates", "repeated_ids", "mentions_repeated")
    assert [train[name] for name in names] == [0, 2, 0, 1, 0, 1]
    assert [held[name] for name in names] == [2, 1, 1, 0, 1, 0]
    assert train["characters"] == {"min": 12, "median": 12, "p95": 21, "max": 21}
    assert train["words_per_text"] == {"min": 3, "median": 3, "p95": 6, "max": 6}


def test_each_case_has_its_place(files: list[Path]) -> None:
    train, held = (row["listed"] for row in check_texts(files)["files"])
    assert train["without_mentions"] == [f"line 3: {NONE!r}", f"line 4: {NONE!r}"]
    assert train["duplicates"] == [f"line 4: as line 3, {NONE!r}"] and not train["leaks"]
    assert held["misaligned"] == ["line 2: 'O' cuts 'Os' in 'Os'"]
    assert held["leaks"] == [f"line 1: {OSLO!r} (of train.jsonl)", f"line 5: {NONE!r} (of train.jsonl)"]
    assert [line.partition(":")[0] for line in held["bad"]] == ["line 3", "line 4"]


def test_entities_labels_and_what_the_files_share(files: list[Path]) -> None:
    found = check_texts(files)
    entities = [("Oslo", 1, 1), ("Mia", 1, 0), ("Rhine", 1, 0), ("Rome", 0, 1)]
    assert [tuple(row.values()) for row in found["entities"]] == entities
    assert {"label": "capital", "train.jsonl": 1, "held.jsonl": 1} in found["mentions"] and len(found["labels"]) == 4
    assert found["leaks"] == [{"first": "train.jsonl", "second": "held.jsonl", "same_text": 2}]
    (drift,) = found["drift"]
    assert (drift["known_mentions"], drift["known_entities"]) == (0.5, 0.5)


def test_findings(files: list[Path]) -> None:
    found = "\n".join(check_texts(files)["findings"])
    for line in (
        "train.jsonl: 1 text repeats another (--list duplicates)",
        "train.jsonl: 1 mention is listed twice",
        "held.jsonl: 2 texts cannot be read",
        "held.jsonl: 1 text has the id of an earlier one, but another content ('x')",
        "held.jsonl: 1 of 2 mentions begin or end inside a word or have white space at an edge (50%)",
        "held.jsonl: 2 texts are also in train.jsonl",
    ):
        assert line in found


def test_other_formats_have_labels_and_no_links(tmp_path: Path) -> None:
    """The offsets that the builders would doubt are doubted here, and what the reader leaves out is counted."""
    path = tmp_path / "doccano.jsonl"
    rows = [{"text": OSLO, "label": [[9, 13, "city"]], "relations": [{}]}, {"text": NONE, "label": [[0, 99, "x"]]}]
    path.write_text("\n".join(map(json.dumps, rows)))
    found = check_texts([path], format="doccano")
    (row,) = found["files"]
    assert (row["texts"], row["with_label_only"], row["bad"], row["dropped"]) == (1, 1, 1, {"relations of doccano": 1})
    assert row["listed"]["dropped"] == ["line 1: relations of doccano"]
    said = "\n".join(found["findings"])
    assert "1 with a label but no entity; --link-labels makes an entity of each label" in said
    assert "doccano.jsonl: 1 dropped, relations of doccano" in said
    assert "doccano.jsonl: 1 text cannot be read, which 'build pretraining --skip-bad' leaves out" in said
    wrong = AnnotatedText("1", "In Oslo, Rome and Bern.", tuple(Mention(n, n + 3, "x") for n in (3, 9, 18)))
    write_annotated_texts(path, [wrong])
    assert "they fit if ends are inclusive" in "\n".join(check_texts([path])["findings"])


def test_the_mentions_of_a_text_are_counted_in_one_way(tmp_path: Path) -> None:
    """A mention that is listed twice with two labels is one mention with both."""
    path, twice = tmp_path / "twice.jsonl", (Mention(1, 3, label="x"), Mention(1, 3, label="y"))
    write_annotated_texts(path, [AnnotatedText("1", OSLO, twice)])
    found = check_texts([path])
    (row,) = found["files"]
    assert [row[name] for name in ("mentions", "with_label_only", "misaligned", "mentions_repeated")] == [1, 1, 1, 1]
    assert len(row["listed"]["misaligned"]) == 1
    assert "twice.jsonl: found no link in 1 text with 1 mention, 1 with a label but no entity; --link" in found["findings"][1]


def test_long_lists_are_cut_and_counts_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_check, "LISTED_AT_MOST", 2)
    texts = [AnnotatedText(str(n), f"Text {n}.", (Mention(0, 4, f"E{n}"),) if n < 5 else ()) for n in range(9)]
    write_annotated_texts(tmp_path / "a.jsonl", texts)
    found = check_texts([tmp_path / "a.jsonl"])
    (row,) = found["files"]
    assert row["without_mentions"] == 4 and row["entities"] == 5 and len(found["entities"]) == 2
    assert row["listed"]["without_mentions"] == ["line 6: 'Text 5.'", "line 7: 'Text 6.'", "and 2 more, which are not listed"]


def test_one_of_several_files_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    """What was read of it before the error is not counted: it is no whole file."""
    good, broken = tmp_path / "good.jsonl", tmp_path / "broken.jsonl"
    write_annotated_texts(good, [AnnotatedText("1", OSLO, (Mention(9, 13, "Oslo"),))])
    broken.write_bytes(good.read_bytes() * 2 + b"\xff\n")
    found = check_texts([good, broken])
    assert [row["texts"] for row in found["files"]] == [1, 0] and found["leaks"][0]["same_text"] == 0
    assert found["findings"][0] == "broken.jsonl: found no texts"
    assert found["findings"][1].startswith("broken.jsonl: line 3: found bytes that are not UTF-8")
    with pytest.raises(DataError, match="not UTF-8"):
        check_texts([broken])


def test_mistakes(files: list[Path]) -> None:
    with pytest.raises(ConfigurationError, match="given twice"):
        check_texts([files[0], files[0]])
    with pytest.raises(ConfigurationError, match="unknown format 'docano'"):
        check_texts(files, format="docano")

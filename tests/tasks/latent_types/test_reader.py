"""Texts of every kind of file, a line at a time."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from loreweave.corpus.annotated_text import AnnotatedText, Mention, write_annotated_texts
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.latent_types.reader import lines_of, read_texts


def test_plain_text_and_rows(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One.\n\n Two. \n")
    (tmp_path / "b.jsonl").write_text('{"title": "T", "text": "Three.\\nFour."}\n{"text": "Five."}\n')
    counts: Counter[str] = Counter()
    texts = list(read_texts([tmp_path / "a.txt", tmp_path / "b.jsonl"], counts))
    assert [text.text for text in texts] == ["One.", "Two.", "Three.", "Four.", "Five."]
    assert counts["empty lines"] == 1


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_annotated_text(tmp_path: Path, name: str) -> None:
    ann = AnnotatedText("a", "Ann sang", (Mention(0, 3, label="person"),))
    given = [ann, AnnotatedText("b", " "), AnnotatedText("c", "No")]
    write_annotated_texts(tmp_path / name, given)
    counts: Counter[str] = Counter()
    assert list(read_texts([tmp_path / name], counts)) == [given[0], given[2]]
    assert counts["empty lines"] == 1


def test_mentions_with_a_wrong_key_are_no_plain_text(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "a", "text": "Ann", "mentions": [], "extra": 1}) + "\n")
    with pytest.raises(DataError, match="line 1: found the unknown key 'extra'"):
        list(read_texts([tmp_path / "a.jsonl"]))


def test_columns_and_a_folder_of_conllu(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Ann\tB-PER\nsang\tO\n")
    for name in ("c", "b"):
        row = "\t".join(["1", name, "_", "NOUN", "_", "_", "_", "_", "_", "_"])
        (tmp_path / f"{name}.conllu").write_text(row + "\n")
    said = list[str]()
    texts = list(read_texts([tmp_path / "a.conll", tmp_path], report=said.append))
    assert said[-1].startswith(f"{tmp_path / 'c.conllu'}: the last column has nothing")
    assert f"{tmp_path}: read only the .conllu files of the folder, not a.conll" in said
    assert [text.text for text in texts] == ["Ann sang", "b", "c"]
    assert texts[0].mentions == (Mention(0, 3, label="PER"),) and texts[1].metadata["pos"] == ["NOUN"]


def test_lines_keep_what_lies_in_them() -> None:
    text = AnnotatedText(
        "t",
        "Ann sang\nin Oslo",
        (Mention(0, 3, label="person"), Mention(12, 16, "Oslo", "place"), Mention(4, 11, label="across")),
        metadata={"tokens": [[0, 3], [4, 8], [9, 11], [12, 16]], "pos": ["PROPN", "VERB", "ADP", "PROPN"]},
    )
    counts: Counter[str] = Counter()
    first, second = lines_of(text, counts)
    assert (first.id, first.text, second.id, second.text) == ("t:1", "Ann sang", "t:2", "in Oslo")
    assert first.mentions == (Mention(0, 3, label="person"),) and second.mentions == (Mention(3, 7, "Oslo", "place"),)
    assert first.metadata == {"tokens": [[0, 3], [4, 8]], "pos": ["PROPN", "VERB"]}
    assert second.metadata == {"tokens": [[0, 2], [3, 7]], "pos": ["ADP", "PROPN"]}
    assert counts == {"mentions across lines": 1}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(end: str) -> None:
    text = AnnotatedText("t", f"Ann{end}{end}in Oslo", (Mention(0, 3, label="a"), Mention(len(end) * 2 + 6, len(end) * 2 + 10)))
    first, second, third = lines_of(text, counts := Counter[str]())
    assert (first.text, second.text, third.text) == ("Ann", "", "in Oslo") and not +counts
    assert first.mentions == (Mention(0, 3, label="a"),) and third.mentions == (Mention(3, 7),)


def test_no_file(tmp_path: Path) -> None:
    for name in ("a.txt", "a.jsonl", "a.parquet", "a.conllu", "a.conll"):
        with pytest.raises(DataError, match=name):
            list(read_texts([tmp_path / name]))


def test_blank_tokens_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Ann\tB_PER\n \tI_PER\nLi\tI_PER\n")
    row = "\t".join(["1", " ", *"_" * 8])
    (tmp_path / "b.conllu").write_text(f"{row}\n{row.replace('1', '2').replace(' ', 'Bob')}\n")
    counts: Counter[str] = Counter()
    texts = list(read_texts([tmp_path / "a.conll", tmp_path / "b.conllu"], counts))
    assert [text.text for text in texts] == ["Ann Li", "Bob"] and counts["blank tokens"] == 2


def test_every_format_of_annotated_sentences_is_read(tmp_path: Path) -> None:
    rows = {
        "a.jsonl": {"tokens": ["Ann", "sang"], "ner_tags": [1, 0]},
        "b.json": {"text": "Ann sang", "entities": [{"start": 0, "end": 3, "label": "PER"}]},
        "c.jsonl": {"text": "Ann sang", "label": [[0, 3, "PER"]], "id": 7},
    }
    for name, row in rows.items():
        (tmp_path / name).write_text(json.dumps(row))
    (tmp_path / "d.txt").write_text("x Ann B-PER\nx sang O\n")
    (tmp_path / "e.tsv").write_text("\t".join(["1", "Ann", *"_" * 7, "NER=B-PER"]) + "\n")
    found = list(read_texts([tmp_path / name for name in rows], names=["O", "B-PER"]))
    found += read_texts([tmp_path / "d.txt"], format="columns:1,2")
    assert [text.text for text in found] == ["Ann sang"] * 4
    found += read_texts([tmp_path / "e.tsv"])
    assert all(text.mentions == (Mention(0, 3, label="PER"),) for text in found) and found[-1].text == "Ann"
    assert [text.text for text in read_texts([tmp_path / "d.txt"])] == ["x Ann B-PER", "x sang O"], "plain text"
    assert [text.text for text in read_texts([tmp_path / "c.jsonl"], format="text")] == ["Ann sang"]
    with pytest.raises(ConfigurationError, match="unknown format 'xml'"):
        list(read_texts([tmp_path / "d.txt"], format="xml"))


def test_bad_sentences_are_named_or_left_out_and_notes_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Ann\tB_PER\nsang\tO\n\nbroken\n\nBob\tB_PER\n \tO\n")
    with pytest.raises(DataError, match="a.conll, line 4: found 1 column: 'broken'"):
        list(read_texts([path]))
    counts, said = Counter[str](), list[str]()
    assert [text.text for text in read_texts([path], counts, skip_bad=True, report=said.append)] == ["Ann sang", "Bob"]
    assert counts == {"bad record": 1, "blank tokens": 1}
    assert said == [
        f"{path}: skipped 1 record: bad record (1)", "  line 4: found 1 column: 'broken', expected 2 as on the lines before",
        f"{path}: tags in another spelling: 'B_PER' as 'B-PER'", f"{path}: left out: blank tokens (1)",
    ]  # fmt: skip
    path.write_text("Ann\tO\nsang\tO\n")
    assert len(list(read_texts([path], report=said.append))) == 1 and len(said) == 4, "no mention is no fault here"
    row = {"id": "t", "text": "Ann\nsang", "metadata": {"tokens": [[0, 3], [4, 8]], "pos": ["X"]}}
    (tmp_path / "b.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({"id": "u", "text": "Bob"}))
    with pytest.raises(DataError, match="b.jsonl, line 1, field 'metadata.pos': found 1 tag"):
        list(read_texts([tmp_path / "b.jsonl"]))
    assert [text.text for text in read_texts([tmp_path / "b.jsonl"], skip_bad=True)] == ["Bob"]

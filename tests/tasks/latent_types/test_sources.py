"""Texts of every kind of file, a line at a time."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from loreweave.corpus.annotated_text import AnnotatedText, Mention, write_annotated_texts
from loreweave.errors import DataError
from loreweave.tasks.latent_types.sources import lines_of, read_texts


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
    texts = list(read_texts([tmp_path / "a.conll", tmp_path]))
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

"""CoNLL-U: text and words, tags, mentions in brackets, and what is wrong with a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from loreweave.corpus.conllu import read_conllu
from loreweave.errors import DataError


def row(id: str, form: str, tag: str = "X", misc: str = "_") -> str:
    return "\t".join([id, form, "_", tag, "_", "_", "_", "_", "_", misc])


def write(folder: Path, *lines: str) -> Path:
    path = folder / "a.conllu"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_text_words_and_tags(tmp_path: Path) -> None:
    rows = [row("1", "Ann", "PROPN"), row("2", "slept", "VERB", "SpaceAfter=No"), row("3", ".", "PUNCT")]
    second = [row("1", "Yes", "INTJ")]
    texts = list(read_conllu(write(tmp_path, "# newdoc id = d", "# sent_id = d-1", *rows, "", *second)))
    assert [(text.id, text.text) for text in texts] == [("d-1", "Ann slept."), ("a:2", "Yes")]
    assert texts[0].metadata == {"doc": "d", "tokens": [[0, 3], [4, 9], [9, 10]], "pos": ["PROPN", "VERB", "PUNCT"]}


def test_multi_word_tokens_and_empty_nodes(tmp_path: Path) -> None:
    split = [row("1-2", "don't", "_", "SpaceAfter=No"), row("1", "do", "AUX"), row("2", "n't", "PART")]
    fused = [row("3-4", "du", "_"), row("3", "de", "ADP"), row("4", "le", "DET")]
    (text,) = read_conllu(write(tmp_path, *split, *fused, row("4.1", "nothing"), row("5", "pain", "NOUN")))
    assert text.text == "don'tdu pain"
    assert text.metadata["tokens"] == [[0, 2], [2, 5], [5, 7], [8, 12]]
    assert text.metadata["pos"] == ["AUX", "PART", "ADP+DET", "NOUN"]


def test_mentions_nest_and_may_have_parts(tmp_path: Path) -> None:
    rows = [
        row("1", "The", misc="Entity=(1-organization-new"),
        row("2", "Oslo", misc="SpaceAfter=No|Entity=(2-place-new)"),
        row("2.1", "of", misc="Entity=(5-event-new)"),
        row("3", "office", misc="Entity=1)(3[1/2]-time-new)"),
        row("4", "now", misc="Entity=(4--new)"),
    ]
    (text,) = read_conllu(write(tmp_path, "# global.Entity = GRP-etype-infstat", *rows))
    assert text.text == "The Oslooffice now"
    found = sorted((mention.start, text.surface(mention), mention.label) for mention in text.mentions)
    assert found == [(0, "The Oslooffice", "organization"), (4, "Oslo", "place"), (8, "office", "time"), (15, "now", None)]


def test_entities_are_not_guessed_without_their_fields(tmp_path: Path) -> None:
    (text,) = read_conllu(write(tmp_path, row("1", "Oslo", misc="Entity=(2-place-new)")))
    assert text.mentions == () and text.metadata["pos"] == ["X"]


def test_no_tags_at_all(tmp_path: Path) -> None:
    (text,) = read_conllu(write(tmp_path, row("1", "Oslo", "_")))
    assert "pos" not in text.metadata


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("1 Oslo", "line 3: found 1 columns, expected 10"),
        (row("x", "Oslo"), "line 3: found the id 'x'"),
        (row("2", " "), "line 3: found an empty form"),
        (row("2", "Oslo", misc="Entity=1)"), "line 3: found the end of the mention '1', expected its begin before"),
        (row("2", "Oslo", misc="Entity=(1-place"), "line 3: found no end of the mention '1' in its sentence"),
    ],
)
def test_bad_files_name_the_line(tmp_path: Path, bad: str, message: str) -> None:
    with pytest.raises(DataError, match="a.conllu, line 3") as caught:
        list(read_conllu(write(tmp_path, "# global.Entity = GRP-etype", row("1", "In"), bad)))
    assert message in str(caught.value)


def test_gum_as_its_table_has_it(shared_data: Path, tmp_path: Path) -> None:
    """Words and nested mentions of two documents, against the JSON Lines that were made from them independently."""
    import gzip
    import json
    import tarfile

    folder = shared_data / "entity_gum"
    if not folder.is_dir():
        pytest.skip(f"entity_gum not found in {shared_data}")
    with gzip.open(folder / "dev.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = {row["sent_id"]: row for row in map(json.loads, file)}
    documents = sorted({row["doc"] for row in rows.values()})[:2]
    with tarfile.open(folder / "gum_conllu_train_dev.tar.xz") as archive:
        for member in archive:
            if Path(member.name).stem in documents:
                archive.extract(member, tmp_path, filter="data")
    compared = 0
    for path in tmp_path.rglob("*.conllu"):
        for text in read_conllu(path):
            expected, tokens = rows[text.id], text.metadata["tokens"]
            assert [text.text[start:end] for start, end in tokens] == expected["tokens"]
            spans = [(tokens[one["start"]][0], tokens[one["end"] - 1][1], one["type"]) for one in expected["entities"]]
            assert sorted((one.start, one.end, one.label) for one in text.mentions) == sorted(spans)
            compared += len(spans)
    assert compared > 100

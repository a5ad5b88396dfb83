"""NER files in every layout, what is wrong with them, questions, documents."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.ner.reader import labels_of, query, read
from loreweave.tasks.ner.record import NerRecord

Found = list[tuple[str, str]]


def mentions(record: NerRecord) -> Found:
    return [(record.surface(mention), str(mention.label)) for mention in record.mentions]


def write(folder: Path, content: Any) -> Path:
    path = folder / "train.txt"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


TEXT = "Ann Hill saw Oslo"
TOKENS = TEXT.split()
EXPECTED = [("Ann Hill", "PER"), ("Oslo", "LOC")]
COLUMNS = {
    "IOB2": ["B-PER", "I-PER", "O", "B-LOC"],
    "IOB1": ["I-PER", "I-PER", "O", "I-LOC"],
    "BIOES": ["B-PER", "E-PER", "O", "S-LOC"],
    "BILOU": ["B-PER", "L-PER", "O", "U-LOC"],
    "IO": ["PER", "PER", "O", "LOC"],
}
PREFIXED = [scheme for scheme in COLUMNS if scheme != "IO"]
"""Those whose tags can be told from words, and so stand first without being named."""


@pytest.mark.parametrize(("order", "scheme"), [*product(("last", "named"), COLUMNS), *product(["first"], PREFIXED)])
def test_columns_of_every_scheme_in_any_order(scheme: str, order: str, tmp_path: Path) -> None:
    rows = list(zip(TOKENS, COLUMNS[scheme], strict=True))
    lines = {
        "last": [f"{token} NN x {tag}" for token, tag in rows],
        "first": [f"{tag}\t{token}" for token, tag in rows],
        "named": [f"1 {token} {tag} x" for token, tag in rows],
    }[order]
    (record,) = read(write(tmp_path, "\n".join(lines)), "columns:1,2" if order == "named" else None).records
    assert record.text == "Ann Hill saw Oslo" and mentions(record) == EXPECTED


JSON_ROWS: dict[str, Any] = {
    "tokens": {"tokens": TOKENS, "ner_tags": COLUMNS["IOB2"]},
    "token spans": {"tokens": TOKENS,
                    "entities": [{"start": 0, "end": 2, "type": "PER"}, {"start": 3, "end": 4, "type": "LOC"}]},
    "entities": {"text": TEXT,
                 "entities": [{"start": 0, "end": 8, "label": "PER", "name": "Ann Hill"},
                              {"start": 13, "end": 17, "label": "LOC"}]},
    "stockmark": {"curid": "1", "text": TEXT,
                  "entities": [{"name": "Ann Hill", "span": [0, 8], "type": "PER"},
                               {"name": "Oslo", "span": [13, 17], "type": "LOC"}]},
    "doccano": {"text": TEXT, "label": [[0, 8, "PER"], [13, 17, "LOC"]]},
    "ours": {"id": "7", "text": TEXT,
             "mentions": [{"start": 0, "end": 8, "label": "PER"}, {"start": 13, "end": 17, "label": "LOC"}]},
}  # fmt: skip


@pytest.mark.parametrize("layout", JSON_ROWS)
@pytest.mark.parametrize("as_list", [True, False])
def test_json_rows(layout: str, as_list: bool, tmp_path: Path) -> None:
    row = JSON_ROWS[layout]
    (record,) = read(write(tmp_path, [row] if as_list else row)).records
    assert mentions(record) == EXPECTED and record.id == ("7" if layout == "ours" else "1")
    assert len(record.sentence.words) == 4


def test_sentences_of_a_document_know_one_another(tmp_path: Path) -> None:
    content = "-DOCSTART- -X- O O\n\nAnn B-PER\n\nsang O\n-DOCSTART-\nBob B-PER\n"
    ann, sang, bob = read(write(tmp_path, content)).records
    assert [sentence.text for sentence in ann.document] == ["Ann", "sang"] and (ann.place, sang.place) == (0, 1)
    assert ann.document[1] is sang.sentence and [sentence.text for sentence in bob.document] == ["Bob"]
    rows = [{"tokens": ["a"], "tags": ["O"]} | ({"doc": doc} if doc else {}) for doc in ("x", "x", "", "x")]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert [len(record.document) for record in read(path).records] == [2, 2, 0, 1]


BAD = [
    ("Ann B-PER\nsang\n\nBob O\n", "line 2: found 1 column: 'sang', expected 2", "record"),
    ("Ann B-PER\n\nsang\n\nBob O\n", "line 3: found 1 column: 'sang', expected 2 as on the lines before", "record"),
    ("Ann B-PER\n\nx O\nOslo place\n\nBob O\n", "line 4, field 'tag': found the tag 'place', expected a prefix", "tag"),
    ("Ann PER\n\nOslo B-LOC\n\nBob O\n", "found the tag 'B-LOC', expected no prefix as in the file's first tag", "tag"),
    ([{"tokens": TOKENS, "tags": ["O"]}], "record 1, field 'tags': found 1 tag for 4 tokens", "tags"),
    ([{"tokens": TOKENS, "tags": [0, 1, 2, 3]}], "the numbers .0, 1, 2, 3., .* --tag-names FILE", "tags"),
    ([{"text": "Ann", "entities": [{"start": 0, "end": 9, "label": "PER"}]}], "found the span \\(0, 9\\) in a text", "end"),
    ([{"text": "Ann", "entities": [{"start": 0, "end": 2, "label": "PER", "name": "Ann"}]}],
     "field 'name': found 'Ann', but the text has 'An' at \\(0, 2\\); .* add 1 to each end", "name"),
    ([{"text": "Ann", "entities": [{"start": 0, "end": 3}]}], "field 'label': found nothing, expected a string", "label"),
    ([{"tokens": TOKENS, "entities": [{"start": 3, "end": 5, "type": "x"}]}], "the span \\(3, 5\\) in 4 tokens", "record"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message", "field"), BAD)
def test_a_bad_record_is_named_or_left_out_counted_and_listed(content: Any, message: str, field: str, tmp_path: Path) -> None:
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert "train.txt" in str(caught.value)
    result = read(path, skip_bad=True)
    assert result.skipped == {f"bad {field}": 1} and len(result.left_out) == 1
    assert len(result.records) == (content.count("\n\n") if isinstance(content, str) else 0)


def test_files_that_hold_nothing_or_something_else(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found an empty file"):
        read(write(tmp_path, "\n"))
    with pytest.raises(DataError, match="found the keys question, expected a record of"):
        read(write(tmp_path, [{"question": ""}]))
    with pytest.raises(ConfigurationError, match="use columns:0,-1"):
        read(write(tmp_path, "Ann O"), "columns:token")
    with pytest.raises(DataError, match="found 2 columns, expected columns 0 and 3"):
        read(write(tmp_path, "Ann O"), "columns:0,3")
    assert len(read(write(tmp_path, "[ O\nAnn B-PER\n")).records) == 1  # a bracket is a token, too


def test_offsets_that_fit_words_in_utf16_alone_are_said(tmp_path: Path) -> None:
    row = {"text": "\N{GRINNING FACE} Ann saw Oslo and went home", "entities": [[3, 6, "PER"], [11, 15, "LOC"]]}
    (note,) = [note for note in read(write(tmp_path, [row])).notes if "UTF-16" in note]
    assert note.startswith("OFFSETS IN UTF-16? 2 mentions") and "--format entities:utf16" in note
    result = read(tmp_path / "train.txt", "entities:utf16")
    assert mentions(result.records[0]) == [("Ann", "PER"), ("Oslo", "LOC")] and not result.notes


def test_mentions_without_a_label_are_counted(tmp_path: Path) -> None:
    row = {"id": "1", "text": "Ann", "mentions": [{"start": 0, "end": 3}, {"start": 0, "end": 3, "label": "PER"}]}
    result = read(write(tmp_path, row))
    assert result.dropped == {"mentions without a label": 1} and len(result.records[0].mentions) == 1
    assert not result.skipped and not result.left_out


def word(number: int, form: str, misc: str = "_") -> str:
    return "\t".join([str(number), form, *["_"] * 7, misc])


def test_conllu(tmp_path: Path) -> None:
    lines = [
        word(1, "Bob", "Entity=(1-person)"), "",
        "# newdoc id = d", "# global.Entity = GRP-etype", "# sent_id = d-1",
        word(1, "Ann", "Entity=(1-person|SpaceAfter=No"), word(2, "'s", "Entity=1)"), word(3, "it", "Entity=(2)"), "",
        word(1, "Oslo"), word(2, "Fjord", "Entity=3)"), "",
        word(1, "Oslo", "NER=B-place"),
    ]  # fmt: skip
    path = write(tmp_path, "\n".join(lines))
    with pytest.raises(DataError, match="train.txt, line 11, field 'Entity': found the end of the mention '3'"):
        read(path)
    result = read(path, skip_bad=True)
    assert [(record.id, record.text, mentions(record)) for record in result.records] == [
        ("train:1", "Bob", []), ("d-1", "Ann's it", [("Ann's", "person")]), ("train:4", "Oslo", [("Oslo", "place")]),
    ]  # fmt: skip
    assert [len(record.sentence.words) for record in result.records] == [1, 3, 1]
    assert [(len(record.document), record.place) for record in result.records] == [(0, 0), (2, 0), (2, 1)]
    assert result.places == ["line 1", "line 6", "line 13"]
    assert result.skipped == {"bad Entity": 1}
    assert result.dropped == {"mentions without a label": 1, "mentions whose fields no '# global.Entity' declares": 1}


def test_questions(tmp_path: Path) -> None:
    (record,) = query({"text": "Ann's", "before": "She is", "after": "here ."}, "3")
    assert [sentence.text for sentence in record.document] == ["She is", "Ann's", "here ."]
    assert record.id == "3" and record.place == 1
    (record,) = query({"tokens": ["a", "b c"], "id": 5}, "3")
    assert record.id == "5" and record.sentence.words == ((0, 1), (2, 5))
    with pytest.raises(DataError, match="field 'text': found nothing"):
        query({}, "0")


@pytest.mark.parametrize(
    ("name", "records", "found", "types", "cut"),
    [
        ("ner_wnut17/wnut17train.conll.gz", 3394, 1975, 6, 0),
        ("ner_crossner/ai/test.txt.gz", 431, 1809, 14, 0),
        ("ner_ja_wikipedia/ner.json.xz", 4468, 10945, 8, 3),
        ("entity_gum/dev.jsonl.gz", 438, 2993, 10, 0),
    ],
)
def test_real_files(name: str, records: int, found: int, types: int, cut: int, shared_data: Path) -> None:
    """Nothing is skipped; mentions that our words cut are three of ten thousand in Japanese."""
    result = read(shared_data / name)
    assert len(result.records) == records and not result.skipped and len(labels_of(result.records)) == types
    assert sum(len(record.mentions) for record in result.records) == found
    assert sum(len(record.mentions) - len(record.word_spans()) for record in result.records) == cut


def test_sentences_of_another_scheme_are_named(tmp_path: Path) -> None:
    file = tmp_path / "mixed.conll"
    file.write_text("Ann B-PER\n\nNew B-LOC\nYork I-LOC\n\nBob S-PER\n\nhere O\n\nBern I-LOC\n\n")
    found = read(file)
    rule = "read by conlleval's rule, which takes any"
    assert found.notes == [f"tags are iob2 but for 2 sentences ({rule}): line 6, line 10"]
    assert len(found.records) == 5
    file.write_text("Ann I-PER\n\nNew I-LOC\nYork I-LOC\nOslo B-LOC\n\n")
    assert read(file).notes == []
    file.write_text("Ann E-PER\n\nNew I-LOC\nYork E-LOC\n\n")
    assert read(file).notes[0].startswith("the tags of 2 sentences are none of iob1"), "IOE"
    file.write_text("Ann B-PER\nlives O\nOslo U-LOC\nor O\nBern S-LOC\n\n")
    assert read(file).notes[0].startswith("the tags of 1 sentence are none of iob1"), "BILOU and BIOES"
    file.write_text("Ann U-PER\n\nOslo B-LOC\nWest L-LOC\n\nBern S-LOC\n\n")
    assert read(file).notes == [f"tags are bilou but for 1 sentence ({rule}): line 6"]
    file.write_text("Ann B-PER\nlives O\nOslo U-LOC\nor O\nBern S-LOC\n\nAnn B-PER\nLi I-PER\n\n")
    assert read(file).notes == [f"tags are iob2 but for 1 sentence ({rule}): line 1"]


def test_what_cannot_be_meant_stops_or_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train.txt, field 'token': found words that count up"):
        read(write(tmp_path, "1 Ann B-PER\n2 sang O\n\n1 Bob B-PER\n"), "columns:0,2")
    with pytest.raises(DataError, match="train.txt, field 'label': found the labels 'B-PER' and 'I-PER'"):
        spans = [{"start": 0, "end": 3, "label": "B-PER"}, {"start": 4, "end": 8, "label": "I-PER"}]
        read(write(tmp_path, [{"text": TEXT, "entities": spans}]))
    assert read(write(tmp_path, "Ann O\n\nsang O\n")).notes[0].startswith("NO MENTION in 2 sentences")
    notes = read(write(tmp_path, "Ann_B_PER B_PER\nHill I_PER\nsang o\n")).notes
    assert notes == ["tags in another spelling: 'B_PER' as 'B-PER', 'o' as 'O'"]


def test_characters_as_tokens_are_joined_in_sentences_of_one_word_too(tmp_path: Path) -> None:
    """The layout of KLUE: the other sentences show that tokens are characters."""
    rows = [
        {"tokens": list("mia"), "tags": ["B-PS", "I-PS", "I-PS"]},
        {"tokens": list("so it"), "tags": ["O"] * 5},
        {"tokens": ["l", "a"], "tags": ["O", "O"]},
    ]
    for name, content in (("a.jsonl", "\n".join(map(json.dumps, rows))), ("a.json", json.dumps(rows))):
        (tmp_path / name).write_text(content)
        first, *others = read(tmp_path / name).records
        assert [first.text, *(record.text for record in others)] == ["mia", "so it", "la"]
        assert mentions(first) == [("mia", "PS")] and first.sentence.words == ((0, 1), (1, 2), (2, 3))
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, [*rows, {"tokens": ["so", "b"], "tags": ["O", "O"]}])))
    assert [record.text for record in read(tmp_path / "b.jsonl").records] == ["m i a", "so it", "l a", "so b"]


def test_blank_tokens_in_json_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [
        {"tokens": ["Ann", " ", "Hill"], "tags": ["B-PER", "I-PER", "I-PER"]},
        {"tokens": ["서", "울", " ", "가"], "tags": ["B-LC", "I-LC", "I-LC", "O"]},
    ]
    result = read(write(tmp_path, rows))
    assert [(record.text, mentions(record)) for record in result.records] == [
        ("Ann Hill", [("Ann Hill", "PER")]), ("서울 가", [("서울", "LC")]),
    ]  # fmt: skip
    assert result.dropped == {"blank tokens": 2, "white space at the edges of mentions": 1}


@pytest.mark.parametrize(
    "tags",
    [
        ["B_PER", "I_PER", "o", "B_LOC"], ["PER-B", "PER-I", "O", "LOC-B"], ["B-PER", "M-PER", "O", "S-LOC"],
        ["B-PER", "I-PER", "0", "B-LOC"],
    ],
)  # fmt: skip
def test_other_spellings_of_tags_in_json(tags: list[str], tmp_path: Path) -> None:
    result = read(write(tmp_path, [{"tokens": TOKENS[:1], "tags": tags[3:]}, {"tokens": TOKENS, "tags": tags}]))
    assert mentions(result.records[1]) == EXPECTED and mentions(result.records[0]) == [("Ann", "LOC")]
    assert result.notes[0].startswith("tags in another spelling: ")


def test_numbers_may_stand_for_tags_in_another_spelling(tmp_path: Path) -> None:
    path = write(tmp_path, [{"tokens": TOKENS, "tags": [1, 2, 0, 3]}])
    assert mentions(read(path, names=["o", "B_PER", "I_PER", "B_LOC"]).records[0]) == EXPECTED


def test_a_header_is_suspected_only_where_the_first_line_can_be_one(tmp_path: Path) -> None:
    path = write(tmp_path, "Ann B-PER\nleft O\n\nOslo B-LOC\nand O\nBob B_PER\n")
    with pytest.raises(DataError, match="line 6.*'B_PER'") as caught:
        read(path)
    assert "columns" not in str(caught.value)
    with pytest.raises(DataError, match="line 3.*'B-LOC'.*line 1 contains the names of the columns, delete it"):
        read(write(tmp_path, "Ann PER\n\nOslo B-LOC\n"))

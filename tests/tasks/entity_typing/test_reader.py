"""Reading typing files: formats, places in messages, counting what is left out."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.entity_typing.reader import FORMATS, TypingRecord, labels_of, query, read

GOOD = {"sent": "Ann lives in Oslo .", "start": 13, "end": 17, "labels": ["place", "city"], "doc": "d1"}


def write(path: Path, value: Any) -> Path:
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    with opener(path, "wt", encoding="utf-8") as file:
        if ".jsonl" in path.name:
            file.write("\n".join(json.dumps(row) for row in value))
        else:
            json.dump(value, file)
    return path


@pytest.mark.parametrize("name", ["train.json", "train.json.gz", "train.json.xz", "train.jsonl", "train.jsonl.gz"])
def test_ernie_layout_in_any_wrapping(tmp_path: Path, name: str) -> None:
    result = read(write(tmp_path / name, [GOOD, GOOD | {"id": "x7"}]))
    first, second = result.records
    assert (first.id, first.mention, first.labels) == ("1", "Oslo", ("place", "city"))
    assert first.metadata == {"doc": "d1"} and second.id == "x7"
    assert labels_of(result.records) == ["city", "place"] and not result.skipped


UFET = {
    "left_context_token": ["She", "met"],
    "mention_span": "the mayor",
    "right_context_token": ["."],
    "y_str": ["person", "politician"],
    "annot_id": "a1",
}


def test_ufet_is_joined_by_spaces(tmp_path: Path) -> None:
    path = write(tmp_path / "dev.jsonl", [UFET, UFET | {"left_context_token": []}])
    first, second = read(path).records
    assert (first.id, first.text, first.mention) == ("a1", "She met the mayor .", "the mayor")
    assert (second.text, second.start) == ("the mayor .", 0)
    assert read(path, "ufet-coarse").records[0].labels == ("person",)


def test_annotated_text_gives_a_record_a_labelled_span(tmp_path: Path) -> None:
    mentions = [{"start": 0, "end": 3, "label": "person"}, {"start": 0, "end": 3, "label": "woman"}, {"start": 13, "end": 17}]
    path = write(tmp_path / "texts.jsonl", [{"id": "t", "text": GOOD["sent"], "mentions": mentions}])
    result = read(path)
    (record,) = result.records
    assert (record.mention, record.labels, record.metadata) == ("Ann", ("person", "woman"), {"doc": "t"})
    assert result.skipped == result.unused == {"mentions without a label": 1} and not result.left_out
    row = {"text": GOOD["sent"], "mentions": [{"start": 0, "end": 4, "label": "person", "labels": ["woman"], "text": "ann"}]}
    result = read(write(tmp_path / "texts.jsonl", [row, {"text": "Leo", "mentions": []}]))
    assert [(record.id, record.mention, record.labels) for record in result.records] == [("1:0-3", "Ann", ("person", "woman"))]
    assert result.dropped == {"white space at the edges of mentions": 1}
    assert result.skipped == {"texts without a mention": 1}


OF_TOOLS: dict[str, Any] = {
    "doccano": {"id": 7, "text": "Ann lives in Oslo .", "label": [[0, 3, "person"], [0, 3, "woman"]]},
    "label-studio": {"id": 1, "data": {"text": "Ann lives in Oslo ."},
                     "annotations": [{"result": [{"value": {"start": 0, "end": 3, "labels": ["person", "woman"]}}]}]},
    "tokens": {"tokens": ["Ann", "lives"], "mentions": [{"start": 0, "end": 1, "labels": ["person", "woman"]}], "senid": 3},
    "gliner": {"tokenized_text": ["Ann", "lives"], "ner": [[0, 0, "person"], [0, 0, "woman"]]},
    "prodigy": {"text": "Ann lives", "answer": "accept",
                "spans": [{"start": 0, "end": 3, "label": "person"}, {"start": 0, "end": 3, "label": "woman"}]},
    "spacy-pairs": ["Ann lives", {"entities": [[0, 3, "person"], [0, 3, "woman"]]}],
}  # fmt: skip


@pytest.mark.parametrize("format", OF_TOOLS)
def test_what_annotators_write_gives_a_record_a_span_with_all_its_labels(tmp_path: Path, format: str) -> None:
    path = write(tmp_path / "a.json", [OF_TOOLS[format]])
    for named in (format, None):
        (record,) = read(path, named).records
        assert (record.mention, record.labels) == ("Ann", ("person", "woman"))


def test_tags_in_another_spelling_are_types(tmp_path: Path) -> None:
    result = read(write(tmp_path / "a.json", [{"tokens": ["Ann", "Hill", "left"], "tags": ["b-per", "i-per", "o"]}]))
    assert [(record.mention, record.labels) for record in result.records] == [("Ann Hill", ("per",))] and len(result.notes) == 1


def test_a_given_mention_is_compared(tmp_path: Path) -> None:
    row = {"sent": "\N{GRINNING FACE} Ann left", "start": 3, "end": 6, "labels": ["person"], "mention": "Ann"}
    path = write(tmp_path / "a.jsonl", [row])
    with pytest.raises(DataError, match="line 1, field 'mention': .* UTF-16 code units, .* --format ernie:utf16"):
        read(path)
    assert read(path, "ernie:utf16").records[0].mention == "Ann"
    assert query({"text": "Ann left", "start": 0, "end": 3, "mention": "ANN"}, "1")[0].mention == "Ann"
    with pytest.raises(DataError, match="add 1 to each end"):
        query({"text": "Ann left", "start": 0, "end": 2, "mention": "Ann"}, "1")


@pytest.mark.parametrize("labels", [[0.9, 0.1], {"place": 0.9}, [3], ["place", 1]])
def test_soft_labels_and_numbers_are_refused_by_name(tmp_path: Path, labels: Any) -> None:
    with pytest.raises(DataError, match="line 1, field 'labels': .* .soft labels"):
        read(write(tmp_path / "a.jsonl", [GOOD | {"labels": labels}]))


def test_blank_labels_and_blank_mentions_of_ufet(tmp_path: Path) -> None:
    for labels in ([""], ["place", " "]):
        with pytest.raises(DataError, match="line 1, field 'labels': found the labels .*expected names"):
            read(write(tmp_path / "a.jsonl", [GOOD | {"labels": labels}]))
    with pytest.raises(DataError, match="line 1, field 'mention_span': found a blank mention"):
        read(write(tmp_path / "a.jsonl", [UFET | {"mention_span": " "}]))
    (record,) = read(write(tmp_path / "a.jsonl", [UFET | {"mention_span": " He "}])).records
    assert (record.text, record.mention) == ("She met He .", "He")


BAD = {
    "start": GOOD | {"start": "13"},
    "end": GOOD | {"end": 99},
    "labels": GOOD | {"labels": "place"},
    "sent": GOOD | {"sent": None},
}


@pytest.mark.parametrize("field", BAD)
def test_a_bad_record_is_named(tmp_path: Path, field: str) -> None:
    path = write(tmp_path / "train.json", [GOOD, BAD[field]])
    with pytest.raises(DataError, match="record 2") as caught:
        read(path)
    assert caught.value.field == field and str(path) in str(caught.value)
    lines = write(tmp_path / "train.jsonl", [GOOD, BAD[field]])
    with pytest.raises(DataError, match="line 2"):
        read(lines)


def test_bad_records_are_counted_when_asked(tmp_path: Path) -> None:
    result = read(write(tmp_path / "train.json", [GOOD, *BAD.values()]), skip_bad=True)
    assert len(result.records) == 1
    assert result.skipped == {"bad start": 1, "bad end": 1, "bad labels": 1, "bad sent": 1}


def test_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no records"):
        read(write(tmp_path / "a.json", []))
    with pytest.raises(DataError, match="the keys token"):
        read(write(tmp_path / "b.json", [{"token": ["a"]}]))
    with pytest.raises(ConfigurationError, match="ernie"):
        read(write(tmp_path / "c.json", [GOOD]), "conll")
    (tmp_path / "d.json").write_text("[{", encoding="utf-8")
    with pytest.raises(DataError, match="line 1"):
        read(tmp_path / "d.json")


WRONG_ROWS = {
    "spacy-pairs": "record 1: found a number, expected .text, {entities", "spacy": "found no file of spaCy's DocBin",
    "brat": "found no folder, expected one of .txt files with .ann files",
}  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_a_row_that_is_no_object_is_named(tmp_path: Path, format: str) -> None:
    with pytest.raises(DataError, match=WRONG_ROWS.get(format, "record 1: found a number, expected an object")):
        read(write(tmp_path / "a.json", [3]), format)


def test_blank_mentions_are_refused() -> None:
    with pytest.raises(DataError, match="blank"):
        TypingRecord("0", "a  b", 1, 3)


@given(st.text(max_size=12), st.integers(-3, 15), st.integers(-3, 15))
def test_a_record_has_a_mention_or_is_refused(text: str, start: int, end: int) -> None:
    try:
        record = TypingRecord("0", text, start, end)
    except DataError:
        assert not (0 <= start < end <= len(text)) or not text[start:end].strip()
    else:
        assert record.mention.strip() and record.mention == text[start:end]


def test_queries_need_no_labels() -> None:
    (record,) = query({"text": "Ann lives", "start": 0, "end": 3}, "5")
    assert query({"text": "Ann lives", "start": 0, "end": 3, "labels": None}, "5") == [record]  # unknown
    assert (record.id, record.mention, record.labels) == ("5", "Ann", ())


def test_real_files(shared_data: Path) -> None:
    dev = read(shared_data / "typing_gum" / "dev.json.xz").records
    assert len(dev) == 2993 and len(labels_of(dev)) == 10 and dev[0].metadata["mention"] == dev[0].mention
    fine = read(shared_data / "typing_wikidata" / "dev.json.gz").records
    assert len(fine) == 250 and all(record.metadata["mention"] == record.mention for record in fine)


def test_labels_that_cannot_be_meant_are_said_or_refused(tmp_path: Path) -> None:
    row = {"sent": "Mia left", "start": 0, "end": 3}
    path = tmp_path / "a.json"
    path.write_text(json.dumps([row | {"labels": ["person"]}, row | {"labels": ["Person"]}]))
    assert read(path).notes == ["labels that differ only by case, blanks or punctuation: 'Person' (1), 'person' (1)"]
    path.write_text(json.dumps([row | {"labels": ["B-PER"]}, row | {"labels": ["I-PER"]}]))
    with pytest.raises(DataError, match="a.json, field 'label': found the labels 'B-PER' and 'I-PER', which are tags"):
        read(path)
    path.write_text(json.dumps([{"tokens": ["Mia", "Li"], "tags": ["B_PER", "I_PER"]}]))
    assert [(record.mention, record.labels) for record in read(path).records] == [("Mia Li", ("PER",))]
    assert read(path).notes == ["tags in another spelling: 'B_PER' as 'B-PER'"]


def test_sentences_with_brackets(tmp_path: Path) -> None:
    content = "<Ada|person> met <Bob>.\n<She|person|artist> ran.\nnobody\n"
    path = tmp_path / "a.txt"
    path.write_text(content)
    result = read(path, "brackets")
    assert [(each.id, each.mention, each.labels, each.metadata["doc"]) for each in result.records] == [
        ("1:0-3", "Ada", ("person",), "1"), ("2", "She", ("person", "artist"), "2"),
    ]  # fmt: skip
    assert result.places == ["line 1", "line 2"] and not result.notes
    assert result.skipped == result.unused == {"mentions without a label": 1, "texts without a mention": 1}
    assert ("unused", "line 1: mentions without a label, 'Bob'") in result.lost


def test_brackets_without_any_label_are_kept_for_predictions(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", {"p1": "<Ada> met <Bob>.", "p2": "<She> ran."})
    result = read(path)
    assert [(each.id, each.mention, each.labels) for each in result.records] == [
        ("p1:0-3", "Ada", ()), ("p1:8-11", "Bob", ()), ("p2", "She", ()),
    ]  # fmt: skip
    assert not result.skipped and "no mention has a label" in result.notes[0]


def test_a_file_without_labels_says_so_in_every_layout(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [GOOD | {"labels": []}])
    assert [note for note in read(path).notes if "no mention has a label" in note] and len(read(path).records) == 1
    assert not read(write(tmp_path / "b.jsonl", [GOOD, GOOD | {"labels": []}])).notes

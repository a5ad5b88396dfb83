"""Reading relation files: formats, places in messages, counting what is left out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from relation_files import (
    DOCUMENT,
    FACT,
    FEWREL,
    KEPLER,
    LAYOUTS,
    PAIR,
    PASSAGES,
    RELATION,
    SEMEVAL,
    TACRED,
    TEXT,
    mentions,
    write,
)

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.relation_classification.reader import (
    FORMATS,
    labels_of,
    negative_label,
    query,
    read,
    settings_for,
    unfit,
)
from loreweave.tasks.relation_classification.settings import RelationConfig
from loreweave.tasks.relations.document import RelationDocument
from loreweave.tasks.relations.record import RelationRecord


@pytest.mark.parametrize("name", ["train.json", "train.json.gz", "train.jsonl", "train.jsonl.xz"])
def test_tacred_in_any_wrapping(tmp_path: Path, name: str) -> None:
    first, second = read(write(tmp_path / name, [TACRED, {**TACRED, "id": "e8"}])).records
    assert first.text == "In Oslo , Ann -LRB- Lee -RRB- works ." and mentions(first) == ("Ann -LRB- Lee", "Oslo")
    assert (first.id, first.label, second.id) == ("e7", "per:city", "e8")
    assert first.metadata == {"docid": "d1", "subj_type": "PERSON", "obj_type": "CITY"}


@pytest.mark.parametrize(
    ("name", "value", "expected", "label", "id"),
    [
        ("a.jsonl", [KEPLER], ("Ann -LRB- Lee", "Oslo"), "r", "1"),
        ("b.jsonl", [{"text": TEXT, "h": {"pos": [9, 12]}, "t": {"pos": [3, 7]}, "relation": "r"}], ("Ann", "Oslo"), "r", "1"),
        ("c.json", FEWREL, ("Ann -LRB- Lee", "Oslo"), "P19", "P19:1"),
        ("d.jsonl", [FEWREL], ("Ann -LRB- Lee", "Oslo"), "P19", "P19:1"),
        ("e.jsonl", [FACT], ("Ann", "Oslo"), "CITY", "1"),
        ("f.jsonl", [PASSAGES], ("Ann", "Oslo"), "CITY", "f1"),
        ("h.jsonl", [PAIR], ("Ann", "Oslo"), "r", "1"),
        ("k.jsonl", [RELATION], ("Ann", "Oslo"), "s", "1"),
    ],
)
def test_every_layout_is_recognised(
    tmp_path: Path, name: str, value: Any, expected: tuple[str, str], label: str, id: str
) -> None:
    record = read(write(tmp_path / name, value)).records[0]
    assert (mentions(record), record.label, record.id) == (expected, label, id)


def test_what_a_layout_says_besides_is_kept(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.jsonl", [KEPLER])).records[0].metadata == {"tail_entity": "Q585"}
    assert read(write(tmp_path / "b.json", FEWREL)).records[0].metadata == {"head_entity": "Q1", "tail_entity": "Q585"}
    assert read(write(tmp_path / "c.jsonl", [FACT])).records[0].metadata["doc"] == "7"
    assert read(write(tmp_path / "d.jsonl", [PAIR])).records[0].metadata == {"doc": "d"}


def test_types_of_mentions_are_read_where_a_layout_has_them(tmp_path: Path) -> None:
    kepler = KEPLER | {"h": {**KEPLER["h"], "type": " PERSON "}, "t": {**KEPLER["t"], "type": "CITY"}}
    pair = PAIR | {"head": {**PAIR["head"], "type": "PERSON"}, "tail": {**PAIR["tail"], "type": "CITY"}}
    mentions_with_labels = [{"start": 9, "end": 12, "label": "PERSON"}, {"start": 3, "end": 7, "label": "CITY"}]
    relations = {"relations": [{"head": 0, "tail": 1, "label": "r"}]}
    annotated = {"id": "t", "text": TEXT, "mentions": mentions_with_labels, "metadata": relations}
    for number, row in enumerate((TACRED, kepler, pair, annotated)):
        (record,) = read(write(tmp_path / f"{number}.jsonl", [row])).records
        assert isinstance(record, RelationRecord) and (record.head_type, record.tail_type) == ("PERSON", "CITY"), row
    (asked,) = query({name: value for name, value in pair.items() if name != "label"}, "5")
    assert isinstance(asked, RelationRecord) and (asked.head_type, asked.tail_type) == ("PERSON", "CITY")
    for number, row in enumerate((KEPLER, PAIR, PAIR | {"head": {**PAIR["head"], "type": ["PERSON"]}})):
        (record,) = read(write(tmp_path / f"none{number}.jsonl", [row])).records
        assert isinstance(record, RelationRecord) and record.head_type is None


def test_types_that_settings_need(tmp_path: Path) -> None:
    (typed,) = read(write(tmp_path / "a.json", [TACRED])).records
    (plain,) = read(write(tmp_path / "b.jsonl", [PAIR])).records
    tokens = RelationConfig(head="markers", typed_markers="tokens")
    assert settings_for(tokens, [typed]).mention_types == ["CITY", "PERSON"]
    assert settings_for(replace(tokens, mention_types=["X"]), [typed]).mention_types == ["X"]
    assert settings_for(replace(tokens, typed_markers="punctuation"), [typed]).mention_types is None
    assert unfit(tokens, typed) is None and unfit(RelationConfig(), plain) is None
    assert "found no type of the head 'Ann'" in str(unfit(tokens, plain))
    only = unfit(replace(tokens, mention_types=["PERSON"]), typed)
    assert str(only) == "field 'tail.type': found the type 'CITY', expected one of mention_types"


def test_a_document_whose_relations_are_unknown_does_not_fit_training(tmp_path: Path) -> None:
    none = {**DOCUMENT, "labels": []}
    hidden = {name: value for name, value in DOCUMENT.items() if name != "labels"}
    records = read(write(tmp_path / "a.json", [DOCUMENT, none, hidden])).records
    errors = [unfit(RelationConfig(), record) for record in records]
    assert errors[:2] == [None, None]
    assert str(errors[2]) == (
        "field 'labels': found a document without relations, expected gold relations (an empty list if it has none)"
    )


def test_a_query_with_too_few_entities_because_of_a_wrong_mention_names_it() -> None:
    entities = [{"mentions": [{"start": 0, "end": 3}]}, {"mentions": [{"start": 9, "end": 13, "text": "Bergen"}]}]
    with pytest.raises(DataError, match=r"field 'entities\[1\]\[0\]\.text': found 'Bergen', but the text has 'Oslo'"):
        query({"text": "Ann from Oslo .", "entities": entities}, "0")


def test_semeval_keeps_direction_comments_and_kbp37s_spaces(tmp_path: Path) -> None:
    first, second = read(write(tmp_path / "TRAIN_FILE.TXT", SEMEVAL)).records
    assert (first.id, first.label, first.text) == ("1", "Component-Whole(e1,e2)", "The ear of the elephant is large.")
    assert mentions(first) == ("ear", "elephant") and first.metadata == {"comment": "Not a part."}
    assert mentions(second) == ("the mayor", "Ann") and second.label == "no_relation" and second.tail[0] < second.head[0]


def test_passages_without_facts_are_counted(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.jsonl", [PASSAGES])).skipped == {"passage without a fact": 1}
    nothing = read(write(tmp_path / "b.jsonl", [{**FACT, "subject": None}, FACT]))
    assert nothing.skipped == {"passage without a fact": 1} and len(nothing.records) == 1


def test_documents_are_read_whole_under_all_their_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", [DOCUMENT, DOCUMENT])
    for format in (None, "docred", "docred-all-pairs"):
        first, second = read(path, format).records
        assert isinstance(first, RelationDocument) and labels_of([first, second]) == ["P131", "P17", "P551"]
        assert [tuple(fact) for fact in first.facts or ()] == [(0, 1, "P551"), (1, 2, "P17"), (1, 2, "P131")]
        assert (first.id, second.id) == ("Ann", "Ann#2") and len(first.pairs) == 6
    assert read(path).notes == ["1 document has the title of another; a number was added to the id: Ann#2"]
    (asked,) = query({name: value for name, value in DOCUMENT.items() if name != "labels"}, "0")
    assert isinstance(asked, RelationDocument) and asked.facts is None and asked.pairs == first.pairs
    with pytest.raises(DataError, match="fewer than two entities"):
        query(DOCUMENT | {"vertexSet": DOCUMENT["vertexSet"][:1], "labels": []}, "0")


def test_settings_go_with_the_records(tmp_path: Path) -> None:
    documents = read(write(tmp_path / "a.json", [DOCUMENT])).records
    pairs = read(write(tmp_path / "a.jsonl", [PAIR])).records
    assert settings_for(RelationConfig(), documents).multi_label is True
    assert settings_for(RelationConfig(), pairs).multi_label is False
    assert settings_for(RelationConfig(multi_label=True), pairs).multi_label is True
    for settings, records, message in (
        ({"head": "markers"}, documents, "head is read only with multi_label=false .documents have a head of their own"),
        ({"no_label": "NA"}, documents, "no_label is read only with multi_label=false .pairs without a relation"),
        ({"multi_label": False}, documents, "setting 'multi_label': found false"),
        ({"metric": "accuracy"}, documents, "setting 'metric': documents have no accuracy"),
        ({"metric": "ign_f1"}, pairs, "setting 'metric': only documents have ign_f1"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            settings_for(RelationConfig(**settings), records)


def test_annotated_text_names_its_relations_by_mention(tmp_path: Path) -> None:
    row = {"id": "t", "text": TEXT, "mentions": [{"start": 9, "end": 12}, {"start": 3, "end": 7}]}
    relations = [{"head": 0, "tail": 1, "label": "r"}, {"head": 1, "tail": 2, "label": "r"}]
    path = write(tmp_path / "a.jsonl", [row | {"metadata": {"relations": relations, "doc": "x"}}, row | {"id": "u"}])
    result = read(path, skip_bad=True)
    (record,) = result.records
    assert mentions(record) == ("Ann", "Oslo") and record.metadata == {"doc": "t"}
    assert result.skipped == {"bad tail": 1, "text without relations": 1}


def test_the_negative_label_comes_first(tmp_path: Path) -> None:
    rows = [{**PAIR, "label": label} for label in ("b", "no_relation", "A", "b")]
    assert labels_of(read(write(tmp_path / "a.jsonl", rows)).records) == ["no_relation", "A", "b"]
    assert negative_label(["Other", "x"]) == "Other" and negative_label(["x"]) is None


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "outside": ({**TACRED, "subj_end": 9}, "subj_start"),
    "backwards": ({**TACRED, "obj_start": 2}, "obj_start"),
    "no number": ({**TACRED, "obj_end": "1"}, "obj_end"),
    "a string for tokens": ({**TACRED, "token": "In Oslo"}, "token"),
    "no relation": ({**TACRED, "relation": None}, "relation"),
    "head is tail": ({**TACRED, "obj_start": 3, "obj_end": 5}, "tail"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_named(tmp_path: Path, name: str) -> None:
    row, field = BAD[name]
    path = write(tmp_path / "train.jsonl", [TACRED, row])
    with pytest.raises(DataError, match="line 2") as caught:
        read(path)
    assert caught.value.field == field and str(path) in str(caught.value)


def test_bad_records_are_counted_and_listed_when_asked(tmp_path: Path) -> None:
    result = read(write(tmp_path / "train.json", [TACRED, *(row for row, _ in BAD.values())]), skip_bad=True)
    assert len(result.records) == 1 and result.places == ["record 1"]
    assert sum(result.skipped.values()) == len(BAD) == len(result.left_out)
    assert result.left_out[-1].startswith("record 7: field 'tail': found 'Ann -LRB- Lee' at (10, 23) as head and as tail")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("a.jsonl", [{**FACT, "subject": {**FACT["subject"], "text": "Bob"}}], "'subject.text': found 'Bob', but the"),
        ("b.jsonl", [{**PAIR, "tail": {"start": 3, "end": 70}}], "line 1, field 'tail': found the span \\(3, 70\\)"),
        ("c.json", {"P1": [{"tokens": ["a"], "h": ["a"], "t": []}]}, "P1, instance 1, field 'h': found"),
        ("d.json", {"P1": {"a": 1}}, "found the keys P1"),
        ("e.txt", '1\t"<e1>a</e1> and b."\nr\n', "line 1, field 'sentence': found no <e2>"),
        ("f.txt", '1\t"<e1>a</e1> <e2>b</e2>."\n\n', "line 1, field 'label': found no label"),
        ("g.txt", "some text", "line 1: found 'some text', expected id<TAB>sentence"),
        ("h.json", [{**DOCUMENT, "labels": [{"h": 0, "t": 9, "r": "P1"}]}], "record 1, field 'labels': found the entities"),
        ("m.json", [{**DOCUMENT, "labels": [{"h": 0, "t": 1, "r": " "}]}], "record 1, field 'labels': found ' '"),
        ("i.json", [{"words": []}], "found the keys words, expected a record of tacred"),
        ("j.txt", " \n", "found an empty file"),
        ("k.json", [], "found no records"),
        ("l.json", {"e7": TACRED}, "record 1: found one object whose records have names \\('e7', ...\\), expected a list"),
    ],
)
def test_wrong_files_name_place_and_field(tmp_path: Path, name: str, value: Any, message: str) -> None:
    path = write(tmp_path / name, value)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_wrapped_list_is_no_fewrel(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.json", {"data": [PAIR]})).records[0].label == "r"


def test_questions_need_no_label() -> None:
    (record,) = query({name: value for name, value in PAIR.items() if name != "label"}, "5")
    assert (record.id, mentions(record), record.label) == ("5", ("Ann", "Oslo"), None)


@pytest.mark.parametrize(
    ("file", "records", "labels", "skipped"),
    [
        ("re_semeval2010task8/TRAIN_FILE.TXT.gz", 8000, 19, 0),
        ("re_semeval2010task8/TEST_FILE_FULL.TXT.gz", 2717, 19, 0),
        ("re_fewrel/val_wiki.json.gz", 11200, 16, 0),
        ("re_fewrel/fewrelde.json.gz", 1000, 20, 0),
        ("re_knowledgenet/train_folds123.jsonl.gz", 8187, 15, 1896),
        ("re_redocred/dev_revised.json.gz", 500, 95, 0),
    ],
)
def test_real_files(shared_data: Path, file: str, records: int, labels: int, skipped: int) -> None:
    result = read(shared_data / file)
    assert (len(result.records), len(labels_of(result.records)), sum(result.skipped.values())) == (records, labels, skipped)
    assert not result.left_out


def test_every_format_has_a_line_of_help() -> None:
    assert all(format.summary for format in FORMATS.values())


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inside for place in places_in(each, (*path, key)))]


def with_junk(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = junk
    return copy


@pytest.mark.parametrize("format", [*LAYOUTS, "passages"])
def test_no_junk_anywhere_makes_another_error_than_a_named_one(tmp_path: Path, format: str) -> None:
    whole: dict[str, Any] = PASSAGES if format == "passages" else LAYOUTS[format]
    name = "knowledgenet" if format == "passages" else format
    path = tmp_path / "data.json"
    for place in places_in(whole):
        for junk in (None, -1, 10**6, "x", [None], {"a": 1}):
            row = with_junk(whole, place, junk)
            path.write_text(json.dumps(row if format == "fewrel" else [row]), encoding="utf-8")
            try:
                read(path, name)
            except DataError as error:
                assert str(path) in str(error)

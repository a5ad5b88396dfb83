"""Reading relation files: formats, places in messages, counting what is left out."""

from __future__ import annotations

import gzip
import json
import lzma
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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

TOKENS = ["In", "Oslo", ",", "Ann", "-LRB-", "Lee", "-RRB-", "works", "."]
TACRED = {
    "id": "e7", "docid": "d1", "relation": "per:city", "token": TOKENS, "subj_start": 3, "subj_end": 5, "obj_start": 1,
    "obj_end": 1, "subj_type": "PERSON", "obj_type": "CITY", "stanford_pos": ["IN"],
}  # fmt: skip
KEPLER = {
    "token": TOKENS, "h": {"name": "Ann", "pos": [3, 6]}, "t": {"name": "Oslo", "id": "Q585", "pos": [1, 2]}, "relation": "r",
}  # fmt: skip
FEWREL = {"P19": [{"tokens": TOKENS, "h": ["ann lee", "Q1", [[3, 4, 5]]], "t": ["oslo", "Q585", [[1], [7]]]}], "P20": []}
TEXT = "In Oslo, Ann works."
PAIR = {"text": TEXT, "head": {"start": 9, "end": 12}, "tail": {"start": 3, "end": 7}, "label": "r", "doc": "d"}
RELATION = {**{name: value for name, value in PAIR.items() if name != "label"}, "relation": "s"}
FACT: dict[str, Any] = {
    "fold": 2, "doc": "7", "property": "CITY", "text": TEXT,
    "subject": {"start": 9, "end": 12, "text": "Ann", "wikidata": "Q1"},
    "object": {"start": 3, "end": 7, "text": "Oslo", "wikidata": None},
}  # fmt: skip
PASSAGES = {
    "fold": 2, "documentId": "7", "documentText": "Ann\n\n" + TEXT,
    "passages": [
        {"passageStart": 5, "passageText": TEXT,
         "exhaustivelyAnnotatedProperties": [{"propertyId": "9", "propertyName": "CITY"}],
         "facts": [{"factId": "f1", "propertyId": "9", "subjectStart": 14, "subjectEnd": 17, "subjectText": "Ann",
                    "objectStart": 8, "objectEnd": 12, "objectText": "Oslo", "objectUri": "Q585"}]},
        {"passageStart": 0, "passageText": "Ann", "facts": []},
    ],
}  # fmt: skip
DOCUMENT = {
    "title": "Ann", "sents": [["Ann", "lives", "."], ["She", "is", "in", "Oslo", ",", "Norway", "."]],
    "vertexSet": [
        [{"name": "Ann", "sent_id": 0, "pos": [0, 1]}, {"name": "She", "sent_id": 1, "pos": [0, 1]}],
        [{"name": "Oslo", "sent_id": 1, "pos": [3, 4]}],
        [{"name": "Norway", "sent_id": 1, "pos": [5, 6]}],
    ],
    "labels": [{"h": 0, "t": 1, "r": "P551", "evidence": [1]}, {"h": 1, "t": 2, "r": "P17"}, {"h": 1, "t": 2, "r": "P131"}],
}  # fmt: skip
SEMEVAL = """1\t"The <e1>ear</e1> of the <e2>elephant</e2> is large."\r
Component-Whole(e1,e2)\r
Comment: Not \r
a part.\r
\r
2\t" <e2> Ann </e2> met <e1> the mayor </e1> . "
no_relation

"""


def write(path: Path, value: Any) -> Path:
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    with opener(path, "wt", encoding="utf-8", newline="") as file:
        if isinstance(value, str):
            file.write(value)
        elif ".jsonl" in path.name:
            file.write("\n".join(json.dumps(row) for row in value))
        else:
            json.dump(value, file, indent=2 if isinstance(value, dict) else None)
    return path


def mentions(record: RelationRecord) -> tuple[str, str]:
    return record.surface(record.head), record.surface(record.tail)


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


ANNOTATED = {
    "id": "t", "text": TEXT, "mentions": [{"start": 9, "end": 12}, {"start": 3, "end": 7}],
    "metadata": {"relations": [{"head": 0, "tail": 1, "label": "r"}]},
}  # fmt: skip
OWN = {
    "id": "t", "text": TEXT, "entities": [{"mentions": [{"start": 9, "end": 12}]}, {"mentions": [{"start": 3, "end": 7}]}],
    "relations": [{"head": 0, "tail": 1, "label": "r"}],
}  # fmt: skip
LAYOUTS = {
    "tacred": TACRED, "kepler": KEPLER, "fewrel": FEWREL, "knowledgenet": FACT, "docred": DOCUMENT,
    "docred-all-pairs": DOCUMENT, "documents": OWN, "annotated-text": ANNOTATED, "pairs": PAIR,
}  # fmt: skip


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


@given(st.text("ab ", max_size=8), *[st.integers(-2, 10)] * 4)
def test_a_record_has_two_different_mentions_or_is_refused(text: str, a: int, b: int, c: int, d: int) -> None:
    good = all(0 <= start < end <= len(text) and text[start:end].strip() for start, end in ((a, b), (c, d)))
    try:
        RelationRecord("0", text, (a, b), (c, d))
    except DataError:
        assert not good or (a, b) == (c, d)
    else:
        assert good and (a, b) != (c, d)

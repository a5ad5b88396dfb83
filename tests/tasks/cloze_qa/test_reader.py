"""Files of cloze questions: ReCoRD's layout, SuperGLUE's rows, our own; and what is wrong in them."""

from __future__ import annotations

import copy
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from loreweave.errors import DataError
from loreweave.metrics.answers import score_answer
from loreweave.tasks.cloze_qa.reader import query, read, rows_of_file

TEXT = "James Watt was born in Greenock.\n@highlight\n\nWatt left Glasgow."
ENTITIES = [{"start": 0, "end": 9}, {"start": 23, "end": 30}, {"start": 45, "end": 48}, {"start": 55, "end": 61}]
QAS: list[dict[str, Any]] = [
    {
        "id": "q1", "query": "The birth of @placeholder in Greenock",
        "answers": [{"start": 0, "end": 9, "text": "James Watt"}, {"start": 45, "end": 48, "text": "Watt"}],
    },
    {"id": "q2", "query": "He was born in @placeholder.", "answers": [{"start": 23, "end": 30, "text": "Greenock"}]},
]  # fmt: skip
PASSAGE: dict[str, Any] = {"id": "p", "source": "s", "passage": {"text": TEXT, "entities": ENTITIES}, "qas": QAS}
SPANS = ((0, 10), (23, 31), (45, 49), (55, 62))


def write(folder: Path, *passages: dict[str, Any]) -> Path:
    path = folder / "dev.json.xz"
    path.write_bytes(lzma.compress(json.dumps({"version": "1.0", "data": passages}).encode()))
    return path


def changed(**qa: Any) -> dict[str, Any]:
    """The passage with another second query."""
    passage = copy.deepcopy(PASSAGE)
    passage["qas"][1] |= qa
    return passage


def test_record_has_inclusive_ends_and_one_record_per_query(tmp_path: Path) -> None:
    found = read(write(tmp_path, PASSAGE))
    first, second = found.records
    assert (first.id, first.candidates, first.answers, first.correct) == ("q1", SPANS, ("James Watt", "Watt"), (0, 2))
    assert (second.id, second.answers, second.correct, second.surface(1)) == ("q2", ("Greenock",), (1,), "Greenock")
    assert first.metadata == second.metadata and first.metadata["source"] == "s"
    assert found.places == ["record 1"] * 2 and not found.notes and not found.dropped


def test_superglue_has_a_passage_per_line_and_numbers_as_ids(tmp_path: Path) -> None:
    path = tmp_path / "val.jsonl"
    qas = [{**{name: value for name, value in qa.items() if name != "id"}, "idx": number} for number, qa in enumerate(QAS)]
    rows = [PASSAGE | {"idx": 0, "qas": qas}, PASSAGE | {"idx": 1, "qas": [{"query": "@placeholder", "idx": 7}]}]
    path.write_text("\n".join(map(json.dumps, rows)))
    found = read(path)
    assert [record.id for record in found.records] == ["0", "1", "7"] and found.records[2].answers == ()


HUB = {
    "passage": TEXT, "query": QAS[0]["query"], "entities": ["Watt", "James Watt", "Glasgow", "Greenock"],
    "entity_spans": {"text": ["James Watt", "Greenock", "Watt", "Glasgow"], "start": [0, 23, 45, 55], "end": [10, 31, 49, 62]},
    "answers": ["James Watt", "Watt"], "idx": {"passage": 4, "query": 9},
}  # fmt: skip


def test_rows_of_hugging_face_have_spans_with_exclusive_ends(tmp_path: Path) -> None:
    path = tmp_path / "validation.jsonl"
    path.write_text(json.dumps(HUB))
    (found,) = read(path).records
    assert (found.id, found.candidates, found.correct) == ("9", SPANS, (0, 2))


@pytest.mark.parametrize("answers", [5, True, {"text": ["Watt"]}, "['Watt']"])
def test_answers_of_hugging_face_that_are_no_list_are_refused(answers: Any) -> None:
    row = {"passage": TEXT, "query": QAS[0]["query"], "entities": ["Watt"], "answers": answers}
    with pytest.raises(
        DataError, match="field 'answers': found .*, (expected a list of answers|a list or an object written as a text)"
    ):
        query(row, "1")


def test_entities_without_places_are_found_as_whole_words(tmp_path: Path) -> None:
    row = {name: value for name, value in HUB.items() if name != "entity_spans"} | {"passage": TEXT + " Greenocks"}
    path = tmp_path / "validation.jsonl"
    path.write_text(json.dumps(row))
    (found,) = read(path).records
    assert set(found.candidates) == {*SPANS, (6, 10)}  # the second word of James Watt is a Watt too
    assert sorted(map(found.surface, found.correct)) == ["James Watt", "Watt", "Watt"]


def test_our_own_rows_take_answers_by_place_or_by_text(tmp_path: Path) -> None:
    path = tmp_path / "dev.jsonl"
    row = {"text": TEXT, "query": QAS[0]["query"], "candidates": [{"start": s, "end": e} for s, e in SPANS], "topic": "steam"}
    rows = [row | {"id": 3, "answers": ["Watt", "Boulton"]}, row | {"answers": [{"start": 0, "end": 10}]}, row]
    path.write_text("\n".join(map(json.dumps, rows)))
    first, second, third = read(path).records
    assert (first.id, first.answers, first.correct, first.metadata["topic"]) == ("3", ("Watt", "Boulton"), (2,), "steam")
    assert (second.id, second.answers, second.correct) == ("2", ("James Watt",), (0,))
    assert (third.answers, third.correct) == ((), ())


@pytest.mark.parametrize("answer", ["James Watt", ["James Watt"], {"start": 0, "end": 10}, {"text": "James Watt"}])
def test_a_single_answer_is_read(tmp_path: Path, answer: Any) -> None:
    path = tmp_path / "dev.jsonl"
    row = {"text": TEXT, "query": QAS[0]["query"], "candidates": [{"start": s, "end": e} for s, e in SPANS]}
    for name in ("answer", "answers"):
        path.write_text(json.dumps(row | {name: answer}))
        (found,) = read(path).records
        assert (found.answers, found.correct) == (("James Watt",), (0,)) and "answer" not in found.metadata


def test_entities_without_places_are_found_in_a_text_without_spaces(tmp_path: Path) -> None:
    rows = [
        {"passage": "伊藤は東京に住む。東京都", "query": "@placeholder", "entities": ["東京", "伊藤"], "answers": ["東京"]},
        {"passage": "Roma, Romans, Roma's", "query": "@placeholder", "entities": ["Roma"], "answers": ["Roma"]},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second = read(path).records
    assert first.candidates == ((0, 2), (3, 5), (9, 11)) and first.correct == (1, 2)
    assert second.candidates == ((0, 4), (14, 18))


def test_a_single_answer_is_read_in_the_layouts_of_record_and_superglue(tmp_path: Path) -> None:
    passage = copy.deepcopy(PASSAGE)
    for qa in passage["qas"]:
        qa["answer"] = qa.pop("answers")[0]
    assert [record.correct for record in read(write(tmp_path, passage)).records] == [(0,), (1,)]
    row = {name: value for name, value in HUB.items() if name != "answers"}
    path = tmp_path / "validation.jsonl"
    for given in ({"answer": "James Watt"}, {"answers": "James Watt"}, {"answers": None, "answer": ["James Watt"]}):
        path.write_text(json.dumps(row | given))
        assert read(path).records[0].correct == (0,)
    path.write_text(json.dumps(row | {"answers": [], "answer": "James Watt"}))
    with pytest.raises(DataError, match="line 1, field 'answers': found no answer here, and 'James Watt' in the field answer"):
        read(path)


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"query": "Who was it?"}, "qas[1].query", "found 0 times @placeholder in 'Who was it?', expected one"),
        ({"query": "@placeholder met @placeholder"}, "qas[1].query", "found 2 times @placeholder"),
        ({"query": None}, "qas[1].query", "found null, expected a string"),
        ({"answers": [{"start": 23, "end": 31, "text": "Greenock"}]}, "qas[1].answers.text", "the end is exclusive"),
        ({"answers": [{"start": 24, "end": 31, "text": "Greenock"}]}, "qas[1].answers.text", "counted from 1"),
        ({"answers": [{"start": 23, "end": 900, "text": "x"}]}, "qas[1].answers", "1 added to the inclusive end"),
        ({"answers": ["Greenock"]}, "qas[1].answers", "expected a list of objects"),
        ({"answers": [{"start": 23, "end": 30, "text": 5}]}, "qas[1].answers.text", "found 5, expected a string"),
        ({"answers": [{"start": 10, "end": 10, "text": " "}]}, "qas[1].answers", "blank"),
    ],
)
def test_a_bad_query_is_named_or_left_out_alone(tmp_path: Path, change: dict[str, Any], field: str, said: str) -> None:
    path = write(tmp_path, PASSAGE, changed(**change))
    with pytest.raises(DataError) as caught:
        read(path)
    assert "dev.json.xz, record 2, field" in str(caught.value) and field in str(caught.value) and said in str(caught.value)
    found = read(path, skip_bad=True)
    assert len(found.records) == 3 and sum(found.skipped.values()) == len(found.left_out) == 1


@pytest.mark.parametrize("entity", [{"start": 3, "end": 400}, {"start": 3}, {"start": 10, "end": 10}, "Watt"])
def test_a_bad_passage_loses_each_of_its_queries(tmp_path: Path, entity: Any) -> None:
    passage = copy.deepcopy(PASSAGE)
    passage["passage"]["entities"] = [entity]
    path = write(tmp_path, passage, PASSAGE)
    with pytest.raises(DataError, match="record 1, field 'passage"):
        read(path)
    found = read(path, skip_bad=True)
    assert len(found.records) == 2 and sum(found.skipped.values()) == 2


def test_what_is_unusual_is_kept_and_counted(tmp_path: Path) -> None:
    passage = copy.deepcopy(PASSAGE)
    passage["passage"]["entities"].append(ENTITIES[0])
    passage["qas"] += [
        {"id": "q2", "query": "@placeholder", "answers": [{"start": 32, "end": 42, "text": "@highlight"}]},
        {"id": "q4", "query": "@placeholder", "answers": [{"start": 0, "end": 9, "text": "Boulton"}]},
    ]
    bare: dict[str, Any] = {"passage": {"text": "Nobody.", "entities": []}, "qas": [{"id": "q5", "query": "@placeholder"}]}
    found = read(write(tmp_path, passage, bare, {"passage": {"text": "a", "entities": []}, "qas": []}))
    assert [record.id for record in found.records] == ["q1", "q2", "q2#2", "q4", "q5"]
    assert [record.given_id for record in found.records] == [None, None, "q2", None, None]
    assert found.records[3].answers == ("Boulton",) and found.records[3].correct == ()
    assert dict(found.dropped) == {
        "candidates at the same place as another one": 1,
        "answers whose text differs from the characters at their offsets (the text is the gold answer)": 1,
    }
    assert dict(found.skipped) == {"passage without queries": 1}
    assert found.notes == [
        "1 query has no candidate and therefore no prediction: 'q5'",
        "2 queries have no answer among the candidates, so training sees only wrong candidates: 'q2', 'q4'",
        "1 query has no answer that occurs in the passage: 'q4'",
        "1 query has the id of another; all are kept, and a number was added to the id: q2#2",
    ]


def test_answers_that_mostly_have_another_text_are_refused(tmp_path: Path) -> None:
    answers = [{"start": 0, "end": 9, "text": "Boulton"}]
    passage = PASSAGE | {"qas": [{"id": "q", "query": "@placeholder", "answers": answers}]}
    with pytest.raises(DataError, match="found 1 of 1 answer whose text differs from the characters at their offsets"):
        read(write(tmp_path, passage))


@pytest.mark.parametrize("row", [{"question": "Who?"}, {"title": "t", "qa": []}])
def test_other_files_are_refused_with_the_keys_that_were_found(tmp_path: Path, row: dict[str, Any]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row))
    with pytest.raises(DataError, match="found the keys .*expected a record of record, superglue, cloze"):
        read(path)


def test_queries_of_predict(tmp_path: Path) -> None:
    own = {"text": TEXT, "query": "@placeholder left", "candidates": [{"start": 0, "end": 10}]}
    assert query(own, "7")[0].id == "7" and query(HUB, "7")[0].id == "9"
    with pytest.raises(DataError, match="found no candidate, expected at least one"):
        query(own | {"candidates": []}, "7")
    with pytest.raises(DataError, match="--format record reads such files"):
        query(PASSAGE, "7")


def test_files_become_queries_with_errors_in_place(tmp_path: Path) -> None:
    rows = list(rows_of_file(write(tmp_path, PASSAGE, changed(query="Who?")), "record"))
    assert [place for place, _ in rows] == ["record 1", "record 1", "record 2", "record 2"]
    assert rows[0][1]["candidates"][0] == {"start": 0, "end": 10} and rows[0][1]["answers"] == ["James Watt", "Watt"]
    assert isinstance(rows[3][1], DataError) and [query(row, "")[0].id for _, row in rows[:3]] == ["q1", "q2", "q1"]


def test_real_data_has_known_sizes_and_a_known_baseline(shared_data: Path) -> None:
    """The first candidate is right for 111 of 386 queries."""
    found = read(shared_data / "qa_wikicloze_record_format" / "dev.json.xz")
    assert len(found.records) == 386 and not found.notes and not found.dropped and not found.skipped
    assert len({record.metadata["passage"] for record in found.records}) == 143
    assert sum(score_answer(record.surface(0), record.answers).exact for record in found.records) == 111

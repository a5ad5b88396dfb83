"""Files of predictions beside gold records: by id, by order, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from task_jobs import score

from loreweave.corpus.files.rows import field
from loreweave.errors import DataError
from loreweave.tasks.files.predictions import Prediction, align, holds_json, json_predictions, label_predictions
from loreweave.tasks.registry import load_task

IDS = ["a", "b", "c"]
HERE = Path("answers.txt")


def rows(*pairs: tuple[str | None, str]) -> list[Prediction[str]]:
    return [Prediction(number, id, value) for number, (id, value) in enumerate(pairs, 1)]


def test_rows_with_ids_find_their_records_in_any_order() -> None:
    values, notes = align(rows(("c", "3"), ("a", "1")), IDS, HERE)
    assert values == ["1", None, "3"]
    assert notes == ["no prediction for 1 of 3 records, counted as wrong: b"]
    assert align(rows(("b", "2"), ("c", "3"), ("a", "1")), IDS, HERE) == (["1", "2", "3"], [])


def test_rows_without_ids_go_by_order_and_are_all_there() -> None:
    assert align(rows((None, "1"), (None, "2"), (None, "3")), IDS, HERE)[0] == ["1", "2", "3"]
    with pytest.raises(DataError, match="answers.txt: found 2 predictions without ids, expected one for each of 3"):
        align(rows((None, "1"), (None, "2")), IDS, HERE)


def test_records_with_the_same_id_need_all_predictions_in_order() -> None:
    twins = [*IDS[:2], IDS[1]]
    assert align(rows(("a", "1"), ("b", "2"), ("b", "3")), twins, HERE)[0] == ["1", "2", "3"]
    with pytest.raises(DataError, match=r"answers.txt: found gold records with the same id \(the first is 'b'\), so"):
        align(rows(("a", "1"), ("b", "2")), twins, HERE)


def test_a_second_prediction_is_named_with_its_line() -> None:
    with pytest.raises(DataError, match="answers.txt, line 2, field 'id': found a second prediction for the id 'a'"):
        align(rows(("a", "1"), ("a", "2")), IDS, HERE)


def test_predictions_for_no_record_are_not_scored_and_noted() -> None:
    values, notes = align(rows(("x", "0"), ("c", "3"), ("a", "1"), ("x", "9"), ("b", "2")), IDS, HERE)
    assert values == ["1", "2", "3"]
    assert notes == ["2 predictions are not scored, because their ids are not in the gold file: x, x"]
    values, notes = align(rows(("x", "0"), ("c", "3")), IDS, HERE, missing_are="left out")
    assert values == [None, None, "3"]
    assert notes == [
        "no prediction for 2 of 3 records, left out: a, b",
        "1 prediction is not scored, because its id is not in the gold file: x",
    ]


@pytest.mark.parametrize("ids", [IDS, [None, None, None]])
def test_other_texts_than_those_of_the_gold_file_are_noted(ids: list[str | None]) -> None:
    texts = ["Anna lives in Oslo.", "It rains.", "Bo sleeps."]
    given = [Prediction(number, id, "x", text=text) for number, (id, text) in enumerate(zip(ids, texts, strict=True), 1)]
    spaced = ["anna lives in  Oslo .", *texts[1:]]
    assert align(given, IDS, HERE, texts=spaced)[1] == []
    assert align(given, IDS, HERE, texts=[texts[0], "It snows.", "Bo eats."])[1] == [
        "2 predictions have another text than the record with its id or place; are they for other data? "
        "The first: line 2: found 'It rains.', expected 'It snows.'"
    ]
    assert align(rows(("a", "1"), ("b", "2"), ("c", "3")), IDS, HERE, texts=texts)[1] == []


def test_lines_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "answers.txt"
    path.write_text("7\tOther\n\n8\tCause-Effect(e1,e2)\r\n")
    assert [(p.line, p.id, p.value) for p in label_predictions(path)] == [(1, "7", "Other"), (3, "8", "Cause-Effect(e1,e2)")]
    path.write_text("no_relation\nper:title\n")
    assert [(p.id, p.value) for p in label_predictions(path)] == [(None, "no_relation"), (None, "per:title")]
    path.write_text("7\tOther\nOther\n")
    with pytest.raises(DataError, match="line 2: found 1 column, expected id<TAB>label"):
        label_predictions(path)
    path.write_text(" \n")
    with pytest.raises(DataError, match="found an empty file"):
        holds_json(path)


def test_a_json_list_has_the_same_rows_and_names_the_record(tmp_path: Path) -> None:
    def value(row: Any) -> str:
        return field(row, "label", str)

    path = tmp_path / "answers.json"
    rows = [{"id": 7, "label": "x"}, {"id": 8, "error": "found a blank text"}, {"id": "a", "label": "y"}]
    for text in (json.dumps(rows), json.dumps(rows, indent=1), "\ufeff\n[\n\n" + json.dumps(rows)[1:]):
        path.write_text(text, encoding="utf-8")
        assert holds_json(path)
        found = json_predictions(path, value)
        assert [(one.place, one.id, one.value) for one in found] == [("record 1", "7", "x"), ("record 3", "a", "y")]
    path.write_text('[{"id": "a", "label": "x"}, {"id": "a", "label": "y"}]')
    with pytest.raises(DataError, match="answers.json, record 2, field 'id': found a second prediction for the id 'a'"):
        align(json_predictions(path, value), IDS, path)
    for second, said in (('{"label": 1}', "record 2, field 'label': found 1"), ('"y"', "record 2: found a JSON text"),
                         ('{"label": "y"', "line 1: found broken JSON")):  # fmt: skip
        path.write_text('[{"label": "x"}, ' + second + "]")
        with pytest.raises(DataError, match=f"answers.json, {said}"):
            json_predictions(path, value)
    for text in ("[ O\nx O\n", '["x", "y"]', "[1, 2]", "[]", "["):  # columns that begin with a bracket, and lists of values
        path.write_text(text)
        assert not holds_json(path)


def test_json_rows_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"id": 7, "label": "x"}\n{"label": 1}\n')
    assert holds_json(path)
    with pytest.raises(DataError, match="answers.jsonl, line 2, field 'label': found 1"):
        json_predictions(path, lambda row: str(field(row, "label", str)))


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


TEXT = "Ann lives in Oslo ."


def test_entity_typing_reads_our_predictions_and_our_answers(tmp_path: Path) -> None:
    task = load_task("entity-typing")
    gold = write(tmp_path / "gold.jsonl", [
        {"text": TEXT, "start": 0, "end": 3, "labels": ["person"]},
        {"text": TEXT, "start": 13, "end": 17, "labels": ["city", "place"]},
    ])  # fmt: skip
    ours = write(tmp_path / "a.jsonl", [{"predictions": ["person"], "labels": ["person"]}, {"predictions": ["city", "river"]}])
    evaluation, results = score(task, gold, ours, report=lambda line: None)
    assert evaluation.metrics["micro_precision"] == 2 / 3 == evaluation.metrics["micro_recall"]
    assert results["records"] == 2 and [row["label"] for row in results["per_label"]] == ["city", "person", "place", "river"]
    answers = write(tmp_path / "b.jsonl", [{"id": "2", "labels": [{"label": "city", "probability": 0.9}]}])
    lines: list[str] = []
    evaluation, _ = score(task, gold, answers, report=lines.append)
    assert evaluation.predictions[1]["predicted"] == ["city"] and evaluation.predictions[1]["gold"] == ["city", "place"]
    assert evaluation.metrics["micro_recall"] == 1 / 3 and "no prediction for 1 of 2 records" in lines[-1]
    with pytest.raises(DataError, match="c.jsonl, line 1, field 'predicted'"):
        score(task, gold, write(tmp_path / "c.jsonl", [{"id": "1"}]), report=lambda line: None)


def test_relations_read_lines_and_our_predictions(tmp_path: Path) -> None:
    task = load_task("relation-classification")
    gold = tmp_path / "key.txt"
    gold.write_text('1\t"<e1>a</e1> <e2>b</e2>"\nX(e1,e2)\n\n2\t"<e1>a</e1> <e2>b</e2>"\nOther\n')
    answers = tmp_path / "answers.txt"
    answers.write_text("1\tX(e2,e1)\n2\tOther\n")
    lines: list[str] = []
    evaluation, _ = score(task, gold, answers, report=lines.append)
    assert (evaluation.metrics["macro_f1"], evaluation.metrics["accuracy"]) == (0.0, 0.5)
    assert lines == ["micro and macro scores exclude 'Other'", "1 prediction of labels that are gold nowhere: X(e2,e1)"]
    ours = write(tmp_path / "ours.jsonl", [{"id": "2", "prediction": "Other", "label": "no"}, {"id": "1", "label": "X(e1,e2)"}])
    assert score(task, gold, ours, report=lines.append)[0].metrics["macro_f1"] == 1.0
    answers.write_text("Other\n")
    with pytest.raises(DataError, match="1 prediction without ids"):
        score(task, gold, answers, report=lines.append)


def test_the_official_examples_end_to_end(shared_data: Path, tmp_path: Path) -> None:
    """SemEval's proposed answers as a file, its key as sentences: the official score as printed."""
    folder = shared_data / "re_semeval2010task8" / "scorer_examples"
    for example, printed in ((1, "64.09"), (2, "6.35"), (3, "11.11")):
        gold = tmp_path / f"key{example}.txt"
        key = folder / f"answer_key{example}.txt"
        keys = [line.split() for line in key.read_text().splitlines()]
        gold.write_text("".join(f'{id}\t"<e1>a</e1> <e2>b</e2>"\n{label}\n\n' for id, label in keys))
        answers = folder / f"proposed_answer{example}.txt"
        evaluation, _ = score(load_task("relation-classification"), gold, answers, report=lambda line: None)
        assert f"{100 * evaluation.metrics['macro_f1']:.2f}" == printed
        by_key, _ = score(load_task("relation-classification"), key, answers, report=lambda line: None)
        assert by_key.metrics == evaluation.metrics and by_key.notes == evaluation.notes


SPAN = {"start": 0, "end": 3, "label": "PER"}


@pytest.mark.parametrize(
    ("name", "gold", "answers"),
    [
        (
            "entity-typing",
            {"text": TEXT, "start": 0, "end": 3, "labels": ["person"]},
            [
                {"predicted": ["person"], "gold": ["city"]},
                {"predicted": ["person"], "probabilities": {"person": 0.9}, "labels": ["city"]},
                {"predictions": ["person"], "labels": ["city"]},
                {"labels": [{"label": "person", "probability": 0.9}]},
                {"labels": ["person"]},
            ],
        ),
        (
            "relation-classification",
            {"text": TEXT, "head": {"start": 0, "end": 3}, "tail": {"start": 13, "end": 17}, "label": "lives"},
            [
                {"predicted": "lives", "gold": "works"},
                {"predicted": "lives", "probability": 0.5, "label": "works"},
                {"prediction": "lives", "label": "works"},
                {"label": "lives", "probability": 0.5},
            ],
        ),
        (
            "ner",
            {"text": TEXT, "entities": [SPAN]},
            [
                {"predicted": [SPAN | {"mention": "Ann", "probability": 0.5}], "gold": []},
                {"predicted": [SPAN], "entities": []},
                {"predictions": [SPAN], "entities": []},
                {"entities": [SPAN]},
            ],
        ),
    ],
)  # fmt: skip
def test_predictions_of_today_and_by_their_older_names(
    name: str, gold: dict[str, Any], answers: list[dict[str, Any]], tmp_path: Path
) -> None:
    truth = write(tmp_path / "gold.jsonl", [gold])
    for row in answers:
        evaluation, _ = score(load_task(name), truth, write(tmp_path / "a.jsonl", [row]), report=lambda line: None)
        assert evaluation.metrics["micro_f1"] == 1.0, row
        (written,) = evaluation.predictions
        assert written["predicted"] == written["gold"] and written["text"] == TEXT
        again = write(tmp_path / "b.jsonl", evaluation.predictions)
        assert score(load_task(name), truth, again, report=lambda line: None)[0].predictions == evaluation.predictions


HEAD_AND_TAIL = {"head": {"start": 0, "end": 3}, "tail": {"start": 13, "end": 17}}
LINKED = {"start": 0, "end": 3, "entity": "Ann"}
QUESTION = {"context": TEXT, "question": "Who?", "answers": [{"text": "Ann", "start": 0}]}
QUERY = {"text": TEXT, "query": "Who? @placeholder", "candidates": [{"start": 0, "end": 3}], "answers": ["Ann"]}


@pytest.mark.parametrize(
    ("name", "gold", "answer", "field"),
    [
        ("entity-typing", {"text": TEXT, "start": 0, "end": 3, "labels": ["person"]}, ["person"], "text"),
        ("relation-classification", {"text": TEXT, "label": "lives"} | HEAD_AND_TAIL, "lives", "text"),
        ("text-classification", {"text": TEXT, "label": "home"}, "home", "text"),
        ("ner", {"text": TEXT, "entities": [SPAN]}, [SPAN], "text"),
        ("latent-types", {"text": TEXT, "entities": [SPAN]}, [{"start": 0, "end": 3, "type": 1}], "text"),
        ("entity-linking", {"text": TEXT, "mentions": [LINKED]}, [LINKED], "text"),
        ("extractive-qa", QUESTION, "Ann", "question"),
        ("cloze-qa", QUERY, "Ann", "query"),
    ],
)
def test_every_task_compares_texts(name: str, gold: Any, answer: Any, field: str, tmp_path: Path) -> None:
    truth = write(tmp_path / "gold.jsonl", [gold | {"id": "1"}])
    for text, times in ((gold[field], 0), ("of another file", 1)):
        answers = write(tmp_path / "a.jsonl", [{"id": "1", "predicted": answer, field: text}])
        notes = score(load_task(name), truth, answers, report=lambda line: None)[0].notes
        assert sum("has another text than the record with its id" in note for note in notes) == times


@pytest.mark.parametrize("place", ["line", "record", "row"])  # of JSON Lines, of a JSON list, of Parquet
def test_an_error_in_place_of_an_answer_is_no_prediction(tmp_path: Path, place: str) -> None:
    truth = write(tmp_path / "gold.jsonl", [{"text": TEXT, "entities": [SPAN]}] * 2)
    rows = [{"id": "1", "predicted": [SPAN]}, {"id": "2", place: 2, "error": "found nothing, expected a string"}]
    lines: list[str] = []
    evaluation, _ = score(load_task("ner"), truth, write(tmp_path / "a.jsonl", rows), report=lines.append)
    assert evaluation.metrics["micro_recall"] == 0.5 and "no prediction for 1 of 2 records" in lines[-1]


def test_ids_of_another_file_are_refused_with_the_way_out() -> None:
    said = "no prediction for any of 2 records; the ids are 1, 2, expected those of the gold file: test:1, test:2 .*JSON Lines"
    with pytest.raises(DataError, match=said):
        align(rows(("1", "x"), ("2", "y")), ["test:1", "test:2"], HERE)

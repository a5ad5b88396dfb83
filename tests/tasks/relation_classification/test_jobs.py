"""Relations with the types of their mentions from files to files, and files without types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from task_jobs import evaluate, silent

import loreweave
from loreweave.cli.main import main
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import Reading
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.jobs.known_labels import read_known
from loreweave.tasks.registry import load_task, training_of
from loreweave.training.settings.configuration import fill

TASK = load_task("relation-classification")
SETTINGS: dict[str, Any] = {
    "epochs": 16, "batch_size": 4, "gradient_accumulation_steps": 1, "leftover": "flush", "device": "cpu", "keep": "last",
    "optimizer": {"learning_rate": 0.005, "bias_correction": True, "max_grad_norm": 1.0},
}  # fmt: skip


def row(head: str, tail: str, types: tuple[str, str], relation: str) -> dict[str, Any]:
    """A record of TACRED whose words do not say its relation; only the types do."""
    spans = {"subj_start": 0, "subj_end": 0, "obj_start": 3, "obj_end": 3}
    found = {"token": [head, "lives", "in", tail], "relation": relation, **spans}
    return found | {"subj_type": types[0], "obj_type": types[1]}


NAMES = [(head, tail) for head in ("Ann", "Bob", "She", "He") for tail in ("Oslo", "Paris", "Ann")]
ROWS = [
    row(head, tail, types, relation)
    for head, tail in NAMES
    for types, relation in ((("the", "river"), "a"), (("river", "the"), "b"), (("long", "the"), "no_relation"))
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def query(types: dict[str, str], **more: Any) -> dict[str, Any]:
    ends = {"head": {"start": 0, "end": 3}, "tail": {"start": 13, "end": 17}}
    typed = {name: span | ({"type": types[name]} if name in types else {}) for name, span in ends.items()}
    return {"text": "Ann lives in Oslo", **typed, **more}


@pytest.mark.parametrize("markers", ["tokens", "punctuation"])
def test_types_are_learned_from_the_markers_alone(
    markers: str, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write(tmp_path / "train.json", ROWS)
    config = fill(training_of(TASK).config, SETTINGS | {"typed_markers": markers})
    results = finetune_task(TASK, str(tiny_bert), DataFiles(train=data, test=data), config, tmp_path / "run", report=silent)
    assert results["test"]["micro_f1"] > 0.9
    settings = json.loads((tmp_path / "run" / "config.json").read_text())["settings"]
    assert settings["mention_types"] == (["long", "river", "the"] if markers == "tokens" else None)
    evaluation, _ = evaluate(TASK, tmp_path / "run", data)
    assert evaluation.metrics == results["test"]
    predictor = loreweave.load(tmp_path / "run", device="cpu")
    types = [("the", "river"), ("river", "the"), ("long", "the")]
    answers = predictor.predict_rows([query({"head": head, "tail": tail}) for head, tail in types])
    assert [answer["predicted"] for answer in answers] == ["a", "b", "no_relation"]
    assert answers[0]["text"] == "Ann lives in Oslo" and answers[0]["tail"]["mention"] == "Oslo"
    # a query without a type has an error of its own, among queries that have types
    questions = tmp_path / "questions.jsonl"
    asked = [query({"head": "the", "tail": "river"}), query({"head": "the"}, id="q"), query({"head": "new", "tail": "the"})]
    questions.write_text("\n".join(map(json.dumps, asked)))
    capsys.readouterr()
    assert (
        main(["predict", "relation-classification", "--model", str(tmp_path / "run"), str(questions), "--device", "cpu"]) == 1
    )
    printed = capsys.readouterr()
    first, second, third = (json.loads(line) for line in printed.out.splitlines())
    assert first["predicted"] == "a" and "predicted" in third
    assert second["error"].startswith("field 'tail.type': found no type of the tail 'Oslo', expected one")
    assert ("whose type has no marker of its own" in printed.err) == (markers == "tokens")


def test_files_without_types_are_refused_with_the_place(tiny_bert: Path, tmp_path: Path) -> None:
    untyped = [{name: value for name, value in each.items() if name != "obj_type"} for each in ROWS[:1]]
    mixed, typed = write(tmp_path / "mixed.json", [*ROWS, *untyped]), write(tmp_path / "typed.json", ROWS)
    config = fill(training_of(TASK).config, SETTINGS | {"typed_markers": "punctuation", "epochs": 1})

    def train(files: DataFiles, **how: Any) -> dict[str, Any]:
        return finetune_task(TASK, str(tiny_bert), files, config, tmp_path / "run", overwrite=True, **how)

    with pytest.raises(
        DataError, match=r"mixed.json, record 37, field 'tail.type': found no type of the tail 'Oslo'.*obj_type"
    ):
        train(DataFiles(train=mixed), report=silent)
    with pytest.raises(DataError, match=r"mixed.json, record .*, field 'tail.type': found no type of the tail 'Oslo'"):
        train(DataFiles(train=typed, test=mixed), report=silent)
    said: list[str] = []
    results = train(DataFiles(train=mixed), reading=Reading(skip_bad=True), report=said.append)
    assert results["examples"] == 36 and f"{mixed}: skipped 1 record: tail.type that does not go with the settings (1)" in said
    with pytest.raises(DataError, match=r"mixed.json, record .*, field 'tail.type'"):
        evaluate(TASK, tmp_path / "run", mixed)


def test_documents_without_relations_are_refused_before_the_training(tmp_path: Path, tiny_bert: Path) -> None:
    """As dev and test data, also if only some documents have none: they could not be scored after an epoch."""
    sentences, vertices = [["Ann", "lives", "in", "Oslo"]], [[{"sent_id": 0, "pos": [0, 1]}], [{"sent_id": 0, "pos": [3, 4]}]]
    hidden = {"title": "t", "sents": sentences, "vertexSet": vertices}
    known = hidden | {"title": "u", "labels": [{"h": 0, "t": 1, "r": "in"}]}
    train, mixed = write(tmp_path / "train.json", [known, known]), write(tmp_path / "mixed.json", [known, hidden])
    config = fill(training_of(TASK).config, SETTINGS | {"epochs": 1})
    refused = r"mixed.json, record 2, field 'labels': found a document without relations, expected gold relations"
    for files in (DataFiles(train=train, dev=mixed), DataFiles(train=train, test=mixed)):
        with pytest.raises(DataError, match=refused):
            finetune_task(TASK, str(tiny_bert), files, config, tmp_path / "run", report=silent)
        assert not (tmp_path / "run").exists()
    said: list[str] = []
    read = read_known(training_of(TASK), mixed, Reading(skip_bad=True), ["in"], said.append)
    assert [record.id for record in read.records] == ["u"] and "skipped 1 record: without labels (1)" in said[0]


def test_documents_have_no_typed_markers(tmp_path: Path, tiny_bert: Path) -> None:
    sentences, vertices = [["Ann", "lives", "in", "Oslo"]], [[{"sent_id": 0, "pos": [0, 1]}], [{"sent_id": 0, "pos": [3, 4]}]]
    documents = [{"title": "t", "sents": sentences, "vertexSet": vertices, "labels": [{"h": 0, "t": 1, "r": "in"}]}]
    config = fill(training_of(TASK).config, SETTINGS | {"typed_markers": "tokens"})
    files = DataFiles(train=write(tmp_path / "train.json", documents))
    with pytest.raises(ConfigurationError, match="typed_markers is read only with head=markers and multi_label=false"):
        finetune_task(TASK, str(tiny_bert), files, config, tmp_path / "run", report=silent)

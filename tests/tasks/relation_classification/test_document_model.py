"""Models of documents: saving, and the way through every command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from relation_documents import DOCUMENTS, LABELS, row_of
from task_jobs import evaluate

from loreweave.errors import ConfigurationError
from loreweave.tasks.jobs.check import check_files
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.jobs.predictor import Predictor, load
from loreweave.tasks.registry import load_task, training_of
from loreweave.tasks.relation_classification.model import build
from loreweave.tasks.relation_classification.model import load as load_model
from loreweave.tasks.relation_classification.settings import RelationConfig
from loreweave.training.settings.configuration import fill

TASK = load_task("relation-classification")
SAID: list[str] = []


@pytest.fixture
def train(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text("\n".join(json.dumps(row_of(document)) for document in DOCUMENTS))
    return path


def settings(*more: str) -> Any:
    asked = ["epochs=40", "batch_size=2", "gradient_accumulation_steps=1", "optimizer.learning_rate=3e-3", "dropout=0"]
    return fill(training_of(TASK).config, {}, [*asked, "evaluate_before_training=false", "schedule.warmup_ratio=0", *more])


@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
def test_a_model_is_the_same_after_saving(encoder: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    made = build(str(request.getfixturevalue(encoder)), LABELS, RelationConfig(multi_label=True, max_length=24))
    made.model.eval()
    examples = made.encoding.encode(DOCUMENTS, LABELS)
    made.save_pretrained(tmp_path)
    again = load_model(tmp_path)
    assert again.labels == LABELS and again.encoding.facts == made.encoding.facts  # type: ignore[attr-defined]
    batches = [made.encoding.collate(examples), again.encoding.collate(again.encoding.encode(DOCUMENTS, LABELS))]
    with torch.no_grad():
        first, second = (m.model(**batch).logits for m, batch in zip((made, again), batches, strict=True))
    assert batches[0].keys() == batches[1].keys() and torch.equal(first, second)


@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
def test_from_training_to_answers(encoder: str, train: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    source, run = str(request.getfixturevalue(encoder)), tmp_path / "run"
    files = DataFiles(train=train, dev=train)
    results = finetune_task(TASK, source, files, settings("metric=micro_f1"), run, report=SAID.append)
    assert results["dev"]["micro_f1"] > 0.9
    evaluation, kept = evaluate(TASK, run, train, report=SAID.append, output=tmp_path / "results")
    assert kept["micro_f1"] == results["dev"]["micro_f1"] and kept["ign_precision"] == 0.0  # all of it was shown
    unseen = tmp_path / "other.jsonl"
    other = row_of(DOCUMENTS[0]) | {"id": "x", "relations": [{"head": 0, "tail": 1, "label": "unheard of"}]}
    unseen.write_text(json.dumps(other))
    missed, _ = evaluate(TASK, run, unseen, settings=[f"train={train}"], report=SAID.append)
    assert missed.metrics["micro_recall"] == 0.0 and "1 record has labels that the model does not know" in " ".join(SAID)
    predictor = load(run)
    assert isinstance(predictor, Predictor)
    asked = {name: value for name, value in row_of(DOCUMENTS[0]).items() if name != "relations"}
    (answer,) = predictor.predict_rows([asked])
    assert answer["id"] == "d0" and answer["predicted"] == evaluation.predictions[0]["predicted"]
    ((pair,),) = predictor.predict(["Ann lives in Oslo ."], mentions=[[(0, 3), (13, 17)]])
    assert {"id", "text", "predicted"} <= pair.keys()


def test_a_model_of_two_mentions_refuses_documents(train: Path, tiny_bert: Path, tmp_path: Path) -> None:
    build(str(tiny_bert), LABELS, RelationConfig()).save_pretrained(tmp_path / "pairs")
    with pytest.raises(ConfigurationError, match="found the document 'd0', .*multi_label=true"):
        evaluate(TASK, tmp_path / "pairs", train, report=SAID.append)


def test_documents_are_checked(train: Path, tiny_bert: Path) -> None:
    found = check_files(TASK, [train], report=SAID.append)
    (row,) = found["files"]
    assert (row["records"], row["unlabelled"]) == (4, 0)
    (encoded,) = check_files(TASK, [train], model=str(tiny_bert), max_length=16, report=SAID.append)["files"]
    assert encoded["cut"] == "documents in several windows (1)" and encoded["sub_words"]["max"] > 16
    assert {each["label"]: each["train.jsonl"] for each in found["labels"]} == {"lives": 4, "near": 4, "works": 4}

"""Training of linkers, and what a checkpoint has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from task_jobs import evaluate, silent

import loreweave
from loreweave.errors import ConfigurationError
from loreweave.tasks.registry import load_task

TASK = load_task("entity-linking")


def test_a_run_scores_and_keeps_its_knowledge(run: Any, data: Path, tmp_path: Path) -> None:
    dev = run.results["dev"]
    assert {"accuracy", "macro_accuracy", "prior_accuracy", "candidate_recall"} <= set(dev)
    assert dev["candidate_recall"] == 1 and dev["prior_accuracy"] == pytest.approx(3 / 4)
    assert {"similarity_weight", "prior_weight"} <= set(run.results)
    folder = tmp_path / "run" / "model"
    assert {"linking_entities.jsonl", "mention_dictionary"} <= {file.name for file in folder.iterdir()}
    evaluation, results = evaluate(TASK, tmp_path / "run", data)
    assert evaluation.metrics == dev and results["entities"] == 3
    assert results["counts"] == [{"mentions": 6, "in_knowledge_base": 4, "unknown_entities": 1, "nil": 1}]


def test_training_needs_entities(tiny_bert: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="setting 'entities': found nothing, expected the entities to link to"):
        loreweave.finetune("entity-linking", tiny_bert, train=data, dev=data, output=tmp_path / "run", report=silent)

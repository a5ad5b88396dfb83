"""Training of linkers, and what a checkpoint has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from linking_world import write
from task_jobs import evaluate, silent

import loreweave
from loreweave.errors import ConfigurationError
from loreweave.tasks.entity_linking.model import build
from loreweave.tasks.entity_linking.reader import read
from loreweave.tasks.entity_linking.settings import EntityLinkingConfig
from loreweave.tasks.registry import load_task, training_of

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


def test_an_epoch_is_selected_by_a_metric_of_given_mentions(run: Any, tiny_bert: Path, data: Path, tmp_path: Path) -> None:
    """Training links given mentions, which have no micro F1."""
    assert set(training_of(TASK).metrics) == set(run.results["dev"])
    with pytest.raises(ConfigurationError, match="setting 'metric': 'micro_f1' is not a metric of entity-linking"):
        loreweave.finetune("entity-linking", tiny_bert, "metric=micro_f1", train=data, dev=data, output=tmp_path / "run")


def test_training_needs_entities(tiny_bert: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="setting 'entities': found nothing, expected the entities to link to"):
        loreweave.finetune("entity-linking", tiny_bert, train=data, dev=data, output=tmp_path / "run", report=silent)


def test_a_window_has_at_least_one_word() -> None:
    for length in (1, 2):
        with pytest.raises(ValueError, match=f"max_length: found {length}, expected 3 or more"):
            EntityLinkingConfig(max_length=length)
    assert EntityLinkingConfig(max_length=3).max_length == 3


def test_a_threshold_of_few_mentions_without_an_entity_is_said(tiny_bert: Path, data: Path, entities: Path) -> None:
    linker = build(str(tiny_bert), ["linked"], EntityLinkingConfig(entities=str(entities), max_length=48))
    one = {"id": "a", "text": "Oslo and Oslo", "mentions": [{"start": 0, "end": 4, "entity": "Q1"}, {"start": 9, "end": 13}]}
    records = read(write(data, [one])).records
    examples = linker.encoding.encode(records)
    outputs = [np.array([[0, 0, 0.9, 0.5], [0, 1, 0.1, 0.5], [1, 0, 0.1, 0.5], [1, 1, 0.0, 0.5]])]
    assert linker.scorer is not None
    assert not any("nil is fitted" in note for note in linker.scorer(records, outputs, []).notes)
    linker.tune(records, examples, outputs)
    assert "nil" in linker.decision()
    expected = "nil is fitted to 1 mention without an entity: it may fit other data badly (tune_nil=false links all mentions)"
    assert expected in linker.scorer(records, outputs, []).notes
    linker.encoding.nil_mentions = 30
    assert expected not in linker.scorer(records, outputs, []).notes

"""Mentions whose names have no candidates: linked by the nearest descriptions, or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from linking_world import write
from task_jobs import evaluate, silent

import loreweave
from loreweave.errors import ConfigurationError
from loreweave.tasks.contract import Execution
from loreweave.tasks.entity_linking.evaluation import open_linker, ranked_by
from loreweave.tasks.entity_linking.network import DescriptionLinker
from loreweave.tasks.entity_linking.reader import query
from loreweave.tasks.entity_linking.settings import EvaluationSettings
from loreweave.tasks.registry import load_task

TASK = load_task("entity-linking")
# Zork is no name of an entity, Oslo is that of two.
TEXT = {"text": "ann lives in Zork and works in Oslo .", "mentions": [{"start": 13, "end": 17}, {"start": 31, "end": 35}]}
EXECUTION = Execution(device="cpu", report=silent)


def ranked(model: Path, entities: Path, **settings: Any) -> list[tuple[list[int], list[float]]]:
    """Candidates of the two mentions with their scores."""
    given = EvaluationSettings(untrained=True, entities=str(entities), **settings)
    loaded = open_linker(model, given, EXECUTION, untrained=True)
    (found,) = ranked_by(loaded, query(TEXT, "t"), EXECUTION)
    return [(one.rows.tolist(), one.scores.tolist()) for one in found]


def saved(model: Path, entities: Path, folder: Path) -> Path:
    """A checkpoint of a linker without training."""
    settings = EvaluationSettings(untrained=True, entities=str(entities))
    open_linker(model, settings, EXECUTION, untrained=True).save_pretrained(folder)
    return folder


def test_a_luke_links_unknown_names_as_the_other_linker_does(tiny_luke: Path, tiny_bert: Path, entities: Path) -> None:
    alone, beside = ranked(tiny_luke, entities), ranked(tiny_bert, entities)
    assert alone[0] == ([], []) and sorted(beside[0][0]) == [0, 1, 2]
    both = ranked(tiny_luke, entities, unknown_names="nearest", description_linker=str(tiny_bert))
    assert both == [beside[0], alone[1]]
    assert ranked(tiny_luke, entities, unknown_names="nil") == alone


def test_the_other_linker_can_be_the_words_of_the_luke(tiny_luke: Path, entities: Path) -> None:
    settings = EvaluationSettings(untrained=True, entities=str(entities), unknown_names="nearest")
    loaded = open_linker(tiny_luke, settings, EXECUTION, untrained=True)
    other = loaded.for_unknown
    assert other is not None and isinstance(other.model, DescriptionLinker)
    assert other.model.encoder is loaded.model.luke and not any(one.is_meta for one in other.model.parameters())
    (unknown, known), (found,) = ranked(tiny_luke, entities), ranked_by(loaded, query(TEXT, "t"), EXECUTION)
    assert unknown[0] == [] and sorted(found[0].rows.tolist()) == [0, 1, 2]
    assert (found[1].rows.tolist(), found[1].scores.tolist()) == known
    inputs = {name: torch.from_numpy(array) for name, array in other.encoding.texts.inputs(found[0].rows).items()}
    (example,) = other.encoding.encode(query(TEXT, "t"))
    batch = other.encoding.collate([example])
    with torch.no_grad():
        places = (batch["positions"], batch["position_mentions"])
        mention = other.model.mention_vectors(batch["input_ids"], batch["attention_mask"], *places, 2)[0]
        similar = other.model.entity_vectors(inputs["input_ids"], inputs["attention_mask"]) @ mention
    assert found[0].similarities == pytest.approx(similar.numpy(), abs=1e-5)


def test_its_answers_count_in_an_evaluation_and_in_predictions(
    run: Any, tiny_luke: Path, entities: Path, tmp_path: Path
) -> None:
    mentions = [{"start": 13, "end": 17, "entity": "Q1"}, {"start": 31, "end": 35, "entity": "Q2"}]
    texts = write(tmp_path / "texts.jsonl", [{"id": "t", "text": TEXT["text"], "mentions": mentions}])
    settings = ["untrained=true", f"entities={entities}"]
    alone, _ = evaluate(TASK, tiny_luke, texts, settings=settings)
    assert alone.metrics["candidate_recall"] == 0.5 and any("1 mention has no candidate" in note for note in alone.notes)
    nearest = ["unknown_names=nearest", f"description_linker={tmp_path / 'run'}", f"cache={tmp_path / 'cache'}"]
    both, _ = evaluate(TASK, tiny_luke, texts, settings=[*settings, *nearest])
    assert both.metrics["candidate_recall"] == 1 and not any("no candidate" in note for note in both.notes)
    assert any((tmp_path / "cache").rglob("*.safetensors"))
    given = {"unknown_names": "nearest", "description_linker": str(tmp_path / "run")}
    luke = loreweave.load(saved(tiny_luke, entities, tmp_path / "luke"), device="cpu", settings=given)
    (answer,) = luke.predict_rows([TEXT])
    (other,) = loreweave.load(tmp_path / "run", device="cpu").predict_rows([TEXT])
    assert answer["predicted"][0] == other["predicted"][0] and len(answer["predicted"][0]["candidates"]) == 3


def test_a_linker_over_descriptions_can_leave_unknown_names_out(tiny_bert: Path, entities: Path) -> None:
    usual, without = ranked(tiny_bert, entities), ranked(tiny_bert, entities, unknown_names="nil")
    assert without == [([], []), usual[1]] and usual == ranked(tiny_bert, entities, unknown_names="nearest")


def test_nil_of_a_luke_is_not_that_of_unknown_names_and_this_is_said(tiny_luke: Path, tiny_bert: Path, entities: Path) -> None:
    told: list[str] = []
    settings = EvaluationSettings(untrained=True, entities=str(entities), nil=1000, unknown_names="nearest")
    loaded = open_linker(tiny_luke, settings, replace(EXECUTION, report=told.append), untrained=True)
    (found,) = ranked_by(loaded, query(TEXT, "t"), EXECUTION)
    assert [one.entity is None for one in found] == [False, True]
    assert len([line for line in told if line.startswith("nil=1000 does not apply to mentions with unknown names")]) == 1
    told.clear()
    open_linker(tiny_bert, replace(settings, nil=1), replace(EXECUTION, report=told.append), untrained=True)
    assert not any("nil=" in line for line in told)


def test_settings_that_do_not_fit_are_refused(
    run: Any, tiny_luke: Path, tiny_bert: Path, entities: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="setting 'description_linker': found a linker over descriptions for itself"):
        ranked(tiny_bert, entities, unknown_names="nearest", description_linker=str(tiny_bert))
    luke = saved(tiny_luke, entities, tmp_path / "luke")
    with pytest.raises(ConfigurationError, match="is a LUKE's global model, expected one with head=descriptions"):
        ranked(tiny_luke, entities, unknown_names="nearest", description_linker=str(luke))
    with pytest.raises(ConfigurationError, match="names.*unknown_names"):
        evaluate(TASK, tmp_path / "run", tmp_path / "none.jsonl", settings=["names=false", "unknown_names=nil"])
    with pytest.raises(ConfigurationError, match="description_linker.*unknown_names=nearest"):
        evaluate(TASK, tmp_path / "run", tmp_path / "none.jsonl", settings=[f"description_linker={tiny_bert}"])

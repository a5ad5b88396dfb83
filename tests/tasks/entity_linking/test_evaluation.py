"""Evaluation of checkpoints and of encoders, end to end too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from linking_world import write
from safetensors import safe_open
from task_jobs import evaluate, score, silent

from loreweave.corpus.knowledge.entity_table import DescribedEntity, EntityTable, read_entities
from loreweave.corpus.mentions.dictionary import MentionDictionary, NameCounts
from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.tasks.contract import Execution
from loreweave.tasks.entity_linking import evaluation as evaluation_module
from loreweave.tasks.entity_linking import model as models
from loreweave.tasks.entity_linking import reader as linking_reader
from loreweave.tasks.entity_linking.evaluation import open_linker
from loreweave.tasks.entity_linking.settings import EvaluationSettings
from loreweave.tasks.registry import load_task

TASK = load_task("entity-linking")


def test_end_to_end(run: Any, data: Path, tmp_path: Path) -> None:
    evaluation, _ = evaluate(TASK, tmp_path / "run", data, settings=["mentions=found"])
    assert set(evaluation.metrics) <= set(TASK.metrics) and "micro_f1" in evaluation.metrics
    # names with a capital are found: Oslo, Paris, Oslo; not the singer, who is written small
    assert evaluation.metrics["detection_f1"] == pytest.approx(2 * 3 / (3 + 4))


def test_stored_vectors_are_the_same(run: Any, data: Path, tmp_path: Path) -> None:
    told: list[str] = []
    cache = f"cache={tmp_path / 'cache'}"
    plain, _ = evaluate(TASK, tmp_path / "run", data)
    first, _ = evaluate(TASK, tmp_path / "run", data, settings=[cache], report=told.append)
    second, _ = evaluate(TASK, tmp_path / "run", data, settings=[cache], report=told.append)
    assert plain.metrics == first.metrics == second.metrics
    assert "vectors of entities: 3 encoded, 0 from the cache" in told
    assert "vectors of entities: 0 encoded, 3 from the cache" in told


def test_stored_vectors_have_the_precision_that_was_asked_for(run: Any, data: Path, tmp_path: Path) -> None:
    """As without a cache; fp32 vectors would differ from them."""
    stored: dict[str, np.ndarray] = {}
    for precision in ("fp32", "bf16"):
        execution = Execution(device="cpu", precision=precision, report=lambda line: None)
        TASK.evaluate(tmp_path / "run", data, EvaluationSettings(cache=str(tmp_path / precision)), execution)
        (file,) = (tmp_path / precision).rglob("*.safetensors")
        with safe_open(file, "np") as tensors:
            (name,) = tensors.keys()
            stored[precision] = tensors.get_tensor(name)
    difference = np.abs(stored["bf16"] - stored["fp32"]).max()
    assert 0 < difference < 0.1


def test_an_encoder_without_training(tiny_bert: Path, data: Path, entities: Path) -> None:
    settings = ["untrained=true", f"entities={entities}"]
    evaluation, results = evaluate(TASK, tiny_bert, data, settings=settings)
    assert evaluation.metrics["candidate_recall"] == 1 and results["entities"] == 3
    with pytest.raises(ConfigurationError, match="untrained=true needs entities=FILE"):
        evaluate(TASK, tiny_bert, data, settings=["untrained=true"])
    with pytest.raises(CheckpointError, match="found no checkpoint of entity-linking, .*; untrained=true with entities=FILE"):
        evaluate(TASK, tiny_bert, data)


def test_entities_are_read_once_and_those_of_the_checkpoint_only_if_they_are_used(
    run: Any, tiny_bert: Path, entities: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = write(tmp_path / "more.jsonl", [{"id": "Q9", "label": "Bergen"}])
    read, tables = list[str](), list[int]()

    def reading(path: Any) -> list[DescribedEntity]:
        read.append(Path(path).name)
        return read_entities(path)

    class Counted(EntityTable):
        def __init__(self, given: Any) -> None:
            super().__init__(given)
            tables.append(len(self))

    for module in (models, evaluation_module):
        monkeypatch.setattr(module, "read_entities", reading, raising=False)
        monkeypatch.setattr(module, "EntityTable", Counted, raising=False)

    def opened(model: Path, untrained: bool, **settings: Any) -> tuple[list[str], list[int], list[str]]:
        read.clear()
        tables.clear()
        given = EvaluationSettings(untrained=untrained, **{name: str(path) for name, path in settings.items()})
        loaded = open_linker(model, given, Execution(device="cpu", report=silent), untrained=untrained)
        return sorted(read), list(tables), [entity.id for entity in loaded.encoding.finder.table]

    three = [one.id for one in read_entities(entities)]
    assert opened(tiny_bert, True, entities=entities) == (["entities.jsonl"], [3], three)
    both = (["entities.jsonl", "more.jsonl"], [4], [*three, "Q9"])
    assert opened(tiny_bert, True, entities=entities, added_entities=more) == both
    folder = tmp_path / "run"
    assert opened(folder, False) == (["linking_entities.jsonl"], [3], three)
    assert opened(folder, False, entities=more) == (["more.jsonl"], [1], ["Q9"])
    assert opened(folder, False, added_entities=more) == (["linking_entities.jsonl", "more.jsonl"], [4], [*three, "Q9"])
    assert opened(folder, False, entities=entities, added_entities=more) == both


def test_names_of_entities_are_not_collected_for_a_finder_that_is_not_used(
    tiny_luke: Path, tiny_bert: Path, entities: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for the linker over descriptions beside a LUKE, nor before the names of the training data are counted."""
    collected: list[DescribedEntity] = []

    def names(entity: DescribedEntity) -> tuple[str, ...]:
        if entity.id == three[0].id:
            collected.append(entity)
        return (entity.label,)

    three = read_entities(entities)
    monkeypatch.setattr(DescribedEntity, "names", property(names))
    settings = EvaluationSettings(
        untrained=True, entities=str(entities), unknown_names="nearest", description_linker=str(tiny_bert)
    )
    loaded = open_linker(tiny_luke, settings, Execution(device="cpu", report=silent), untrained=True)
    assert loaded.for_unknown is not None and collected == []
    loaded.encoding.encode(linking_reader.read(data).records, ["linked"])
    assert loaded.encoding.finder.find(three[0].label) and len(collected) == 1


def test_predictions_of_mentions_at_one_place_can_be_scored(tiny_bert: Path, entities: Path, tmp_path: Path) -> None:
    place = {"start": 0, "end": 4}
    mentions = [place | {"entity": "Q1"}, place | {"entity": "Q2"}]
    data = write(tmp_path / "gold.jsonl", [{"id": "a", "text": "Oslo is long .", "mentions": mentions}])
    found, _ = evaluate(TASK, tiny_bert, data, settings=["untrained=true", f"entities={entities}"], output=tmp_path / "results")
    (predictions,) = (tmp_path / "results" / "predictions").glob("*.jsonl")
    assert score(TASK, data, predictions)[0].metrics["accuracy"] == found.metrics["accuracy"] == 0.5


def test_candidates_outside_the_table_are_named(tiny_bert: Path, entities: Path, data: Path, tmp_path: Path) -> None:
    names = {"Oslo": {"Q1": 2, "Bonn": 1}, "Paris": {"Bonn": 1, "Rome": 1, "Bern": 1, "Ulm": 1}}
    counts = {name: NameCounts(links) for name, links in names.items()}
    MentionDictionary.from_counts(counts).save(tmp_path / "names")
    told: list[str] = []
    settings = ["untrained=true", f"entities={entities}", f"dictionary={tmp_path / 'names'}"]
    evaluate(TASK, tiny_bert, data, settings=settings, report=told.append)
    (line,) = (line for line in told if line.startswith("the dictionary has 4 candidates that the table"))
    assert ": Bonn, " in line and line.endswith(" and 1 more")


def test_mentions_below_nil_are_counted(tiny_bert: Path, entities: Path, data: Path) -> None:
    settings = ["untrained=true", f"entities={entities}", "unknown_names=nil"]
    for mentions, number in (("given", "4 of 6"), ("found", "3 of 3")):  # the other ones have no candidate
        given = [*settings, f"mentions={mentions}"]
        evaluation, _ = evaluate(TASK, tiny_bert, data, settings=[*given, "nil=100"])
        assert f"{number} mentions scored below nil=100 and have no entity (nil=NUMBER changes it)" in evaluation.notes
        for more in ([], ["nil=-100"]):
            evaluation, _ = evaluate(TASK, tiny_bert, data, settings=[*given, *more])
            assert not any("scored below" in note for note in evaluation.notes)


@pytest.mark.parametrize("mentions", ["given", "found"])
def test_a_file_whose_records_are_all_left_out_has_no_score(
    tiny_bert: Path, entities: Path, tmp_path: Path, mentions: str
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "Oslo", "mentions": [{"start": 0, "end": 9, "entity": "Q1"}]}\n')
    settings = ["untrained=true", f"entities={entities}", f"mentions={mentions}"]
    with pytest.raises(DataError, match="bad.jsonl: found no record to score"):
        evaluate(TASK, tiny_bert, bad, settings=settings, skip_bad=True)


def test_without_names_every_mention_is_compared_with_all_entities(run: Any, data: Path, tmp_path: Path) -> None:
    evaluation, _ = evaluate(TASK, tmp_path / "run", data, settings=["names=false"])
    assert evaluation.metrics["prior_accuracy"] == 0 and evaluation.metrics["candidate_recall"] == 1
    assert all(len(one["candidates"]) == 3 for row in evaluation.predictions for one in row["predicted"])

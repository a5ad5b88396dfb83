"""The model that a run starts from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pretraining_runs import settings

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run
from loreweave.pretraining.start import start
from loreweave.training.settings.configuration import fill


def test_a_folder_whose_configuration_is_of_another_program(tmp_path: Path) -> None:
    """As AllenNLP's, which names no type of model: what is wrong is said by the formats, not by transformers."""
    (tmp_path / "config.json").write_text('{"dataset_reader": {}}')
    config = fill(PretrainingConfig, {"model": str(tmp_path), "data": ["none"], "output": str(tmp_path / "run")})
    with pytest.raises(CheckpointError, match="found a folder with config.json; expected one of the formats"):
        start(config, [])


def test_settings_that_a_luke_does_not_read(world: Path, tmp_path: Path) -> None:
    """Those of a new LUKE are named, because the recipe of the second stage has them; texts would be another table."""
    run(fill(PretrainingConfig, settings(world, tmp_path / "luke", steps=1)))
    asked = settings(world, tmp_path / "run", model=str(tmp_path / "luke" / "model"), entities_start="titles")
    config = fill(PretrainingConfig, asked)
    sets = [open_pretraining_set(world / "data")]
    assert "which keeps its entities and does not read entities_start, entity_embedding_size" in "".join(
        start(config, sets).notes
    )
    texts = replace(config, entities_start="descriptions", entity_texts=str(tmp_path / "none.jsonl"))
    with pytest.raises(ConfigurationError, match="entity_texts: found .*none.jsonl, but .* is a LUKE, which keeps its"):
        start(texts, sets)


def test_settings_of_entities_that_a_plain_encoder_does_not_have(world: Path, tmp_path: Path) -> None:
    asked = settings(world, tmp_path / "run", freeze_entity_embeddings=True, word_only=True, objectives={"masked_words": {}})
    with pytest.raises(ConfigurationError, match="freeze_entity_embeddings: found true, but .* has no entities with word_only"):
        start(fill(PretrainingConfig, asked), [open_pretraining_set(world / "data")])


def test_stage_one_without_anything_to_train_is_refused(world: Path, tmp_path: Path) -> None:
    """A plain encoder that has a masked-word head, and a LUKE that reads words alone."""
    words = {"word_only": True, "objectives": {"masked_words": {}, "masked_entities": None}}
    kinds: dict[str, dict[str, object]] = {"plain": words, "luke": {}}
    for name, changes in kinds.items():
        run(fill(PretrainingConfig, settings(world, tmp_path / name, steps=1, **changes)))
        asked = settings(world, tmp_path / "run", model=str(tmp_path / name / "model"), trainable="entities", **words)
        with pytest.raises(ConfigurationError, match="trainable: found entities, but this model has no entities and no new"):
            run(fill(PretrainingConfig, asked))

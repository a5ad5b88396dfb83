"""Pre-training objectives on windows that no step saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pretraining_runs import settings, windows_of

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.checkpoints import luke_from_encoder
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.evaluation import evaluate_objectives
from loreweave.pretraining.run import run
from loreweave.tasks.contract import Execution
from loreweave.tasks.fact_probing.model import load_entities, load_words
from loreweave.tasks.fact_probing.settings import PredictionSettings
from loreweave.training.settings.configuration import fill

RANDOM = "the model has no trained head for it; the numbers are those of a random head"
EVERY_WORD = {"masked_words": {"probability": 1.0, "unit": "subword", "random_probability": 0, "unchanged_probability": 0}}


def measured(world: Path, sets: list[Path], micro_batch_size: int = 1, **changes: object) -> dict[str, float]:
    """With every word masked the loss does not depend on which words a seed chooses."""
    asked = settings(world, world / "none", objectives=EVERY_WORD, word_only=True, micro_batch_size=micro_batch_size, **changes)
    return evaluate_objectives(fill(PretrainingConfig, asked | {"data": [str(path) for path in sets]}))


def test_two_sets_count_by_their_targets(world: Path, tmp_path: Path) -> None:
    """The loss over both is the mean of each one's, weighted by how many words it has: no set is drawn more often."""
    small, large = windows_of(world, tmp_path / "small", range(4)), windows_of(world, tmp_path / "large", range(4, 24))
    both, one, other = (measured(world, sets) for sets in ([small, large], [small], [large]))
    words = [sum(map(len, open_pretraining_set(path).dataset["word_ids"][:])) for path in (small, large)]
    wanted = (one["masked_words_loss"] * words[0] + other["masked_words_loss"] * words[1]) / sum(words)
    assert both["masked_words_loss"] == pytest.approx(wanted, rel=1e-5)
    assert both["windows"] == 24


def test_all_windows_are_measured_whatever_the_batches(world: Path) -> None:
    found = measured(world, [world / "data"])
    for size in (7, 32):
        assert measured(world, [world / "data"], micro_batch_size=size, batch_size=size) == found


def test_held_out_sets_of_a_run_are_not_read(world: Path, tmp_path: Path) -> None:
    """The user may expect numbers of `dev`; the windows of `data` are measured."""
    asked = settings(world, world / "none", objectives=EVERY_WORD, word_only=True) | {"dev": ["held-out"]}
    said: list[str] = []
    found = evaluate_objectives(fill(PretrainingConfig, asked), said.append)
    assert found["windows"] == measured(world, [world / "data"])["windows"]
    assert f"dev is not read (held-out): measured on data ({asked['data'][0]})" in said


def test_half_precision_is_near_and_not_equal(world: Path) -> None:
    full, half = (measured(world, [world / "data"], precision=precision) for precision in ("fp32", "bf16"))
    assert half["masked_words_loss"] != full["masked_words_loss"]
    assert half["masked_words_loss"] == pytest.approx(full["masked_words_loss"], rel=1e-2)


def test_heads_that_are_still_random_are_named(world: Path, tmp_path: Path) -> None:
    """Those of a BERT without a masked-word head, before training only."""
    asked = settings(world, tmp_path / "run", objectives={"masked_words": {}}, word_only=True, steps=1)
    random = f"objective masked_words: {RANDOM}"
    said: list[str] = []
    evaluate_objectives(fill(PretrainingConfig, asked), said.append)
    assert said == [random]
    trained = run(fill(PretrainingConfig, asked)).record.model_path
    evaluate_objectives(fill(PretrainingConfig, asked | {"model": str(trained)}), said.append)
    assert said == [random]


@pytest.mark.parametrize(
    ("objectives", "word_only", "untrained"),
    [
        ({"masked_words": None, "latent_typing": {"types": 3}}, True, ["masked_words"]),
        ({"masked_words": {"weight": 0.0}, "latent_typing": {"types": 3}}, True, ["masked_words"]),
        ({"masked_words": {}, "masked_entities": None}, False, ["masked_entities"]),
        ({"masked_words": None, "masked_entities": {}}, False, ["masked_words"]),
        ({"masked_words": {"weight": 0.0}, "masked_entities": {}}, False, ["masked_words"]),
        ({"masked_words": {}, "masked_entities": {}}, False, []),
    ],
)
def test_heads_without_training_are_still_named_when_the_model_was_saved(
    objectives: dict[str, Any], word_only: bool, untrained: list[str], world: Path, tmp_path: Path
) -> None:
    """Fact probing refuses them, and another run trains them."""
    asked = settings(world, tmp_path / "run", objectives=objectives, word_only=word_only, steps=1)
    model = str(run(fill(PretrainingConfig, asked)).record.model_path)
    measured = {"masked_words": {}} if word_only else {"masked_words": {}, "masked_entities": {}}
    said: list[str] = []
    evaluate_objectives(fill(PretrainingConfig, asked | {"model": model, "objectives": measured}), said.append)
    assert said == [f"objective {name}: {RANDOM}" for name in untrained]
    for name, load in {"masked_words": load_words, "masked_entities": load_entities}.items():
        if name in untrained:
            with pytest.raises(CheckpointError, match="never trained|without a trained"):
                load(Path(model), PredictionSettings(), Execution(device="cpu"))
    if word_only:
        vocabulary = open_pretraining_set(world / "data").vocabulary
        assert vocabulary is not None
        assert luke_from_encoder(model, vocabulary).model.config.untrained_modules == ["lm_head"]
    again = asked | {"model": model, "objectives": measured, "output": str(tmp_path / "again")}
    trained = str(run(fill(PretrainingConfig, again)).record.model_path)
    evaluate_objectives(fill(PretrainingConfig, again | {"model": trained}), said.append)
    assert len(said) == len(untrained)


def test_objectives_whose_head_the_model_has_not_are_left_out_by_name(world: Path, tmp_path: Path) -> None:
    """Their heads would be new and random: only masked words, whose head is the model's, gives numbers that mean anything."""
    graph = {"graph": str(tmp_path / "no graph is opened")}
    others = {
        "knowledge_embedding": graph, "second_knowledge_embedding": graph, "contrastive_knowledge": graph, "cls_entity": {},
        "latent_typing": {"types": 3},
    }  # fmt: skip
    asked = settings(world, world / "none", objectives=EVERY_WORD | others, word_only=True)
    lines: list[str] = []
    found = evaluate_objectives(fill(PretrainingConfig, asked), lines.append)
    assert found == evaluate_objectives(fill(PretrainingConfig, asked | {"objectives": EVERY_WORD}), lines.append)
    left_out = [line.split()[1] for line in lines if "is left out" in line]
    assert "masked_words_loss" in found and sorted(left_out) == sorted(others)
    alone = fill(PretrainingConfig, asked | {"objectives": {"masked_words": None, "masked_entities": None} | others})
    with pytest.raises(ConfigurationError, match="no objective to evaluate: cls_entity: .*; knowledge_embedding: it reads a"):
        evaluate_objectives(alone, lines.append)

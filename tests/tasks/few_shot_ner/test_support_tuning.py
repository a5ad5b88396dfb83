"""Fine-tuning on support sets: its rule to stop, an end, and weights that come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from loreweave.corpus.episodes import episode_of
from loreweave.tasks.few_shot_ner.encoding import WordExample
from loreweave.tasks.few_shot_ner.model import load_any
from loreweave.tasks.few_shot_ner.settings import SupportTuning
from loreweave.tasks.few_shot_ner.support_tuning import SupportTuner
from loreweave.training.optimizers import OptimizerConfig

EPISODE = {
    "word": [["ann", "lives", "in", "oslo"], ["bob", "works", "at", "a", "bank"], ["paris", "is", "long"]],
    "label": [["p", "O", "O", "l"], ["p", "O", "O", "O", "O"], ["l", "O", "O"]],
}


class Setup:
    """A tuner with a counted or scripted loss."""

    def __init__(self, folder: Path, script: list[float] | None = None, **settings: Any) -> None:
        loaded, _ = load_any(folder, seed=1)
        self.model: Any = loaded.model
        self.values: list[float] = []
        assert loaded.loss is not None
        true_loss, given = loaded.loss, iter(script or [])

        def loss(output: Any, labels: Tensor) -> Tensor:
            value = true_loss(output, labels)
            wanted = next(given, None)
            value = value if wanted is None else value * 0 + wanted
            self.values.append(float(value.detach()))
            return value

        encoding: Any = loaded.encoding
        episode = episode_of({"support": EPISODE, "query": EPISODE}, "0")
        self.examples: list[WordExample] = encoding.encode_quietly(episode.support, ["O", "l", "p"])
        self.tuner = SupportTuner(self.model, encoding, loss, SupportTuning(**settings), seed=3)
        self.before = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    def changed(self) -> set[str]:
        state = self.model.state_dict()
        return {name for name, tensor in self.before.items() if not torch.equal(tensor, state[name])}


def test_it_ends_with_the_first_step_whose_loss_rose(tiny_bert: Path) -> None:
    setup = Setup(tiny_bert, [3.0, 2.0, 2.0, 2.5, 1.0])
    tuned = setup.tuner.tune(setup.examples)
    assert (tuned.losses, tuned.reason) == ([3.0, 2.0, 2.0, 2.5], "loss rose")


def test_it_ends_after_max_steps(tiny_bert: Path) -> None:
    setup = Setup(tiny_bert, [5.0, 4.0, 3.0, 2.0], max_steps=3)
    assert setup.tuner.tune(setup.examples).reason == "max_steps" and len(setup.values) == 3


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_it_and_restores_the_weights(tiny_bert: Path, bad: float) -> None:
    setup = Setup(tiny_bert, [3.0, bad])
    assert setup.tuner.tune(setup.examples).reason == "loss was no number"
    assert not setup.changed() and not setup.model.training


def test_every_support_set_starts_from_the_same_weights_and_seed(tiny_bert: Path) -> None:
    setup = Setup(tiny_bert, max_steps=3)
    first = setup.tuner.tune(setup.examples)
    state = {name: tensor.clone() for name, tensor in setup.model.state_dict().items()}
    assert "gaussian_head.mean.weight" in setup.changed() and any(name.startswith("bert.encoder") for name in setup.changed())
    torch.rand(5)
    assert setup.tuner.tune(setup.examples) == first
    torch.testing.assert_close(setup.model.state_dict(), state, rtol=0, atol=0)
    setup.tuner.restore()
    assert not setup.changed()


def test_heads_alone_leave_the_encoder(tiny_bert: Path) -> None:
    optimizer = OptimizerConfig(learning_rate=0.01, rate_factors={"bert": 0.1})
    setup = Setup(tiny_bert, part="heads", max_steps=3, optimizer=optimizer)
    setup.tuner.tune(setup.examples)
    assert setup.changed() and all(name.startswith("gaussian_head.") for name in setup.changed())


def test_it_learns(tiny_bert: Path) -> None:
    setup = Setup(tiny_bert, max_steps=5, optimizer=OptimizerConfig(learning_rate=0.01, bias_correction=True))
    losses = setup.tuner.tune(setup.examples).losses
    assert min(losses) < losses[0]


@pytest.mark.parametrize("correction", [True, False])
@pytest.mark.parametrize("encoder", ["bert", "luke"])
def test_training_the_used_rows_alone_is_training_all(
    tiny_bert: Path, tiny_luke: Path, encoder: str, correction: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_luke if encoder == "luke" else tiny_bert
    optimizer = OptimizerConfig(
        learning_rate=1e-3, weight_decay=0.0, bias_correction=correction, max_grad_norm=1.0, rate_factors={"gaussian_head": 3.0}
    )
    setups = [Setup(folder, max_steps=3, optimizer=optimizer) for _ in range(2)]
    monkeypatch.setattr(setups[1].tuner, "_only_used_rows", False)
    monkeypatch.setattr(setups[1].tuner, "_kept", setups[1].tuner._trained)
    for _ in range(2):  # the second support set finds the memory of the first
        few, all_ = (setup.tuner.tune(setup.examples) for setup in setups)
        assert few.losses == pytest.approx(all_.losses, rel=1e-5)
        torch.testing.assert_close(setups[0].model.state_dict(), setups[1].model.state_dict(), rtol=1e-4, atol=5e-5)
    table = next(name for name in setups[0].changed() if name.endswith("word_embeddings.weight"))
    changed = (setups[0].model.state_dict()[table] != setups[0].before[table]).any(1)
    assert 0 < changed.sum() < len(changed)


def test_weight_decay_changes_every_row(tiny_bert: Path) -> None:
    optimizer = OptimizerConfig(learning_rate=1e-3, weight_decay=0.1)
    setup = Setup(tiny_bert, max_steps=2, optimizer=optimizer)
    setup.tuner.tune(setup.examples)
    table = "bert.embeddings.word_embeddings.weight"
    changed = (setup.model.state_dict()[table] != setup.before[table]).any(1)
    assert changed[1:].all()  # the row of padding is zero

"""The losses of latent typing, each computed again in NumPy; temperatures; what padding and settings do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy_decoder import losses as numpy_losses
from torch import Tensor, nn
from transformers import AutoModelForMaskedLM, PreTrainedModel

from loreweave.models.latent_typer import LatentTyper
from loreweave.models.sparse_typing import SparseTypingHead
from loreweave.objectives import LatentTyping, LatentTypingConfig, RunContext
from loreweave.objectives.latent_typing import TemperatureConfig

IDS = torch.tensor([[2, 7, 8, 9, 10, 3], [2, 11, 7, 3, 0, 0], [2, 12, 13, 14, 3, 0]])
MASK = (IDS != 0).long()


@pytest.fixture
def model(encoder_folder: Path) -> PreTrainedModel:
    torch.manual_seed(5)
    model: PreTrainedModel = AutoModelForMaskedLM.from_pretrained(encoder_folder, dtype=torch.float32)
    return model


def objective(**settings: Any) -> LatentTyping:
    return LatentTyping.build(LatentTypingConfig(**settings), RunContext())


def made(model: PreTrainedModel, built: LatentTyping) -> SparseTypingHead:
    head = built.head(model)
    assert isinstance(head, SparseTypingHead)
    return head


def batch_of(built: LatentTyping, item: int = 0, ids: Tensor = IDS) -> dict[str, Tensor]:
    return built.batch(item, {"input_ids": ids, "attention_mask": (ids != 0).long()})


def without_dropout(*modules: nn.Module) -> None:
    for outer in modules:
        for module in outer.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
            if isinstance(getattr(module, "dropout", None), float):
                module.dropout = 0.0
            if isinstance(getattr(module, "dropout_prob", None), float):
                module.dropout_prob = 0.0


def found(
    model: PreTrainedModel, head: nn.Module, built: LatentTyping, item: int = 0, ids: Tensor = IDS
) -> Mapping[str, float]:
    mask = (ids != 0).long()
    batch = batch_of(built, item, ids)
    result = built.loss(model.base_model, head, batch)
    count = int(mask[:, 1:].sum())
    assert len(batch["labels"]) == count
    return {name: float(part) / count for name, part in result.parts.items()} | {"total": float(result.total) / count}


def expected(model: PreTrainedModel, head: nn.Module, noise: Tensor | None, temperature: float) -> dict[str, float]:
    base = model.base_model
    states = base(input_ids=IDS, attention_mask=MASK).last_hidden_state.detach().double().numpy()
    of_head = {name: p.detach().double().numpy() for name, p in head.named_parameters()}
    of_bert = {name: p.detach().double().numpy() for name, p in base.embeddings.named_parameters()}
    heads = model.config.num_attention_heads
    given = None if noise is None else noise.double().numpy()
    return numpy_losses(IDS.numpy(), MASK.numpy(), states, given, temperature, of_head, of_bert, heads)


@torch.no_grad()
def test_evaluation_losses_equal_numpys(model: PreTrainedModel) -> None:
    built = objective(types=6)
    head = made(model, built).eval()
    wanted, ours = expected(model.eval(), head, None, 1.0), found(model, head, built)
    for name, value in wanted.items():
        assert ours[name] == pytest.approx(value, rel=1e-5)
    assert ours["total"] == pytest.approx(
        0.05 * wanted["reconstruction"] + 0.05 * wanted["sparsity"] + 0.1 * wanted["diversity"], rel=1e-5
    )


@pytest.mark.parametrize(("item", "temperature"), [(0, 0.5), (1, 5.0), (60_000, 5 * (1 - 3e-5) ** 59_999)])
@torch.no_grad()
def test_training_losses_equal_numpys(
    model: PreTrainedModel, item: int, temperature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = objective(types=6, layer_drop=0.0, temperature=TemperatureConfig(restarts=False))
    head = made(model, built).train()
    without_dropout(model.train(), head)
    noise = torch.distributions.Gumbel(0.0, 1.0).sample((*IDS.shape, 6))
    monkeypatch.setattr("loreweave.models.latent_typer.gumbel_noise", lambda like: noise)
    wanted, ours = expected(model, head, noise, temperature), found(model, head, built, item)
    assert ours["temperature"] == pytest.approx(temperature, rel=1e-6)
    for name, value in wanted.items():
        assert ours[name] == pytest.approx(value, rel=1e-5)


@torch.no_grad()
def test_padding_changes_nothing(model: PreTrainedModel) -> None:
    built = objective(types=6)
    head = made(model, built).eval()
    padded = torch.cat([IDS, torch.zeros(3, 4, dtype=torch.long)], 1)
    assert found(model.eval(), head, built, ids=padded) == pytest.approx(found(model, head, built), rel=1e-5)


@torch.no_grad()
def test_special_tokens_may_be_left_out_of_the_use_of_types(model: PreTrainedModel) -> None:
    built = objective(count_special_tokens=False)
    counted = batch_of(built)["counted"]
    assert counted.tolist() == [[0, 1, 1, 1, 1, 0], [0, 1, 1, 0, 0, 0], [0, 1, 1, 1, 0, 0]]
    assert batch_of(objective())["counted"].equal(MASK)


@torch.no_grad()
def test_masking_unselected_words_leaves_one_place(model: PreTrainedModel) -> None:
    """With every word unselected the decoder still reads the empty place, and no number is lost."""
    built = objective(types=6, mask_unselected=True)
    head = made(model, built).eval()
    head.typer.weight_proj.zero_()
    ours = found(model.eval(), head, built)
    assert ours["selected"] == 0 and np.isfinite(ours["reconstruction"])
    states = torch.randn(3, 6, model.config.hidden_size)
    memory = head.memory(states, head.typer(states), MASK)
    assert memory.mask.tolist() == [[1, 0, 0, 0, 0, 0, 0]] * 3 and (memory.states[:, 0] == 0).all()


@torch.no_grad()
def test_masking_in_training_goes_by_the_sample(model: PreTrainedModel) -> None:
    """What the decoder may not see are the words whose sampled type is 0: with hard samples, those of the zero vector."""
    head = made(model, objective(types=6, mask_unselected=True)).train()
    head.typer.weight_proj.zero_()
    noise = torch.zeros(3, 6, 6)
    noise[:, ::2, 2] = 5.0
    for selection in ("soft", "straight_through"):
        typing = head.typer(torch.randn(3, 6, model.config.hidden_size), 1.0, selection, noise)
        memory = head.memory(torch.ones(3, 6, model.config.hidden_size), typing, torch.ones_like(MASK))
        assert memory.mask.tolist() == [[1, 1, 0, 1, 0, 1, 0]] * 3
        if selection == "straight_through":
            assert memory.states.any(-1)[:, 1:].equal(memory.mask[:, 1:].bool())


def test_a_skipped_layer_gets_zero_gradients(model: PreTrainedModel) -> None:
    built = objective(types=6, layer_drop=0.999, reconstruction_weight=1.0)
    head = made(model, built).train()
    torch.manual_seed(0)
    built.loss(model.train().base_model, head, batch_of(built)).total.backward()
    assert all(p.grad is not None and not p.grad.any() for p in head.decoder.layers.parameters())
    assert head.decoder.layernorm_embedding.weight.grad.any()


def test_the_released_temperatures() -> None:
    """The first step has the minimum, then the schedule begins."""
    schedule = TemperatureConfig()
    at = [float(schedule.at(torch.tensor(k))) for k in (0, 1, 2, 1001, 10_001, 50_001, 76_753, 90_000)]
    assert at == pytest.approx([0.5, 5.0, 4.99985, 4.8522, 3.7041, 1.1156, 0.5, 0.5], abs=1e-4)
    sound = TemperatureConfig(first_at_minimum=False)
    assert [float(sound.at(torch.tensor(k))) for k in (0, 1)] == pytest.approx([5.0, 4.99985])


def test_temperatures_need_no_double_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apple's devices have none; and single precision is enough over all updates of the published run."""
    monkeypatch.setattr(torch.Tensor, "double", None, raising=False)
    schedule, steps = TemperatureConfig(first_at_minimum=False), torch.arange(0, 100_000, 999)
    wanted = [max(5 * (1 - 3e-5) ** n, 0.5) for n in steps.tolist()]
    assert schedule.at(steps).tolist() == pytest.approx(wanted, rel=1e-6)


def test_a_resumed_run_restarts_the_schedule_or_goes_on() -> None:
    for restarts, expected_value in ((True, 5.0), (False, 5 * 0.9**10)):
        built = objective(temperature=TemperatureConfig(rate=0.1, first_at_minimum=False, restarts=restarts))
        assert float(built.temperature(torch.tensor(10))) == pytest.approx(expected_value)
        built.temperature(torch.tensor(11))
    accumulating = LatentTyping.build(LatentTypingConfig(), RunContext(micro_steps=4))
    assert int(batch_of(accumulating, 11)["update"]) == 2


def test_only_a_schedule_that_restarts_is_said_at_a_resumption() -> None:
    settings = {"rate": 0.1, "first_at_minimum": False}
    assert objective(temperature=TemperatureConfig(**settings)).on_resume(10) == []
    (line,) = objective(temperature=TemperatureConfig(**settings, restarts=True)).on_resume(10)
    assert "restarts at 4.5 " in line and "has 1.74 here" in line and "temperature.restarts=false" in line


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"types": 1}, "types: found 1"),
        ({"sparsity_weight": -1}, "sparsity_weight: found -1"),
        ({"layer_drop": 1.0}, "layer_drop: found 1.0"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LatentTypingConfig(**settings)


def test_wrong_temperatures_are_named() -> None:
    with pytest.raises(ValueError, match="minimum, start"):
        TemperatureConfig(start=0.1)
    with pytest.raises(ValueError, match="rate"):
        TemperatureConfig(rate=1.0)


def test_the_starting_typer_selects_nearly_all(model: PreTrainedModel) -> None:
    """63 competitors against type 0."""
    torch.manual_seed(0)
    typer = LatentTyper(768).eval()
    assert float((typer(torch.randn(1, 500, 768)).types != 0).float().mean()) > 0.95
    assert float(typer.weight_proj.detach().abs().max()) <= 0.0625 and float(typer.vars.detach().abs().max()) <= 0.5

"""Which entities are hidden, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import LukeConfig

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import DataError
from loreweave.models.luke.masked_lm import EntityPredictionHead
from loreweave.objectives import MaskedEntities, MaskedEntitiesConfig, RunContext, Tensors, Window


def window(entities: list[int]) -> Window:
    count = len(entities)
    return Window(np.arange(5, 30), np.array(entities, int), np.arange(count), np.ones(count, int))


def objective(**settings: Any) -> MaskedEntities:
    vocabulary = EntityVocabulary.from_counts({f"Entity {i}": 100 - i for i in range(50)})
    return MaskedEntities(MaskedEntitiesConfig(**settings), RunContext(entities=vocabulary))


def test_one_of_few_is_masked() -> None:
    """15 % of three is none, so one is masked; the others stay."""
    example = window([10, 11, 12])
    targets = objective().mask(example, np.random.default_rng(0))
    assert len(targets.positions) == 1
    assert targets.labels[0] == targets.positions[0] + 10
    assert example.entity_ids[targets.positions[0]] == objective().mask_id


def test_thirty_percent_of_twenty() -> None:
    """Six distinct entities, all replaced by [MASK]."""
    example = window(list(range(10, 30)))
    targets = objective(probability=0.3).mask(example, np.random.default_rng(1))
    assert len(set(targets.positions.tolist())) == 6
    assert (example.entity_ids == objective().mask_id).sum() == 6


def test_random_replacements_are_no_special_entities() -> None:
    """Random ids come after [MASK]."""
    masked = objective(probability=1.0, random_probability=1.0)
    example = window(list(range(10, 40)))
    masked.mask(example, np.random.default_rng(2))
    assert example.entity_ids.min() > masked.mask_id
    assert example.entity_ids.max() < masked.size


def test_no_entities_no_targets() -> None:
    """A window without entities has nothing to predict."""
    assert len(objective().mask(window([]), np.random.default_rng(0)).positions) == 0


def head_of(size: int) -> EntityPredictionHead:
    torch.manual_seed(0)
    head = EntityPredictionHead(LukeConfig(hidden_size=6, entity_emb_size=4, entity_vocab_size=size, vocab_size=9))
    nn.init.normal_(head.decoder.weight)
    nn.init.normal_(head.bias)
    return head


def micro_batch(masked: MaskedEntities, entities: list[list[int]], draw: int = 0) -> Tensors:
    """A micro-batch in which all entities are targets, with random states."""
    windows = []
    for number, row in enumerate(entities):
        example = window(row)
        example.draw = draw + number
        example.targets["masked_entities"] = masked.mask(example, np.random.default_rng(number))
        windows.append(example)
    batch = masked.batch(windows, max(map(len, entities)))
    return batch | {"states": torch.randn(len(batch["labels"]), 6, generator=torch.Generator().manual_seed(1))}


def test_a_sample_of_everything_is_the_full_softmax() -> None:
    """The same loss and gradients, to the last digits."""
    head = head_of(53)
    results = []
    for settings in ({"probability": 1.0}, {"probability": 1.0, "negatives": 53}):
        masked = objective(**settings)
        head.zero_grad()
        found = masked.loss(None, head, micro_batch(masked, [[10, 11, 10], [40]]))
        found.total.backward()
        results.append((found, [parameter.grad.clone() for parameter in head.parameters() if parameter.grad is not None]))
    (full, gradients), (sampled, others) = results
    torch.testing.assert_close(sampled.total, full.total)
    assert sampled.correct == full.correct
    for one, other in zip(gradients, others, strict=True):
        torch.testing.assert_close(one, other)


def test_a_sample_by_hand() -> None:
    """The softmax over two targets and three draws; a draw stands for (53 - 2) / 3 entities."""
    masked, head = objective(probability=1.0, negatives=3), head_of(53)
    batch = micro_batch(masked, [[10, 11]])
    assert len(batch["classes"]) == 5 and {10, 11} <= set(batch["classes"].tolist())
    found = masked.loss(None, head, batch)
    scores = head.transform(batch["states"]) @ head.decoder.weight.T + head.bias
    factor = torch.tensor([1.0 if row in (10, 11) else 51 / 3 for row in batch["classes"].tolist()])
    expected = sum(
        (scores[place, batch["classes"]].exp() * factor).sum().log() - scores[place, label]
        for place, label in enumerate(batch["labels"].tolist())
    )
    torch.testing.assert_close(found.total, expected)


def test_only_classes_get_a_gradient_and_products_are_in_float32() -> None:
    masked, head = objective(probability=1.0, negatives=3), head_of(53)
    batch = micro_batch(masked, [[10, 11]])
    with torch.autocast("cpu", torch.bfloat16):
        total = masked.loss(None, head, batch).total
    assert total.dtype == torch.float32
    total.backward()
    for parameter in (head.decoder.weight, head.bias):
        assert parameter.grad is not None
        rows = parameter.grad.reshape(53, -1).abs().sum(1).nonzero().squeeze(1)
        assert rows.tolist() == batch["classes"].tolist()


def test_draws_depend_on_the_seed_and_the_place_in_the_run() -> None:
    masked = objective(probability=1.0, negatives=8)
    first = micro_batch(masked, [[10, 11]], draw=5)["classes"]
    assert first.equal(micro_batch(masked, [[10, 11]], draw=5)["classes"])
    assert not first.equal(micro_batch(masked, [[10, 11]], draw=6)["classes"])


def test_evaluation_compares_with_all() -> None:
    settings = MaskedEntitiesConfig(negatives=5, same_type_negatives=0.5, types="types.jsonl")
    found = MaskedEntities.for_evaluation(settings, "model")
    assert found.negatives is None and not MaskedEntities.files(found)
    assert MaskedEntities.files(settings) == {"types": Path("types.jsonl")}


def test_types_that_no_entity_has_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "types.jsonl"
    path.write_text('{"entity": "Entity 3", "types": ["one"]}\n')
    with pytest.raises(DataError, match="found the type 'one' alone, expected at least two types"):
        objective(negatives=4, same_type_negatives=0.5, types=str(path))


def test_negatives_of_the_same_type_are_counted_for_the_user(tmp_path: Path) -> None:
    path = tmp_path / "types.jsonl"
    rows = [f'{{"entity": "Entity {i}", "types": ["{"even" if i % 2 == 0 else "odd"}"]}}' for i in range(48)]
    path.write_text("\n".join([*rows, '{"entity": "Elsewhere", "types": ["odd"]}']))
    (line,) = objective(negatives=4, same_type_negatives=0.5, types=str(path)).summary()
    assert line.startswith(
        "masked_entities: 4 negatives of 53 entities per micro-batch, 50% of them of the same type; 48 of 50"
    )
    assert "1 entity of the file is not in the vocabulary" in line

"""Similarities of mentions and entities in half precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from loreweave.tasks.entity_linking import network
from loreweave.tasks.entity_linking.model import build
from loreweave.tasks.entity_linking.network import DescriptionLinker, EntityVectors
from loreweave.tasks.entity_linking.reader import query
from loreweave.tasks.entity_linking.settings import EntityLinkingConfig

TEXT = {"text": "Oslo and Zork .", "mentions": [{"start": 0, "end": 4}, {"start": 9, "end": 13}]}


def test_similarities_in_bf16_are_those_of_fp32_also_for_unknown_names(
    tiny_bert: Path, entities: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = build(str(tiny_bert), ["linked"], EntityLinkingConfig(entities=str(entities), max_length=32))
    model = built.model.eval()
    assert isinstance(model, DescriptionLinker) and isinstance(model.entities, EntityVectors)
    table = torch.tensor([[1.0, 0.0], [0.999, 0.0447], [0.0, 1.0]])  # the first two are equal in bf16
    vectors = torch.tensor([[0.9, 0.4358], [0.6, 0.8]])
    monkeypatch.setattr(model.entities, "stored", lambda rows: table[torch.from_numpy(np.asarray(rows))])
    monkeypatch.setattr(model, "mention_vectors", lambda *arguments: vectors)
    batch = built.encoding.collate(built.encoding.encode(query(TEXT, "t")))
    assert (batch["candidates"][0] >= 0).any() and not (batch["candidates"][1] >= 0).any()  # Zork is not known

    def similarities(bf16: bool) -> Tensor:
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            found = model(**batch).similarities
        assert found is not None
        return found

    expected = (vectors[1] @ table.T).sort(descending=True).values
    torch.testing.assert_close(similarities(bf16=True)[1][:3], expected)
    torch.testing.assert_close(similarities(bf16=True), similarities(bf16=False), rtol=0, atol=0)


class Texts:
    """Seven texts, whose input is their row."""

    def __len__(self) -> int:
        return 7

    def batches(self, rows: np.ndarray, tokens: int) -> list[tuple[np.ndarray, dict[str, np.ndarray]]]:
        return [(rows[start : start + 2], {"rows": rows[start : start + 2]}) for start in range(0, len(rows), 2)]


def test_the_nearest_entities_are_found_in_blocks_that_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_BLOCK", 3)
    table, encoded = torch.nn.functional.normalize(torch.randn(7, 4, generator=torch.Generator().manual_seed(0))), list[int]()

    def encode(inputs: dict[str, np.ndarray]) -> Tensor:
        encoded.extend(inputs["rows"].tolist())
        return table[inputs["rows"]]

    entities, mentions = EntityVectors(Texts(), encode), table[[5, 1]]
    entities.of(np.array([4, 2]))
    for number in (1, 5, 7, 9):
        best, rows = entities.nearest(mentions, number)
        expected = (mentions @ table.T).sort(descending=True)
        assert rows.tolist() == expected.indices[:, :number].tolist()
        torch.testing.assert_close(best, expected.values[:, :number])
    assert sorted(encoded) == list(range(7))  # once each
    first, again = entities.block(3, 6), entities.block(3, 6)
    assert torch.equal(first, table[3:6]) and first.data_ptr() == again.data_ptr()
    stored = EntityVectors(Texts(), encode, lambda rows: table[torch.from_numpy(rows)])
    assert torch.equal(stored.block(3, 6), table[3:6])
    assert stored.nearest(mentions, 7)[1].tolist() == rows.tolist() and len(encoded) == 7

"""Entity disambiguation models: their [MASK] vector and BERT's positions in a LukeForMaskedLM."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest
import torch
import transformers

from loreweave.checkpoints import load_luke, recognise
from loreweave.errors import CheckpointError


def test_candidates_get_the_same_scores(tmp_path: Path) -> None:
    folder, reference, mask = layouts.write_disambiguation(tmp_path / "ed")
    assert recognise(folder) == "luke-disambiguation"
    loaded = load_luke(folder)
    batch = {
        "input_ids": torch.tensor([[2, 9, 10, 11, 3], [2, 12, 3, 0, 0]]),
        "attention_mask": torch.tensor([[1] * 5, [1, 1, 1, 0, 0]]),
        "entity_ids": torch.tensor([[2, 3], [2, 0]]),
        "entity_position_ids": torch.tensor([[[1, 2], [3, -1]], [[1, -1], [-1, -1]]]),
        "entity_attention_mask": torch.tensor([[1, 1], [1, 0]]),
    }
    with torch.no_grad():
        found, wanted = loaded.model(**batch).entity_logits, reference(**batch).entity_logits
    assert torch.allclose(found[..., :6], wanted, atol=1e-5)
    assert loaded.report.new_modules == ("lm_head",)
    assert loaded.tokenizer is not None and loaded.vocabulary is not None and loaded.vocabulary.mask2_id == 6
    assert loaded.model.luke.entity_embeddings.entity_embeddings.weight[6].equal(mask)


def test_without_a_vocabulary_the_mask_is_not_known(tmp_path: Path) -> None:
    folder, _, _ = layouts.write_disambiguation(tmp_path / "ed")
    (folder / "entity_vocab.jsonl").unlink()
    with pytest.raises(CheckpointError, match=r"the entity row of \[MASK\]"):
        load_luke(folder)


def test_without_its_mask_vector(tmp_path: Path) -> None:
    folder, _, _ = layouts.write_disambiguation(tmp_path / "ed")
    state = torch.load(folder / "pytorch_model.bin")
    del state["luke.entity_embeddings.mask_embedding"]
    torch.save(state, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="mask_embedding"):
        load_luke(folder)
    assert type(transformers.LukeConfig()) is transformers.LukeConfig

"""What the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertForMaskedLM

from loreweave.checkpoints import latent_typing
from loreweave.models.sparse_typing import SparseTypingHead


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, minilm_dir: Path) -> Path:
    """A tiny random BERT with a typer that selects about half of the words."""
    place = tmp_path_factory.mktemp("latent-types")
    torch.manual_seed(0)
    BertForMaskedLM(
        BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    ).save_pretrained(place)
    AutoTokenizer.from_pretrained(minilm_dir).save_pretrained(place)
    latent_typing.save(place, SparseTypingHead.of(AutoModel.from_pretrained(place), types=2), {})
    return place

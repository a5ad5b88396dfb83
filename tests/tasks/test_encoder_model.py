"""How models over an encoder of transformers hold it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModel

from loreweave.tasks.encoder_model import EncoderModel


class WithHead(EncoderModel):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.head = nn.Linear(config.hidden_size, 2)
        self.post_init()


@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
def test_the_encoder_loads_from_anywhere_and_goes_anywhere(
    request: pytest.FixtureRequest, tmp_path: Path, encoder: str
) -> None:
    source = request.getfixturevalue(encoder)
    model = WithHead.from_pretrained(source, config=AutoConfig.from_pretrained(source))
    model.save_pretrained(tmp_path)
    plain = AutoModel.from_pretrained(tmp_path)
    ours, theirs = model.encoder.state_dict(), plain.state_dict()
    assert ours and all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
    assert not any("pooler" in name for name in ours)
    assert model.get_input_embeddings() is model.encoder.get_input_embeddings()
    model.set_input_embeddings(nn.Embedding(3, model.config.hidden_size))
    assert model.encoder.get_input_embeddings().num_embeddings == 3

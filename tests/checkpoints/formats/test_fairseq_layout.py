"""Tensors of fairseq's RoBERTa: the layouts of all versions are one model, and what has no place is named."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import fairseq_roberta as original
import pytest
import torch
from fairseq_roberta import REAL, TOKENS, close
from transformers import AutoTokenizer, RobertaForMaskedLM

from loreweave.checkpoints import convert
from loreweave.checkpoints.formats import fairseq
from loreweave.checkpoints.unpickling import read_torch_file
from loreweave.errors import CheckpointError


def test_all_layouts_are_one_model(tmp_path: Path) -> None:
    for version in original.VERSIONS:
        original.write(tmp_path / version, version)
        convert(tmp_path / version, tmp_path / f"{version}-out")
    first, *others = [(tmp_path / f"{v}-out" / "model.safetensors").read_bytes() for v in original.VERSIONS]
    assert all(other == first for other in others)


def changed(version: str, name: str, tensor: torch.Tensor | None) -> OrderedDict[str, torch.Tensor]:
    state = original.tensors(version) | original.knowledge_head("wikiData") | original.classification_head("mnli")
    state[name] = torch.zeros(0) if tensor is None else tensor
    if tensor is None:
        del state[name]
    return state


@pytest.mark.parametrize(
    ("version", "name", "tensor", "message"),
    [
        ("0.8", "decoder.sentence_encoder.layers.1.self_attn.in_proj_weight", torch.zeros(45, 16),
         r"layers\.1\.self_attn\.in_proj_weight has the shape \[45, 16\], expected \[48, 16\]"),
        ("0.8", "decoder.sentence_encoder.layers.1.self_attn.in_proj_bias", torch.zeros(47),
         r"in_proj_bias has the shape \[47\], expected three equal parts"),
        ("0.9", "decoder.sentence_encoder.layers.0.fc2.weight", torch.zeros(16, 23),
         r"decoder\.sentence_encoder\.layers\.0\.fc2\.weight has the shape \[16, 23\], expected \[16, 24\]"),
        ("0.10", "encoder.lm_head.bias", torch.zeros(9),
         rf"lm_head\.bias has the shape \[9\], expected \[{original.VOCABULARY}\]"),
        ("0.10", "encoder.sentence_encoder.layers.0.self_attn.k_proj.bias", None,
         r"lacks sentence_encoder\.layers\.0\.self_attn\.k_proj\.bias \[16\]$"),
        ("0.8", "decoder.sentence_encoder.embed_tokens.weight", None,
         "found no decoder.sentence_encoder.embed_tokens.weight or"),
        ("0.8", "decoder.sentence_encoder.embed_tokens.weight", torch.zeros(3), r"shape \[3\], expected a matrix"),
        ("0.8", "decoder.sentence_encoder.segment_embeddings.weight", torch.zeros(2, 16),
         r"found decoder\.sentence_encoder\.segment_embeddings\.weight \[2, 16\], not a tensor of a fairseq RoBERTa"),
        ("0.8", "encoder.sentence_encoder.emb_layer_norm.bias", torch.zeros(16),
         "found both decoder.* and encoder.*emb_layer_norm"),
        ("0.12", "encoder.sentence_encoder.layer_norm.weight", torch.zeros(16), "pre-norm encoder"),
        ("0.8", "adaptive.weight", torch.zeros(1), r"found adaptive\.weight \[1\]"),
        ("0.8", "ke_heads.wikiData.relation_emb.weight", torch.zeros(5, 8),
         r"ke_heads\.wikiData\.relation_emb\.weight has the shape \[5, 8\], expected \[5, 16\]"),
        ("0.8", "ke_heads.wikiData.gamma", None, r"lacks ke_heads\.wikiData\.gamma"),
        ("0.8", "ke_heads.wikiData.phase", torch.zeros(1), r"found ke_heads\.wikiData\.phase, expected"),
        ("0.8", "ke_heads.a/../b.gamma", torch.zeros(1), "expected a head named with letters"),
        ("0.8", "classification_heads.mnli.out_proj.weight", torch.zeros(2, 16), r"shape \[2, 16\], expected \[3, 16\]"),
    ],
)  # fmt: skip
def test_tensors_without_a_place_are_named(
    tmp_path: Path, version: str, name: str, tensor: torch.Tensor | None, message: str
) -> None:
    file = original.write(tmp_path / "in", version, model=changed(version, name, tensor))
    with pytest.raises(CheckpointError, match=message):
        convert(file, tmp_path / "out")


def test_a_token_type_embedding_goes_into_the_positions(tmp_path: Path) -> None:
    convert(original.write(tmp_path / "in", "0.8"), tmp_path / "hugging-face")
    model = RobertaForMaskedLM.from_pretrained(tmp_path / "hugging-face").eval()
    model.roberta.embeddings.token_type_embeddings.weight.data += 0.3
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "hugging-face")
    notes = fairseq.save(model, tokenizer, tmp_path / "back", version="0.10")
    state = read_torch_file(tmp_path / "back" / "model.pt")["model"]
    with torch.no_grad():
        expected = model(TOKENS, attention_mask=REAL.long()).logits
    assert close(original.logits(state, TOKENS)[REAL], expected[REAL]) and any("token-type" in note for note in notes)

"""fairseq's RoBERTa without fairseq: tensors in the layouts of its versions, a batch, and what it computes with them.

Written from the description of the formats, in plain torch, apart from what it is compared with.
"""

from __future__ import annotations

import argparse
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import tiny_fairseq as tiny
import torch
from torch import Tensor
from torch.nn import functional

HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 16, 2, 4, 24, 34
VOCABULARY = tiny.VOCABULARY_SIZE
VERSIONS = ("0.8", "0.9", "0.10", "0.12")

TOKENS = torch.tensor([[0, 10, 11, 12, 40, 2], [0, 13, 14, 2, 1, 1], [0, 50, 2, 2, 60, 2]])
REAL = TOKENS != 1
"""A batch with padding and with `</s>` inside, and where it has a token."""


def tensors(version: str, seed: int = 0) -> OrderedDict[str, Tensor]:
    """A `model` dictionary, key by key as that version saves it; equal seeds give equal models."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * 0.2

    side = "decoder" if version in ("0.8", "0.9") else "encoder"
    state: OrderedDict[str, Tensor] = OrderedDict()
    encoder = f"{side}.sentence_encoder"
    state[f"{encoder}.embed_tokens.weight"] = random(VOCABULARY, HIDDEN)
    state[f"{encoder}.embed_positions.weight"] = random(POSITIONS, HIDDEN)
    for layer in range(LAYERS):
        place = f"{encoder}.layers.{layer}"
        weights, biases = [random(HIDDEN, HIDDEN) for _ in "qkv"], [random(HIDDEN) for _ in "qkv"]
        if version == "0.8":
            state[f"{place}.self_attn.in_proj_weight"] = torch.cat(weights)
            state[f"{place}.self_attn.in_proj_bias"] = torch.cat(biases)
        else:
            for name, weight, bias in zip("qkv", weights, biases, strict=True):
                state[f"{place}.self_attn.{name}_proj.weight"] = weight
                state[f"{place}.self_attn.{name}_proj.bias"] = bias
        state[f"{place}.self_attn.out_proj.weight"] = random(HIDDEN, HIDDEN)
        state[f"{place}.self_attn.out_proj.bias"] = random(HIDDEN)
        state[f"{place}.self_attn_layer_norm.weight"] = 1 + random(HIDDEN)
        state[f"{place}.self_attn_layer_norm.bias"] = random(HIDDEN)
        state[f"{place}.fc1.weight"] = random(INNER, HIDDEN)
        state[f"{place}.fc1.bias"] = random(INNER)
        state[f"{place}.fc2.weight"] = random(HIDDEN, INNER)
        state[f"{place}.fc2.bias"] = random(HIDDEN)
        state[f"{place}.final_layer_norm.weight"] = 1 + random(HIDDEN)
        state[f"{place}.final_layer_norm.bias"] = random(HIDDEN)
    norm = "layernorm_embedding" if version == "0.12" else "emb_layer_norm"
    state[f"{encoder}.{norm}.weight"] = 1 + random(HIDDEN)
    state[f"{encoder}.{norm}.bias"] = random(HIDDEN)
    if version == "0.12":
        state[f"{encoder}.version"] = torch.tensor([3.0])
    state[f"{side}.lm_head.weight"] = state[f"{encoder}.embed_tokens.weight"]
    state[f"{side}.lm_head.bias"] = random(VOCABULARY)
    state[f"{side}.lm_head.dense.weight"] = random(HIDDEN, HIDDEN)
    state[f"{side}.lm_head.dense.bias"] = random(HIDDEN)
    state[f"{side}.lm_head.layer_norm.weight"] = 1 + random(HIDDEN)
    state[f"{side}.lm_head.layer_norm.bias"] = random(HIDDEN)
    return state


def knowledge_head(name: str, relations: int = 5, gamma: float = 4.0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(relations)
    return {
        f"ke_heads.{name}.gamma": torch.tensor([gamma]),
        f"ke_heads.{name}.emb_range": torch.tensor([(gamma + 2) / HIDDEN]),
        f"ke_heads.{name}.relation_emb.weight": torch.rand(relations, HIDDEN, generator=generator),
    }


def classification_head(name: str, labels: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(labels)
    shapes = {"dense.weight": (HIDDEN, HIDDEN), "dense.bias": (HIDDEN,), "out_proj.weight": (labels, HIDDEN)}
    shapes["out_proj.bias"] = (labels,)
    return {f"classification_heads.{name}.{key}": torch.randn(*shape, generator=generator) for key, shape in shapes.items()}


def namespace(**changes: Any) -> argparse.Namespace:
    settings = {
        "arch": "roberta_base", "task": "MLMetKE", "criterion": "MLMetKE", "encoder_layers": LAYERS, "dropout": 0.1,
        "encoder_embed_dim": HIDDEN, "encoder_ffn_embed_dim": INNER, "encoder_attention_heads": HEADS, "bert": False,
        "attention_dropout": 0.1, "activation_dropout": 0.0, "activation_fn": "gelu", "max_positions": POSITIONS - 2,
        "tokens_per_sample": POSITIONS - 2, "gamma": 4.0, "nrelation": 5, "ke_model": "TransE", "pooler_dropout": 0.0,
    }  # fmt: skip
    return argparse.Namespace(**settings | changes)


def write(
    folder: Path, version: str, *, vocabulary: bool = True, name: str = "model.pt", zipped: bool = False, **content: Any
) -> Path:
    """A checkpoint with its vocabulary beside it; `content` replaces parts of the file, None removes them."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = {
        "args": namespace(),
        "model": tensors(version),
        "optimizer_history": [{"criterion_name": "MLMetKE", "optimizer_name": "FP16Optimizer", "num_updates": 7}],
        "extra_state": {"train_iterator": {"epoch": 2, "iterations_in_epoch": 0}, "val_loss": 1.5},
        **content,
    }
    torch.save({key: value for key, value in whole.items() if value is not None}, folder / name,
               _use_new_zipfile_serialization=zipped)  # fmt: skip
    if vocabulary:
        tiny.write_dict(folder)
        tiny.write_gpt2(folder)
    return folder / name


def meters(monkeypatch: pytest.MonkeyPatch) -> OrderedDict[str, Any]:
    """What fairseq 0.8 pickles of its training: objects of a class that is not there when the file is read."""
    modules = {name: types.ModuleType(name) for name in ("fairseq", "fairseq.meters")}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    meter: Any = type("AverageMeter", (), {"__module__": "fairseq.meters"})
    monkeypatch.setattr(modules["fairseq.meters"], "AverageMeter", meter, raising=False)
    one = meter()
    one.val, one.count = 1.0, 2
    return OrderedDict(train_loss=one)


def states(state: dict[str, Tensor], tokens: Tensor) -> Tensor:
    """Last states [batch, tokens, hidden] of a padded batch (post-norm; padding zeroed behind the embeddings' norm)."""
    parts = {name.split(".", 1)[1]: tensor for name, tensor in state.items()}
    pad = tokens == 1
    positions = torch.cumsum(~pad, dim=1) * ~pad + 1
    hidden = parts["sentence_encoder.embed_tokens.weight"][tokens] + parts["sentence_encoder.embed_positions.weight"][positions]
    norm = next(name for name in parts if name.endswith(("emb_layer_norm.weight", "layernorm_embedding.weight")))
    hidden = _norm(parts, norm.removesuffix(".weight"), hidden) * ~pad[..., None]
    for layer in range(LAYERS):
        place = f"sentence_encoder.layers.{layer}"
        hidden = _norm(parts, f"{place}.self_attn_layer_norm", hidden + _attention(parts, f"{place}.self_attn", hidden, pad))
        inner = functional.gelu(_linear(parts, f"{place}.fc1", hidden))
        hidden = _norm(parts, f"{place}.final_layer_norm", hidden + _linear(parts, f"{place}.fc2", inner))
    return hidden


def logits(state: dict[str, Tensor], tokens: Tensor) -> Tensor:
    """Scores of the masked-word head [batch, tokens, vocabulary]."""
    parts = {name.split(".", 1)[1]: tensor for name, tensor in state.items()}
    hidden = _norm(parts, "lm_head.layer_norm", functional.gelu(_linear(parts, "lm_head.dense", states(state, tokens))))
    return hidden @ parts["lm_head.weight"].T + parts["lm_head.bias"]


def class_scores(state: dict[str, Tensor], head: dict[str, Tensor], name: str, tokens: Tensor) -> Tensor:
    first = torch.tanh(_linear(head, f"classification_heads.{name}.dense", states(state, tokens)[:, 0]))
    return _linear(head, f"classification_heads.{name}.out_proj", first)


def close(found: Tensor, expected: Tensor) -> bool:
    """Equal but for rounding in float32."""
    return bool((found - expected).abs().max() <= 1e-5 * (1 + expected.abs().max()))


def _linear(parts: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return x @ parts[f"{name}.weight"].T + parts[f"{name}.bias"]


def _norm(parts: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / torch.sqrt(x.var(-1, keepdim=True, unbiased=False) + 1e-5)
    return scaled * parts[f"{name}.weight"] + parts[f"{name}.bias"]


def _attention(parts: dict[str, Tensor], place: str, x: Tensor, pad: Tensor) -> Tensor:
    if f"{place}.in_proj_weight" in parts:
        together = x @ parts[f"{place}.in_proj_weight"].T + parts[f"{place}.in_proj_bias"]
        query, key, value = together[..., :HIDDEN], together[..., HIDDEN : 2 * HIDDEN], together[..., 2 * HIDDEN :]
    else:
        query, key, value = (_linear(parts, f"{place}.{name}_proj", x) for name in "qkv")
    batch, length, _ = x.shape
    size = HIDDEN // HEADS
    query, key, value = (part.view(batch, length, HEADS, size).transpose(1, 2) for part in (query * size**-0.5, key, value))
    weights = query @ key.transpose(-1, -2)  # [batch, heads, query, key]
    weights = weights.masked_fill(pad[:, None, None], float("-inf")).softmax(-1)
    return _linear(parts, f"{place}.out_proj", (weights @ value).transpose(1, 2).reshape(batch, length, HIDDEN))

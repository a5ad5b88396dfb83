"""Infers a LukeConfig from a file's settings and its tensors; sizes always come from the tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import LukeConfig

from loreweave.checkpoints.loading import LoadReport
from loreweave.corpus.files.reading import Pathname, read_json
from loreweave.errors import CheckpointError

SHAPE_SETTINGS = ("hidden_size", "num_hidden_layers", "intermediate_size")
ENCODER_SETTINGS = (
    "num_attention_heads",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "initializer_range",
)
# Settings of old BERT-style dictionaries that LUKE uses; generation settings and others are ignored.
_KEPT = (*ENCODER_SETTINGS, "layer_norm_eps", "pad_token_id", "bos_token_id", "eos_token_id", "bert_model_name")
_HEAD_SIZE = 64  # the same in every published LUKE, BERT, RoBERTa and XLM-R


def config_from(
    tensors: Mapping[str, Tensor], said: Mapping[str, Any] | None, path: Pathname, report: LoadReport, **changes: Any
) -> LukeConfig:
    """Configuration of a bare state dict (encoder names without `luke.`).

    Args:
        tensors: tensors after all rows were added.
        said: BERT-style dictionary of the file; None if there is none. Then a RoBERTa-like encoder is
            assumed, and reported.
        changes: settings that the format determines.

    Raises:
        CheckpointError: a table is missing, or the number of heads is not given and cannot be inferred.
    """
    settings = {name: said[name] for name in _KEPT if said is not None and said.get(name) is not None}
    sizes = _sizes(tensors, path)
    if "num_attention_heads" not in settings:
        if sizes["hidden_size"] % _HEAD_SIZE:
            raise CheckpointError(
                f"{path}: the number of attention heads is not known (hidden size {sizes['hidden_size']}); "
                "give --base, the folder of the model that it was made from"
            )
        settings["num_attention_heads"] = sizes["hidden_size"] // _HEAD_SIZE
    roberta = is_roberta({"base_model_type": (said or {}).get("base_model_type"), **settings, **changes}, sizes)
    if roberta and settings.get("pad_token_id") == 0:
        report.notes.append("the file has pad_token_id 0 for a RoBERTa; 1 is used, as in the original loader")
        del settings["pad_token_id"]
    assumed = {"layer_norm_eps": 1e-5 if roberta else 1e-12, "pad_token_id": 1 if roberta else 0}
    missing = {name: value for name, value in assumed.items() if name not in settings and name not in changes}
    if missing:
        kind = "RoBERTa" if roberta else "BERT"
        report.notes.append(f"the file has no {', '.join(missing)}; the values of {kind} are used: {missing}")
    return LukeConfig(**{"type_vocab_size": 1, **missing, **settings, **sizes, **changes})


def is_roberta(said: Mapping[str, Any], sizes: Mapping[str, int] | None = None) -> bool:
    """Whether word positions count from `pad_token_id + 1`, as in RoBERTa and XLM-R; in BERT they count from 0.

    It depends on `base_model_type`, which our own files have; otherwise on the name of the base model, as in the original
    code; and if that does not tell, on the position table (512 rows = BERT).
    """
    if said.get("base_model_type") in ("bert", "roberta"):
        return bool(said["base_model_type"] == "roberta")
    name = str(said.get("bert_model_name") or "").lower()
    if "bert" in name:
        return "roberta" in name
    return sizes is None or sizes["max_position_embeddings"] != 512


def _sizes(tensors: Mapping[str, Tensor], path: Pathname) -> dict[str, int]:
    def shape(name: str) -> tuple[int, ...]:
        if name not in tensors:
            raise CheckpointError(f"{path}: found no {name}, expected the state dict of a LUKE model")
        if tensors[name].ndim != 2:
            raise CheckpointError(f"{path}: {name} has the shape {list(tensors[name].shape)}, expected two dimensions")
        return tuple(tensors[name].shape)

    words, hidden = shape("embeddings.word_embeddings.weight")
    entities, entity_size = shape("entity_embeddings.entity_embeddings.weight")
    layers = {int(name.split(".")[2]) for name in tensors if name.startswith("encoder.layer.")}
    return {
        "vocab_size": words,
        "hidden_size": hidden,
        "entity_vocab_size": entities,
        "entity_emb_size": entity_size,
        "max_position_embeddings": shape("embeddings.position_embeddings.weight")[0],
        "type_vocab_size": shape("embeddings.token_type_embeddings.weight")[0],
        "num_hidden_layers": max(layers, default=-1) + 1,
        "intermediate_size": shape("encoder.layer.0.intermediate.dense.weight")[0],
    }


def said_in(*folders: Path | None) -> dict[str, Any] | None:
    """Configuration dictionary of the first folder that has one: in `metadata.json`, otherwise in `config.json`."""
    for folder in folders:
        if folder is not None and (folder / "metadata.json").is_file():
            metadata = read_json(folder / "metadata.json")
            if isinstance(metadata, dict) and isinstance(metadata.get("model_config"), dict):
                return dict(metadata["model_config"])
        if folder is not None and (folder / "config.json").is_file():
            return dict(read_json(folder / "config.json"))
    return None

"""Names and shapes of the tensors of fairseq's RoBERTa in every generation, and their Hugging Face names.

The query, key and value projections are one `in_proj_weight` [3d, d] up to
fairseq 0.8, and separate afterwards. Nothing of fairseq is imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from loreweave.checkpoints.loading import LoadReport
from loreweave.corpus.counts import counted, listed
from loreweave.errors import CheckpointError, ConfigurationError

Tensors = dict[str, Tensor]
Shapes = dict[str, list[int]]


@dataclass(frozen=True)
class Generation:
    """Tensor names of a version of fairseq.

    Attributes:
        prefix: prefix of the encoder, which old versions call the "decoder" of a language model.
        fused: whether query, key and value are one projection.
        embedding_norm: name of the layer norm after the embeddings.
        version_buffer: whether the encoder stores the number of its own layout.
    """

    prefix: str
    fused: bool
    embedding_norm: str
    version_buffer: bool = False


GENERATIONS = {
    "0.8": Generation("decoder", True, "emb_layer_norm"),
    "0.9": Generation("decoder", False, "emb_layer_norm"),
    "0.10": Generation("encoder", False, "emb_layer_norm"),
    "0.12": Generation("encoder", False, "layernorm_embedding", version_buffer=True),
}
"""fairseq version -> layout; KEPLER and the published roberta.base and roberta.large have that of 0.8."""

TOKENS, POSITIONS, NORM = "embed_tokens.weight", "embed_positions.weight", "emb_layer_norm"
_TYPES = "roberta.embeddings.token_type_embeddings.weight"
_EMBEDDINGS = {
    "embed_tokens": "word_embeddings",
    "embed_positions": "position_embeddings",
    NORM: "LayerNorm",
}
_LAYER = {
    "self_attn.q_proj": "attention.self.query",
    "self_attn.k_proj": "attention.self.key",
    "self_attn.v_proj": "attention.self.value",
    "self_attn.out_proj": "attention.output.dense",
    "self_attn_layer_norm": "attention.output.LayerNorm",
    "fc1": "intermediate.dense",
    "fc2": "output.dense",
    "final_layer_norm": "output.LayerNorm",
}
_PROJECTIONS = ("q_proj", "k_proj", "v_proj")
_IGNORED = {
    "sentence_encoder.version": "the number of the encoder's layout",
    "sentence_encoder.embed_positions._float_tensor": "a buffer without content",
}
"""The only tensors of a file that are left out without an option, because they have no counterpart."""
_PRE_NORM = "sentence_encoder.layer_norm."
_HEAD_NAME = re.compile(r"[\w-]+")  # it becomes part of a file name
_LAYER_NUMBER = re.compile(r"sentence_encoder\.layers\.(\d+)\.")


@dataclass
class FairseqTensors:
    """Tensors of a file, grouped by what they belong to, under the names of fairseq 0.9 without `decoder.`.

    Attributes:
        encoder: `sentence_encoder.*` and `lm_head.*`, with separate projections and `emb_layer_norm`.
        classification_heads: name of the head -> `dense.*`, `out_proj.*`.
        knowledge_heads: name of the head -> `relation_emb.weight`, `gamma`, `emb_range` (KEPLER).
    """

    encoder: Tensors
    classification_heads: dict[str, Tensors]
    knowledge_heads: dict[str, Tensors]

    @property
    def layers(self) -> int:
        """Number of transformer layers."""
        return 1 + max((int(match[1]) for name in self.encoder if (match := _LAYER_NUMBER.match(name))), default=-1)

    @property
    def hidden_size(self) -> int:
        """Hidden size of the encoder."""
        return self.encoder[f"sentence_encoder.{TOKENS}"].shape[1]


def read_layout(state: Mapping[str, Tensor], path: Path, report: LoadReport) -> FairseqTensors:
    """Group the tensors of a `model` dictionary of any generation, and check every name and shape.

    Raises:
        CheckpointError: a tensor is unknown, missing, or has another shape; the message has its name in the file, what
            was found and what was expected.
    """
    found = FairseqTensors({}, {}, {})
    names: dict[str, str] = {}  # name in `found.encoder` -> name in the file
    for name, tensor in state.items():
        kind, _, rest = name.partition(".")
        if kind in ("classification_heads", "ke_heads"):
            heads = found.classification_heads if kind == "classification_heads" else found.knowledge_heads
            head, _, rest = rest.partition(".")
            if not _HEAD_NAME.fullmatch(head):
                raise CheckpointError(f"{path}: found {name}, expected a head named with letters, digits, - and _")
            heads.setdefault(head, {})[rest] = tensor
        elif kind in ("decoder", "encoder") and rest in _IGNORED:
            report.dropped[name] = _IGNORED[rest]
        elif kind in ("decoder", "encoder") and rest.startswith(("sentence_encoder.", "lm_head.")):
            if rest.startswith(_PRE_NORM):
                message = "a layer norm after the last layer: a pre-norm encoder, which Hugging Face's RoBERTa is not"
                raise CheckpointError(f"{path}: found {name}, {message}")
            for plain, part in _one_name(rest, tensor, path, name):
                if plain in names:
                    raise CheckpointError(f"{path}: found both {names[plain]} and {name}, expected one of them")
                found.encoder[plain], names[plain] = part, name
        else:
            raise CheckpointError(f"{path}: found {name} {list(tensor.shape)}, not a tensor of a fairseq RoBERTa")
    _check_encoder(found, names, path)
    for head, tensors in found.classification_heads.items():
        _check_head(f"classification_heads.{head}", tensors, _classification_shapes(tensors, found.hidden_size), path)
    for head, tensors in found.knowledge_heads.items():
        _check_head(f"ke_heads.{head}", tensors, _knowledge_shapes(tensors, found.hidden_size), path)
    return found


def _one_name(rest: str, tensor: Tensor, path: Path, name: str) -> Iterator[tuple[str, Tensor]]:
    """The tensor under its name in fairseq 0.9; a fused projection becomes three tensors."""
    rest = rest.replace("sentence_encoder.layernorm_embedding.", f"sentence_encoder.{NORM}.")
    if ".self_attn.in_proj_" not in rest:
        yield rest, tensor
        return
    if tensor.ndim == 0 or len(tensor) % 3:
        raise CheckpointError(f"{path}: {name} has the shape {list(tensor.shape)}, expected three equal parts")
    stem, kind = rest.split("in_proj_")
    for projection, part in zip(_PROJECTIONS, tensor.chunk(3), strict=True):
        yield f"{stem}{projection}.{kind}", part


def _check_encoder(found: FairseqTensors, names: Mapping[str, str], path: Path) -> None:
    sized = (f"sentence_encoder.{TOKENS}", f"sentence_encoder.{POSITIONS}", "sentence_encoder.layers.0.fc1.weight")
    for name in sized:
        if name not in found.encoder:
            raise CheckpointError(f"{path}: found no decoder.{name} or encoder.{name}, expected the tensors of a RoBERTa")
        if found.encoder[name].ndim != 2:
            raise CheckpointError(f"{path}: {names[name]} has the shape {list(found.encoder[name].shape)}, expected a matrix")
    (vocabulary, hidden), positions, inner = found.encoder[sized[0]].shape, *(len(found.encoder[name]) for name in sized[1:])
    expected = encoder_shapes(found.layers, hidden, inner, vocabulary, positions)
    for name, tensor in found.encoder.items():
        if name not in expected:
            raise CheckpointError(f"{path}: found {names[name]} {list(tensor.shape)}, not a tensor of a fairseq RoBERTa")
        if list(tensor.shape) != expected[name]:
            shapes = [list(tensor.shape), expected[name]]
            if ".in_proj_" in names[name]:
                shapes = [[3 * shape[0], *shape[1:]] for shape in shapes]
            raise CheckpointError(f"{path}: {names[name]} has the shape {shapes[0]}, expected {shapes[1]}")
    if missing := [name for name in expected if name not in found.encoder]:
        raise CheckpointError(f"{path}: the file lacks {listed((f'{name} {expected[name]}' for name in missing), shown=1)}")


def encoder_shapes(layers: int, hidden: int, inner: int, vocabulary: int, positions: int) -> Shapes:
    """All tensors of an encoder with masked-word head, under the names of fairseq 0.9 without prefix."""
    square, vector = [hidden, hidden], [hidden]
    weights = {f"self_attn.{name}": square for name in (*_PROJECTIONS, "out_proj")}
    weights |= {"self_attn_layer_norm": vector, "fc1": [inner, hidden], "fc2": [hidden, inner], "final_layer_norm": vector}
    shapes = {f"sentence_encoder.{TOKENS}": [vocabulary, hidden], f"sentence_encoder.{POSITIONS}": [positions, hidden]}
    shapes |= {f"sentence_encoder.{NORM}.{kind}": vector for kind in ("weight", "bias")}
    for layer in range(layers):
        for name, shape in weights.items():
            shapes[f"sentence_encoder.layers.{layer}.{name}.weight"] = shape
            shapes[f"sentence_encoder.layers.{layer}.{name}.bias"] = shape[:1]
    shapes |= {"lm_head.dense.weight": square, "lm_head.dense.bias": vector, "lm_head.bias": [vocabulary]}
    shapes |= {f"lm_head.layer_norm.{kind}": vector for kind in ("weight", "bias")}
    return shapes | {"lm_head.weight": [vocabulary, hidden]}


def _classification_shapes(tensors: Tensors, hidden: int) -> Shapes:
    labels = len(tensors["out_proj.bias"]) if "out_proj.bias" in tensors else 0
    dense = {"dense.weight": [hidden, hidden], "dense.bias": [hidden]}
    return dense | {"out_proj.weight": [labels, hidden], "out_proj.bias": [labels]}


def _knowledge_shapes(tensors: Tensors, hidden: int) -> Shapes:
    relations = len(tensors["relation_emb.weight"]) if "relation_emb.weight" in tensors else 0
    return {"relation_emb.weight": [relations, hidden], "gamma": [1], "emb_range": [1]}


def _check_head(prefix: str, tensors: Tensors, expected: Shapes, path: Path) -> None:
    for name in dict.fromkeys([*expected, *tensors]):
        if name not in expected:
            raise CheckpointError(f"{path}: found {prefix}.{name}, expected {', '.join(expected)} in this head")
        if name not in tensors:
            raise CheckpointError(f"{path}: the file lacks {prefix}.{name}")
        if list(tensors[name].shape) != expected[name]:
            shape = list(tensors[name].shape)
            raise CheckpointError(f"{path}: {prefix}.{name} has the shape {shape}, expected {expected[name]}")


def hugging_face_name(name: str) -> str:
    """Name in `RobertaForMaskedLM` of a tensor of `FairseqTensors.encoder`."""
    if name.startswith("lm_head."):
        return "lm_head.decoder.weight" if name == "lm_head.weight" else name
    stem, _, kind = name.removeprefix("sentence_encoder.").rpartition(".")
    if stem in _EMBEDDINGS:
        return f"roberta.embeddings.{_EMBEDDINGS[stem]}.{kind}"
    _, number, part = stem.split(".", 2)
    return f"roberta.encoder.layer.{number}.{_LAYER[part]}.{kind}"


def to_hugging_face(found: FairseqTensors, classification_head: str | None = None) -> Tensors:
    """All tensors of `RobertaForMaskedLM`, or of `RobertaForSequenceClassification` with this head, in float32."""
    state = {hugging_face_name(name): tensor.float() for name, tensor in found.encoder.items()}
    state[_TYPES] = torch.zeros(1, found.hidden_size)
    state["lm_head.decoder.bias"] = state["lm_head.bias"]
    if classification_head is None:
        return state
    head = found.classification_heads[classification_head]
    return {
        **{name: tensor for name, tensor in state.items() if not name.startswith("lm_head.")},
        **{f"classifier.{name}": tensor.float() for name, tensor in head.items()},
    }


def from_hugging_face(state: Mapping[str, Tensor], layers: int, pad_id: int, notes: list[str]) -> Tensors:
    """Tensors of `FairseqTensors.encoder`, from those of a `RobertaForMaskedLM`.

    fairseq adds no token-type embedding: one that is not zero is added to the positions, since every token has one.

    Raises:
        CheckpointError: there are several token types, which an encoder without segments does not support.
    """
    types = state[_TYPES]
    if len(types) != 1:
        raise CheckpointError(f"{_TYPES} has {counted(len(types), 'row')}, but fairseq's RoBERTa has no segments")
    words, positions = (state[f"roberta.embeddings.{table}_embeddings.weight"] for table in ("word", "position"))
    inner = len(state["roberta.encoder.layer.0.intermediate.dense.bias"])
    names = encoder_shapes(layers, words.shape[1], inner, len(words), len(positions))
    encoder = {name: state[hugging_face_name(name)] for name in names}
    if types.any():
        moved = positions.clone()
        moved[pad_id + 1 :] += types[0]
        encoder[f"sentence_encoder.{POSITIONS}"] = moved
        notes.append("the token-type embedding was added to those of the positions: fairseq does not have it")
    return encoder


def write_layout(encoder: Mapping[str, Tensor], generation: Generation) -> Tensors:
    """Tensors of an encoder under the names of a generation."""
    state: Tensors = {}
    for name, tensor in encoder.items():
        head, _, kind = name.rpartition(".")
        stem, _, part = head.rpartition(".")
        name = name.replace(f".{NORM}.", f".{generation.embedding_norm}.")
        if not generation.fused or part not in _PROJECTIONS:
            state[f"{generation.prefix}.{name}"] = tensor
        elif part == _PROJECTIONS[0]:
            parts = [encoder[f"{stem}.{projection}.{kind}"] for projection in _PROJECTIONS]
            state[f"{generation.prefix}.{stem}.in_proj_{kind}"] = torch.cat(parts)
    if generation.version_buffer:
        state[f"{generation.prefix}.sentence_encoder.version"] = torch.tensor([3.0])
    return state


def generation_named(version: str) -> Generation:
    """A layout by the version of fairseq.

    Raises:
        ConfigurationError: unknown version.
    """
    if version not in GENERATIONS:
        raise ConfigurationError(f"found the fairseq version {version!r}, expected one of {', '.join(GENERATIONS)}")
    return GENERATIONS[version]

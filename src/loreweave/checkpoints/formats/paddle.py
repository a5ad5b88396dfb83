"""PaddleNLP's LUKE: `model_state.pdparams`, `model_config.json`, tokenizer files, `entity_vocab.json`.

The configuration has the arguments of PaddleNLP's classes and nothing else: its versions before 2.5 refuse any other. What
they do not know stands in `loreweave.json` beside it.

The weights are a pickle of NumPy arrays. Linear layers are stored (in, out), layer norms are called `layer_norm`, and
the entity head has a separate decoder. Paddle's code always has the extra queries, and 1e-6 in every layer norm: a
file without `layer_norm_eps` gets this value, with which its numbers were computed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from loreweave import models
from loreweave.checkpoints.fitting import ENCODER_PARTS, build, fit_state_dict, untrained_modules
from loreweave.checkpoints.formats import original_rows as rows
from loreweave.checkpoints.formats.original_layout import check_rows
from loreweave.checkpoints.formats.paddle_files import read_arrays, write_arrays
from loreweave.checkpoints.heads import class_of_head
from loreweave.checkpoints.inference import ENCODER_SETTINGS, SHAPE_SETTINGS, config_from, said_in
from loreweave.checkpoints.loading import DEFAULTS, LoadedCheckpoint, LoadOptions, LoadReport
from loreweave.checkpoints.word_tokenizers import has_tokenizer
from loreweave.corpus.counts import counted
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.entity_vocabulary_files import FILE_NAMES
from loreweave.corpus.files.reading import Pathname, read_json
from loreweave.corpus.files.strict_json import kind_of
from loreweave.corpus.files.writing import atomic_folder, write_json
from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError

NAME = "paddle"

_FILE = "model_state.pdparams"
_CONFIG = "model_config.json"
_OURS = "loreweave.json"
LAYER_NORM_EPS = 1e-6
_LINEAR = re.compile(
    r"(\.self\.(query|key|value|w2e_query|e2w_query|e2e_query)|(^|\.)dense|entity_embedding_dense"
    r"|entity_predictions\.decoder|^classifier|^qa_outputs|^typing)\.weight$"
)
_OWN = ("pad_token_id", "base_model_type", "untrained_modules")
"""Settings that are read from the file's own configuration, not from the base's."""
_HEADS = {"lm_head.decoder_weight": "lm_head.decoder.weight", "lm_head.decoder_bias": "lm_head.bias"}
_OWN_TYPING_HEAD = {f"typing.{part}": f"classifier.{part}" for part in ("weight", "bias")}  # of run_open_entity.py, 2021


def recognises(path: Path) -> bool:
    """A `.pdparams` file, or a folder with `model_state.pdparams`."""
    return (path / _FILE).is_file() if path.is_dir() else path.is_file() and path.suffix == ".pdparams"


def load(path: Path, options: LoadOptions = DEFAULTS) -> LoadedCheckpoint:
    """Load as the class that matches the head (or `options.cls`)."""
    report = LoadReport(NAME, str(path))
    file = path / _FILE if path.is_dir() else path
    state = names_from_paddle(read_arrays(file))
    bare = {name.removeprefix("luke."): tensor for name, tensor in state.items()}
    said = _said(file.parent, options.base)
    changes: dict[str, Any] = {}
    if "layer_norm_eps" not in said:
        changes["layer_norm_eps"] = LAYER_NORM_EPS
        report.notes.append(f"layer_norm_eps {LAYER_NORM_EPS}, as Paddle's code computes")
    cls = options.cls or _class_of(bare, file)
    for head in ("classifier", "qa_outputs"):
        if f"{head}.weight" in bare:
            changes["num_labels"] = len(bare[f"{head}.weight"])
    if (file.parent / _CONFIG).is_file():
        changes |= {name: said[name] for name in _OWN if said.get(name) is not None}
    changes |= _label_names(said, changes.get("num_labels"))
    if cls.__name__ == "LukeForEntityPairClassification":
        changes["classifier_bias"] = "classifier.bias" in bare
    if options.entity_aware_attention is not None:
        said["use_entity_aware_attention"] = options.entity_aware_attention
    aware = bool(said.get("use_entity_aware_attention", True))
    config = config_from(bare, said, file, report, use_entity_aware_attention=aware, **changes)
    model = build(cls, config, options.seed)
    fit_state_dict(model, state, file, report)
    tokenizer, vocabulary = _tokenizer(file.parent, options.base, report)
    if vocabulary is not None:
        check_rows(bare, vocabulary, file)
    return LoadedCheckpoint(model, tokenizer, vocabulary, NAME, report)


def names_from_paddle(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert Paddle's names and orientations to Hugging Face's."""
    state = {}
    for name, tensor in given.items():
        bare = name.removeprefix("luke.")
        renamed = (_HEADS | _OWN_TYPING_HEAD).get(name, name.replace("layer_norm", "LayerNorm"))
        if name.startswith("lm_head.layer_norm"):
            renamed = name
        if name == "entity_predictions.decoder.bias":
            renamed = "entity_predictions.bias"
        state[renamed] = tensor.T.contiguous() if _LINEAR.search(bare) else tensor
    return state


def names_to_paddle(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert Hugging Face's names and orientations to Paddle's; the entity head gets a separate decoder."""
    heads = {hugging_face: paddle for paddle, hugging_face in _HEADS.items()}
    state = {}
    for name, tensor in given.items():
        if name == "lm_head.decoder.bias":
            continue
        renamed = heads.get(name, name.replace("LayerNorm", "layer_norm"))
        if name == "entity_predictions.bias":
            renamed = "entity_predictions.decoder.bias"
        state[renamed] = tensor.T.contiguous() if _LINEAR.search(name.removeprefix("luke.")) else tensor
    return state


def _class_of(state: Mapping[str, Tensor], file: Path) -> type[PreTrainedModel]:
    if "lm_head.dense.weight" in state:
        return models.LukeForMaskedLM
    for head in ("classifier", "qa_outputs"):
        if f"{head}.weight" in state:
            return class_of_head(head, state, state[rows.WORDS].shape[1], file)
    return models.LukeModel


def _said(folder: Path, base: Path | None) -> dict[str, Any]:
    """Settings of PaddleNLP's nested `model_config.json` and of ours beside it as one dictionary, otherwise those of `base`."""
    if (folder / _CONFIG).is_file():
        ours = read_json(folder / _OURS) if (folder / _OURS).is_file() else {}
        if not isinstance(ours, dict):
            raise CheckpointError(f"{folder / _OURS}: found {kind_of(ours)}, expected an object")
        return _flatten(read_json(folder / _CONFIG)) | ours
    said = said_in(folder, base) or {}
    said.pop("layer_norm_eps", None)  # the base's, not Paddle's
    return said


def _label_names(said: Mapping[str, Any], number: int | None) -> dict[str, Any]:
    """The names of the classes that the settings give, if they fit the head."""
    names = said.get("id2label")
    if number is None or not isinstance(names, dict) or sorted(names) != sorted(str(label) for label in range(number)):
        return {}
    return {
        "id2label": {int(label): str(name) for label, name in names.items()},
        "label2id": {n: int(i) for i, n in names.items()},
    }


def _flatten(value: Any) -> dict[str, Any]:
    """Settings of nested `init_args`; the outer ones take precedence."""
    if not isinstance(value, dict):
        return {}
    flat: dict[str, Any] = {}
    for inner in value.get("init_args", []):
        flat |= _flatten(inner)
    return flat | {name: item for name, item in value.items() if name != "init_args"}


def _tokenizer(folder: Path, base: Path | None, report: LoadReport) -> tuple[EntityTokenizer | None, EntityVocabulary | None]:
    """Word tokenizer and entity vocabulary, each from the folder if it has it, otherwise from `base`."""
    own = EntityVocabulary.load(folder) if _has_vocabulary(folder) else None
    for place in (folder, base):
        if place is not None and has_tokenizer(place) and (own is not None or _has_vocabulary(place)):
            tokenizer = EntityTokenizer.from_pretrained(place, own)
            return tokenizer, tokenizer.entity_vocabulary
    report.notes.append("no tokenizer with an entity vocabulary next to the weights; give --base, a LUKE folder")
    return None, own


def _has_vocabulary(folder: Path) -> bool:
    """Early versions of PaddleNLP have it as a table."""
    return any((folder / name).is_file() for name in FILE_NAMES)


def save(
    model: PreTrainedModel,
    tokenizer: EntityTokenizer | None,
    path: Pathname,
    *,
    vocabulary: EntityVocabulary | None = None,
    overwrite: bool = False,
) -> list[str]:
    """Write a folder in PaddleNLP's format; returns notes.

    Raises:
        CheckpointError: PaddleNLP has no such class.
        ConfigurationError: `path` is not empty and `overwrite` is false.
    """
    name = type(model).__name__
    if name not in _PADDLE_CLASSES:
        raise CheckpointError(f"found a {name}, PaddleNLP has {', '.join(_PADDLE_CLASSES)}")
    state = dict(model.state_dict())
    notes = _complete(state)
    ours = _ours(model)
    if names := ours.get("id2label"):
        labels = f"the names of {counted(len(names), 'label')}"
        notes.append(f"{labels} stand in {_OURS}, because Paddle numbers labels: {', '.join(names.values())}")
    with atomic_folder(path, overwrite) as folder:
        with (folder / _FILE).open("wb") as file:
            write_arrays(names_to_paddle(state), file)
        write_json(folder / _CONFIG, _paddle_config(model))
        write_json(folder / _OURS, ours)
        if tokenizer is not None:
            tokenizer.save_pretrained(folder)
        elif vocabulary is not None:
            vocabulary.save(folder / "entity_vocab.json")
    return notes


_ARGUMENTS = (
    "vocab_size",
    *SHAPE_SETTINGS,
    *ENCODER_SETTINGS,
    "max_position_embeddings",
    "type_vocab_size",
    "entity_vocab_size",
    "entity_emb_size",
    "pad_token_id",
)
"""Arguments of PaddleNLP's LukeModel, which are also settings here."""

_PADDLE_CLASSES = (
    "LukeModel",
    "LukeForMaskedLM",
    "LukeForEntityClassification",
    "LukeForEntityPairClassification",
    "LukeForEntitySpanClassification",
    "LukeForQuestionAnswering",
)


def _complete(state: dict[str, Tensor]) -> list[str]:
    """Add what every Paddle LUKE has: extra queries (copies) and a pooler; report what the format lacks."""
    prefix = "" if any(name.startswith(ENCODER_PARTS) for name in state) else "luke."
    notes = []
    if not any(".w2e_query." in name for name in state):
        notes.append("the extra queries were written as copies of query, because Paddle always uses them")
        for name in [name for name in state if ".self.query." in name]:
            state.update({name.replace("query", extra): state[name] for extra in rows.EXTRA_QUERIES})
    if f"{prefix}pooler.dense.weight" not in state:
        hidden = state[prefix + rows.WORDS].shape[1]
        state[f"{prefix}pooler.dense.weight"] = torch.zeros(hidden, hidden)
        state[f"{prefix}pooler.dense.bias"] = torch.zeros(hidden)
        notes.append("the pooler, which Paddle requires and the model lacks, was written as zeros")
    return notes


def lost_in(model: PreTrainedModel) -> list[str]:
    """Parts of a file that Paddle's own code ignores, but our loader reads."""
    bias = model.state_dict().get("classifier.bias")
    if type(model).__name__ != "LukeForEntityPairClassification" or bias is None or not bias.any():
        return []
    return [f"PaddleNLP's pair model has no classifier bias: logits off by up to {float(bias.abs().max()):.3g} there"]


def _paddle_config(model: PreTrainedModel) -> dict[str, Any]:
    """Arguments of PaddleNLP's class, around those of its encoder."""
    inner = {name: getattr(model.config, name) for name in _ARGUMENTS} | {"init_class": "LukeModel"}
    if type(model).__name__ == "LukeModel":
        return inner
    outer: dict[str, Any] = {"init_args": [inner], "init_class": type(model).__name__}
    return outer | ({"num_classes": model.config.num_labels} if "Classification" in type(model).__name__ else {})


def _ours(model: PreTrainedModel) -> dict[str, Any]:
    """What the configuration of the model says beyond Paddle's arguments, for the conversion back."""
    kept = (
        "layer_norm_eps",
        "use_entity_aware_attention",
        "base_model_type",
        "bert_model_name",
        "bos_token_id",
        "eos_token_id",
    )
    ours = {name: getattr(model.config, name) for name in kept if getattr(model.config, name, None) is not None}
    if untrained := untrained_modules(model.config):
        ours["untrained_modules"] = untrained
    names = [str(name) for _, name in sorted((model.config.id2label or {}).items())]
    named = "classifier.weight" in model.state_dict() and names != [f"LABEL_{number}" for number in range(len(names))]
    return ours | ({"id2label": {str(number): name for number, name in enumerate(names)}} if named else {})

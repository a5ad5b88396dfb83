"""Hugging Face folders: written by transformers 4 or 5, or here.

`save` writes files that all versions read: weights with every tied tensor by name, a full configuration, tokenizer files
of both generations and `entity_vocab.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import LukeConfig, PreTrainedModel

from loreweave import models
from loreweave.checkpoints.fitting import build, fit_state_dict
from loreweave.checkpoints.folder_readme import NOTE as NOTE_ON_WORDS
from loreweave.checkpoints.folder_readme import readme_of
from loreweave.checkpoints.formats.original_layout import check_rows
from loreweave.checkpoints.loading import DEFAULTS, LoadedCheckpoint, LoadOptions, LoadReport
from loreweave.checkpoints.tensor_files import read_tensors, weight_file_in, write_safetensors
from loreweave.checkpoints.word_tokenizers import has_tokenizer
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.entity_vocabulary_files import FILE_NAMES
from loreweave.corpus.files.reading import Pathname, read_json
from loreweave.corpus.files.writing import atomic_folder, write_json
from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError

NAME = "hugging-face"


def read_config(path: Path) -> dict[str, Any]:
    """Content of a folder's `config.json`; empty if there is none."""
    if not (path / "config.json").is_file():
        return {}
    content = read_json(path / "config.json")
    return content if isinstance(content, dict) else {}


def recognises(path: Path) -> bool:
    """A folder with the configuration of a LUKE and weights."""
    return read_config(path).get("model_type") == "luke" and weight_file_in(path) is not None


def load(path: Path, options: LoadOptions = DEFAULTS) -> LoadedCheckpoint:
    """Load the class that `architectures` names (or `options.cls`), its tokenizer and vocabulary."""
    report = LoadReport(NAME, str(path))
    tensors = read_tensors(path)
    config = LukeConfig.from_pretrained(path)
    if options.entity_aware_attention is not None:
        config.use_entity_aware_attention = options.entity_aware_attention
    model = build(options.cls or _class_of(config, path), config, options.seed)
    fit_state_dict(model, tensors, path, report)
    vocabulary = None if has_tokenizer(path) else _entities_of(path)
    tokenizer = _tokenizer(path, options.base, vocabulary, config, report)
    if tokenizer is not None:
        vocabulary = tokenizer.entity_vocabulary
    if vocabulary is not None:
        check_rows({name.removeprefix("luke."): tensor for name, tensor in tensors.items()}, vocabulary, path)
    return LoadedCheckpoint(model, tokenizer, vocabulary, NAME, report)


def _class_of(config: LukeConfig, path: Path) -> type[PreTrainedModel]:
    named = (config.architectures or ["LukeModel"])[0]
    if named not in models.__all__ or not named.startswith("Luke"):
        known = ", ".join(name for name in models.__all__ if name.startswith("LukeFor"))
        raise CheckpointError(f"{path}: found the architecture {named}, expected LukeModel or one of {known}")
    cls: type[PreTrainedModel] = getattr(models, named)
    return cls


def _entities_of(folder: Path | None) -> EntityVocabulary | None:
    """The entity vocabulary of a folder, if it has one in a file of its own."""
    if folder is None or not any((folder / name).is_file() for name in FILE_NAMES):
        return None
    return EntityVocabulary.load(folder)


def _tokenizer(
    path: Path, base: Path | None, vocabulary: EntityVocabulary | None, config: LukeConfig, report: LoadReport
) -> EntityTokenizer | None:
    """The folder's own tokenizer; one that it lacks, such as a checkpoint in a run, is that of the LUKE `base`.

    Args:
        vocabulary: entity vocabulary of a folder without tokenizer, if it has one.
        config: configuration of the folder's model.

    Raises:
        CheckpointError: the base has other words or entities than the model's tables.
    """
    if has_tokenizer(path):  # of a LUKE fine-tuned on words only, the entities are those of the model that it started from
        return EntityTokenizer.from_pretrained(path, _entities_of(base))
    if base is not None and has_tokenizer(base) and (_entities_of(base) or read_config(base).get("model_type") == "luke"):
        found = EntityTokenizer.from_pretrained(base, vocabulary)
        entities = found.entity_vocabulary.to_hugging_face()
        sizes = (found.word_vocabulary_size, len(found.entity_vocabulary))
        rows = (config.vocab_size, config.entity_vocab_size)
        if sizes != rows or (vocabulary is not None and vocabulary.to_hugging_face() != entities):
            has, wants = (f"{words:,} words and {ids:,} entities" for words, ids in (sizes, rows))
            raise CheckpointError(f"--base: found other words or entities in {base} ({has}) than in {path} ({wants})")
        return found
    report.notes.append("no tokenizer files in the folder; give --base, a LUKE of the same words and entities")
    if vocabulary is None:
        report.notes.append("no entity vocabulary in the folder")
    return None


def save(
    model: PreTrainedModel,
    tokenizer: EntityTokenizer | None,
    path: Pathname,
    *,
    vocabulary: EntityVocabulary | None = None,
    overwrite: bool = False,
) -> list[str]:
    """Write a folder that transformers 4 and 5 load; returns notes for the report.

    Args:
        vocabulary: written if there is no tokenizer (a tokenizer has its own).

    Raises:
        ConfigurationError: `path` is not empty and `overwrite` is false. Nothing is left half-written.
    """
    with atomic_folder(path, overwrite) as folder:
        write_safetensors(model.state_dict(), folder / "model.safetensors")
        write_json(folder / "config.json", config_for_both(model))
        if tokenizer is not None:
            tokenizer.save_pretrained(folder)
        elif vocabulary is not None:
            vocabulary.save(folder / "entity_vocab.json")
        readme = readme_of(model, tokenizer)
        if readme is not None:
            (folder / "README.md").write_text(readme, encoding="utf-8")
    return [] if readme is None else [NOTE_ON_WORDS]


def config_for_both(model: PreTrainedModel) -> dict[str, Any]:
    """The configuration with every value written out, since the defaults of transformers 4 and 5 differ.

    `dtype` is written as `torch_dtype`, the name in version 4, which both versions read.
    """
    config = json.loads(model.config.to_json_string(use_diff=False))
    config["architectures"] = [type(model).__name__]
    config["torch_dtype"] = str(model.dtype).removeprefix("torch.")
    for name in ("dtype", "_name_or_path", "_attn_implementation", "attn_implementation"):
        config.pop(name, None)
    return dict(sorted(config.items()))

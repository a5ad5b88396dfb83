"""LUKE's own archives: weights, `metadata.json` and an entity vocabulary, in a folder, a tar or next to a `.bin` file.

The weights are those of pre-training, without prefix, extra queries, `[MASK2]` and marker rows.
They have no word tokenizer: give --base.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from transformers import PreTrainedModel

from loreweave.checkpoints.formats.archives import unpack, weights_in
from loreweave.checkpoints.formats.original_layout import (
    MAX_ENTITY_LENGTH,
    MAX_MENTION_LENGTH,
    checkpoint_from_original,
    counts_from_zero,
    original_config,
    original_from_model,
    read_metadata,
)
from loreweave.checkpoints.formats.original_rows import POSITIONS
from loreweave.checkpoints.loading import DEFAULTS, LoadedCheckpoint, LoadOptions, LoadReport
from loreweave.checkpoints.tensor_files import read_tensors, write_torch
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.writing import atomic_folder, atomic_path, check_free, write_json
from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError

NAME = "luke-original"

WEIGHTS = ("pytorch_model.bin", "luke.bin")
METADATA = "metadata.json"
VOCABULARIES = ("entity_vocab.tsv", "entity_vocab.jsonl")  # in this order: the original loader prefers TSV
_MODES = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}


def recognises(path: Path) -> bool:
    """Whether it is a tar, a folder with weights and `metadata.json`, or a `.bin` file next to one."""
    if path.is_dir():
        return (path / METADATA).is_file() and _weights_in(path) is not None
    if path.suffix == ".bin":
        return (path.parent / METADATA).is_file()
    return path.is_file() and tarfile.is_tarfile(path)


def load(path: Path, options: LoadOptions = DEFAULTS) -> LoadedCheckpoint:
    """Load as LukeForMaskedLM (or `options.cls`), with the additional rows of Hugging Face's LUKE."""
    report = LoadReport(NAME, str(path))
    with _folder_of(path) as folder:
        weights = path if path.suffix == ".bin" else _weights_in(folder)
        if weights is None or not (folder / METADATA).is_file():
            raise CheckpointError(f"{path}: found no weights ({', '.join(WEIGHTS)}) with {METADATA}")
        vocabulary = read_vocabulary(folder)
        metadata, tensors = read_metadata(folder / METADATA), read_tensors(weights)
        return checkpoint_from_original(tensors, metadata, vocabulary, path, options, report, beside=folder)


def read_vocabulary(folder: Path) -> EntityVocabulary | None:
    """Entity vocabulary of a folder in the original formats, TSV before JSON Lines; None if there is none."""
    found = next((folder / name for name in VOCABULARIES if (folder / name).is_file()), None)
    return None if found is None else EntityVocabulary.load(found)


def _weights_in(folder: Path) -> Path | None:
    return weights_in(folder, WEIGHTS, "*.bin")


def _place(path: PurePosixPath) -> str | None:
    """Where a file of an archive is unpacked: under its name, if it is required."""
    return path.name if path.suffix == ".bin" or path.name in (METADATA, *VOCABULARIES) else None


@contextmanager
def _folder_of(path: Path) -> Iterator[Path]:
    """The checkpoint's folder; of a tar only the required files are unpacked (see `unpack`)."""
    if path.is_dir() or path.suffix == ".bin":
        yield path if path.is_dir() else path.parent
        return
    with TemporaryDirectory() as temporary:
        unpack(path, Path(temporary), _place)
        yield Path(temporary)


def save(
    model: PreTrainedModel,
    tokenizer: EntityTokenizer | None,
    path: Pathname,
    *,
    vocabulary: EntityVocabulary | None = None,
    base: Path | None = None,
    overwrite: bool = False,
) -> list[str]:
    """Write a folder, or an archive if the name ends in .tar, .tar.gz, .tgz, .tar.bz2 or .tar.xz; returns notes.

    Args:
        base: folder of the base model, whose name is written to the metadata if the model does not know its own.

    Raises:
        CheckpointError: the model is not a LukeForMaskedLM, there is no vocabulary, or the base model is not known.
        ConfigurationError: the target exists and `overwrite` is false.
    """
    vocabulary = tokenizer.entity_vocabulary if tokenizer else vocabulary
    state, vocabulary, notes = original_from_model(model, tokenizer, vocabulary)
    if vocabulary is None:
        raise CheckpointError("the original format needs an entity vocabulary, and this checkpoint has none")
    unused_positions = 0 if counts_from_zero(model.config) else model.config.pad_token_id + 1
    metadata: dict[str, Any] = {
        "model_config": original_config(model.config, state, base),
        "max_seq_length": len(state[POSITIONS]) - unused_positions,
        "max_entity_length": tokenizer.max_entity_length if tokenizer else MAX_ENTITY_LENGTH,
        "max_mention_length": tokenizer.max_mention_length if tokenizer else MAX_MENTION_LENGTH,
    }
    with _target_folder(Path(path), overwrite) as folder:
        write_torch(state, folder / WEIGHTS[0])
        write_json(folder / METADATA, metadata)
        vocabulary.save(folder / VOCABULARIES[1])
    return notes


@contextmanager
def _target_folder(path: Path, overwrite: bool) -> Iterator[Path]:
    mode = _MODES.get(path.suffix) if ".tar" in path.suffixes or path.suffix == ".tgz" else None
    if mode is None:
        with atomic_folder(path, overwrite) as folder:
            yield folder
        return
    check_free(path, overwrite)
    with TemporaryDirectory() as temporary:
        yield Path(temporary)
        with atomic_path(path) as target, tarfile.open(str(target), mode) as archive:  # type: ignore[call-overload]  # mode is one of _MODES
            for file in sorted(Path(temporary).iterdir()):
                archive.add(file, file.name)

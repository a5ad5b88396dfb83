"""Encoded training records on disk, found by the hash of everything that they depend on.

Encoding is fast compared with training (some 6,000 texts per second and core), so nothing is stored unless a run asks for
it. It is useful for many runs over one large file, as in a search.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Protocol, runtime_checkable

import loreweave
from loreweave.checkpoints.unpickling import read_numpy_pickle
from loreweave.corpus.counts import counted
from loreweave.corpus.files.writing import atomic_path
from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError
from loreweave.tasks.embedding_cache import hash_of_folder
from loreweave.training.settings.finetuning import FinetuningConfig, encoded_settings
from loreweave.training.task_model import Encoding

_FORMAT = 4
"""Increased if a reader or an encoding changes within a version."""


@runtime_checkable
class CountingEncoding(Encoding, Protocol):
    """An encoding whose only state is the counts of what did not fit.

    Attributes:
        tokenizer: tokenizer with the limit of the encoder, which is not a setting.
        done: the counts; they add up.
        classes_of_examples: all classes in examples and counts, apart from numbers, text and containers.
    """

    tokenizer: EntityTokenizer
    done: Any
    classes_of_examples: ClassVar[tuple[type, ...]]


def encode_cached(
    encoding: Encoding,
    records: Sequence[Any],
    labels: Sequence[str],
    folder: Path,
    config: FinetuningConfig,
    source: Mapping[str, Any],
    report: Callable[[str], None],
) -> list[Any]:
    """`encoding.encode(records, labels)`, or its stored result of an earlier run.

    Args:
        folder: folder of the files, one for each hash.
        config: the run's settings; only those that encoding reads matter (see `encoded_settings`).
        source: hashes of the records' files, and how they were read.

    Raises:
        ConfigurationError: the encoding has other state than counts.
    """
    if not isinstance(encoding, CountingEncoding):
        raise ConfigurationError("setting 'feature_cache': encoded records of this task cannot be stored; leave it out")
    file = folder / f"{_key(encoding, labels, config, source)}.features"
    before = encoding.done
    if file.is_file():
        examples, done = read_numpy_pickle(file, encoding.classes_of_examples)
        encoding.done = before + done
        report(f"read {counted(len(examples), 'encoded input')} from {file}")
        return list(examples)
    encoding.done = type(before)()
    examples = encoding.encode(records, labels)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(file) as target:
        target.write_bytes(pickle.dumps((examples, encoding.done), protocol=5))
    encoding.done = before + encoding.done
    report(f"wrote {counted(len(examples), 'encoded input')} to {file}")
    return examples


def _key(encoding: CountingEncoding, labels: Sequence[str], config: FinetuningConfig, source: Mapping[str, Any]) -> str:
    """Hash over the version of this package, the tokenizer's files and limit, the labels, the source and the settings."""
    with TemporaryDirectory() as folder:
        encoding.save_pretrained(Path(folder))
        tokenizer = hash_of_folder(Path(folder))
    content = {
        "version": [loreweave.__version__, _FORMAT], "encoding": type(encoding).__qualname__, "tokenizer": tokenizer,
        "limit": encoding.tokenizer.max_length, "labels": list(labels), "source": dict(source),
        "settings": encoded_settings(config),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

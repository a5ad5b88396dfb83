"""Pre-training sets on disk: Arrow shards for `datasets.load_from_disk`, a manifest, vocabulary and tokenizer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from loreweave.build.sentence_tokenizer import tokenizer_fingerprint
from loreweave.build.windows import Window
from loreweave.corpus.counts import counted, tallied_fields
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.manifests import MANIFEST, describe_files, read_description, verify_files
from loreweave.corpus.files.reading import Pathname, sha256_of
from loreweave.corpus.files.writing import atomic_folder, write_json
from loreweave.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

FORMAT = "loreweave pre-training set"
FORMAT_VERSION = 1
VOCABULARY, TOKENIZER = "entity_vocab.jsonl", "tokenizer"
LIST_COLUMNS = ("word_ids", "entity_ids", "entity_starts", "entity_lengths")
COLUMNS = ("text_id", *LIST_COLUMNS, "page_entity_id")
ROWS_PER_SHARD = 100_000
_ROWS_PER_BATCH = 1000


@dataclass(frozen=True)
class PretrainingSet:
    """A pre-training set on disk, of texts with entities or of plain text; rows are memory-mapped.

    `dataset` has the columns `text_id`, `word_ids`, `entity_ids`, `entity_starts`, `entity_lengths` (lists of int32, in
    sub-words of the window without special tokens) and `page_entity_id` (-1 when unknown).
    """

    path: Path
    manifest: dict[str, Any]

    @cached_property
    def dataset(self) -> Dataset:
        """The rows, as a map-style data set."""
        from datasets import Dataset, load_from_disk

        dataset = load_from_disk(str(self.path))
        if not isinstance(dataset, Dataset) or set(dataset.column_names) != set(COLUMNS):
            raise DataError(f"found other columns than {', '.join(COLUMNS)}", path=self.path)
        if len(dataset) != self.manifest["number_of_items"]:
            message = f"found {counted(len(dataset), 'row')}, the manifest says {self.manifest['number_of_items']}"
            raise DataError(message, path=self.path)
        return dataset

    @cached_property
    def vocabulary(self) -> EntityVocabulary | None:
        """The entity vocabulary that the ids refer to; None for a set of plain text, whose rows have no entities."""
        entry = self.manifest["entity_vocabulary"]
        return None if entry is None else EntityVocabulary.load(self.path / entry["file"])

    @property
    def unknown_entities(self) -> bool:
        """Whether mentions of `[UNK]` may be links to entities that the vocabulary does not have."""
        return bool(self.manifest["settings"].get("include_unknown_entities")) or self.manifest.get("source") == "tfrecord"

    @property
    def common_words(self) -> float | None:
        """Number of common words per mention that were marked as `[UNK]`; None if the manifest does not say it."""
        found: float | None = self.manifest["settings"].get("common_words")
        return found

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer of the word ids.

        Raises:
            DataError: the set was converted from one without tokenizer.
        """
        from transformers import AutoTokenizer

        folder = self.path / TOKENIZER
        if not folder.is_dir():
            raise DataError("the set has no tokenizer", path=folder)
        return AutoTokenizer.from_pretrained(folder)

    def verify(self) -> None:
        """Compare every file with the hash in the manifest (reads the whole set).

        Raises:
            DataError: a file is missing or differs.
        """
        verify_files(self.path, self.manifest["files"])


def open_pretraining_set(path: Pathname, verify: bool = False) -> PretrainingSet:
    """Open a set of `build_pretraining_set`; `verify` checks the hashes of all files.

    Raises:
        DataError: the set does not exist, has another version, or files differ.
    """
    folder = Path(path)
    if not (folder / MANIFEST).is_file():
        found = "a file" if folder.is_file() else f"no {MANIFEST}"
        made_by = "'loreweave build pretraining' makes from texts with links, and 'loreweave build text-blocks' from plain text"
        raise DataError(f"found {found}, expected the folder of a pre-training set, which {made_by}", path=folder)
    opened = PretrainingSet(folder, read_description(folder / MANIFEST, FORMAT, FORMAT_VERSION))
    if verify:
        opened.verify()
    return opened


def write_windows(folder: Path, windows: Iterable[Window], rows_per_shard: int) -> int:
    """Write the rows to Arrow shards in the layout of `datasets`, and return their number.

    The shards are written directly: `Dataset.from_generator` would write all rows twice (cache, then copy), and its
    state file changes from run to run.
    """
    import pyarrow as pa

    schema = _schema()
    shards: list[Path] = []
    total, stream = 0, iter(windows)
    while (head := next(stream, None)) is not None:
        shard = folder / f"shard-{len(shards):05}.arrow"
        rows = _chain_first(head, islice(stream, rows_per_shard - 1))
        with pa.OSFile(str(shard), "wb") as file, pa.ipc.new_stream(file, schema) as writer:
            while batch := list(islice(rows, _ROWS_PER_BATCH)):
                writer.write_batch(_record_batch(batch, schema))
                total += len(batch)
        shards.append(shard)
    names = [f"data-{index:05}-of-{len(shards):05}.arrow" for index in range(len(shards))]
    for shard, name in zip(shards, names, strict=True):
        shard.rename(folder / name)
    _write_dataset_files(folder, names)
    return total


class Counts(Protocol):
    """Counts of a builder of rows."""

    def to_dict(self) -> dict[str, int]:
        """The counts by name."""
        ...


def write_set(
    output: Pathname,
    rows: Iterable[Window],
    tokenizer: PreTrainedTokenizerBase,
    vocabulary: EntityVocabulary | None,
    settings: Mapping[str, Any],
    counts: Counts,
    *,
    rows_per_shard: int,
    overwrite: bool,
) -> None:
    """Write a new set atomically: the rows, then the tokenizer, the vocabulary and the manifest.

    Args:
        settings: settings of making rows.
        counts: of the rows; read when all are made.

    Raises:
        ConfigurationError: the folder exists, and `overwrite` is false.
        DataError: there are no rows.
    """
    with atomic_folder(output, overwrite, MANIFEST) as folder:
        items = write_windows(folder, rows, rows_per_shard)
        if not items:
            raise DataError(f"no window was made, so nothing was written: {_why_nothing(counts.to_dict())}", path=output)
        tokenizer.save_pretrained(str(folder / TOKENIZER))
        details = {
            "settings": dict(settings),
            "tokenizer": {"class": type(tokenizer).__name__, "sha256": tokenizer_fingerprint(tokenizer)},
            "counts": counts.to_dict(),
        }
        write_manifest(folder, vocabulary, items, details)


def write_manifest(folder: Path, vocabulary: EntityVocabulary | None, items: int, details: Mapping[str, Any]) -> None:
    """Write the vocabulary, then the manifest with the hashes of all files (nothing that changes from run to run).

    Args:
        vocabulary: None if no row has entities; the manifest's `entity_vocabulary` is then null.
    """
    hashed = sorted(folder.glob("data-*.arrow"))
    if vocabulary is not None:
        vocabulary.save(folder / VOCABULARY)
        hashed.append(folder / VOCABULARY)
    files = describe_files({file.name: file for file in hashed})
    entry: dict[str, Any] | None = None
    if vocabulary is not None:
        entry = {"file": VOCABULARY, "size": len(vocabulary), "sha256": files[VOCABULARY]["sha256"]}
    manifest = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "number_of_items": items,
        "columns": list(COLUMNS),
        "entity_vocabulary": entry,
        **details,
        "files": files,
    }
    write_json(folder / MANIFEST, manifest)


_EMPTY_WINDOWS = "windows_dropped_without_entities"
_LEFT_OUT = {
    "mentions_dropped_unlinked": (
        "mentions without an entity",
        "--link-labels makes entities of their labels, --include-windows-without-entities keeps the text without them",
    ),
    "mentions_dropped_unknown": (
        "links to entities that the vocabulary does not have",
        "give the vocabulary that 'loreweave build entity-vocab' makes of these texts",
    ),
    "mentions_dropped_outside_paragraphs": (
        "mentions outside the paragraphs that are used",
        "metadata.paragraphs of the texts says where those are",
    ),
    "mentions_dropped_with_sentence": (
        "mentions in sentences that are too short or too long",
        "--min-sentence-length keeps shorter ones, --max-length makes room for longer ones",
    ),
    _EMPTY_WINDOWS: (
        "windows without a linked mention",
        "--include-windows-without-entities keeps them, for masked words",
    ),
    "paragraphs_dropped_kind": ("paragraphs of another kind than prose", "give them the kind 'p' in metadata.paragraphs"),
    "sentences_dropped_short": ("sentences that are too short", "--min-sentence-length keeps shorter ones"),
    "sentences_dropped_long": ("sentences that are longer than a window", "--max-length makes room for longer ones"),
    "blocks_dropped_long": ("lines that are longer than a block", "--split-long-lines or a greater --max-length keeps them"),
}
"""What can leave nothing to write: the count -> what was left out, and the way out."""


_MENTIONS = tuple(name for name in _LEFT_OUT if name.startswith("mentions_"))
_PARTS = (("sentences_dropped_short", "sentences_dropped_long"), ("paragraphs_dropped_kind",), ("blocks_dropped_long",))
"""Counts of parts of texts, one unit after the other."""


def _why_nothing(counts: Mapping[str, int]) -> str:
    """What left nothing, the way out, and all counts.

    Only counts of one unit are compared: a text has many windows, but perhaps one mention. If there were windows, all of them
    lacked an entity, so their mentions are the reason; otherwise no part of a text came into a window.
    """
    if not any(counts.values()):
        return "found no texts"
    causes = (_MENTIONS, (_EMPTY_WINDOWS,)) if counts.get(_EMPTY_WINDOWS) else (*_PARTS, _MENTIONS)
    most = (max(names, key=lambda name: counts.get(name, 0)) for names in causes)
    name = next((name for name in most if counts.get(name)), None)
    advice = "" if name is None else f"{_LEFT_OUT[name][0]} ({counts[name]:,}); {_LEFT_OUT[name][1]} "
    return f"{advice}(counts: {tallied_fields(counts)})"


def _chain_first(head: Window, rest: Iterator[Window]) -> Iterator[Window]:
    yield head
    yield from rest


def _schema() -> pa.Schema:
    import pyarrow as pa

    lists = [pa.field(name, pa.list_(pa.int32())) for name in LIST_COLUMNS]
    return pa.schema([pa.field("text_id", pa.string()), *lists, pa.field("page_entity_id", pa.int32())])


def _record_batch(windows: list[Window], schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    columns = [pa.array([getattr(row, item.name) for row in windows], type=item.type) for item in schema]
    return pa.record_batch(columns, schema=schema)


def _write_dataset_files(folder: Path, names: list[str]) -> None:
    """The two small files that `datasets.load_from_disk` needs."""
    from datasets import DatasetInfo, Features

    DatasetInfo(features=Features.from_arrow_schema(_schema())).write_to_directory(str(folder))
    digest = hashlib.sha256()
    for name in names:
        digest.update(sha256_of(folder / name).encode())
    state: dict[str, Any] = {
        "_data_files": [{"filename": name} for name in names],
        "_fingerprint": digest.hexdigest()[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    write_json(folder / "state.json", state)

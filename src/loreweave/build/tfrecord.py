"""Pre-training sets of the original LUKE repository (one GZIP TFRecord file), read without TensorFlow.

A record: length (8 bytes, little endian), masked CRC-32C of the length (4), data, masked CRC-32C of the data (4).
The data are a `tf.train.Example`: Features { feature: map<string, Feature { int64_list: packed varints }> }.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from loreweave.build.pretraining_store import ROWS_PER_SHARD, TOKENIZER, write_manifest, write_windows
from loreweave.build.sentence_tokenizer import tokenizer_fingerprint
from loreweave.build.windows import NO_PAGE, Window
from loreweave.corpus.counts import counted
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.manifests import MANIFEST
from loreweave.corpus.files.protocol_buffers import BYTES, VARINT, read_fields
from loreweave.corpus.files.reading import Pathname, open_binary, read_json
from loreweave.corpus.files.writing import atomic_folder
from loreweave.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Int64 = NDArray[np.int64]

_DATA_FILE, _METADATA_FILE = "dataset.tf", "metadata.json"
_METADATA_KEYS = ("number_of_items", "max_seq_length", "max_entity_length", "max_mention_length")
_HEADER, _FOOTER = struct.Struct("<QI"), struct.Struct("<I")
_LARGEST_RECORD = 1 << 28  # a larger length means that the position in the file is lost
_SPECIAL_TOKENS = 2  # included in `max_seq_length`; records are without them


@dataclass
class TfrecordReport:
    """Counts of a converted set."""

    windows: int = 0
    mentions: int = 0
    mentions_dropped_without_positions: int = 0


def read_tfrecord_set(folder: Pathname, report: TfrecordReport | None = None, check: bool = False) -> Iterator[Window]:
    """Yield the windows of an original pre-training set (`dataset.tf` and `metadata.json`).

    Args:
        folder: folder of the set.
        report: receives the counts.
        check: also compare the checksum of every record's data (slow; that of its length is always compared).

    Raises:
        DataError: a record is broken (`line` is its number from 1), or a mention's positions are not contiguous.
    """
    path = Path(folder) / _DATA_FILE
    width = int(_metadata(folder)["max_mention_length"])
    report = TfrecordReport() if report is None else report
    for number, data in read_tfrecords(path, check):
        try:
            yield _window(parse_example(data), f"{_DATA_FILE}:{number}", width, report)
        except (LookupError, ValueError, OverflowError) as error:
            raise DataError(f"found no tf.train.Example of integers ({error})", path=path, line=number) from None
        except DataError as error:
            raise DataError(str(error), path=path, line=number) from None


def convert_tfrecord_set(
    folder: Pathname,
    output: Pathname,
    tokenizer: PreTrainedTokenizerBase | None = None,
    *,
    rows_per_shard: int = ROWS_PER_SHARD,
    check: bool = False,
    overwrite: bool = False,
    advance: Callable[[int], object] | None = None,
) -> TfrecordReport:
    """Convert an original pre-training set, with its vocabulary, into the format of `open_pretraining_set`.

    The set does not contain the original text: `text_id` is `dataset.tf:<record>`.

    Args:
        folder: folder of the set.
        output: folder to write.
        tokenizer: tokenizer of the word ids, which is stored with the set. Without it, word ids cannot be checked.
        rows_per_shard: number of rows per Arrow file.
        check: see `read_tfrecord_set`.
        overwrite: replace an existing folder.
        advance: called with the number of finished windows, for a progress bar.

    Raises:
        DataError: records are broken, ids are not in tokenizer or vocabulary, windows or the number of records differ from
            `metadata.json`, or there is no vocabulary.
    """
    metadata, vocabulary = _metadata(folder), EntityVocabulary.load(folder)
    report, path = TfrecordReport(), Path(folder) / _DATA_FILE
    bounds = _Bounds(
        words=None if tokenizer is None else max(tokenizer.get_vocab().values()) + 1,
        entities=len(vocabulary),
        max_words=metadata["max_seq_length"] - _SPECIAL_TOKENS,
        max_entities=metadata["max_entity_length"],
    )
    with atomic_folder(output, overwrite, MANIFEST) as target:
        windows = _checked(read_tfrecord_set(folder, report, check), bounds, path, advance)
        items = write_windows(target, windows, rows_per_shard)
        if items != metadata["number_of_items"]:
            message = f"found {counted(items, 'record')}, expected {metadata['number_of_items']} as in {_METADATA_FILE}"
            raise DataError(message, path=path)
        settings = {
            "max_length": metadata["max_seq_length"],
            "max_entities": metadata["max_entity_length"],
            "max_mention_length": metadata["max_mention_length"],
            "min_sentence_length": metadata.get("min_sentence_length"),
            "language": metadata.get("language"),
        }
        if tokenizer is not None:
            tokenizer.save_pretrained(str(target / TOKENIZER))
        fingerprint = None if tokenizer is None else tokenizer_fingerprint(tokenizer)
        named = {"class": metadata.get("tokenizer_class"), "sha256": fingerprint}
        details = {"settings": settings, "tokenizer": named, "counts": vars(report), "source": "tfrecord"}
        write_manifest(target, vocabulary, items, details)
    return report


def number_of_windows(folder: Pathname) -> int:
    """Number of records of an original set according to its metadata.

    Raises:
        DataError: the metadata of the set are missing.
    """
    return int(_metadata(folder)["number_of_items"])


def read_tfrecords(path: Pathname, check: bool = False) -> Iterator[tuple[int, bytes]]:
    """Yield (number from 1, data) of the records of a TFRecord file, GZIP or plain.

    Raises:
        DataError: a record is truncated or its checksum differs.
    """
    try:
        with open_binary(path) as file:
            compressed = file.read(2) == b"\x1f\x8b"
    except FileNotFoundError:
        raise DataError("file not found", path=path) from None
    number = 0
    with gzip.open(path, "rb") if compressed else open_binary(path) as file:
        try:
            while header := file.read(_HEADER.size):
                number += 1
                if len(header) < _HEADER.size:
                    raise DataError("found a truncated record", path=path, line=number)
                length, length_sum = _HEADER.unpack(header)
                if length > _LARGEST_RECORD or masked_crc32c(header[:8]) != length_sum:
                    raise DataError("found a wrong checksum of the record's length", path=path, line=number)
                data, footer = file.read(length), file.read(_FOOTER.size)
                if len(data) < length or len(footer) < _FOOTER.size:
                    raise DataError("found a truncated record", path=path, line=number)
                if check and masked_crc32c(data) != _FOOTER.unpack(footer)[0]:
                    raise DataError("found a wrong checksum of the record's data", path=path, line=number)
                yield number, data
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"broken compressed file ({error})", path=path, line=number + 1) from None


def parse_example(data: bytes) -> dict[str, Int64]:
    """Integer features of a serialised `tf.train.Example`, by name; features of another type are an error.

    Raises:
        ValueError, LookupError, OverflowError: it is not such a message.
    """
    features: dict[str, Int64] = {}
    for outer, body in _messages(data):
        if outer != 1:  # Example.features
            continue
        for inner, entry in _messages(body):
            if inner == 1:  # Features.feature, a map entry: 1 = key, 2 = Feature
                pair = dict(_messages(entry))
                features[pair[1].decode()] = _integers(pair.get(2, b""))
    return features


def masked_crc32c(data: bytes) -> int:
    """TFRecord's checksum: CRC-32C (Castagnoli), rotated right by 15 bits, plus a constant."""
    table, crc = _crc_table(), 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@lru_cache(maxsize=1)
def _crc_table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        return value

    return tuple(entry(byte) for byte in range(256))


def _metadata(folder: Pathname) -> dict[str, Any]:
    path = Path(folder) / _METADATA_FILE
    metadata = read_json(path)
    missing = [key for key in _METADATA_KEYS if not isinstance(metadata, dict) or key not in metadata]
    if missing:
        raise DataError(f"found no {', '.join(missing)}, expected the metadata of a pre-training set", path=path)
    return metadata


def _window(features: dict[str, Int64], text_id: str, width: int, report: TfrecordReport) -> Window:
    missing = [name for name in ("word_ids", "entity_ids", "entity_position_ids") if name not in features]
    if missing:
        raise DataError(f"found no feature {', '.join(missing)}")
    entity_ids, positions = features["entity_ids"], features["entity_position_ids"]
    if positions.size != entity_ids.size * width:
        expected = f"{entity_ids.size} x {width} (max_mention_length)"
        raise DataError(f"found {counted(positions.size, 'position')}, expected {expected}", field="entity_position_ids")
    positions = positions.reshape(-1, width)  # [mentions, max_mention_length], unused slots -1
    lengths = (positions >= 0).sum(1)
    steps = np.arange(width)
    contiguous = np.where(steps < lengths[:, None], positions[:, :1] + steps, -1)
    if (positions != contiguous).any():
        raise DataError("found a mention whose positions are not contiguous", field="entity_position_ids")
    word_ids, kept = features["word_ids"], lengths > 0
    if (positions[:, 0] + lengths > word_ids.size).any():
        raise DataError(f"found a mention outside the {counted(word_ids.size, 'word')}", field="entity_position_ids")
    report.windows += 1
    report.mentions += int(kept.sum())
    report.mentions_dropped_without_positions += int((~kept).sum())
    page = features.get("page_id", np.array([NO_PAGE]))
    columns = (word_ids, entity_ids[kept], positions[kept, 0], lengths[kept])
    return Window(text_id, int(page[0]) if page.size else NO_PAGE, *(column.tolist() for column in columns))


@dataclass(frozen=True)
class _Bounds:
    """Limits of the windows of a set: ids below the sizes of the two vocabularies, and the set's own limits."""

    words: int | None
    entities: int
    max_words: int
    max_entities: int

    def check(self, window: Window) -> None:
        """Raise DataError for a window that exceeds a limit."""
        _check_ids("word_ids", window.word_ids, self.words, "the tokenizer")
        _check_ids("entity_ids", window.entity_ids, self.entities, "the entity vocabulary")
        _check_ids("page_id", [window.page_entity_id], self.entities, "the entity vocabulary", least=NO_PAGE)
        _check_number("word_ids", window.word_ids, self.max_words)
        _check_number("entity_ids", window.entity_ids, self.max_entities)


def _checked(
    windows: Iterable[Window], bounds: _Bounds, path: Path, advance: Callable[[int], object] | None
) -> Iterator[Window]:
    for number, window in enumerate(windows, 1):
        try:
            bounds.check(window)
        except DataError as error:
            raise DataError(str(error), path=path, line=number) from None
        if advance is not None:
            advance(1)
        yield window


def _check_ids(field: str, ids: list[int], size: int | None, source: str, least: int = 0) -> None:
    wrong = next((id for id in ids if id < least or (size is not None and id >= size)), None)
    if wrong is not None:
        expected = f"{least} or more" if size is None else f"{least} to {size - 1} (of {source})"
        raise DataError(f"found the id {wrong}, expected {expected}", field=field)


def _check_number(field: str, ids: list[int], most: int) -> None:
    if len(ids) > most:
        raise DataError(f"found {len(ids)} ids, expected at most {most} (of {_METADATA_FILE})", field=field)


def _messages(message: bytes) -> Iterator[tuple[int, bytes]]:
    """(field number, bytes) of the fields that may be messages; integer features have no fixed-width fields."""
    for number, kind, value in read_fields(message):
        if isinstance(value, bytes):
            if kind != BYTES:
                raise ValueError(f"wire type {kind} in field {number}")
            yield number, value


def _integers(feature: bytes) -> Int64:
    """Values of Feature.int64_list (field 3), packed or one by one."""
    values: list[Int64] = []
    for kind, body in _messages(feature):
        if kind != 3:
            raise ValueError("a feature that is not an int64_list")
        values += [_packed_varints(packed) for number, packed in _messages(body) if number == 1]
        single = [value for number, wire, value in read_fields(body) if number == 1 and wire == VARINT]
        values.append(np.array(single, dtype=np.uint64).astype(np.int64))
    return np.concatenate(values) if values else np.empty(0, np.int64)


def _packed_varints(packed: bytes) -> Int64:
    """Decode varints in parallel: 7 bits per byte, the last byte of each is below 128; negative ones have 10 bytes."""
    raw = np.frombuffer(packed, dtype=np.uint8)
    if not raw.size:
        return np.empty(0, np.int64)
    ends = np.flatnonzero(raw < 0x80)
    if not ends.size or ends[-1] != raw.size - 1:
        raise ValueError("a truncated varint")
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > 10:
        raise ValueError("a varint of more than 10 bytes")
    shifts = 7 * (np.arange(raw.size) - np.repeat(starts, lengths))
    parts = (raw & 0x7F).astype(np.uint64) << shifts.astype(np.uint64)
    return np.add.reduceat(parts, starts).astype(np.int64)

"""KEPLER's training data for knowledge embedding, in fairseq's binary format, as a knowledge graph.

A folder (`KE1_0`, `KE1_1`, ...) has, for each split, the texts of N triples and of their n negatives on either side:

    head/<split>.{bin,idx}, tail/...          N sequences of ids, each with its end token; with their dict.txt
    negHead/<split>.{bin,idx}, negTail/...    N * n; those of triple i are i * n to i * n + n - 1
    relation/<split>.npy                      N relation numbers
    sizes/<split>.npy                         N: ids of a triple's texts and negatives together, at most 512 of each
    count.json                                "h,r" and "t,-r-1" -> count, starting from 4
    relation_desc/<split>.{bin,idx}           N, optional

The format has no entity ids: equal texts are one entity, and ids are derived from the texts.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.fairseq_dictionary import (
    DICTIONARY,
    SPECIALS,
    has_gpt2_files,
    read_dictionary,
    read_gpt2_sub_words,
    sub_words_by_id,
    text_of,
)
from loreweave.corpus.fairseq_shards import TokenSequences
from loreweave.corpus.files.arrays import open_npy
from loreweave.corpus.files.reading import Pathname, sha256_of
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.lines import LeftOut
from loreweave.corpus.graphs.source import GraphSource
from loreweave.corpus.graphs.statistics import each_once
from loreweave.corpus.graphs.texts import Located
from loreweave.errors import DataError

SPLITS = ("train", "valid")
SIDES = ("head", "tail", "negHead", "negTail")
_END, _UNKNOWN = SPECIALS.index("</s>"), SPECIALS.index("<unk>")
_COUNTED_SIZE = 512  # maximum number of ids of a text that `sizes` counts
_FIRST_COUNT = 4
_LAST_ROW = 2**31 - 1
_COUNT_ENTRY = re.compile(rb'[{\s]*"\d+,(-?\d+)"\s*:\s*(\d+)\s*[,}]')
_CHUNK, _LONGEST_ENTRY = 1 << 20, 100

ID_NOTE = "made up: the dump keeps no ids; an entity's is a hash of its text, a relation's its number in the dump"


@dataclass(frozen=True)
class KeplerShard:
    """One split of one folder, with aligned parts.

    Attributes:
        texts: side -> sequences.
        relations: relation number of each triple.  # [triples]
        negatives: number of negatives per triple and side.
        relation_texts: one sequence per triple; None if the folder has none.
        sizes_that_differ: number of triples whose entry in `sizes` is not the number of ids of their texts.
    """

    folder: Path
    split: str
    texts: Mapping[str, TokenSequences]
    relations: np.ndarray
    negatives: int
    relation_texts: TokenSequences | None
    sizes_that_differ: int

    @classmethod
    def open(cls, folder: Path, split: str) -> KeplerShard:
        """Map the files of a split, and check that they have equally many entries.

        Raises:
            DataError: a file is missing or broken, or has another number of entries.
        """
        texts = {side: TokenSequences(folder / side / split) for side in SIDES}
        count = len(texts["head"])
        _expect(texts["tail"], count, "as in head")
        negatives, rest = divmod(len(texts["negHead"]), count) if count else (0, len(texts["negHead"]))
        if rest or (count and not negatives):
            message = f"found {counted(len(texts['negHead']), 'sequence')}, expected a multiple of {counted(count, 'triple')}"
            raise DataError(message, path=texts["negHead"].index_file)
        _expect(texts["negTail"], count * negatives, "as in negHead")
        relations = _numbers(folder / "relation" / f"{split}.npy", count)
        for row in np.flatnonzero((relations < 0) | (relations > _LAST_ROW))[:1]:
            message = f"found the relation {relations[row]} in row {row}, expected a number from 0 to {_LAST_ROW}"
            raise DataError(message, path=folder / "relation" / f"{split}.npy")
        described = (folder / "relation_desc" / f"{split}.idx").is_file()
        relation_texts = TokenSequences(folder / "relation_desc" / split) if described else None
        if relation_texts is not None:
            _expect(relation_texts, count, "as in head")
        sizes = _numbers(folder / "sizes" / f"{split}.npy", count)
        differing = int((sizes != _sizes_of(texts, count, negatives)).sum())
        return cls(folder, split, texts, relations, negatives, relation_texts, differing)

    def __len__(self) -> int:
        """Number of triples."""
        return len(self.relations)

    def check_ids(self, symbols: int) -> None:
        """Raise DataError if an id is not below the given size of the dictionary."""
        for sequences in (*self.texts.values(), self.relation_texts):
            if sequences is not None:
                sequences.check_ids(symbols)


def kepler_shards(
    folder: Pathname | Sequence[Pathname], sub_words: Pathname | None = None, splits: Sequence[str] = SPLITS
) -> GraphSource:
    """Find shards, and read them as one graph.

    A triple in several shards is kept once (every shard has all of `valid`; dumps of several epochs have the same `train`).
    Entities are the texts of triples; texts of negatives only are counted. Memory: about 200 bytes per text.

    Args:
        folder: a shard, a folder of shards, or several of either.
        sub_words: folder of GPT-2's `vocab.bpe` (and `encoder.json`); None searches next to the data.
        splits: splits to read; one that no folder has is left out.

    Raises:
        DataError: there is no shard, dictionaries or files do not match, or an id is outside the dictionary; names the
            file and the place.
    """
    places = find_shards(folder)
    found = {split: [place for place in places if (place / "head" / f"{split}.idx").is_file()] for split in splits}
    shards = {split: [KeplerShard.open(place, split) for place in held] for split, held in found.items() if held}
    if not shards:
        raise DataError(f"found no split {' or '.join(splits)} (head/{splits[0]}.idx)", path=places[0])
    dump = _Dump(places, shards, _vocabulary(places, sub_words))
    return GraphSource(
        "kepler-shards",
        {split: held[0].folder for split, held in shards.items()},
        dump.read_entities,
        dump.read_relations,
        text_files=tuple(dump.files()),
        relation_ids=dump.relation_ids,
        read_triples=dump.read_triples,
        details={"folders": [place.name for place in places], "ids": ID_NOTE, "counts": dump.counts},
    )


class _Dump:
    """All shards of a dump; its entities are known after `read_triples`."""

    def __init__(self, places: Sequence[Path], shards: Mapping[str, Sequence[KeplerShard]], vocabulary: list[str]) -> None:
        self.shards = shards
        self.counts: Counter[str] = Counter()
        self._places = places
        self._texts = _Texts(vocabulary, self.counts)
        self._relation_texts = _RelationTexts(vocabulary, self.counts)

    def files(self) -> Iterator[Path]:
        """Every file that is read."""
        for place in self._places:
            yield from (path for path in sorted(place.rglob("*")) if path.is_file())

    def relation_ids(self, left_out: LeftOut) -> Iterator[tuple[Path, int | None, str]]:
        """All relations up to the largest number in a triple or a `count.json`."""
        said = [(path, *_read_counts(path)) for place in self._places if (path := place / "count.json").is_file()]
        if said:
            self.counts["triples_in_count_json"] = max(triples for _, triples, _ in said)
        used = [int(shard.relations.max()) + 1 for held in self.shards.values() for shard in held if len(shard)]
        for number in range(max([*used, *(relations for *_, relations in said)], default=0)):
            yield self._places[0], None, _relation_id(number)

    def read_triples(self, split: str, path: Path, left_out: LeftOut) -> Iterator[tuple[int | None, str, str, str]]:
        """Triples of a split, without repetitions."""
        rows = []
        for shard in self.shards[split]:
            shard.check_ids(len(self._texts.vocabulary))
            head, tail = (self._texts.rows_of(shard.texts[side]) for side in ("head", "tail"))
            rows.append(np.stack([head, shard.relations.astype(np.int32), tail], axis=1))
            self._relation_texts.add(shard)
            self.counts["triples_read"] += len(shard)
            self.counts["negatives_read"] += 2 * shard.negatives * len(shard)
            self.counts["sizes_that_differ"] += shard.sizes_that_differ
        together = np.concatenate(rows)
        triples = each_once(together)
        left_out.note("triples that were read before", len(together) - len(triples))
        ids = self._texts.ids()
        for head, relation, tail in triples.tolist():
            yield None, ids[head], _relation_id(relation), ids[tail]

    def read_entities(self, ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
        """All texts of the triples."""
        negatives = (shard.texts[side] for held in self.shards.values() for shard in held for side in SIDES[2:])
        left_out.note("texts of negatives alone", self._texts.count_others(negatives))
        for source, entity in self._texts:
            yield source, None, entity

    def read_relations(self, ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
        """Relations with a description."""
        return self._relation_texts.located()


def find_shards(folders: Pathname | Sequence[Pathname]) -> list[Path]:
    """Folders with `head/` among the given ones and their direct subfolders, sorted by name.

    Raises:
        DataError: a given folder contains no shard.
    """
    given = [folders] if isinstance(folders, str | PathLike) else folders
    found: list[Path] = []
    for folder in map(Path, given):
        inside = sorted((item for item in folder.glob("*") if (item / "head").is_dir()), key=_by_number)
        here = [folder] if (folder / "head").is_dir() else inside
        if not here:
            raise DataError("found no KEPLER shard: a folder with head/, tail/, negHead/, negTail/ and relation/", path=folder)
        found += here
    return list(dict.fromkeys(found))


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Sort key that puts KE1_2 before KE1_10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _expect(sequences: TokenSequences, count: int, why: str) -> None:
    if len(sequences) != count:
        raise DataError(f"found {counted(len(sequences), 'sequence')}, expected {count}, {why}", path=sequences.index_file)


def _numbers(path: Path, count: int) -> np.ndarray:
    values = open_npy(path)
    if values.shape != (count,) or values.dtype.kind not in "iu":
        message = f"found an array of shape {list(values.shape)} and type {values.dtype}, expected integers [{count}]"
        raise DataError(message, path=path)
    return values


def _sizes_of(texts: Mapping[str, TokenSequences], count: int, negatives: int) -> np.ndarray:
    """Expected content of `sizes`: ids without end tokens, at most 512 per text.  # [triples]"""
    parts = [np.minimum(sequences.sizes.astype(np.int64) - 1, _COUNTED_SIZE) for sequences in texts.values()]
    shapes = [1, 1, negatives, negatives]
    return np.sum([part.reshape(count, n).sum(axis=1) for part, n in zip(parts, shapes, strict=True)], axis=0)


def _vocabulary(places: Sequence[Path], sub_words: Pathname | None) -> list[str]:
    """Sub-words by id, of the dictionary that all folders share."""
    files = [file for place in places for side in SIDES if (file := place / side / DICTIONARY).is_file()]
    if not files:
        raise DataError(f"found no {DICTIONARY} in {', '.join(SIDES)}", path=places[0])
    first = sha256_of(files[0])
    for other in files[1:]:
        if sha256_of(other) != first:
            raise DataError(f"found another dictionary than in {files[0]}", path=other)
    near = [places[0], *(places[0] / side for side in SIDES), places[0].parent]
    folder = next((place for place in near if has_gpt2_files(place)), places[0]) if sub_words is None else Path(sub_words)
    return sub_words_by_id(read_dictionary(files[0]), read_gpt2_sub_words(folder), files[0])


class _Texts(Iterable[tuple[Path, GraphEntity]]):
    """Distinct texts in the order of their first occurrence; entities are created from them on access."""

    def __init__(self, vocabulary: Sequence[str], counts: Counter[str]) -> None:
        self.vocabulary = vocabulary
        self._counts = counts
        self._rows: dict[bytes, int] = {}
        self._sources: list[TokenSequences] = []
        self._first = array("q")  # source, item of each row

    def __iter__(self) -> Iterator[tuple[Path, GraphEntity]]:
        for row, id in enumerate(self.ids()):
            source, item = self._sources[self._first[2 * row]], self._first[2 * row + 1]
            yield source.data_file, GraphEntity(id, description=_text(source[item], self.vocabulary))

    def ids(self) -> list[str]:
        """The id derived from each text."""
        return [f"text-{digest.hex()[:20]}" for digest in self._rows]

    def rows_of(self, sequences: TokenSequences) -> np.ndarray:
        """Row of each sequence's text.  # [sequences], int32"""
        source = len(self._sources)
        self._sources.append(sequences)
        rows = np.empty(len(sequences), np.int32)
        for item in range(len(sequences)):
            ids = sequences[item]
            row = self._rows.setdefault(_digest(ids), len(self._rows))
            if 2 * row == len(self._first):
                self._first.extend((source, item))
                self._note(ids)
            rows[item] = row
        return rows

    def _note(self, ids: np.ndarray) -> None:
        inner = _without_end(ids)
        self._counts["texts"] += 1
        self._counts["texts_that_are_empty"] += len(inner) == 0
        self._counts["texts_without_end_token"] += len(inner) == len(ids)
        self._counts["texts_with_unknown_sub_words"] += bool((inner == _UNKNOWN).any())

    def count_others(self, many: Iterable[TokenSequences]) -> int:
        """Number of further distinct texts."""
        others: set[bytes] = set()
        for sequences in many:
            others.update(digest for ids in sequences if (digest := _digest(ids)) not in self._rows)
        return len(others)


class _RelationTexts:
    """Description of each relation, which is repeated with every triple; the first one counts."""

    def __init__(self, vocabulary: Sequence[str], counts: Counter[str]) -> None:
        self.vocabulary = vocabulary
        self._counts = counts
        self._texts: dict[int, tuple[Path, np.ndarray]] = {}

    def add(self, shard: KeplerShard) -> None:
        """Record the texts of a shard, if it has them."""
        if shard.relation_texts is None:
            return
        for number, ids in zip(shard.relations.tolist(), shard.relation_texts, strict=True):
            _, first = self._texts.setdefault(number, (shard.relation_texts.data_file, ids))
            self._counts["relation_texts_that_differ"] += not np.array_equal(first, ids)

    def located(self) -> Iterator[Located]:
        """Relations with a text."""
        for number, (path, ids) in self._texts.items():
            yield path, None, GraphEntity(_relation_id(number), description=_text(ids, self.vocabulary))


def _relation_id(number: int) -> str:
    return f"relation-{number}"


def _digest(ids: np.ndarray) -> bytes:
    """A key that is equal for equal ids, whatever their dtype in the file."""
    return hashlib.blake2b(ids.astype("<i4").tobytes(), digest_size=16).digest()


def _without_end(ids: np.ndarray) -> np.ndarray:
    return ids[:-1] if len(ids) and ids[-1] == _END else ids


def _text(ids: np.ndarray, vocabulary: Sequence[str]) -> str:
    return text_of([vocabulary[id] for id in _without_end(ids).astype(np.int64).tolist()])


def _read_counts(path: Path) -> tuple[int, int]:
    """Triples counted in `count.json`, and its relations; read in pieces, since it may have 30 million entries.

    Raises:
        DataError: an entry has another form.
    """
    triples = relations = consumed = 0
    rest = b""
    with path.open("rb") as file:
        while len(rest) <= _LONGEST_ENTRY and (chunk := file.read(_CHUNK)):
            rest += chunk
            at = 0
            while entry := _COUNT_ENTRY.match(rest, at):
                at = entry.end()
                relation = int(entry[1])
                if relation >= 0:  # "h,r"; the same triple is counted again under "t,-r-1"
                    triples += int(entry[2]) - _FIRST_COUNT + 1
                    relations = max(relations, relation + 1)
            consumed, rest = consumed + at, rest[at:]
    if rest.strip() not in (b"", b"{}"):
        raise DataError(f"found {rest[:40]!r} at byte {consumed}, expected '\"<entity>,<relation>\": <count>'", path=path)
    return triples, relations

"""Embeddings of many texts, stored on disk in shards that identify their input.

A shard is a safetensors file of consecutive texts. Its name is the hash of the key (model, pooling, truncation, precision)
and of the texts' token ids; its header repeats both in full and is checked on reading. An interrupted run therefore continues
where it stopped, a changed text costs one shard, another model has other shards, and several processes share one folder.

The last bits of a vector may depend on the rest of its batch, mainly on padding. Texts with equal tokens are therefore encoded
once and share one vector, and a text is padded to a length that depends only on its own length. The batch size then changes
neither ties nor, if matrix products process rows independently, any vector.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import hashes_of_folder
from loreweave.corpus.files.writing import atomic_path
from loreweave.encoding.token_table import check_rows
from loreweave.errors import DataError
from loreweave.training.finite import require_finite, require_finite_rows

SHARD_ROWS = 16_384
"""Number of texts per shard: the most that an interruption loses, and the pool that is sorted by length."""

_NAME = "embeddings"
_DIGITS = 32


class TokenizedTexts(Protocol):
    """Texts as token ids, including special tokens and truncation.

    Attributes:
        longest: maximum number of tokens of a text, and of padded texts.
        pad_id: padding of `input_ids`.
    """

    @property
    def longest(self) -> int: ...

    @property
    def pad_id(self) -> int: ...

    def __len__(self) -> int: ...

    def name(self, row: int) -> str:
        """Name of a text in errors: "the entity 'Q1'"."""

    def inputs(self, rows: np.ndarray) -> Inputs:
        """Inputs of chosen texts: `input_ids`, `attention_mask` and what else the encoder needs, padded on the right."""


Inputs = dict[str, np.ndarray]
"""A model's inputs by name.  # each [texts, tokens]"""

Encode = Callable[[Inputs], Tensor]
"""A batch of texts -> their vectors [texts, d], on any device."""


class Embeddings:
    """Vectors of texts [texts, d] in pieces, which may be on disk (memory-mapped: only the parts that are read use memory).

    Args:
        shards: distinct vectors, one piece after another.
        size: d, if there are no pieces.
        places: the vector of each text, if several texts share one: int [texts].
    """

    def __init__(self, shards: Sequence[Tensor], size: int | None = None, places: np.ndarray | None = None) -> None:
        self.shards, self.places = list(shards), places
        self.starts = np.concatenate([[0], np.cumsum([len(shard) for shard in self.shards], dtype=np.int64)])
        self.size = int(self.shards[0].shape[1]) if self.shards else int(size or 0)

    def __len__(self) -> int:
        return int(self.starts[-1]) if self.places is None else len(self.places)

    def rows(self, rows: np.ndarray) -> Tensor:
        """Chosen rows, in their order: int [n] -> float32 [n, d].

        Raises:
            CheckpointError: one of these vectors is not finite.
            IndexError: a row is negative or past the end.
        """
        rows = np.asarray(rows, dtype=np.int64)
        check_rows(rows, len(self))
        if self.places is not None:
            rows = self.places[rows]
        found = torch.empty(len(rows), self.size)
        owners = np.searchsorted(self.starts, rows, side="right") - 1
        for owner in np.unique(owners):
            places = np.flatnonzero(owners == owner)
            inside = torch.from_numpy(rows[places] - self.starts[owner])
            found[torch.from_numpy(places)] = self.shards[owner][inside].float()
        require_finite(found, "the embeddings")
        return found

    def blocks(self, size: int, rows: np.ndarray | None = None) -> Iterator[Tensor]:
        """Consecutive pieces of at most `size` rows, float32, of all vectors or of the chosen `rows`."""
        chosen = np.arange(len(self)) if rows is None else np.asarray(rows)
        for start in range(0, len(chosen), size):
            yield self.rows(chosen[start : start + size])


class EmbeddingCache:
    """Storage of one model's embeddings.

    Args:
        folder: folder of the shards, created if needed; None keeps everything in memory.
        key: everything that a vector depends on except its text: JSON values by name.
        dtype: dtype of the vectors on disk and in memory.
        shard_rows: number of texts per shard.
        share: (number of this process, number of processes): each process encodes its share of the shards.
        wait: called after this process has encoded its share; must return when all processes have.
    """

    def __init__(
        self,
        folder: Path | None,
        key: Mapping[str, Any],
        *,
        dtype: torch.dtype = torch.float32,
        shard_rows: int = SHARD_ROWS,
        share: tuple[int, int] = (0, 1),
        wait: Callable[[], object] = lambda: None,
    ) -> None:
        self.folder = folder
        self.key = json.dumps(dict(key), sort_keys=True)
        self.dtype, self.shard_rows = dtype, shard_rows
        self.share, self.wait = share, wait
        self.encoded = self.reused = 0
        """Number of texts that were encoded, and of texts whose vectors existed."""

    def embed(
        self,
        texts: TokenizedTexts,
        encode: Encode,
        *,
        batch_tokens: int = 16_384,
        advance: Callable[[int], object] | None = None,
    ) -> Embeddings:
        """Vectors of all texts; those in the folder are not encoded again, and equal texts only once.

        Args:
            encode: the model.
            batch_tokens: maximum number of tokens per batch, including padding; a longer text is a batch of its own.
            advance: called with the number of finished texts, for a progress bar.

        Raises:
            CheckpointError: a vector is not finite; it is not stored.
            DataError: a shard is damaged or does not match its name.
        """
        firsts, places = _distinct(texts, self.shard_rows)
        if advance is not None and len(firsts) < len(texts):
            advance(len(texts) - len(firsts))
        shards: list[Tensor | _Shard] = []
        for number, start in enumerate(range(0, len(firsts), self.shard_rows)):
            rows = firsts[start : start + self.shard_rows]
            inputs = texts.inputs(rows)
            work = partial(self._encode, inputs, encode, batch_tokens, advance, texts, rows)
            if self.folder is None:
                shards.append(work())
                continue
            shard = self._shard(inputs)
            shards.append(shard)
            if number % self.share[1] != self.share[0]:
                continue
            if not shard.path.exists():
                self._save(shard, work())
            else:
                self.reused += shard.rows
                if advance is not None:
                    advance(shard.rows)
        self.wait()
        found = [self._read(shard) if isinstance(shard, _Shard) else shard for shard in shards]
        return Embeddings(found, places=places if len(firsts) < len(texts) else None)

    @property
    def _folder(self) -> Path:
        """Paths of the shards with this key."""
        assert self.folder is not None
        return self.folder / hashlib.sha256(self.key.encode()).hexdigest()[:_DIGITS]

    def _shard(self, inputs: Inputs) -> _Shard:
        texts = _hash_of(inputs)
        return _Shard(self._folder / f"{texts[:_DIGITS]}.safetensors", texts, len(inputs["input_ids"]))

    def _save(self, shard: _Shard, vectors: Tensor) -> None:
        with atomic_path(shard.path) as temporary:
            save_file({_NAME: vectors}, temporary, metadata={"key": self.key, "texts": shard.texts})

    def _encode(
        self,
        inputs: Inputs,
        encode: Encode,
        batch_tokens: int,
        advance: Callable[[int], object] | None,
        texts: TokenizedTexts,
        rows: np.ndarray,
    ) -> Tensor:
        """Vectors of distinct texts: the inputs are the `rows` of `texts`."""
        vectors: Tensor | None = None
        widths = np.minimum(padded_lengths(inputs["attention_mask"].sum(1)), texts.longest)
        for batch in batches_by_width(widths, batch_tokens):
            width = int(widths[batch[0]])
            found = encode({name: _cut(cells[batch], width, name, texts.pad_id) for name, cells in inputs.items()})
            if vectors is None:
                vectors = torch.empty(len(widths), found.shape[1], dtype=self.dtype, device=found.device)
            vectors[torch.from_numpy(batch).to(found.device)] = found.to(self.dtype)
            self.encoded += len(batch)
            if advance is not None:
                advance(len(batch))
        assert vectors is not None, "a shard has texts"
        require_finite_rows(vectors, "the embeddings of texts", lambda row: texts.name(int(rows[row])))
        return vectors.cpu()

    def _read(self, shard: _Shard) -> Tensor:
        """Map a shard's vectors into memory."""
        try:
            with safe_open(shard.path, framework="pt") as file:
                said = file.metadata() or {}
                vectors: Tensor = file.get_tensor(_NAME)  # of the mapped file: read when it is used
        except (SafetensorError, OSError) as error:
            raise DataError(f"found no readable shard of embeddings ({error}); delete it", path=shard.path) from None
        for name, wanted in (("key", self.key), ("texts", shard.texts)):
            if said.get(name) != wanted:
                message = f"found a shard of embeddings with the {name} {said.get(name)}, expected {wanted}; delete it"
                raise DataError(message, path=shard.path)
        if len(vectors) != shard.rows or vectors.dtype != self.dtype:
            found = f"{counted(len(vectors), 'vector')} of {vectors.dtype}"
            raise DataError(f"found {found}, expected {shard.rows} of {self.dtype}; delete it", path=shard.path)
        return vectors


@dataclass(frozen=True)
class _Shard:
    path: Path
    texts: str
    """Hash of its texts."""
    rows: int


_WIDTHS_AN_OCTAVE = 16
"""Number of different padded lengths between a power of two and the next: at most one token in 16 is padding."""


def padded_lengths(lengths: np.ndarray) -> np.ndarray:
    """Padded lengths of texts, each by its own length: exact up to 32 tokens, then one of a few lengths.

    Example:
        >>> padded_lengths(np.array([5, 31, 33, 64, 65, 400])).tolist()
        [5, 31, 34, 64, 68, 400]
    """
    steps = np.maximum(1, 2 ** np.floor(np.log2(np.maximum(lengths, 1))).astype(np.int64) // _WIDTHS_AN_OCTAVE)
    padded: np.ndarray = -(-lengths // steps) * steps
    return padded


def batches_by_width(widths: np.ndarray, batch_tokens: int) -> list[np.ndarray]:
    """Batches of indices of texts with equal padded length, the longest first, each of at most `batch_tokens` tokens."""
    order = np.argsort(-widths, kind="stable")
    batches = []
    for group in np.split(order, np.flatnonzero(np.diff(widths[order])) + 1):
        if len(group):
            count = max(1, batch_tokens // max(1, int(widths[group[0]])))
            batches += [group[start : start + count] for start in range(0, len(group), count)]
    return batches


def _cut(cells: np.ndarray, width: int, name: str, pad_id: int) -> np.ndarray:
    """An input [texts, tokens] truncated or padded to `width` tokens."""
    missing = width - cells.shape[1]
    if missing <= 0:
        return cells[:, :width]
    return np.pad(cells, ((0, 0), (0, missing)), constant_values=pad_id if name == "input_ids" else 0)


def _distinct(texts: TokenizedTexts, at_once: int) -> tuple[np.ndarray, np.ndarray]:
    """The first text of every distinct sequence of tokens, ascending, and its index for each text.  # [distinct], [texts]

    Sequences are compared by 128 bits of a hash, so tokens are not kept in memory.
    """
    seen: dict[bytes, int] = {}
    firsts, places = array("q"), np.empty(len(texts), np.int64)
    for start in range(0, len(texts), at_once):
        inputs = texts.inputs(np.arange(start, min(start + at_once, len(texts))))
        lengths = inputs["attention_mask"].sum(1).tolist()
        columns = [np.ascontiguousarray(inputs[name]) for name in sorted(inputs) if name != "attention_mask"]
        for row, length in enumerate(lengths):
            digest = hashlib.blake2b(digest_size=16)
            for column in columns:
                digest.update(column[row, :length].data)
            place = seen.setdefault(digest.digest(), len(firsts))
            if place == len(firsts):
                firsts.append(start + row)
            places[start + row] = place
    return np.array(firsts, np.int64), places


def _hash_of(inputs: Inputs) -> str:
    """SHA-256 over the lengths of the texts and their tokens, without padding."""
    kept = inputs["attention_mask"].astype(bool)
    found = hashlib.sha256(kept.sum(1).astype("<i8").tobytes())
    for name in sorted(inputs):
        found.update(f"{name}\n".encode() + inputs[name][kept].astype("<i8").tobytes())
    return found.hexdigest()


def hash_of_folder(folder: Path) -> str:
    """SHA-256 over the names and contents of a model's files: weights, configuration, tokenizer."""
    lines = [f"{name}\0{digest}\n" for name, digest in hashes_of_folder(folder).items()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()

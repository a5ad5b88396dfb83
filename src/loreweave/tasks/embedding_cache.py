"""Embeddings of many texts, kept on disk in shards that know what they were made of (specs/kepler.md 7.3).

A shard is a safetensors file of consecutive texts. Its name is the hash of the key (model, pooling, truncation, precision)
and of the texts' token ids; its header repeats both in full and is checked when it is read. So an interrupted run goes on
where it stopped, a changed text costs one shard, another model finds nothing, and several processes share one folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from loreweave.corpus.files import atomic_path
from loreweave.errors import DataError
from loreweave.training.finite import require_finite

SHARD_ROWS = 16_384
"""Texts a shard: what an interruption may cost, and the pool in which texts are sorted by length."""

_NAME = "embeddings"
_DIGITS = 32


class TokenizedTexts(Protocol):
    """Texts as token ids, special tokens and truncation included."""

    def __len__(self) -> int: ...

    def inputs(self, start: int, stop: int) -> Inputs:
        """The texts `start` to `stop`: `input_ids`, `attention_mask` and what else the encoder reads, padded on the right."""


Inputs = dict[str, np.ndarray]
"""A model's inputs by name.  # each [texts, tokens]"""

Encode = Callable[[Inputs], Tensor]
"""A batch of texts -> their vectors [texts, d], on any device."""


class Embeddings:
    """Vectors of texts [texts, d] in pieces that may lie on disk (memory-mapped: only what is read takes memory)."""

    def __init__(self, shards: Sequence[Tensor], size: int | None = None) -> None:
        self.shards = list(shards)
        self.starts = np.concatenate([[0], np.cumsum([len(shard) for shard in self.shards], dtype=np.int64)])
        self.size = int(self.shards[0].shape[1]) if self.shards else int(size or 0)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def rows(self, rows: np.ndarray) -> Tensor:
        """Chosen rows, in their order: int [n] -> float32 [n, d].

        Raises:
            CheckpointError: one of these vectors is not finite.
            IndexError: a row is negative or past the end.
        """
        rows = np.asarray(rows, dtype=np.int64)
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"found the rows {rows.min()} to {rows.max()}, expected rows of {len(self)}")
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
    """Where embeddings of one model are kept.

    Args:
        folder: of the shards, made when needed; None keeps nothing, and everything is in memory.
        key: what a vector depends on besides its text: JSON values by name.
        dtype: of the vectors on disk and in memory.
        shard_rows: texts a shard.
        share: (number of this process, number of processes): it encodes every so many-th shard.
        wait: called when this process has encoded its share; must return when all have.
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
        """Texts that were encoded here, and texts whose vectors were there."""

    def embed(
        self,
        texts: TokenizedTexts,
        encode: Encode,
        *,
        batch_tokens: int = 16_384,
        advance: Callable[[int], object] | None = None,
    ) -> Embeddings:
        """Vectors of all texts; those that the folder holds are not encoded again.

        Args:
            encode: the model.
            batch_tokens: most tokens of a batch, padding included; a longer text is a batch alone.
            advance: told the number of texts done, for a progress bar.

        Raises:
            CheckpointError: a vector is not finite; it is not kept.
            DataError: a shard is damaged or is not what its name says.
        """
        shards: list[Tensor | _Shard] = []
        for number, start in enumerate(range(0, len(texts), self.shard_rows)):
            inputs = texts.inputs(start, min(start + self.shard_rows, len(texts)))
            if self.folder is None:
                shards.append(self._encode(inputs, encode, batch_tokens, advance))
                continue
            shard = self._shard(inputs)
            shards.append(shard)
            if number % self.share[1] != self.share[0]:
                continue
            if not shard.path.exists():
                self._save(shard, self._encode(inputs, encode, batch_tokens, advance))
            else:
                self.reused += shard.rows
                if advance is not None:
                    advance(shard.rows)
        self.wait()
        return Embeddings([self._read(shard) if isinstance(shard, _Shard) else shard for shard in shards])

    @property
    def _folder(self) -> Path:
        """Of the shards with this key."""
        assert self.folder is not None
        return self.folder / hashlib.sha256(self.key.encode()).hexdigest()[:_DIGITS]

    def _shard(self, inputs: Inputs) -> _Shard:
        texts = _hash_of(inputs)
        return _Shard(self._folder / f"{texts[:_DIGITS]}.safetensors", texts, len(inputs["input_ids"]))

    def _save(self, shard: _Shard, vectors: Tensor) -> None:
        with atomic_path(shard.path) as temporary:
            save_file({_NAME: vectors}, temporary, metadata={"key": self.key, "texts": shard.texts})

    def _encode(self, inputs: Inputs, encode: Encode, batch_tokens: int, advance: Callable[[int], object] | None) -> Tensor:
        vectors: Tensor | None = None
        lengths = inputs["attention_mask"].sum(1)
        for batch in batches_by_tokens(lengths.tolist(), batch_tokens):
            longest = int(lengths[batch[0]])
            found = encode({name: array[batch, :longest] for name, array in inputs.items()})
            if vectors is None:
                vectors = torch.empty(len(lengths), found.shape[1], dtype=self.dtype, device=found.device)
            vectors[torch.tensor(batch, device=found.device)] = found.to(self.dtype)
            self.encoded += len(batch)
            if advance is not None:
                advance(len(batch))
        assert vectors is not None, "a shard has texts"
        require_finite(vectors, "the embeddings of texts")
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
            found = f"{len(vectors)} vectors of {vectors.dtype}"
            raise DataError(f"found {found}, expected {shard.rows} of {self.dtype}; delete it", path=shard.path)
        return vectors


@dataclass(frozen=True)
class _Shard:
    path: Path
    texts: str
    """Hash of its texts."""
    rows: int


def batches_by_tokens(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Batches of indices, longest texts first: as many texts as fit `batch_tokens` when padded to the first of them."""
    order = np.argsort(-np.asarray(lengths), kind="stable").tolist()
    batches, start = [], 0
    while start < len(order):
        count = max(1, batch_tokens // max(1, lengths[order[start]]))
        batches.append(order[start : start + count])
        start += count
    return batches


def _hash_of(inputs: Inputs) -> str:
    """SHA-256 over the lengths of the texts and their tokens, not over padding."""
    kept = inputs["attention_mask"].astype(bool)
    found = hashlib.sha256(kept.sum(1).astype("<i8").tobytes())
    for name in sorted(inputs):
        found.update(f"{name}\n".encode() + inputs[name][kept].astype("<i8").tobytes())
    return found.hexdigest()


def hash_of_folder(folder: Path) -> str:
    """SHA-256 over the names and contents of a model's files: weights, configuration, tokenizer."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        with open(path, "rb") as file:
            found.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return found.hexdigest()

"""Texts of a knowledge graph's entities and relations, tokenised once.

Tokens are kept without special tokens in flat arrays, in memory or in a folder of memory-mapped files:

    entity_tokens.npy, entity_offsets.npy        one row per entity
    entity_sources.npy                           source of each entity's text, as a number of `SOURCES`
    relation_tokens.npy, relation_offsets.npy    one row per relation, then one row per relation with "inverse" before its text
    manifest.json                                hashes of the input, and the number of entities with each kind of text
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from loreweave.corpus.files.manifests import MANIFEST, read_description
from loreweave.corpus.files.reading import Pathname, read_json
from loreweave.corpus.files.writing import atomic_folder, write_json
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.encoding.entity_texts import (
    SOURCES,
    EntityTextConfig,
    counts_of,
    entity_texts,
    relation_texts,
    text_hashes,
)
from loreweave.encoding.token_table import TokenTable, TokenTableBuilder, TokenTableWriter, open_array
from loreweave.encoding.words.tokenizer import SpecialTokens, WordTokenizer
from loreweave.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["SOURCES", "EntityTextConfig", "GraphTexts"]

FORMAT = "loreweave graph texts"
FORMAT_VERSION = 1
_ROWS_AT_ONCE = 2048  # their tokens are temporarily Python objects

Advance = Callable[[int], object]
Inputs = dict[str, np.ndarray]
"""`input_ids`, `attention_mask` and, for a tokenizer with segments, `token_type_ids`.  # each int64 [texts, longest]"""


class _Frame(NamedTuple):
    """Special tokens around the tokens of a text or of a pair of texts."""

    special: SpecialTokens
    segments: bool


class GraphTexts:
    """Token sequences for rows of a graph, as the tokenizer itself builds them, padded on the right; see `build`.

    Attributes:
        config: settings of the texts.
        coverage: number of entities and relations with each kind of text (`SOURCES`), and number of truncated texts
            (`cut`).
        pad_id: padding of `input_ids`.
        sources: source of each entity's text, as a number of `SOURCES`; 0 for an entity without any text, which has only
            special tokens.  # [entities], uint8
    """

    def __init__(
        self,
        config: EntityTextConfig,
        frame: _Frame,
        entities: TokenTable,
        relations: TokenTable | None,
        sources: np.ndarray,
        coverage: dict[str, Any],
        folder: Path | None = None,
    ) -> None:
        self.config, self.coverage, self.sources = config, coverage, sources
        self.pad_id = frame.special.pad
        self._frame, self._entities, self._relations, self._folder = frame, entities, relations, folder

    @classmethod
    def build(
        cls,
        graph: KnowledgeGraph,
        tokenizer: PreTrainedTokenizerFast,
        config: EntityTextConfig | None = None,
        folder: Pathname | None = None,
        advance: Advance | None = None,
    ) -> Self:
        """Tokenise the texts of a graph, or open the result of an earlier call in `folder`.

        Args:
            folder: folder for the tokens. Default: memory.
            advance: called with the number of finished entities, for a progress bar.

        Raises:
            DataError: an entity lacks its text and `config.missing` is `error`, or `folder` holds the texts of another graph,
                tokenizer or configuration.
            ConfigurationError: `max_length` exceeds the tokenizer's, or `folder` holds something else.
        """
        config = config or EntityTextConfig()
        words = WordTokenizer(tokenizer)
        if words.max_length is not None and config.max_length > words.max_length:
            raise ConfigurationError(
                f"max_length: found {config.max_length}, expected at most the tokenizer's {words.max_length}"
            )
        segments = words.special.second_segment > 0 and "token_type_ids" in tokenizer.model_input_names
        frame = _Frame(words.special, segments)
        if folder is None:
            entities, sources, coverage = _entity_tokens(graph, words, config, TokenTableBuilder(_dtype(words)), advance)
            relations, coverage["relations"] = _relation_tokens(graph, words, config)
            return cls(config, frame, entities, relations, sources, coverage)
        place = Path(folder)
        if (place / MANIFEST).is_file():
            _check_manifest(place, graph, words, config)
        else:
            _write_folder(place, graph, words, config, advance)
        return cls._open(place, config, frame)

    @classmethod
    def _open(cls, folder: Path, config: EntityTextConfig, frame: _Frame) -> Self:
        relations = TokenTable.open(folder, "relation") if config.relation_text else None
        sources, coverage = open_array(folder / "entity_sources.npy"), read_json(folder / MANIFEST)["coverage"]
        return cls(config, frame, TokenTable.open(folder, "entity"), relations, sources, coverage, folder)

    def __reduce__(self) -> tuple[Any, ...]:
        """Workers open the folder again instead of receiving a copy of all tokens."""
        if self._folder is not None:
            return type(self)._open, (self._folder, self.config, self._frame)
        parts = (self.config, self._frame, self._entities, self._relations, self.sources, self.coverage)
        return type(self), parts

    # ---- batches -------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Number of entities."""
        return len(self._entities)

    def inputs(self, start: int, stop: int) -> Inputs:
        """Texts of the entities `start` to `stop`."""
        return self.batch(np.arange(start, stop))

    def batch(self, entity_rows: ArrayLike) -> Inputs:
        """Texts of the entities: `<s> description </s>`, `[CLS] description [SEP]`."""
        return self._single(self._entities, _rows(entity_rows), self.config.max_length)

    def relation_batch(self, relation_rows: ArrayLike) -> Inputs:
        """Texts of the relations: `<s> relation </s>` (KEPLER-Rel).

        Raises:
            ConfigurationError: `config.relation_text` is null.
        """
        return self._single(self._relation_table, _rows(relation_rows), self.config.relation_limit)

    def conditioned(self, entity_rows: ArrayLike, relation_rows: ArrayLike) -> Inputs:
        """Pairs: `<s> description </s> </s> relation </s>`, `[CLS] description [SEP] relation [SEP]` (KEPLER-Cond).

        Raises:
            ConfigurationError: `config.relation_text` is null.
        """
        return self._pair(_rows(entity_rows), _rows(relation_rows))

    def inverse_conditioned(self, entity_rows: ArrayLike, relation_rows: ArrayLike) -> Inputs:
        """The same pairs with "inverse" before the relation's text, for questions about the head (SimKGC)."""
        return self._pair(_rows(entity_rows), _rows(relation_rows) + self.num_relations)

    # ---- lengths -------------------------------------------------------------------------------------------------

    def lengths(self, entity_rows: ArrayLike | None = None) -> np.ndarray:
        """Number of tokens of the texts of `batch`, including special tokens, int64. Default: all entities.  # [entities]"""
        rows = np.arange(len(self)) if entity_rows is None else _rows(entity_rows)
        return np.minimum(self._entities.lengths(rows) + 2, self.config.max_length)

    def longest(self, *, relations: bool = False, pairs: bool = False, inverse: bool = False) -> int:
        """Maximum number of tokens of a sequence: an entity, a relation, and the longest pair, also inverse."""
        longest = int(self.lengths().max(initial=0))
        if self._relations is None or not (relations or pairs):
            return longest
        every = np.arange(self.num_relations * (2 if inverse else 1))
        of_relations = int(self._relations.lengths(every).max(initial=0))
        if relations:
            longest = max(longest, min(of_relations + 2, self.config.relation_limit))
        if pairs:
            together = longest - 2 + of_relations + self._frame.special.count(pair=True)
            longest = max(longest, min(together, self.config.max_length))
        return longest

    # ---- how sequences are put together --------------------------------------------------------------------------

    @property
    def num_relations(self) -> int:
        """Number of relations."""
        return len(self._relation_table) // 2

    @property
    def _relation_table(self) -> TokenTable:
        if self._relations is None:
            raise ConfigurationError("relation_text is null, so the texts of the relations were not tokenised")
        return self._relations

    @property
    def _cuts_sequences(self) -> bool:
        return self.config.truncation == "sequence"

    def _single(self, table: TokenTable, rows: np.ndarray, limit: int) -> Inputs:
        kept = table.lengths(rows)
        if not self._cuts_sequences:
            kept = np.minimum(kept, limit - 2)
        return self._inputs(kept + 2, limit, [(table, rows, kept)])

    def _pair(self, entities: np.ndarray, relations: np.ndarray) -> Inputs:
        first, second = self._pair_lengths(entities, relations)
        total = first + second + self._frame.special.count(pair=True)
        parts = [(self._entities, entities, first), (self._relation_table, relations, second)]
        return self._inputs(total, self.config.max_length, parts)

    def _pair_lengths(self, entities: np.ndarray, relations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Number of tokens of each text in a pair: the relation has as many as alone, the description has the rest."""
        first, second = self._entities.lengths(entities), self._relation_table.lengths(relations)
        if self._cuts_sequences:
            return first, second
        room = self.config.max_length - self._frame.special.count(pair=True)
        second = np.minimum(second, min(self.config.relation_limit - 2, room))
        return np.minimum(first, room - second), second

    def _inputs(self, total: np.ndarray, limit: int, parts: list[tuple[TokenTable, np.ndarray, np.ndarray]]) -> Inputs:
        """Place the texts and their special tokens, then truncate the sequence (no change if texts were truncated)."""
        special, segments = self._frame
        texts, columns = np.arange(len(total)), np.arange(total.max(initial=0))
        ids = np.full((len(total), len(columns)), special.pad, np.int64)
        ids[:, :1] = special.start
        segment_ids = np.zeros_like(ids)
        at = np.ones(len(total), np.int64)
        for number, (table, rows, kept) in enumerate(parts):
            if number:
                if special.double_separator:
                    ids[texts, at] = special.end
                    at += 1
                segment_ids[columns >= at[:, None]] = special.second_segment
            table.place(rows, kept, ids, at)
            at += kept
            ids[texts, at] = special.end
            at += 1
        mask = (columns < total[:, None]).astype(np.int64)
        inputs = {"input_ids": ids, "attention_mask": mask}
        if segments:
            inputs["token_type_ids"] = segment_ids * mask
        return {name: array[:, :limit] for name, array in inputs.items()}


def _rows(rows: ArrayLike) -> np.ndarray:
    return np.asarray(rows, np.int64).reshape(-1)


def _dtype(words: WordTokenizer) -> np.dtype:
    """Smallest dtype that holds every token id."""
    return np.dtype(np.uint16 if words.size <= np.iinfo(np.uint16).max + 1 else np.int32)


def _tokenize(words: WordTokenizer, texts: list[str], config: EntityTextConfig) -> list[list[int]]:
    """Tokens of each text; long texts keep all that a sequence can hold after its first token, so that truncation shows."""
    if words.space_before_text:
        texts = [f" {text}" if text else text for text in texts]
    return [ids[: config.max_length - 1] for ids in words.encode(texts)]


def _entity_tokens(
    graph: KnowledgeGraph, words: WordTokenizer, config: EntityTextConfig, builder: TokenTableBuilder, advance: Advance | None
) -> tuple[TokenTable, np.ndarray, dict[str, Any]]:
    """Tokens, sources and coverage of the entities, a few thousand at a time."""
    sources, cut = [np.zeros(0, np.uint8)], 0
    with builder:
        for texts, of_texts in entity_texts(graph, config, _ROWS_AT_ONCE):
            rows = _tokenize(words, texts, config)
            builder.add(rows)
            sources.append(of_texts)
            cut += sum(len(row) > config.max_length - 2 for row in rows)
            if advance is not None:
                advance(len(rows))
    together = np.concatenate(sources)
    return builder.table(), together, {"entities": {**counts_of(together), "cut": cut}}


def _relation_tokens(
    graph: KnowledgeGraph, words: WordTokenizer, config: EntityTextConfig
) -> tuple[TokenTable | None, dict[str, int] | None]:
    if config.relation_text is None:
        return None, None
    texts, sources = relation_texts(graph, config.relation_text)
    rows = _tokenize(words, texts + [f"inverse {text}".strip() for text in texts], config)
    cut = sum(len(row) > config.relation_limit - 2 for row in rows[: len(texts)])
    return TokenTable.of(rows, _dtype(words)), {**counts_of(sources), "cut": cut}


# ---- the folder ------------------------------------------------------------------------------------------------------


def _write_folder(
    place: Path, graph: KnowledgeGraph, words: WordTokenizer, config: EntityTextConfig, advance: Advance | None
) -> None:
    with atomic_folder(place) as folder:
        writer = TokenTableWriter(folder, "entity", _dtype(words))
        _, sources, coverage = _entity_tokens(graph, words, config, writer, advance)
        np.save(folder / "entity_sources.npy", sources)
        relations, coverage["relations"] = _relation_tokens(graph, words, config)
        if relations is not None:
            relations.save(folder, "relation")
        manifest = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            **_made_of(graph, words, config),
            "coverage": coverage,
        }
        write_json(folder / MANIFEST, manifest)


def _check_manifest(folder: Path, graph: KnowledgeGraph, words: WordTokenizer, config: EntityTextConfig) -> None:
    """Raise a `DataError` that names the input of the folder's texts and the expected input."""
    path = folder / MANIFEST
    manifest = read_description(path, FORMAT, FORMAT_VERSION)
    wanted = _made_of(graph, words, config)
    for name, expected in wanted.items():
        if (found := manifest[name]) != expected:
            advice = "give another folder, or remove this one to build it again"
            raise DataError(
                f"built from other {_WORDS[name]}: found {found}, expected {expected}; {advice}", path=path, field=name
            )


def _made_of(graph: KnowledgeGraph, words: WordTokenizer, config: EntityTextConfig) -> dict[str, Any]:
    return {"config": config.of_tokens(), "tokenizer": _tokenizer_hash(words), "texts": text_hashes(graph)}


_WORDS = {"config": "settings", "tokenizer": "tokens", "texts": "texts of the graph"}


def _tokenizer_hash(words: WordTokenizer) -> str:
    content = f"{words.backend.to_str()} {words.special} {words.space_before_text}"
    return hashlib.sha256(content.encode()).hexdigest()

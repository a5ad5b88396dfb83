"""Tokenizer of texts and character spans for models of words and entities (LUKE, mLUKE and related models)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from loreweave.corpus.counts import counted
from loreweave.corpus.entity_vocabulary import MASK2, EntityVocabulary
from loreweave.corpus.files.reading import Pathname
from loreweave.encoding.assembly import Limits, TokenizedText, assemble
from loreweave.encoding.encoded_text import MENTIONS_OF, TASKS, EncodedText, Span, Task
from loreweave.encoding.inputs import (
    Entities,
    Spans,
    add_entities,
    check_choice,
    check_number_of_mentions,
    check_spans,
)
from loreweave.encoding.words.pieces import PIECE_RULES, CutText, PieceRule, cut_at_spans
from loreweave.encoding.words.tokenizer import MARKER_TOKENS, WordTokenizer, sentencepiece_file
from loreweave.encoding.words.truncation import TRUNCATIONS, Truncation
from loreweave.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerFast

    from loreweave.encoding.collation import EntityBatch


class EntityTokenizer:
    """Tokenizes texts with mentions. Ids equal those of transformers' LukeTokenizer (4 and 5) and MLukeTokenizer (4).

    A text is split at every boundary of a mention and its pieces are tokenized separately, so that a mention always consists of
    whole tokens. Works with any fast tokenizer: byte-level BPE, SentencePiece, WordPiece.

    Args:
        tokenizer: fast tokenizer of transformers; copied, so later changes to it have no effect here.
        entity_vocabulary: titles and ids of the entities, separate from the words.
        max_mention_length: maximum number of word positions per mention; further positions are not averaged.
        max_entity_length: maximum number of mentions per text (or pair).
        max_length: maximum number of word tokens per text (or pair), including special tokens. Default: the tokenizer's
            `model_max_length` if it has one, otherwise no limit.
        entity_token_1: marker around the mention of a typing task and around the head of a relation.
        entity_token_2: marker around the tail of a relation.
        piece_rule: rule for splitting texts (see `pieces.cut_at_spans`); saved with the tokenizer.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        entity_vocabulary: EntityVocabulary,
        *,
        max_mention_length: int = 30,
        max_entity_length: int = 128,
        max_length: int | None = None,
        entity_token_1: str = MARKER_TOKENS[0],
        entity_token_2: str = MARKER_TOKENS[1],
        piece_rule: PieceRule = "boundary",
    ) -> None:
        check_choice("piece_rule", piece_rule, PIECE_RULES)
        if max_mention_length < 1 or max_entity_length < 1:
            raise ConfigurationError(f"found limits {max_mention_length}, {max_entity_length}, expected at least 1")
        self.words = WordTokenizer(tokenizer)
        self.entity_vocabulary = entity_vocabulary
        self.max_mention_length = max_mention_length
        self.max_entity_length = max_entity_length
        self.max_length = self.words.max_length if max_length is None else max_length
        self.entity_token_1, self.entity_token_2 = entity_token_1, entity_token_2
        self.piece_rule: PieceRule = piece_rule
        self.source_model: Path | None = sentencepiece_file(tokenizer)

    # ---- reading and writing -------------------------------------------------------------------------------------

    @classmethod
    def from_pretrained(cls, path: Pathname, entities: EntityVocabulary | None = None) -> EntityTokenizer:
        """Load a folder of ours or of transformers 4 or 5, or a model on the Hub; `entities` if it has no entity vocabulary."""
        from loreweave.encoding.loading import read_entity_tokenizer

        found = read_entity_tokenizer(path, entities)
        tokenizer = cls(found.words, found.entity_vocabulary, **found.options)
        tokenizer.source_model = found.sentencepiece_file or tokenizer.source_model
        found.check_sizes(tokenizer.word_vocabulary_size)
        return tokenizer

    def save_pretrained(self, directory: Pathname) -> None:
        """Write the files that loreweave, transformers 4 and transformers 5 read, each atomically."""
        from loreweave.encoding.saving import save_entity_tokenizer

        save_entity_tokenizer(self, directory)

    @property
    def word_tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer of the words for transformers, without entities: a new copy on each call, which may be changed."""
        tokenizer = self.words.to_hugging_face()
        if self.source_model is not None:
            tokenizer.sentencepiece_file = self.source_model  # a tokenizer built on this one saves it too
        return tokenizer

    # ---- encoding ------------------------------------------------------------------------------------------------

    def encode(
        self,
        text: str,
        spans: Spans = (),
        entities: Entities | None = None,
        *,
        task: Task | None = None,
        text_pair: str | None = None,
        spans_pair: Spans = (),
        entities_pair: Entities | None = None,
        max_length: int | None = None,
        truncation: Truncation = "longest_first",
        piece_rule: PieceRule | None = None,
        language: str | None = None,
        with_offsets: bool = False,
    ) -> EncodedText:
        """Encode one text (or pair); arguments are those of `encode_batch` for one text. Batches are much faster."""
        pair = text_pair is not None
        return self.encode_batch(
            [text],
            [spans],
            None if entities is None else [entities],
            task=task,
            text_pairs=[text_pair] if text_pair is not None else None,
            spans_pair=[spans_pair] if pair else None,
            entities_pair=[entities_pair] if pair and entities_pair is not None else None,
            max_length=max_length,
            truncation=truncation,
            piece_rule=piece_rule,
            language=language,
            with_offsets=with_offsets,
        )[0]

    def encode_batch(
        self,
        texts: Sequence[str],
        spans: Sequence[Spans] | None = None,
        entities: Sequence[Entities | None] | None = None,
        *,
        task: Task | None = None,
        text_pairs: Sequence[str] | None = None,
        spans_pair: Sequence[Spans] | None = None,
        entities_pair: Sequence[Entities | None] | None = None,
        max_length: int | None = None,
        truncation: Truncation = "longest_first",
        piece_rule: PieceRule | None = None,
        language: str | None = None,
        with_offsets: bool = False,
    ) -> list[EncodedText]:
        """Encode texts (or pairs of texts), all pieces in one call of the backend.

        Args:
            texts: the texts.
            spans: mentions of each text as (start, end) characters.
            entities: for each mention of each text a title, an id, or None for `[MASK]`. A title that is not in the
                vocabulary becomes `[UNK]` and is counted. Default: `[MASK]` everywhere.
            task: None; `entity_classification`: one mention per text, `<ent>` on both sides;
                `entity_pair_classification`: head and tail, `<ent>` and `<ent2>`, entities `[MASK]` and `[MASK2]`;
                `entity_span_classification`: candidate mentions without markers.
            text_pairs: second texts (not with a task).
            spans_pair: mentions of the second texts; their entities follow those of the first.
            entities_pair: entities of the second texts.
            max_length: maximum number of word tokens with special tokens. Default: that of the tokenizer.
            truncation: text of a pair that is truncated.
            piece_rule: rule for splitting texts. Default: that of the tokenizer.
            language: language of the titles, if the vocabulary has several.
            with_offsets: also return the characters of each token (slower).

        Raises:
            DataError: a span outside its text, a wrong number of spans or entities, an id outside the vocabulary.
            ConfigurationError: an argument is wrong, or a marker or `[MASK2]` is missing.
        """
        check_choice("truncation", truncation, TRUNCATIONS)
        rule = piece_rule or self.piece_rule
        check_choice("piece_rule", rule, PIECE_RULES)
        marker_ids, task_entities = self._prepare_task(task, pair=text_pairs is not None, entities=entities)
        checked = check_spans(texts, spans, "spans")
        if task in MENTIONS_OF:
            check_number_of_mentions(checked, MENTIONS_OF[task], task)
            entities = [task_entities] * len(texts)
        if text_pairs is not None:
            checked += check_spans(text_pairs, spans_pair, "spans_pair")
            if len(text_pairs) != len(texts):
                raise DataError(f"found {counted(len(text_pairs), 'second text')}, expected {len(texts)}")
        tokenized = self._tokenize([*texts, *(text_pairs or ())], checked, rule, with_offsets)
        first, second = tokenized[: len(texts)], tokenized[len(texts) :]
        add_entities(first, entities, self.entity_vocabulary, language, "entities")
        if text_pairs is not None:
            add_entities(second, entities_pair, self.entity_vocabulary, language, "entities_pair")
        limits, with_ends = self._limits(max_length, len(marker_ids)), task == "entity_span_classification"
        return [
            assemble(one, other, self.words.special, limits, marker_ids=marker_ids, truncation=truncation, with_ends=with_ends)
            for one, other in zip_longest(first, second)
        ]

    def tokenize_pieces(self, pieces: Sequence[str], *, leading_space: bool | Sequence[bool] = False) -> list[list[int]]:
        """Word ids of strings (words, fields), without special tokens.

        Args:
            pieces: the strings.
            leading_space: put a space in front (of all, or of each) if the tokenizer distinguishes this.
        """
        wanted = [leading_space] * len(pieces) if isinstance(leading_space, bool) else leading_space
        spaced = [
            " " + piece if space and self.words.leading_space and piece and not piece[0].isspace() else piece
            for piece, space in zip(pieces, wanted, strict=True)
        ]
        return [list(ids) for ids in self.words.encode(spaced)]

    def pad(self, encoded: Sequence[EncodedText], pad_to_multiple_of: int | None = None) -> dict[str, Tensor]:
        """Pad to tensors with transformers' names; see `collation.pad_encoded_texts`."""
        from loreweave.encoding.collation import pad_encoded_texts

        return pad_encoded_texts(
            encoded,
            word_pad_id=self.pad_token_id,
            entity_pad_id=self.entity_vocabulary.pad_id,
            max_mention_length=self.max_mention_length,
            pad_to_multiple_of=pad_to_multiple_of,
        )

    def __call__(
        self,
        texts: Sequence[str],
        entity_spans: Sequence[Spans] | None = None,
        entities: Sequence[Entities | None] | None = None,
        *,
        task: Task | None = None,
        text_pairs: Sequence[str] | None = None,
        entity_spans_pair: Sequence[Spans] | None = None,
        entities_pair: Sequence[Entities | None] | None = None,
        max_length: int | None = None,
        truncation: Truncation = "longest_first",
        piece_rule: PieceRule | None = None,
        language: str | None = None,
        pad_to_multiple_of: int | None = None,
    ) -> EntityBatch:
        """Encode (as `encode_batch`) and pad: a dictionary of tensors with `.report` and `.kept`."""
        from loreweave.encoding.collation import EntityBatch

        encoded = self.encode_batch(
            texts,
            entity_spans,
            entities,
            task=task,
            text_pairs=text_pairs,
            spans_pair=entity_spans_pair,
            entities_pair=entities_pair,
            max_length=max_length,
            truncation=truncation,
            piece_rule=piece_rule,
            language=language,
        )
        return EntityBatch.of(encoded, self.pad(encoded, pad_to_multiple_of))

    # ---- ids -----------------------------------------------------------------------------------------------------

    @property
    def word_vocabulary_size(self) -> int:
        """Number of rows of the word embedding table: the largest word id + 1."""
        return self.words.size

    @property
    def pad_token_id(self) -> int:
        """Id of the word padding."""
        return self.words.special.pad

    @property
    def mask_token_id(self) -> int | None:
        """Id of the word mask, None if the tokenizer has none."""
        return self.words.id_of(self.words.named_tokens.get("mask_token", ""))

    def __repr__(self) -> str:
        return (
            f"EntityTokenizer({self.words.class_name}, {self.word_vocabulary_size} words, "
            f"{len(self.entity_vocabulary)} entities, max_length={self.max_length})"
        )

    # ---- steps ---------------------------------------------------------------------------------------------------

    def _limits(self, max_length: int | None, mentions: int = 0) -> Limits:
        words = self.max_length if max_length is None else max_length
        return Limits(words, max(self.max_entity_length, mentions), self.max_mention_length)

    def _prepare_task(self, task: Task | None, pair: bool, entities: object) -> tuple[list[int], list[int]]:
        """Ids of the markers and of the entities that a task inserts."""
        if task is None:
            return [], []
        check_choice("task", task, TASKS)
        if pair:
            raise ConfigurationError(f"found a pair of texts with task={task!r}, expected single texts")
        if task not in MENTIONS_OF:
            return [], []
        if entities is not None:
            raise ConfigurationError(f"found entities with task={task!r}, which sets them itself; expected None")
        markers = [self.entity_token_1, self.entity_token_2][: MENTIONS_OF[task]]
        ids = [self.words.id_of(marker) for marker in markers]
        if None in ids:
            raise ConfigurationError(
                f"found a tokenizer without the marker tokens {markers}, expected them for task={task!r}: "
                "call loreweave.encoding.add_marker_tokens and resize the word embeddings"
            )
        mask2 = self.entity_vocabulary.mask2_id
        if len(markers) == 2 and mask2 is None:
            raise ConfigurationError(
                f"found an entity vocabulary without {MASK2}, expected one for task={task!r}: use "
                "EntityVocabulary.with_mask2() and resize the entity embeddings"
            )
        entity_ids = [self.entity_vocabulary.mask_id, mask2][: len(markers)]
        return [id for id in ids if id is not None], [id for id in entity_ids if id is not None]

    def _tokenize(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]], rule: PieceRule, with_offsets: bool
    ) -> list[TokenizedText]:
        cuts = [
            cut_at_spans(
                text,
                text_spans,
                rule,
                leading_space=rule == "legacy" and self.words.leading_space,
                space_before_text=self.words.space_before_text,
            )
            for text, text_spans in zip(texts, spans, strict=True)
        ]
        pieces = [piece for cut in cuts for piece in cut.pieces]
        if not with_offsets:
            ids = iter(self.words.encode(pieces))
            return [_join(cut, ids, text_spans) for cut, text_spans in zip(cuts, spans, strict=True)]
        piece_ids, piece_offsets = self.words.encode_with_offsets(pieces)
        ids, offsets = iter(piece_ids), iter(piece_offsets)
        joined = [_join(cut, ids, text_spans) for cut, text_spans in zip(cuts, spans, strict=True)]
        for text, cut in zip(joined, cuts, strict=True):
            text.offsets = [(max(0, start + at), end + at) for at in cut.starts for start, end in next(offsets)]
        return joined


def _join(cut: CutText, piece_ids: Iterator[list[int]], spans: Sequence[Span]) -> TokenizedText:
    """Concatenate the words of a text's pieces, which are next in `piece_ids`."""
    ids = list(islice(piece_ids, len(cut.pieces)))
    before = list(accumulate(map(len, ids), initial=0))
    place = cut.pieces_before
    token_spans = [(before[place[start]], before[place[end]]) for start, end in spans]
    return TokenizedText([id for piece in ids for id in piece], token_spans, indices=list(range(len(spans))))

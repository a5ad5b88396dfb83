"""Result of encoding one text, and counts of everything that did not fit."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Literal

from loreweave.corpus.counts import tallied_fields

Span = tuple[int, int]
Task = Literal["entity_classification", "entity_pair_classification", "entity_span_classification"]
TASKS: tuple[Task, ...] = ("entity_classification", "entity_pair_classification", "entity_span_classification")
# Tasks that mark a fixed number of mentions.
MENTIONS_OF: dict[str | None, int] = {"entity_classification": 1, "entity_pair_classification": 2}


@dataclass(frozen=True, slots=True)
class EncodingReport:
    """Counts over encoded texts. Reports add up: `sum(reports, EncodingReport())`.

    Attributes:
        texts: number of encoded texts (or pairs).
        texts_truncated: number of texts that lost words.
        tokens_dropped: number of word tokens lost by truncation.
        mentions: number of given mentions.
        mentions_kept: number of mentions in the output.
        mentions_cut: number of kept mentions with missing tokens: they are longer than `max_mention_length`, or
            a window around the mentions shortened them.
        dropped_by_truncation: number of mentions that were not wholly inside the remaining words.
        dropped_by_entity_limit: number of mentions beyond `max_entity_length`.
        dropped_without_tokens: number of mentions of white space or of characters that the tokenizer removes.
        unknown_entities: number of entities whose title is not in the vocabulary; they became `[UNK]`.
    """

    texts: int = 0
    texts_truncated: int = 0
    tokens_dropped: int = 0
    mentions: int = 0
    mentions_kept: int = 0
    mentions_cut: int = 0
    dropped_by_truncation: int = 0
    dropped_by_entity_limit: int = 0
    dropped_without_tokens: int = 0
    unknown_entities: int = 0

    def __add__(self, other: EncodingReport) -> EncodingReport:
        return EncodingReport(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)

    def of_losses(self) -> str:
        """The counts of what did not fit, in words; empty if everything did."""
        losses = replace(self, texts=0, mentions=0, mentions_kept=0)
        return "" if losses == EncodingReport() else str(self)

    def __str__(self) -> str:
        """Every count that is not zero, in words."""
        return tallied_fields(self.as_dict()) or "nothing"


@dataclass(slots=True)
class EncodedText:
    """One encoded text (or pair) as lists, unpadded. Names are those of transformers.

    Attributes:
        input_ids: word ids with special tokens and markers. [words]
        token_type_ids: segment of each word. [words]
        entity_ids: [entities]
        entity_position_ids: positions of each mention in `input_ids`, at most `max_mention_length` each.
        entity_token_type_ids: segment of each entity. [entities]
        entity_start_positions: position of each mention's first token, [entities]; None except for span classification.
        entity_end_positions: position of each mention's last token, inclusive, even beyond the cut; None likewise.
        kept: index in the given spans of each entity of the first text, in the given order.
        kept_pair: the same for the second text, whose entities follow those of the first.
        second_start: position of the first token of the second text; None for a single text.
        offsets: characters of its own text that each word token covers, without surrounding white space; None for
            special tokens and markers. None as a whole unless requested.
        report: counts of what was cut and dropped.
    """

    input_ids: list[int]
    token_type_ids: list[int]
    entity_ids: list[int]
    entity_position_ids: list[list[int]]
    entity_token_type_ids: list[int]
    kept: list[int]
    entity_start_positions: list[int] | None = None
    entity_end_positions: list[int] | None = None
    kept_pair: list[int] = field(default_factory=list)
    second_start: int | None = None
    offsets: list[Span | None] | None = None
    report: EncodingReport = EncodingReport()

    def __len__(self) -> int:
        """Number of word tokens."""
        return len(self.input_ids)

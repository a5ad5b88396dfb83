"""Assembles the input sequence of a model from word ids and token spans: markers, truncation, special tokens, positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from loreweave.encoding.encoded_text import EncodedText, EncodingReport, Span
from loreweave.encoding.markers import place_markers
from loreweave.encoding.words.tokenizer import SpecialTokens
from loreweave.encoding.words.truncation import Truncation, lengths_within, window_on_mentions
from loreweave.errors import ConfigurationError


@dataclass(slots=True)
class TokenizedText:
    """Word ids of one text, with its mentions as token spans (start, end exclusive).

    Attributes:
        indices: index of each mention in the given spans.
        offsets: characters of each token, None for markers; None as a whole unless requested.
        unknown: number of entities whose title is not in the vocabulary.
        shortened: mentions (indices in `spans`) that a window has cut.
    """

    word_ids: list[int]
    spans: list[Span] = field(default_factory=list)
    entity_ids: list[int] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    offsets: list[Span | None] | None = None
    unknown: int = 0
    shortened: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Limits:
    """Maximum numbers of word tokens with special tokens (None: no limit), of entities, and of positions per mention."""

    words: int | None
    entities: int
    mention: int


def mark_mentions(text: TokenizedText, marker_ids: Sequence[int], room: int | None) -> TokenizedText:
    """Put markers around the mentions and, if the result exceeds `room` tokens, keep a window around the mentions."""
    markers = place_markers(text.spans, marker_ids)
    words, spans, offsets = markers.weave(text.word_ids, int), markers.spans, text.offsets
    if offsets is not None:
        offsets = markers.weave(offsets, lambda _: None)
    shortened: frozenset[int] = frozenset()
    if room is not None and len(words) > room:
        kept = window_on_mentions(len(words), spans, room)
        place = {old: new for new, old in enumerate(kept)}
        windowed = [(place[start], place[end - 1] + 1) for start, end in spans]
        shortened = frozenset(
            m for m, (old, new) in enumerate(zip(spans, windowed, strict=True)) if old[1] - old[0] != new[1] - new[0]
        )
        words, spans = [words[old] for old in kept], windowed
        offsets = None if offsets is None else [offsets[old] for old in kept]
    return TokenizedText(words, spans, text.entity_ids, text.indices, offsets, text.unknown, shortened)


def assemble(
    first: TokenizedText,
    second: TokenizedText | None,
    special: SpecialTokens,
    limits: Limits,
    *,
    marker_ids: Sequence[int] = (),
    truncation: Truncation = "longest_first",
    with_ends: bool = False,
) -> EncodedText:
    """Build one model input.

    With `marker_ids` (typing and relations), a long text is cut to a window that keeps all mentions. Without, the end is
    cut off, and mentions that are not wholly inside the rest are dropped.

    Raises:
        ConfigurationError: `limits.words` leaves no room for words.
    """
    overhead = special.count(second is not None)
    room = None if limits.words is None else limits.words - overhead
    if room is not None and room < 0:
        raise ConfigurationError(f"found max_length={limits.words}, expected at least {overhead} for special tokens")
    given = [text for text in (first, second) if text is not None]
    before = sum(len(text.word_ids) for text in given)
    if marker_ids:
        before += 2 * len(marker_ids)
        first = mark_mentions(first, marker_ids, room)
    lengths = (len(first.word_ids), len(second.word_ids) if second else 0)
    if room is not None:
        lengths = lengths_within(*lengths, room, truncation)
    words = first.word_ids if lengths[0] == len(first.word_ids) else first.word_ids[: lengths[0]]
    second_words = None if second is None else second.word_ids[: lengths[1]]
    ids = special.around(words, second_words)
    second_start = None if second is None else len(ids) - 1 - lengths[1]
    encoded = EncodedText(ids, [0] * len(ids), [], [], [], [], second_start=second_start)
    if with_ends:
        encoded.entity_start_positions, encoded.entity_end_positions = [], []
    counts = _Counts(limits.entities)
    counts.add(encoded, first, 1, lengths[0], limits.mention, encoded.kept, segment=0)
    if second is not None and second_start is not None:
        segment = special.second_segment
        if segment:
            encoded.token_type_ids[second_start:] = [segment] * (lengths[1] + 1)
        counts.add(encoded, second, second_start, lengths[1], limits.mention, encoded.kept_pair, segment=segment)
    if first.offsets is not None:
        encoded.offsets = _place_offsets(len(ids), ((first, 1), (second, second_start)), lengths)
    lost = before - sum(lengths)
    encoded.report = EncodingReport(
        texts=1,
        texts_truncated=int(lost > 0),
        tokens_dropped=lost,
        mentions=sum(len(text.spans) for text in given),
        mentions_kept=len(encoded.entity_ids),
        mentions_cut=counts.cut,
        dropped_by_truncation=counts.truncated,
        dropped_by_entity_limit=counts.too_many,
        dropped_without_tokens=counts.empty,
        unknown_entities=sum(text.unknown for text in given),
    )
    return encoded


@dataclass(slots=True)
class _Counts:
    """Appends mentions to an encoded text and counts those that do not fit."""

    room: int
    cut: int = 0
    truncated: int = 0
    too_many: int = 0
    empty: int = 0

    def add(
        self,
        encoded: EncodedText,
        text: TokenizedText,
        offset: int,
        length: int,
        max_mention_length: int,
        kept: list[int],
        segment: int,
    ) -> None:
        """Append the mentions of `text`, whose first token is at `offset` and which keeps `length` tokens."""
        for mention, ((start, end), entity, index) in enumerate(zip(text.spans, text.entity_ids, text.indices, strict=True)):
            if start == end:
                self.empty += 1
            elif end > length:
                self.truncated += 1
            elif self.room == 0:
                self.too_many += 1
            else:
                self.room -= 1
                self.cut += end - start > max_mention_length or mention in text.shortened
                encoded.entity_ids.append(entity)
                encoded.entity_position_ids.append(list(range(start + offset, min(end, start + max_mention_length) + offset)))
                encoded.entity_token_type_ids.append(segment)
                if encoded.entity_start_positions is not None and encoded.entity_end_positions is not None:
                    encoded.entity_start_positions.append(start + offset)
                    encoded.entity_end_positions.append(end + offset - 1)
                kept.append(index)


def _place_offsets(
    length: int, texts: Sequence[tuple[TokenizedText | None, int | None]], lengths: Sequence[int]
) -> list[Span | None]:
    placed: list[Span | None] = [None] * length
    for (text, start), kept in zip(texts, lengths, strict=True):
        if text is not None and start is not None and text.offsets is not None:
            placed[start : start + kept] = text.offsets[:kept]
    return placed

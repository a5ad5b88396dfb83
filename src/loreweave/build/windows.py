"""Builds windows of whole sentences, with the sub-word ranges of their linked mentions, from annotated texts."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TypeVar

from loreweave.build.sentence_tokenizer import SentenceTokenizer, SubWords
from loreweave.build.sentences import split_sentences
from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.rows import Span, trimmed
from loreweave.corpus.files.surrogates import replace_halves
from loreweave.errors import ConfigurationError

NO_PAGE = -1
_ODD_SPACE = re.compile(r"[^\S ]|\s\s")
_SPACES = re.compile(r"\s+")
_AnySpan = TypeVar("_AnySpan", tuple[int, int], tuple[int, int, int])


@dataclass(frozen=True)
class WindowSettings:
    """Limits and settings of windows.

    Args:
        max_length: maximum number of sub-words, including `special_tokens` places for the encoder's own.
        max_entities: maximum number of linked mentions; later ones are dropped.
        max_mention_length: maximum number of sub-words per mention; longer ones are truncated.
        min_sentence_length: minimum number of sub-words per sentence; shorter ones are dropped.
        special_tokens: number of places for special tokens.
        include_windows_without_entities: keep windows without linked mentions.
        include_unknown_entities: a link to a title outside the vocabulary becomes `[UNK]` instead of being dropped.
        language: language of all texts; None for each text's own.
        paragraph_kinds: kinds of paragraphs to use, if `metadata["paragraphs"]` has kinds.
    """

    max_length: int = 512
    max_entities: int = 128
    max_mention_length: int = 30
    min_sentence_length: int = 5
    special_tokens: int = 2
    include_windows_without_entities: bool = False
    include_unknown_entities: bool = False
    language: str | None = None
    paragraph_kinds: tuple[str, ...] = ("p",)

    def __post_init__(self) -> None:
        """Refuse limits that leave no room."""
        for name in ("max_entities", "max_mention_length"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"--{name.replace('_', '-')}: found {getattr(self, name)}, expected at least 1")
        if self.room < max(1, self.min_sentence_length):
            message = f"found --max-length {self.max_length} with --min-sentence-length {self.min_sentence_length}"
            raise ConfigurationError(f"{message}, which leaves no room for a sentence")

    @property
    def room(self) -> int:
        """Maximum number of sub-words of text."""
        return self.max_length - self.special_tokens


@dataclass(slots=True)
class Window:
    """One row of a pre-training set: positions are sub-words of the window, without special tokens."""

    text_id: str
    page_entity_id: int
    word_ids: list[int] = field(default_factory=list)
    entity_ids: list[int] = field(default_factory=list)
    entity_starts: list[int] = field(default_factory=list)
    entity_lengths: list[int] = field(default_factory=list)


@dataclass
class BuildReport:
    """Counts of what was read, kept and left out. `mentions` = `mentions_kept` + all `mentions_dropped_*`."""

    texts: int = 0
    characters: int = 0
    characters_replaced: int = 0
    paragraphs: int = 0
    paragraphs_dropped_kind: int = 0
    sentences: int = 0
    sentences_dropped_short: int = 0
    sentences_dropped_long: int = 0
    windows: int = 0
    windows_dropped_without_entities: int = 0
    sub_words: int = 0
    sub_words_unknown: int = 0
    mentions: int = 0
    mentions_kept: int = 0
    mentions_kept_as_unknown: int = 0
    mentions_kept_cut: int = 0
    mentions_dropped_unlinked: int = 0
    mentions_dropped_unknown: int = 0
    mentions_dropped_outside_paragraphs: int = 0
    mentions_dropped_with_sentence: int = 0
    mentions_dropped_without_sub_words: int = 0
    mentions_dropped_over_limit: int = 0

    def add(self, other: BuildReport) -> None:
        """Add the counts of another part."""
        for name in (item.name for item in fields(self)):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def to_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


@dataclass(slots=True)
class _Sentence:
    text: str
    spaced: bool
    mentions: list[tuple[int, int, int]]  # start, end in characters of the sentence; entity id


@dataclass(frozen=True)
class WindowMaker:
    """Builds windows of texts; usable in another process."""

    tokenizer: SentenceTokenizer
    vocabulary: EntityVocabulary
    settings: WindowSettings

    def __call__(self, texts: Sequence[AnnotatedText]) -> tuple[list[Window], BuildReport]:
        """Windows of some texts, in order, and the counts. All sentences are tokenised in one batch."""
        report = BuildReport()
        by_text = [list(self._sentences(text, report)) for text in texts]
        sentences = [sentence for group in by_text for sentence in group]
        encoded = self.tokenizer.encode(
            [sentence.text for sentence in sentences],
            [sentence.spaced for sentence in sentences],
            [bool(sentence.mentions) for sentence in sentences],
        )
        windows: list[Window] = []
        for text, group in zip(texts, by_text, strict=True):
            page = self.vocabulary.id_in_any_spelling(text.title, self.settings.language or text.language)
            page_id = NO_PAGE if page is None else page
            windows += self._pack(text.id, page_id, ((sentence, next(encoded)) for sentence in group), report)
        return windows, report

    def _sentences(self, text: AnnotatedText, report: BuildReport) -> Iterator[_Sentence]:
        """Sentences of a text with the mentions that have an entity id."""
        language = self.settings.language or text.language
        content, replaced = replace_halves(text.text)  # tokenizers refuse unpaired surrogates; same length
        report.texts += 1
        report.characters += len(content)
        report.characters_replaced += replaced
        report.mentions += len(text.mentions)
        links = sorted(self._links(text, language, report))
        whole = sorted((mention.start, mention.end) for mention in text.mentions)
        used = 0
        for start, end in self._paragraphs(text, report):
            inside = [(first - start, last - start) for first, last in _within(whole, start, end)]
            for first, last in split_sentences(content[start:end], language, inside):
                first, last = start + first, start + last
                mentions = [(s - first, e - first, id) for s, e, id in _within(links, first, last)]
                used += len(mentions)
                spaced = first == start or content[first - 1].isspace()
                report.sentences += 1
                yield _single_spaces(_Sentence(content[first:last], spaced, mentions))
        report.mentions_dropped_outside_paragraphs += len(links) - used

    def _links(self, text: AnnotatedText, language: str | None, report: BuildReport) -> Iterator[tuple[int, int, int]]:
        """(start, end, entity id) of the mentions that link to an entity of the vocabulary, or to `[UNK]`."""
        for mention in text.mentions:
            if mention.entity is None:
                report.mentions_dropped_unlinked += 1
                continue
            id = self.vocabulary.id_in_any_spelling(mention.entity, language)
            # Sentences have no surrounding white space; a blank mention stays as it is and has no sub-words.
            start, end = trimmed(text.text, mention.start, mention.end)
            start = start if start < end else mention.start
            if id is not None:
                yield start, end, id
            elif self.settings.include_unknown_entities:
                yield start, end, self.vocabulary.unk_id
            else:
                report.mentions_dropped_unknown += 1

    def _paragraphs(self, text: AnnotatedText, report: BuildReport) -> Iterator[Span]:
        """Spans of the paragraphs: `metadata["paragraphs"]`. Default: the lines."""
        rows = text.metadata.get("paragraphs")
        for start, end, *kind in _lines(text.text) if rows is None else rows:
            if kind and kind[0] not in self.settings.paragraph_kinds:
                report.paragraphs_dropped_kind += 1
                continue
            report.paragraphs += 1
            yield start, end

    def _pack(
        self, text_id: str, page_id: int, sentences: Iterator[tuple[_Sentence, SubWords]], report: BuildReport
    ) -> Iterator[Window]:
        """Fill windows greedily with whole sentences of one text."""
        window = Window(text_id, page_id)
        for sentence, sub_words in sentences:
            length = len(sub_words.ids)
            if length > self.settings.room or length < max(1, self.settings.min_sentence_length):
                name = "long" if length > self.settings.room else "short"
                setattr(report, f"sentences_dropped_{name}", getattr(report, f"sentences_dropped_{name}") + 1)
                report.mentions_dropped_with_sentence += len(sentence.mentions)
                continue
            if len(window.word_ids) + length > self.settings.room:
                yield from self._finish(window, report)
                window = Window(text_id, page_id)
            self._append(window, sentence, sub_words, report)
        if window.word_ids:
            yield from self._finish(window, report)

    def _append(self, window: Window, sentence: _Sentence, sub_words: SubWords, report: BuildReport) -> None:
        offset = len(window.word_ids)
        window.word_ids += sub_words.ids
        for start, end, id in sentence.mentions:
            place = sub_words.range_of(start, end)
            if place is None:
                report.mentions_dropped_without_sub_words += 1
            elif len(window.entity_ids) == self.settings.max_entities:
                report.mentions_dropped_over_limit += 1
            else:
                length = place[1] - place[0]
                report.mentions_kept += 1
                report.mentions_kept_cut += length > self.settings.max_mention_length
                report.mentions_kept_as_unknown += id == self.vocabulary.unk_id
                window.entity_ids.append(id)
                window.entity_starts.append(offset + place[0])
                window.entity_lengths.append(min(length, self.settings.max_mention_length))

    def _finish(self, window: Window, report: BuildReport) -> Iterator[Window]:
        if window.entity_ids or self.settings.include_windows_without_entities:
            report.windows += 1
            report.sub_words += len(window.word_ids)
            report.sub_words_unknown += _occurrences(self.tokenizer.unknown_id, window.word_ids)
            yield window
        else:
            report.windows_dropped_without_entities += 1


def _occurrences(id: int | None, ids: list[int]) -> int:
    return 0 if id is None else ids.count(id)


def _lines(text: str) -> Iterator[Span]:
    """Spans of the lines that are not blank."""
    for match in re.finditer(r"[^\n]+", text):
        if not match[0].isspace():
            yield match.span()


def _within(spans: list[_AnySpan], start: int, end: int) -> Iterator[_AnySpan]:
    """Spans of a sorted list that lie in [start, end)."""
    for index in range(bisect_left(spans, (start,)), len(spans)):
        if spans[index][0] >= end:
            return
        if spans[index][1] <= end:
            yield spans[index]


def _single_spaces(sentence: _Sentence) -> _Sentence:
    """Replace every run of white space by one space, and move the mentions with the characters."""
    if not _ODD_SPACE.search(sentence.text):
        return sentence
    runs = [match.span() for match in _SPACES.finditer(sentence.text)]
    starts = [start for start, _ in runs]
    removed = [0]
    for start, end in runs:
        removed.append(removed[-1] + end - start - 1)

    def moved(position: int) -> int:
        run = bisect_right(starts, position) - 1  # the last run that starts at or before it
        if run < 0:
            return position
        start, end = runs[run]
        inside = min(position, start + 1) if position < end else position - (end - start - 1)
        return inside - removed[run]

    mentions = [(moved(start), moved(end), id) for start, end, id in sentence.mentions]
    return _Sentence(_SPACES.sub(" ", sentence.text), sentence.spaced, mentions)

"""Plausibility of a reader's result: words, labels and mentions that look as if the wrong thing was read.

A reader guesses formats, columns and spellings. What is certainly wrong is an error (`refuse`); what may be right is
reported (the notes of a `ReadResult`, which `loreweave finetune` and `loreweave check` print).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from unicodedata import category, normalize

from loreweave.corpus.column_formats.tag_schemes import UNTYPED, TokenSpan
from loreweave.corpus.column_formats.tag_spellings import SLIPS, paired_labels
from loreweave.corpus.counts import counted, listed
from loreweave.errors import DataError

RANGE = re.compile(r"\d+[-.]\d+", re.ASCII)
"""Id of a multi-word token or of an empty node, as in CoNLL-U."""
_INDEX = re.compile(r"(?P<before>.*?)(?P<number>\d+)(?P<after>\D*)", re.ASCII)
_NO_NAME = re.compile(
    r"[BI]-[A-Z].*|.*[\s|,;+](?:[BIESLUMW]-[A-Z]|O(?![^\s|,;+])).*|.*/(?:O|[BIESLUMW]-[A-Z].*)|.*\.\d\d"
    r"|[\d\W_]+|.*[\[\]{}\"].*|.*\(\d+\*?\).*",
    re.DOTALL,
)
"""Labels that are tags, several tags, words with tags, senses of verbs, numbers, or parts of another format."""
_PENN = "CC CD DT EX FW IN JJ JJR JJS MD NN NNS NNP NNPS PDT POS PRP PRP$ RB RBR RBS RP TO VB VBD VBG VBN VBP VBZ WDT WP WRB"
_UNIVERSAL = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB"
_PARTS_OF_SPEECH = frozenset(f"{_PENN} {_UNIVERSAL}".split())
_SURE = 4
"""Number of consecutive numbers through a file, from any start, above which they are not words."""
_FEW_WORDS, _FEW_MENTIONS, _MOST = 50, 30, 0.6


def counts_up(sentences: Iterable[Sequence[str]]) -> bool:
    """Whether the words of each sentence count up from 0 or 1, like an index; also over all sentences, from any number.

    The text around the numbers is the same within a sentence: `1.`, `w1`, WebAnno's `3-1`. Counting may restart within a
    sentence, if a blank line is missing. Ids of several words or of none (1-2, 1.1) are ignored among others.
    """
    rows = [list(words) for words in sentences]
    if not all(RANGE.fullmatch(word) for words in rows for word in words):
        rows = [[word for word in words if not RANGE.fullmatch(word)] for words in rows]
    numbers, affixes = [], set()
    for words in rows:
        matches = [match for word in words if (match := _INDEX.fullmatch(word))]
        around = {(match["before"], match["after"]) for match in matches}
        if len(matches) < len(words) or len(around) > 1:
            return False
        numbers.append([int(match["number"]) for match in matches])
        affixes |= around
    through = [number for row in numbers for number in row]
    if len(affixes) == 1 and len(through) >= _SURE and all(second == first + 1 for first, second in pairwise(through)):
        return True
    steps, again, before = 0, 0, None
    for row in numbers:
        if row and row[0] not in (0, 1) and (before is None or row[0] != before + 1):
            return False
        for first, second in pairwise(row):
            if second == first + 1:
                steps += 1
            elif second in (0, 1):
                again += 1
            else:
                return False
        before = row[-1] if row else before
    return steps > again


def refuse_words(sentences: Sequence[Sequence[str]]) -> None:
    """Raise an error if the words are an index: they count up in each sentence, and there are enough of them to be sure.

    Raises:
        DataError: with the first of them.
    """
    if sum(map(len, sentences)) > 2 and counts_up(sentences):
        shown = listed((word for words in sentences for word in words), shown=4)
        raise DataError(f"found words that count up like an index ({shown}), expected words", field="token")


def refuse_labels(labels: Iterable[str]) -> None:
    """Raise an error if labels are tags: they form pairs B?X and I?X.

    Raises:
        DataError: names a pair.
    """
    pair = paired_labels(sorted(set(labels)))
    if pair is not None:
        way_out = "write tags as B-X, I-X and O, or a label without a prefix for each mention"
        raise DataError(f"found the labels {pair[0]!r} and {pair[1]!r}, which are tags of one type; {way_out}", field="label")


def label_notes(counts: Mapping[str, int]) -> list[str]:
    """Notes about unusual labels (label -> count): names for a missing label, or labels that differ only by case or blanks."""
    notes = []
    none = [label for label in counts if _says_none(label)]
    if none:
        shown = ", ".join(f"{label!r} ({counts[label]})" for label in sorted(none))
        notes.append(f"labels that usually mean 'no label': {shown}")
    for labels in alike(counts):
        if labels[0] not in none:
            shown = ", ".join(f"{name} ({counts[label]})" for name, label in zip(distinct(labels), labels, strict=True))
            notes.append(f"labels that differ only by case, blanks or punctuation: {shown}")
    return notes


def distinct(labels: Sequence[str]) -> list[str]:
    """The labels in quotes; with escapes if some look the same, because only their code points differ (NFC and NFD)."""
    show = repr if len({normalize("NFC", label) for label in labels}) == len(labels) else ascii
    return [show(label) for label in labels]


def _says_none(label: str) -> bool:
    return label.strip().lower() in (*SLIPS, "", "none", "null", "nan")


def alike(labels: Iterable[str]) -> list[list[str]]:
    """Groups of labels that differ only by case, blanks or punctuation, or by the code points of the same letters."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in sorted(set(labels)):
        if letters := "".join(filter(_in_a_name, normalize("NFC", label))).casefold():
            groups[letters].append(label)
    return [group for group in groups.values() if len(group) > 1]


def _in_a_name(character: str) -> bool:
    """Whether a character is a letter, a digit or a mark, such as the vowel signs of Indic scripts."""
    return character.isalnum() or category(character)[0] == "M"


def sentence_notes(
    words: Sequence[Sequence[str]], spans: Sequence[Sequence[TokenSpan]], labels: Mapping[str, int]
) -> list[str]:
    """Notes about unusual tagged sentences, one per line.

    Args:
        words: words of each sentence.
        spans: spans of each sentence.
        labels: label -> number of mentions.

    Raises:
        DataError: words count up, or labels are tags.
    """
    refuse_words(words)
    refuse_labels(labels)
    number = sum(map(len, words))
    digits = sum(word.isdecimal() for row in words for word in row)
    notes = [f"{digits} of {number} words are numbers: is this the column of the words?"] if 2 * digits > number > 4 else []
    parts = sum(word in _PARTS_OF_SPEECH for row in words for word in row)
    if 2 * parts > number > 2:
        notes.append(f"{parts} of {number} words are names of parts of speech: is this the column of the words?")
    covered = Counter[str]()
    for row in spans:
        if len({word for start, end, _ in row for word in range(start, end)}) < sum(end - start for start, end, _ in row):
            covered.clear()  # nested mentions are phrases, which cover most words
            break
        for start, end, label in row:
            covered[label] += end - start
    return [*notes, *mention_notes(labels, covered, number, len(words))]


def mention_notes(labels: Mapping[str, int], covered: Mapping[str, int], words: int, sentences: int) -> list[str]:
    """Notes about unusual mentions.

    Args:
        labels: label -> number of mentions.
        covered: label -> number of words in its mentions.
        words: number of all words.
        sentences: number of sentences.
    """
    mentions = sum(labels.values())
    if not mentions:
        said = f"NO MENTION in {counted(sentences, 'sentence')}: is this the right file, column and format?"
        return [said] if sentences else []
    notes = []
    if UNTYPED in labels:
        number = counted(labels[UNTYPED], "mention")
        notes.append(f"{number} without a type, called {UNTYPED!r} here: the tags are bare prefixes (B, I)")
    odd = [label for label in labels if label != UNTYPED and _NO_NAME.fullmatch(label) and not _says_none(label)]
    if odd:
        shown = listed(f"{label!r} ({labels[label]})" for label in odd)
        notes.append(f"labels that look like tags or numbers: {shown}: is this the right column and format?")
    if words > 4 and sum(covered.values()) == words:
        notes.append(f"all {words} words are in mentions, none is outside (O): are these labels of mentions?")
    label, most = max(covered.items(), key=lambda item: item[1], default=("", 0))
    if words >= _FEW_WORDS and most > _MOST * words:
        notes.append(f"the label {label!r} covers {most} of {words} words, as a label for 'no mention' would")
    if mentions >= _FEW_MENTIONS and len(labels) * 2 > mentions:
        shown = listed(map(repr, labels))
        notes.append(f"{len(labels)} labels in {mentions} mentions ({shown}): are these labels?")
    return notes

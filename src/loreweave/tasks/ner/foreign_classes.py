"""Classes of NER models from other programs: tags in any spelling, classes of special tokens, no mention."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from loreweave.corpus.column_formats.tag_schemes import OUTSIDE, find_scheme
from loreweave.corpus.column_formats.tag_spellings import find_spelling
from loreweave.corpus.counts import listed
from loreweave.errors import CheckpointError, DataError
from loreweave.tasks.ner.encoding import NEGATIVE
from loreweave.training.class_names import LABELS_WANTED, are_numbered

_NO_MENTION = ("nil", "o", "none", "null", "no_entity", "non_entity", "outside", "out", "na", "n/a")
_SPECIAL = re.compile(r"\[.*\]|<.*>|(?i:pad|padding|x|ignore)")
"""Classes of special tokens and later sub-words in training: they are not predicted for a word's first sub-word."""


def tag_classes(names: Sequence[str], place: Path) -> list[str]:
    """Tags that the classes of words stand for, in the spelling of `column_formats.tag_schemes`; O may occur several
    times.

    Raises:
        CheckpointError: classes have no names, names are not tags of one kind, or there is none for words outside mentions.
    """
    _refuse_numbers(names, place, "which of them means 'no mention'")
    ordinary = [name for name in names if not _SPECIAL.fullmatch(name)]
    if len(ordinary) < 2:
        ordinary = list(names)
    try:
        spelling = find_spelling(dict.fromkeys(ordinary, 1))
        tags = [spelling.plain(name) if name in ordinary else OUTSIDE for name in names]
        find_scheme(tags)
    except DataError as error:
        raise CheckpointError(f"{place}: the classes are not tags: {error}; {LABELS_WANTED}") from None
    if OUTSIDE not in tags:
        problem = f"found no class for words outside mentions among {listed(names)}, expected O"
        raise CheckpointError(f"{place}: {problem}; {LABELS_WANTED}")
    return tags


def span_classes(names: Sequence[str], place: Path) -> list[str]:
    """Classes of spans, with the class of no mention under the encoding's name.

    Raises:
        CheckpointError: classes have no names, or none is known to mean no mention.
    """
    if any(name in NEGATIVE for name in names):
        return list(names)
    _refuse_numbers(names, place, "which of them means 'no mention'")
    found = [number for number, name in enumerate(names) if name.casefold().replace("-", "_") in _NO_MENTION]
    if len(found) != 1:
        problem = f"found no class for spans that are not mentions among {listed(names)}, expected NIL or O"
        raise CheckpointError(f"{place}: {problem}; {LABELS_WANTED}")
    return [NEGATIVE[0] if number == found[0] else name for number, name in enumerate(names)]


def _refuse_numbers(names: Sequence[str], place: Path, unknown: str) -> None:
    if are_numbered(names):
        raise CheckpointError(f"{place}: the classes are numbered ({listed(names)}): unknown {unknown}; {LABELS_WANTED}")

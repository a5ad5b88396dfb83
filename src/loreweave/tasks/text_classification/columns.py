"""Finds the columns of a table, or the keys of objects, that hold texts and labels: by their names, or as the user says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from loreweave.corpus.counts import listed
from loreweave.errors import ConfigurationError, DataError
from loreweave.training.settings.configuration import unknown_name

ROLES = ("text", "text_pair", "label", "score", "id")
"""Role of a column: `label` is a class, `score` a number."""

PAIRS = (
    ("text", "text_pair"), ("text", "pair"), ("text_a", "text_b"), ("texta", "textb"), ("text1", "text2"), ("text_1", "text_2"),
    ("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("sentence_a", "sentence_b"), ("sent1", "sent2"),
    ("premise", "hypothesis"), ("question1", "question2"), ("question", "sentence"), ("question", "passage"),
    ("query", "passage"), ("query", "document"), ("1_string", "2_string"),
)  # fmt: skip
"""Names of the two texts of a pair: loreweave's, GLUE's, and those of other public data."""
TEXTS = ("text", "sentence", "sentence1", "review", "tweet", "comment", "document", "content", "utterance", "query", "question")
"""Names of a single text."""
LABELS = (
    "label_text", "label", "labels", "gold_label", "class", "category", "is_duplicate", "quality", "target", "sentiment",
    "intent", "emotion",
)  # fmt: skip
SCORES = ("score", "similarity", "similarity_score", "relatedness_score")
IDS = ("id", "idx", "index", "guid", "uid")
_SURE = ("label_text", "label", "labels", "gold_label")
"""Names of labels that take precedence over the others."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a file, by what they hold; None if there is no such column.

    Attributes:
        chosen: whether the user, or a published layout, says where the label is.
    """

    text: str
    text_pair: str | None = None
    label: str | None = None
    score: str | None = None
    id: str | None = None
    chosen: bool = False

    def others(self, keys: Iterable[str]) -> list[str]:
        """The other columns."""
        return [key for key in keys if key not in (self.text, self.text_pair, self.label, self.score, self.id)]

    def __str__(self) -> str:
        return ", ".join(f"{role}={name}" for role in ROLES if (name := getattr(self, role)) is not None)


def parse_columns(format: str, given: str) -> dict[str, str]:
    """Read the columns that follow the name of a format, such as `text=review,label=stars`.

    Raises:
        ConfigurationError: another form, or an unknown role.
    """
    example = f"{format}:text=COLUMN,label=COLUMN"
    columns: dict[str, str] = {}
    for part in given.split(","):
        role, equals, name = (piece.strip() for piece in part.partition("="))
        if not equals or not name:
            raise ConfigurationError(f"--format: found {part!r} after {format}, expected such as {example}")
        if role not in ROLES:
            raise ConfigurationError(f"--format: found {role!r} after {format}{unknown_name(role, ROLES)}")
        if role in columns or name in columns.values():
            raise ConfigurationError(f"--format: found {part!r} a second time, expected one column for each")
        columns[role] = name
    if "text" not in columns:
        raise ConfigurationError(f"--format: found no column for the text, expected such as {example}")
    if "label" in columns and "score" in columns:
        raise ConfigurationError("--format: found label and score, expected one: label is a class, score a number")
    return columns


def find_columns(keys: Sequence[str], asked: Mapping[str, str], format: str) -> Columns:
    """Find the columns of a file.

    Args:
        keys: names of all columns, or keys of all objects.
        asked: role -> name, as the user chose; empty if the names decide. Ids not chosen are those of a column with their name.
        format: name of the format for messages, `table` or `json`.

    Raises:
        DataError: there is no such column, or the names do not show which columns are meant.
    """
    plain: dict[str, str] = {}
    for key in keys:
        plain.setdefault(_plain(key), key)
    id = next((plain[name] for name in IDS if name in plain and plain[name] not in asked.values()), None)
    if asked:
        for role, name in asked.items():
            if name not in keys:
                raise DataError(f"found no column {name!r} for {role}{unknown_name(name, keys)}")
        chosen = Columns(**asked, chosen="label" in asked or "score" in asked)
        return replace(chosen, id=chosen.id or id)
    way_out = f"choose them with --format {format}:text=COLUMN,label=COLUMN (text_pair=COLUMN, score=COLUMN for numbers)"
    way_out += "; without a header, give their numbers from 1: table:text=1,label=2" if format == "table" else ""
    pair = next((pair for pair in PAIRS if set(pair) <= plain.keys()), None)
    if pair is None:
        texts = [name for name in TEXTS if name in plain]
        if not texts or (len(texts) > 1 and texts[0] != "text"):
            found = "no column with the name of a text" if not texts else f"several texts ({', '.join(texts)})"
            raise DataError(f"found {found} among {shown(keys)}; {way_out}")
        text, text_pair = plain[texts[0]], None
    else:
        text, text_pair = (plain[name] for name in pair)
    labels = [name for name in LABELS if name in plain and plain[name] not in (text, text_pair)]
    labels = labels[:1] if labels and labels[0] in _SURE else labels
    scores = [name for name in SCORES if name in plain]
    if len(labels) + len(scores) > 1:
        found = ", ".join(plain[name] for name in chain(labels, scores))
        raise DataError(f"found several columns that could be the label ({found}) among {shown(keys)}; {way_out}")
    label, score = (next((plain[name] for name in names if name in plain), None) for names in (labels, scores))
    return Columns(text, text_pair, label, score, id)


def shown(keys: Sequence[str]) -> str:
    """Names of columns, for messages."""
    return f"the columns {listed(map(repr, keys), 12)}"


def _plain(key: str) -> str:
    return re.sub(r"\W+", "_", key.casefold()).strip("_")

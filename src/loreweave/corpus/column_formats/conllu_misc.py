"""The last column of CoNLL-U, MISC: the items that are tags of mentions.

Published files have them as `NER=B-PER`, `NE=B-PER`, `name=B-PER` (DaNE, NorNE), only `B-PER`, or with a space instead
of the bar (`SpaceAfter=No name=B-PER`), or a semicolon or a comma.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loreweave.corpus.column_formats.tag_schemes import OUTSIDE, has_prefix
from loreweave.corpus.column_formats.tag_spellings import TagSpelling, find_spelling
from loreweave.corpus.counts import listed
from loreweave.corpus.files.reading import Pathname, open_text
from loreweave.errors import DataError

COLUMNS = 10
ENTITY = "Entity"
"""Key of mentions in brackets."""
_NAMES = ("ner", "ne", "ner_tag", "named_entity", "namedentity")
"""Keys whose values are labels, with prefixes or without."""
_ALONE = ""
"""Key of items without one."""
_BORDER = re.compile(r"\s+(?=\w+=|[A-Za-z][-_/:])|[;,]\s*(?=\w+=)|;\s*(?=[BIESLUMW][-_/:])")
_TAG = re.compile(r"[Oo]|[A-Za-z][-_/:]\S+|\S+[-_/:][BIESLUMW]")
"""Items without a key that may be tags."""
_TYPES = {
    "PER", "PERS", "PERSON", "ORG", "ORGANIZATION", "LOC", "LOCATION", "GPE", "GPE_LOC", "GPE_ORG", "MISC", "PROD",
    "EVT", "EVENT", "DRV", "DATE", "TIME", "FAC", "NORP", "PRODUCT",
}  # fmt: skip
"""Values that show that `name`, or a key with several of them, has types without prefixes, if it has no others."""
_NUMBERED = re.compile(r"[^\W\d_]+_\d+")
_SHOWN = 8

Items = Sequence[tuple[str, str]]


def items_of_misc(cell: str) -> list[tuple[str, str]]:
    """Items as key and value; the key is empty if an item has none."""
    parts = [part for item in cell.split("|") for part in _BORDER.split(item.strip())]
    return [(key, value) if sign else (_ALONE, key) for key, sign, value in (part.partition("=") for part in parts)]


@dataclass(frozen=True)
class Misc:
    """Content of the last column of a file.

    Attributes:
        keys: keys of tags; the first one that a word has counts.
        spelling: spelling of these tags.
        notes: unusual observations, one per line.
    """

    keys: tuple[str, ...] = ()
    spelling: TagSpelling = field(default_factory=TagSpelling)
    notes: tuple[str, ...] = ()

    def tag_of(self, items: Items) -> str:
        """Tag of a word."""
        values = {key: value for key, value in items if key != _ALONE or _TAG.fullmatch(value)}
        return self.spelling.plain(next((values[key] for key in self.keys if key in values), OUTSIDE))


def find_misc(path: Pathname) -> Misc:
    """Content of the last column of a file (plain, .gz, .xz, .bz2).

    Raises:
        DataError: tags that are refused with a message of their own.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    with open_text(path) as file:
        for line in file:
            cells = [] if line.startswith("#") else line.rstrip("\r\n").split("\t")
            if len(cells) == COLUMNS and cells[-1] != "_":
                for key, value in items_of_misc(cells[-1]):
                    if key != _ALONE or _TAG.fullmatch(value):
                        found[key][value] += 1
    named = [key for key in found if key.lower() in _NAMES]
    others = [key for key, values in found.items() if key not in named and _are_tags(key, values)]
    keys = sorted([*named, *others], key=lambda key: (-sum(found[key].values()), key))
    _refuse_numbers({key: found[key] for key in keys}, path)
    counts = sum((found[key] for key in keys), Counter[str]())
    try:
        spelling = find_spelling(counts)
    except DataError as error:
        raise DataError(error.message, path=path, field=f"MISC {', '.join(keys)}") from None
    notes = [f"mentions are read from {_described(key)} in the last column" for key in others]
    if not keys and ENTITY not in found:
        known = listed(sorted(_described(key) for key in found), _SHOWN) or "nothing"
        notes.append(f"the last column has {known}, but neither Entity= nor tags (NER=B-..., name=B-..., B-...)")
    return Misc(tuple(keys), spelling, (*notes, *spelling.notes()))


def _described(key: str) -> str:
    return f"{key}=" if key != _ALONE else "items without a key"


def _are_tags(key: str, values: Mapping[str, int]) -> bool:
    """Whether all values are O or have a prefix and a type, and one has a prefix; or all are O or well-known types."""
    types = set(values) - {OUTSIDE}
    if types <= _TYPES and len(types) > (0 if key.lower() == "name" else 1):  # `Gloss=LOC` may be the locative
        return True
    try:
        spelling = find_spelling(values)
    except DataError:
        return False
    tags = [spelling.plain(value) for value in values]
    return any(tag != OUTSIDE for tag in tags) and all(tag == OUTSIDE or (has_prefix(tag) and len(tag) > 2) for tag in tags)


def _refuse_numbers(found: Mapping[str, Mapping[str, int]], path: Pathname) -> None:
    """Refuse `NE=PER_1`, whose number is that of the mention, since each would be a type of its own."""
    for key, values in found.items():
        tags = [value for value in values if value.upper() != OUTSIDE]
        if tags and all(_NUMBERED.fullmatch(tag) for tag in tags):
            shown = listed(tags, _SHOWN)
            expected = f"B-{tags[0].partition('_')[0]} and the like"
            message = f"found types with the number of the mention ({shown}), expected {expected}"
            raise DataError(f"{message}; write tags with prefixes, by the change of the number", path=path, field=f"MISC {key}")

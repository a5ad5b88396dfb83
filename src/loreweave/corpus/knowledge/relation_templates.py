"""Templates that turn a fact into a question: one sentence per relation, with places for subject and object.

A file is in the layout of LAMA's `relations.jsonl`: `{"relation": "P19", "template": "[X] was born in [Y] .", "label": ...}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loreweave.corpus.files.json_rows import json_rows
from loreweave.corpus.files.rows import as_row, field
from loreweave.errors import DataError

SUBJECT, OBJECT = "[X]", "[Y]"
"""Places of the subject and of the object in a template."""
MASK_PLACE = "[MASK]"
"""Place of the object in a question, whatever the mask token of a model is."""
BUNDLED_TEMPLATES = Path(__file__).with_name("relation_templates.jsonl")
"""Templates for properties of Wikidata (CoDEx, the mini-world) and relations of Freebase (FB15k-237)."""

_PLACES = re.compile(r"\[X\]|\[Y\]")


@dataclass(frozen=True)
class Question:
    """A sentence with one place for the object.

    Attributes:
        text: the sentence with `[MASK]`.
        subject: characters of the subject in it; None if its place is not known.
    """

    text: str
    subject: tuple[int, int] | None = None


@dataclass(frozen=True)
class RelationTemplate:
    """Template of one relation.

    Attributes:
        relation: id of the relation.
        template: sentence with `[X]` once or more, and `[Y]` once.
        label: name of the relation; empty if there is none.
        kind: cardinality of the relation (`N-1`); empty if it is not known.
    """

    relation: str
    template: str
    label: str = ""
    kind: str = ""

    def question(self, subject: str) -> Question:
        """The sentence about a subject."""
        return fill_template(self.template, subject)


def fill_template(template: str, subject: str) -> Question:
    """Put the subject in its places and `[MASK]` in that of the object.

    Example:
        >>> fill_template("[X] was born in [Y] .", "Ada")
        Question(text='Ada was born in [MASK] .', subject=(0, 3))
    """
    text, done, span = "", 0, None
    for place in _PLACES.finditer(template):
        text += template[done : place.start()]
        if place[0] == SUBJECT and span is None:
            span = (len(text), len(text) + len(subject))
        text += subject if place[0] == SUBJECT else MASK_PLACE
        done = place.end()
    return Question(text + template[done:], span)


def check_template(template: str, name: str = "template") -> None:
    """Refuse a template without a place for the subject, or without exactly one for the object; `name` is its field.

    Raises:
        DataError: names the template.
    """
    found = {place: template.count(place) for place in (SUBJECT, OBJECT)}
    if not found[SUBJECT] or found[OBJECT] != 1:
        raise DataError(f"found {template!r}, expected a sentence with {SUBJECT} for the subject and one {OBJECT}", field=name)


def read_templates(path: Path) -> dict[str, RelationTemplate]:
    """Templates by relation, in the order of the file.

    Raises:
        DataError: names the file, the place and the field of a bad row; or a relation has two templates.
    """
    found: dict[str, RelationTemplate] = {}
    for place, row in json_rows(path):
        try:
            template = _template_of(row)
        except DataError as error:
            raise DataError(error.message, path=path, record=place, field=error.field) from None
        if template.relation in found:
            problem = f"found a second template for {template.relation!r}, expected one"
            raise DataError(problem, path=path, record=place, field="relation")
        found[template.relation] = template
    if not found:
        raise DataError("found no template", path=path)
    return found


def _template_of(row: Any) -> RelationTemplate:
    if isinstance(row, DataError):
        raise row
    given: Mapping[str, Any] = as_row(row)
    relation, template = field(given, "relation", str).strip(), field(given, "template", str).strip()
    if not relation:
        raise DataError("found an empty name", field="relation")
    check_template(template)
    label, kind = given.get("label") or "", given.get("type") or ""
    if not isinstance(label, str) or not isinstance(kind, str):
        raise DataError(f"found {label!r} and {kind!r}, expected strings", field="label" if isinstance(kind, str) else "type")
    return RelationTemplate(relation, template, label, kind)

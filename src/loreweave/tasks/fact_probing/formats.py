"""File formats of facts: rows of LAMA and of our own files to facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loreweave.corpus.files.rows import LeftOut, as_row, id_of
from loreweave.corpus.files.rows import field as required
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.knowledge.relation_templates import (
    MASK_PLACE,
    OBJECT,
    Question,
    RelationTemplate,
    check_template,
    fill_template,
)
from loreweave.errors import DataError
from loreweave.tasks.fact_probing.record import Fact, RightObject
from loreweave.tasks.fact_probing.settings import Asked

Row = Mapping[str, Any]

ROBERTA_MASK = "<mask>"
"""Place of the object in sentences that were written for RoBERTa."""

GOOGLE_RE = {
    template.relation: template
    for template in (
        RelationTemplate("/people/person/place_of_birth", "[X] was born in [Y] .", "place of birth"),
        RelationTemplate("/people/person/date_of_birth", "[X] (born [Y]).", "date of birth"),
        RelationTemplate("/people/deceased_person/place_of_death", "[X] died in [Y] .", "place of death"),
    )
}
"""Templates of Google-RE, which LAMA's code contains and its `relations.jsonl` does not."""

_OWN_FIELDS = {
    "id", "relation", "relation_label", "text", "sentence", "template", "subject", "subject_id", "object", "object_id",
    "aliases", "other_objects",
}  # fmt: skip
_LAMA_FIELDS = {
    "uuid", "id", "lineid", "obj_label", "obj_uri", "obj", "sub_label", "sub_uri", "sub", "predicate_id", "pred", "template",
    "masked_sentences", "masked_sentence", "evidences", "judgments", "type", "label",
}  # fmt: skip
_SUBJECT_OF_SQUAD = "Squad"
"""Value of `sub_label` in all rows of LAMA's SQuAD, which have no subject."""
_NO_SENTENCE = "no masked sentence (ask=sentence)"
"""Why a fact is left out whose relation has a template that is not to be used."""
_FROM_FILE_NAME = re.compile(r"_test$")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """How questions are made from rows.

    Attributes:
        templates: templates by relation.
        ask: the text of a question; None: the template, if there is one.
        max_words: maximum number of words in a masked sentence of LAMA.
        relation: relation of rows that name none.
    """

    templates: Mapping[str, RelationTemplate] = field(default_factory=dict)
    ask: Asked | None = None
    max_words: int = 100
    relation: str = "facts"


Convert = Callable[[Row, str, Asking], Iterable[Fact | LeftOut]]


def relation_of_file(path: Path) -> str:
    """Relation of rows that name none: `place_of_birth` of `place_of_birth_test.jsonl`, the folder of `test.jsonl`."""
    stem = _FROM_FILE_NAME.sub("", path.name.partition(".")[0])
    return path.absolute().parent.name if stem == "test" else stem


def from_lama(row: Row, number: str, asking: Asking) -> Iterator[Fact | LeftOut]:
    """Facts of a row of LAMA: Google-RE, T-REx, ConceptNet or SQuAD, or their copy on the Hub; one, or one per sentence.

    A true fact that is left out is a `LeftOut` and, because its object is a right answer, a `Fact` that is not asked.
    """
    name = _text(row, "obj_label")
    relation = _string(row, "predicate_id") or _string(row, "pred") or asking.relation
    template = _lama_template(row, relation, asking)
    subject = _string(row, "sub_label") or _string(row, "sub")
    subject = "" if subject == _SUBJECT_OF_SQUAD else subject
    if _is_rejected(row):
        yield LeftOut("most annotators judged it to be wrong", detail=f"{subject}, {name}")
        return
    id = id_of(row, number, "uuid", "id", "lineid")
    fact: dict[str, Any] = {
        "relation": relation, "object": name, "object_id": _string(row, "obj_uri"), "subject": subject,
        "subject_id": _string(row, "sub_uri"), "kind": template.kind if template is not None else _string(row, "type"),
        "label": template.label if template is not None else _string(row, "label"),
        "metadata": {key: value for key, value in row.items() if key not in _LAMA_FIELDS},
    }  # fmt: skip
    if template is not None and asking.ask != "sentence":
        if not subject:
            raise DataError("found no subject for the template", field="sub_label")
        question = template.question(subject)
        yield Fact(id=id, text=question.text, subject_span=question.subject, **fact)
        return
    if asking.ask == "template":
        yield LeftOut("no template for the relation", detail=relation)
        yield Fact(id=id, text="", asked=False, **fact)
        return
    sentences = list(_lama_sentences(row, subject))
    if not sentences:
        unread = ", ".join(repr(key) for key in fact["metadata"])
        detail = f"relation {relation}, {subject}, {name}{unread and f' (fields that are not read: {unread})'}"
        yield LeftOut("neither a template nor a masked sentence" if template is None else _NO_SENTENCE, detail=detail)
        yield Fact(id=id, text="", asked=False, **fact)
    for place, question in enumerate(sentences):
        left_out = None
        if MASK_PLACE not in question.text:
            left_out = LeftOut(f"no {MASK_PLACE} in the sentence", detail=question.text)
        elif len(question.text.split()) > asking.max_words:
            left_out = LeftOut(f"more than {asking.max_words} words", detail=question.text[:60])
        if left_out is not None:
            yield left_out
        own = id if len(sentences) == 1 else f"{id}/{place}"
        yield Fact(id=own, text=question.text, subject_span=question.subject, asked=left_out is None, **fact)


def from_own(row: Row, number: str, asking: Asking) -> Iterator[Fact | LeftOut]:
    """The fact of a row of our own format; see `from_lama` for one that is left out."""
    name, subject = _text(row, "object"), _string(row, "subject")
    relation = _string(row, "relation") or asking.relation
    template = asking.templates.get(relation)
    own = _string(row, "template")
    if own:
        check_template(own)
        template = RelationTemplate(relation, own, template.label if template else "", template.kind if template else "")
    sentence = _string(row, "text") or _string(row, "sentence")
    question, left_out = Question(""), None
    if template is not None and asking.ask != "sentence":
        if not subject:
            raise DataError("found no subject for the template", field="subject")
        question = template.question(subject)
    elif asking.ask == "template":
        left_out = LeftOut("no template for the relation", detail=relation)
    elif sentence:
        question = masked_sentence(sentence, subject)
    elif template is not None:
        left_out = LeftOut(_NO_SENTENCE, detail=f"{subject}, {name}")
    else:
        found = f"found neither a text with [MASK] nor a template of the relation {relation!r}"
        raise DataError(f"{found}, expected one of them", field="text")
    if left_out is not None:
        yield left_out
    yield Fact(
        id=id_of(row, number),
        relation=relation,
        text=question.text,
        object=name,
        aliases=_names(row, "aliases"),
        object_id=_string(row, "object_id"),
        subject=subject,
        subject_id=_string(row, "subject_id"),
        subject_span=question.subject,
        others=_others(row, "other_objects"),
        kind=template.kind if template else "",
        label=_string(row, "relation_label") or (template.label if template else ""),
        asked=left_out is None,
        metadata={key: value for key, value in row.items() if key not in _OWN_FIELDS},
    )


def masked_sentence(sentence: str, subject: str = "", name: str = "text") -> Question:
    """A sentence with exactly one `[MASK]`, or `<mask>` or `[Y]` instead; `name` is its field.

    Raises:
        DataError: there is none, or there are several.
    """
    text = sentence.replace(OBJECT, MASK_PLACE).replace(ROBERTA_MASK, MASK_PLACE)
    count = text.count(MASK_PLACE)
    if count != 1:
        found = f"found {count or 'no'} {MASK_PLACE} in {sentence[:80]!r}"
        raise DataError(f"{found}, expected one in the place of the answer", field=name)
    return Question(text, _place(text, subject))


def _lama_template(row: Row, relation: str, asking: Asking) -> RelationTemplate | None:
    """Template of the row's own field, of the file of templates, or of LAMA's code, in this order."""
    known = asking.templates.get(relation) or GOOGLE_RE.get(relation)
    own = _string(row, "template").strip()
    if own:
        check_template(own)
        return RelationTemplate(relation, own, _string(row, "label"), _string(row, "type"))
    return known


def _lama_sentences(row: Row, subject: str) -> Iterator[Question]:
    """The masked sentences of a row. Those of one list are one text, as in LAMA's code."""
    name, given = "masked_sentences", row.get("masked_sentences")
    if given is None and isinstance(row.get("evidences"), list):
        found: dict[str, str] = {}
        for evidence in row["evidences"]:
            if isinstance(evidence, Mapping) and isinstance(evidence.get("masked_sentence"), str):
                found.setdefault(evidence["masked_sentence"], str(evidence.get("sub_surface") or subject))
        if found:
            yield from (Question(text, _place(text, surface)) for text, surface in found.items())
            return
    if given is None:
        name, given = "masked_sentence", row.get("masked_sentence")
    if isinstance(given, str):
        given = [given]
    if given is None:
        return
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise DataError(f"found {in_json(given)}, expected a list of sentences", field=name)
    text = " ".join(given)
    if text.strip():
        yield Question(text, _place(text, subject))


def _place(text: str, subject: str) -> tuple[int, int] | None:
    """Characters of the first occurrence of the subject as whole words; without one, of the first occurrence. The place of the
    object has none."""
    if not subject.strip():
        return None
    filled = text.replace(MASK_PLACE, " " * len(MASK_PLACE))
    name = re.escape(subject)
    found = re.search(rf"(?<!\w){name}(?!\w)", filled) or re.search(name, filled)
    return None if found is None else found.span()


def _is_rejected(row: Row) -> bool:
    """Whether more annotators of Google-RE said no than yes, by LAMA's rule."""
    judgments = row.get("judgments")
    if not isinstance(judgments, list):
        return False
    said = [each.get("judgment") for each in judgments if isinstance(each, Mapping)]
    return sum(answer != "yes" for answer in said) > sum(answer == "yes" for answer in said)


def _text(row: Row, name: str) -> str:
    value: str = required(as_row(row), name, str)
    if not value.strip():
        raise DataError("found an empty name", field=name)
    return value.strip()


def _string(row: Row, name: str) -> str:
    """A string that may be missing or null; a number is written out."""
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise DataError(f"found {in_json(value)}, expected a string", field=name)
    return str(value)


def _names(row: Row, name: str) -> tuple[str, ...]:
    value = row.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
        raise DataError(f"found {in_json(value)}, expected a list of names", field=name)
    return tuple(dict.fromkeys(each.strip() for each in value))


def _others(row: Row, name: str) -> tuple[RightObject, ...]:
    """Other right objects: names, or objects with `object`, and `aliases` and `object_id` if they are known."""
    value = row.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise DataError(f"found {in_json(value)}, expected a list of names, or of objects with 'object'", field=name)
    found = []
    for each in value:
        try:
            other = {"object": each} if isinstance(each, str) else as_row(each)
            found.append(RightObject(_text(other, "object"), _names(other, "aliases"), _string(other, "object_id")))
        except DataError as error:
            field = name if error.field is None else f"{name}.{error.field}"
            raise DataError(error.message, field=field) from None
    return tuple(dict.fromkeys(found))


def question_of(row: Row) -> Question:
    """The question of a query: `text` with one `[MASK]` or `[Y]`, or `template` and `subject`.

    Raises:
        DataError: names the field.
    """
    if row.get("template"):
        template = required(row, "template", str)
        check_template(template)
        return fill_template(template, _text(row, "subject"))
    text: str = required(row, "text", str)
    return masked_sentence(text, _string(row, "subject"))


LAMA, OWN = "lama", "facts"
FORMATS: dict[str, tuple[str, Convert]] = {
    OWN: ("JSON Lines with text or template, subject, object, relation, aliases", from_own),
    LAMA: ("LAMA and LAMA-UHN: Google-RE, T-REx, ConceptNet, SQuAD, and the copy on the Hugging Face Hub", from_lama),
}
"""Name of a format -> one line of help, and its reader of a row."""
SIGNS = {"obj_label": LAMA, "object": OWN}
"""Key of a row -> its format."""
FIELDS = {OWN: _OWN_FIELDS, LAMA: _LAMA_FIELDS}
"""Name of a format -> its fields; others become metadata."""

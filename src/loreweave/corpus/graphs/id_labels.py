"""Labels made from ids that are words: `concept:person:mao_zedong` -> `mao zedong`, a person.

Graphs such as NELL's have no file of texts, so their ids are the only text. An id that is a number or a code (`Q42`,
`/m/07ssc`, `08860123`) gives no label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.lines import LeftOut
from loreweave.corpus.graphs.source import GraphSource, ReadTexts
from loreweave.corpus.graphs.texts import Located

MADE = "labels made from ids of {kind}"
NO_WORDS = "ids of {kind} that are not words and give no label"

_CODE = re.compile(r"/?[mg][/.][0-9a-z_]+|[A-Za-z]?\d+")
_ADDRESS = re.compile(r"\w+://.*[/#]([^/#]+)")
_NELL = re.compile(r"concept[:_]([a-z]+)[:_](.+)")
_NELL_RELATION = re.compile(r"concept:(.+)")
_CONCEPT_NET = re.compile(r"/[cr](?:/[a-z]{2,3}(?=/))?/([^/]+)(?:/.*)?")
_PREFIXED = re.compile(r"\w+:([^:]+)")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SEPARATORS = re.compile(r"[\s_/:.+]+")


def words_of_id(id: str, *, entity: bool) -> tuple[str, str]:
    """A label and a type from an id; both are empty if the id is not a word.

    The label is the last part of an address, the name in `prefix:name`, in NELL's `concept:type:name` and in
    ConceptNet's `/c/en/name`, or otherwise the whole id, with `_`, `/`, `:` as spaces. A relation's `bornIn` is "born in".

    Example:
        >>> words_of_id("concept:person:mao_zedong", entity=True)
        ('mao zedong', 'person')
        >>> words_of_id("/people/person/placeOfBirth", entity=False)
        ('people person place of birth', '')
        >>> words_of_id("Q42", entity=True)
        ('', '')
    """
    name, kind = id.strip("<>"), ""
    if _CODE.fullmatch(name):
        return "", ""
    if address := _ADDRESS.fullmatch(name):
        name = unquote(address[1])
    elif entity and (nell := _NELL.fullmatch(name)):
        kind, name = nell[1], nell[2]
    elif found := _NELL_RELATION.fullmatch(name) or _CONCEPT_NET.fullmatch(name) or _PREFIXED.fullmatch(name):
        name = found[1]
    text = _SEPARATORS.sub(" ", name).strip()
    if not entity and _CAMEL.search(text):
        text = _CAMEL.sub(" ", text).lower()
    if not any(len(word) > 1 and word.isalpha() for word in re.split(r"[ '\-,()]", text)):
        return "", ""
    return text, kind


def with_labels_of_ids(source: GraphSource) -> GraphSource:
    """The source, with a label made from the id of every entity and relation that has no label."""
    return replace(
        source,
        read_entities=_labelled(source.read_entities, "entities"),
        read_relations=_labelled(source.read_relations, "relations"),
        details={**source.details, "labels": "ids"},
    )


def _labelled(read: ReadTexts, kind: str) -> ReadTexts:
    def read_with_labels(ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
        done = set()
        for place, line, entity in read(ids, left_out):
            done.add(entity.id)
            yield place, line, _with_label(entity, kind, left_out) if entity.id in ids else entity
        for id in ids:
            if id not in done:
                yield Path(), None, _with_label(GraphEntity(id), kind, left_out)

    return read_with_labels


def _with_label(entity: GraphEntity, kind: str, left_out: LeftOut) -> GraphEntity:
    if entity.label:
        return entity
    label, type = words_of_id(entity.id, entity=kind == "entities")
    left_out.change((MADE if label else NO_WORDS).format(kind=kind))
    return replace(entity, label=label, types=entity.types or ((type,) if type else ()))

"""Labels made from ids that are words: `concept:person:mao_zedong` -> `mao zedong`, a person.

Graphs such as NELL's have no file of texts: their ids are all there is to read. An id that is a number or a code (`Q42`,
`/m/07ssc`, `08860123`) gives no label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from loreweave.corpus.graph_entities import GraphEntity
from loreweave.corpus.graph_lines import LeftOut
from loreweave.corpus.graph_source import GraphSource, ReadTexts
from loreweave.corpus.graph_texts import Located

MADE = "labels made from ids of {kind}"
NO_WORDS = "ids of {kind} that are no words and give no label"

_CODE = re.compile(r"/?[mg][/.][0-9a-z_]+|[A-Za-z]?\d+")
_ADDRESS = re.compile(r"<?\w+://[^>]*[/#]([^/#>]+)>?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SEPARATORS = re.compile(r"[\s_/:.+]+")
_NELL = "concept"


def words_of_id(id: str, *, last: bool) -> tuple[str, str]:
    """A label and a type from an id; both empty where it is no word.

    Args:
        last: take the last part of an id with colons, as an entity's; a relation's parts are all kept.

    Example:
        >>> words_of_id("concept:person:mao_zedong", last=True)
        ('mao zedong', 'person')
        >>> words_of_id("/people/person/placeOfBirth", last=False)
        ('people person place of birth', '')
        >>> words_of_id("Q42", last=True)
        ('', '')
    """
    if _CODE.fullmatch(id):
        return "", ""
    address = _ADDRESS.fullmatch(id)
    name = unquote(address[1]) if address else id
    parts = [part for part in name.split(":") if part]
    if parts[:1] == [_NELL]:
        parts = parts[1:]
    kind = parts[-2] if last and len(parts) > 1 else ""
    text = _SEPARATORS.sub(" ", parts[-1] if last and parts else " ".join(parts)).strip()
    if not last:
        text = _CAMEL.sub(" ", text).lower() if _CAMEL.search(text) else text
    if not any(len(word) > 1 and word.isalpha() for word in re.split(r"[ '\-,()]", text)):
        return "", ""
    return text, _SEPARATORS.sub(" ", kind).strip()


def with_labels_of_ids(source: GraphSource) -> GraphSource:
    """The source with a label made from the id of every entity and relation that has no label."""
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
    label, type = words_of_id(entity.id, last=kind == "entities")
    left_out.change((MADE if label else NO_WORDS).format(kind=kind))
    return replace(entity, label=label, types=entity.types or ((type,) if type else ()))

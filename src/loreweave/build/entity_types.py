"""Collects the types of entities: from categories of texts, from labels of linked mentions, or from a knowledge graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.knowledge.vocabulary_rows import NONE, SHARED, ids_of_graph
from loreweave.errors import DataError

CATEGORIES = "categories"


@dataclass
class EntityTypesReport:
    """Types of entities, and the counts of what was read and left out."""

    types: dict[str, tuple[str, ...]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


def types_of_categories(texts: Iterable[AnnotatedText], name: Callable[[str], str] = str) -> EntityTypesReport:
    """Types of the entity that each text describes: its `metadata["categories"]`.

    Args:
        texts: texts whose title is the entity.
        name: function that makes a readable name of a category.

    Raises:
        DataError: categories that are no list of names.
    """
    report = EntityTypesReport(counts=Counter(texts=0, texts_without_categories=0))
    for text in texts:
        given = text.metadata.get(CATEGORIES, [])
        if not isinstance(given, list) or not all(isinstance(item, str) and item.strip() for item in given):
            found = f"found {in_json(given)} in the text {text.id!r}, expected a list of names"
            raise DataError(found, field=f"metadata.{CATEGORIES}")
        report.counts["texts"] += 1
        report.counts["texts_without_categories"] += not given
        _add(report.types, text.title, map(name, given))
    return report


def types_of_labels(texts: Iterable[AnnotatedText]) -> EntityTypesReport:
    """Types of linked entities: all labels of the mentions that link to them."""
    report = EntityTypesReport(counts=Counter(texts=0, mentions=0, mentions_without_entity=0, mentions_without_label=0))
    for text in texts:
        report.counts["texts"] += 1
        for mention in text.mentions:
            report.counts["mentions"] += 1
            report.counts["mentions_without_entity"] += mention.entity is None
            report.counts["mentions_without_label"] += mention.entity is not None and not mention.types
            if mention.entity is not None:
                _add(report.types, mention.entity, mention.types)
    return report


def types_of_graph(graph: KnowledgeGraph, vocabulary: EntityVocabulary) -> EntityTypesReport:
    """Types of the entities of a graph, by the titles that the vocabulary has for them.

    An entity is found as in `loreweave.corpus.knowledge.vocabulary_rows.vocabulary_ids`: by its id, title or label.
    """
    names = ("entities", "entities_without_types", "entities_outside_vocabulary", "entities_with_an_ambiguous_label")
    report = EntityTypesReport(counts=Counter(dict.fromkeys(names, 0)))
    for entity, row in zip(graph.entities, ids_of_graph(graph, vocabulary), strict=True):
        report.counts["entities"] += 1
        report.counts["entities_outside_vocabulary"] += int(row) == NONE
        report.counts["entities_with_an_ambiguous_label"] += int(row) == SHARED
        report.counts["entities_without_types"] += row >= 0 and not entity.types
        if row >= 0:
            _add(report.types, vocabulary.title_of(int(row)), entity.types)
    return report


def keep_frequent(report: EntityTypesReport, min_entities: int) -> None:
    """Drop the types of fewer entities, and count them and the entities that lose all types."""
    sizes = Counter(name for names in report.types.values() for name in names)
    kept = {title: tuple(n for n in names if sizes[n] >= min_entities) for title, names in report.types.items()}
    report.counts["types_dropped_rare"] = sum(size < min_entities for size in sizes.values())
    report.counts["entities_dropped_with_them"] = sum(not names for names in kept.values())
    report.types = {title: names for title, names in kept.items() if names}


def check_types(types: Mapping[str, tuple[str, ...]], source: Pathname, looked_at: str = "") -> None:
    """Refuse types from which nothing can be learned.

    Args:
        types: entity -> its types.
        source: file or folder of the types, for the message.
        looked_at: where the types were looked for, and where else they can be, for the message.

    Raises:
        DataError: there are no types, or one alone.
    """
    names = {name for given in types.values() for name in given}
    if len(names) < 2:
        found = f"found the type {next(iter(names))!r} alone" if names else "found no entity with a type"
        raise DataError(f"{found}, expected at least two types{looked_at and ' '}{looked_at}", path=source)


def _add(types: dict[str, tuple[str, ...]], title: str, names: Iterable[str]) -> None:
    """Add types to those of a title; an entity without types gets no entry."""
    together = tuple(dict.fromkeys((*types.get(title, ()), *names)))
    if together:
        types[title] = together

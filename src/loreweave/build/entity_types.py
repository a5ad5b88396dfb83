"""Collects the types of entities: from categories of texts, from labels of linked mentions, or from a knowledge graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np

from loreweave.build.entity_vocabulary import several_languages
from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.counts import counted, listed
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.graphs.knowledge_graph import HEAD, RELATION, TAIL, KnowledgeGraph
from loreweave.corpus.knowledge.entity_types import VocabularyTypes, read_entity_types
from loreweave.corpus.knowledge.vocabulary_rows import NONE, SHARED, ids_of_graph
from loreweave.errors import DataError

CATEGORIES = "categories"


@dataclass
class EntityTypesReport:
    """Types of entities, and the counts of what was read and left out."""

    types: dict[str, tuple[str, ...]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


def types_of_categories(
    texts: Iterable[AnnotatedText], name: Callable[[str], str] = str, *, language: str | None = None
) -> EntityTypesReport:
    """Types of the entity that each text describes: its `metadata["categories"]`.

    Args:
        texts: texts whose title is the entity.
        name: function that makes a readable name of a category.
        language: language of all titles, which are written with it. Default: titles are written with the language of their
            text if the texts have several languages, as in the vocabulary of `vocabulary_of_counts`.

    Raises:
        DataError: categories that are no list of names; or texts of several languages, some without one.
    """
    report = EntityTypesReport(counts=Counter(texts=0, texts_without_categories=0))
    found: dict[str | None, dict[str, tuple[str, ...]]] = {}
    for text in texts:
        given = text.metadata.get(CATEGORIES, [])
        if not isinstance(given, list) or not all(isinstance(item, str) and item.strip() for item in given):
            message = f"found {in_json(given)} in the text {text.id!r}, expected a list of names"
            raise DataError(message, field=f"metadata.{CATEGORIES}")
        report.counts["texts"] += 1
        report.counts["texts_without_categories"] += not given
        _add(found.setdefault(language or text.language, {}), text.title, map(name, given))
    report.types = _by_key(found, language)
    return report


def types_of_labels(texts: Iterable[AnnotatedText], *, language: str | None = None) -> EntityTypesReport:
    """Types of linked entities: all labels of the mentions that link to them.

    Args:
        texts: texts with links.
        language: see `types_of_categories`.

    Raises:
        DataError: the texts have several languages, and some have none.
    """
    report = EntityTypesReport(counts=Counter(texts=0, mentions=0, mentions_without_entity=0, mentions_without_label=0))
    found: dict[str | None, dict[str, tuple[str, ...]]] = {}
    for text in texts:
        types = found.setdefault(language or text.language, {})
        report.counts["texts"] += 1
        for mention in text.mentions:
            report.counts["mentions"] += 1
            report.counts["mentions_without_entity"] += mention.entity is None
            report.counts["mentions_without_label"] += mention.entity is not None and not mention.types
            if mention.entity is not None:
                _add(types, mention.entity, mention.types)
    report.types = _by_key(found, language)
    return report


def types_of_graph(graph: KnowledgeGraph, vocabulary: EntityVocabulary, relations: Sequence[str] = ()) -> EntityTypesReport:
    """Types of the entities of a graph, by the titles that the vocabulary has for them.

    An entity is found as in `loreweave.corpus.knowledge.vocabulary_rows.vocabulary_ids`: by its id, title or label.

    Args:
        graph: the graph.
        vocabulary: the vocabulary.
        relations: ids or labels of relations whose tails are the types of their heads, as in "Douglas Adams, instance of,
            human". Default: the types are those that the graph stores for each entity.

    Raises:
        DataError: the graph has no such relation.
    """
    names = ("entities", "entities_without_types", "entities_outside_vocabulary", "entities_with_an_ambiguous_label")
    report = EntityTypesReport(counts=Counter(dict.fromkeys(names, 0)))
    tails = _types_of_relations(graph, relations, report.counts) if relations else None
    for number, (entity, row) in enumerate(zip(graph.entities, ids_of_graph(graph, vocabulary).tolist(), strict=True)):
        types = entity.types if tails is None else tails.get(number, ())
        report.counts["entities"] += 1
        report.counts["entities_outside_vocabulary"] += row == NONE
        report.counts["entities_with_an_ambiguous_label"] += row == SHARED
        report.counts["entities_without_types"] += row >= 0 and not types
        if row >= 0:
            _add(report.types, vocabulary.title_of(row), types)
    return report


def _types_of_relations(graph: KnowledgeGraph, relations: Sequence[str], counts: Counter[str]) -> dict[int, tuple[str, ...]]:
    """Row of an entity -> labels of the tails of these relations in all splits; the id of a tail without a label.

    Raises:
        DataError: see `_rows_of`.
    """
    rows = [row for name in relations for row in _rows_of(graph, name)]
    triples = np.concatenate([np.asarray(part) for part in graph.triples.values()])
    triples = triples[np.isin(triples[:, RELATION], rows)]
    tails = np.unique(triples[:, TAIL]).tolist()
    labels = {tail: graph.entity_labels[tail].strip() for tail in tails}
    counts["triples_with_a_type"] = len(triples)
    counts["types_without_a_label"] = sum(not label for label in labels.values())
    found: dict[int, dict[str, None]] = {}
    for head, tail in triples[:, [HEAD, TAIL]].tolist():
        found.setdefault(head, {})[labels[tail] or graph.entity_ids[tail]] = None
    return {head: tuple(names) for head, names in found.items()}


def _rows_of(graph: KnowledgeGraph, name: str) -> list[int]:
    """Rows of the relations with this id or label.

    Raises:
        DataError: there is none.
    """
    found = [row for row, relation in enumerate(graph.relations) if name in (relation.id, relation.label)]
    if not found:
        known = list(dict.fromkeys(part for relation in graph.relations for part in (relation.id, relation.label) if part))
        close = get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f", expected the id or the label of one: {listed(known)}"
        raise DataError(f"found no relation {name!r}{hint}", path=graph.folder)
    return found


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


def types_of_vocabulary(path: Pathname, vocabulary: EntityVocabulary) -> VocabularyTypes:
    """Types of the entities of a vocabulary, from a file of types.

    Raises:
        DataError: the file cannot be read, or these entities have no types, or one alone.
    """
    given = read_entity_types(path)
    found = VocabularyTypes.of(given, vocabulary)
    if len(found.names) < 2:
        other = next((title for title in given if vocabulary.id_in_any_spelling(title) is None), None)
        own = next((title for title, _, id in vocabulary.items() if id not in vocabulary.special_ids), None)
        lacking = counted(found.unknown, "entity of the file is not among them", "entities of the file are not among them")
        unlike = "" if other is None else f"; {lacking} (the file has {other!r}, the links have {own!r})"
        check_types({name: (name,) for name in found.names}, path, f"among the linked entities of the data{unlike}")
    return found


def _by_key(found: Mapping[str | None, Mapping[str, tuple[str, ...]]], language: str | None) -> dict[str, tuple[str, ...]]:
    """Types by the keys that entities have in the vocabulary of the same texts, for the same `language`.

    Args:
        found: language of texts (all of them) -> title -> its types.
        language: language of all titles.

    Raises:
        DataError: the texts have several languages, and some have none.
    """
    with_language = language is not None or several_languages(found.keys())
    types: dict[str, tuple[str, ...]] = {}
    for name, titles in found.items():
        for title, names in titles.items():
            _add(types, f"{name}:{title}" if with_language else title, names)
    return types


def _add(types: dict[str, tuple[str, ...]], title: str, names: Iterable[str]) -> None:
    """Add types to those of a title; an entity without types gets no entry. Names are as `read_entity_types` reads them."""
    together = tuple(dict.fromkeys((*types.get(title, ()), *map(str.strip, names))))
    if together:
        types[title] = together

"""First sentences about entities: of the texts that describe them, or of a graph's descriptions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from loreweave.build.sentences import split_sentences
from loreweave.corpus.annotated_text import AnnotatedText, read_annotated_texts
from loreweave.corpus.entity_vocabulary import EntityVocabulary, spellings
from loreweave.corpus.files.manifests import MANIFEST
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.rows import trimmed
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.knowledge.vocabulary_rows import ids_of_graph
from loreweave.errors import DataError

_LONGEST = 2000
"""Number of characters of a paragraph in which its first sentence is looked for."""


def read_entity_sentences(path: Pathname, vocabulary: EntityVocabulary) -> dict[int, str]:
    """Row of the vocabulary -> first sentence about the entity.

    Args:
        path: folder of a graph (the descriptions of its entities), or a file of annotated texts (each describes the entity of
            its title).

    Raises:
        DataError: the file cannot be read, or it has a text of no entity of the vocabulary.
    """
    if (Path(path) / MANIFEST).is_file():
        found = sentences_of_graph(KnowledgeGraph.load(path), vocabulary)
    else:
        found = sentences_of_texts(read_annotated_texts(path), vocabulary)
    if not found:
        raise DataError(
            "found no text of an entity of the vocabulary, expected texts whose title (metadata.title, otherwise the id) is "
            "that of an entity, or a graph with descriptions",
            path=path,
        )
    return found


def sentences_of_texts(texts: Iterable[AnnotatedText], vocabulary: EntityVocabulary) -> dict[int, str]:
    """First sentences of texts by the row of their title; of several texts with one title, the first one counts."""
    found: dict[int, str] = {}
    special = vocabulary.special_ids
    for text in texts:
        named = {_row(vocabulary, name, text.language) for name in spellings(text.title)}
        rows = {row for row in named if row is not None and row not in special and row not in found}
        sentence = first_sentence(text) if rows else ""
        if sentence:
            found |= dict.fromkeys(rows, sentence)
    return found


def sentences_of_graph(graph: KnowledgeGraph, vocabulary: EntityVocabulary) -> dict[int, str]:
    """First sentences of the descriptions of a graph's entities, found as in `vocabulary_ids`."""
    found: dict[int, str] = {}
    for entity, row in zip(graph.entities, ids_of_graph(graph, vocabulary), strict=True):
        sentence = _first_of(entity.description, None) if row >= 0 else ""
        if sentence:
            found[int(row)] = sentence
    return found


def first_sentence(text: AnnotatedText) -> str:
    """First sentence of the first prose paragraph that is not the title alone; empty if there is none.

    Paragraphs are those of `metadata["paragraphs"]` of kind p (or without kinds); otherwise the lines.
    """
    given = text.metadata.get("paragraphs")
    if given is None:
        paragraphs: Iterable[str] = text.text.splitlines()
    else:
        paragraphs = (text.text[start:end] for start, end, *kind in given if not kind or kind[0] == "p")
    title = text.title.replace("_", " ").casefold()
    for paragraph in paragraphs:
        if paragraph.strip() and paragraph.strip().casefold() != title:
            return _first_of(paragraph, text.language)
    return ""


def _first_of(paragraph: str, language: str | None) -> str:
    start, end = trimmed(paragraph, 0, len(paragraph))
    beginning = paragraph[start : min(end, start + _LONGEST)]
    spans = split_sentences(beginning, language)
    return beginning[slice(*spans[0])] if spans else ""


def _row(vocabulary: EntityVocabulary, title: str, language: str | None) -> int | None:
    row = vocabulary.id_of(title, language)
    return vocabulary.id_of(title) if row is None else row

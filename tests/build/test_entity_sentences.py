"""First sentences about entities, from texts and from graphs."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from loreweave.build.entity_sentences import first_sentence, read_entity_sentences, sentences_of_graph, sentences_of_texts
from loreweave.corpus.annotated_text import AnnotatedText, write_annotated_texts
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.errors import DataError

VOCABULARY = EntityVocabulary.from_counts({"Great_tit": 3, "Oslo": 2, "Bern": 1})
TIT, OSLO, BERN = (VOCABULARY.id_of(title) for title in ("Great_tit", "Oslo", "Bern"))


def text(id: str, content: str, **metadata: object) -> AnnotatedText:
    return AnnotatedText(id, content, language="en", metadata=metadata)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (text("Oslo", "Oslo is a city. It is old."), "Oslo is a city."),
        (text("Oslo", "Oslo\n\n  Oslo is a city. It is old."), "Oslo is a city."),
        (text("Great_tit", "GREAT TIT\nIt is a bird"), "It is a bird"),
        (text("Oslo", "A map.\nOslo is a city. Old.", paragraphs=[[0, 6, "x"], [7, 27, "p"]]), "Oslo is a city."),
        (text("Oslo", "A map.\nOslo is a city.", paragraphs=[[0, 6], [7, 22]]), "A map."),
        (text("Oslo", "Oslo\n \n"), ""),
        (text("Oslo", ""), ""),
    ],
)
def test_the_first_sentence_of_a_text(given: AnnotatedText, expected: str) -> None:
    assert first_sentence(given) == expected


def test_titles_are_found_with_spaces_and_underscores() -> None:
    texts = [
        text("Great tit", "The great tit is a bird. It sings."),
        text("Elsewhere", "It is not in the vocabulary."),
        text("7", "The capital. It is old.", title="Oslo"),
        text("Oslo", "A second text."),
        text("[MASK]", "No entity."),
    ]
    assert sentences_of_texts(texts, VOCABULARY) == {TIT: "The great tit is a bird.", OSLO: "The capital."}


def test_a_text_copies_nothing_of_the_texts_before() -> None:
    """A set of 3,000 rows takes 130 kB."""
    vocabulary = EntityVocabulary.from_counts({f"T{number}": 1 for number in range(3000)})
    peaks = []

    def texts() -> Iterator[AnnotatedText]:
        yield from (AnnotatedText(f"T{number}", "Eine Stadt.", language="de") for number in range(3000))
        tracemalloc.start()
        yield AnnotatedText("Elsewhere", "Eine andere.", language="de")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert len(sentences_of_texts(texts(), vocabulary)) == 3000 and peaks[0] < 30_000


def test_descriptions_of_a_graph() -> None:
    entities = [
        GraphEntity("Q1", label="Oslo", description="Capital of Norway. It is old."),
        GraphEntity("Bern", description=""),
        GraphEntity("Q3", label="Elsewhere", description="Not in the vocabulary."),
    ]
    graph = KnowledgeGraph.from_parts(entities, [GraphRelation("P1")], {"train": [[0, 0, 1]]})
    assert sentences_of_graph(graph, VOCABULARY) == {OSLO: "Capital of Norway."}


def test_a_file_and_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    write_annotated_texts(file, [text("Oslo", "Oslo is a city.")])
    assert read_entity_sentences(file, VOCABULARY) == {OSLO: "Oslo is a city."}
    graph = KnowledgeGraph.from_parts(
        [GraphEntity("Bern", description="A city.")], [GraphRelation("P1")], {"train": [[0, 0, 0]]}
    )
    graph.save(tmp_path / "graph")
    assert read_entity_sentences(tmp_path / "graph", VOCABULARY) == {BERN: "A city."}


def test_texts_of_other_entities_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    write_annotated_texts(file, [text("Elsewhere", "Nothing is known.")])
    with pytest.raises(DataError, match="texts.jsonl.*found no text of an entity of the vocabulary"):
        read_entity_sentences(file, VOCABULARY)

"""`loreweave build entity-types`: types from texts and from a graph, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from loreweave.cli.main import main
from loreweave.corpus.annotated_text import AnnotatedText, Mention, write_annotated_texts
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.knowledge_graph import GraphRelation, KnowledgeGraph
from loreweave.corpus.knowledge.entity_types import VocabularyTypes, read_entity_types

Build = Callable[..., tuple[int, str, str]]


@pytest.fixture
def build(capsys: pytest.CaptureFixture[str]) -> Build:
    """The command's exit status, output and messages."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["build", "entity-types", *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    path = tmp_path / "pages.jsonl"
    mentions = (Mention(0, 4, "Oslo", "place"), Mention(5, 7, "To be", "verb"))
    texts = [
        AnnotatedText("Oslo", "Oslo is.", mentions, metadata={"categories": ["cities", "capitals"]}),
        AnnotatedText("Bern", "Bern is.", (), metadata={"categories": ["cities"]}),
        AnnotatedText("Left", "Left is.", (), metadata={"categories": ["sides"]}),
    ]
    write_annotated_texts(path, texts)
    return path


def test_categories(build: Build, pages: Path, tmp_path: Path) -> None:
    (tmp_path / "exclude.txt").write_text("Left\n")
    output = tmp_path / "types.jsonl"
    code, said, _ = build(pages, "--output", output, "--exclude", tmp_path / "exclude.txt", "--json")
    counts = json.loads(said)
    assert code == 0 and read_entity_types(output) == {"Oslo": ("cities", "capitals"), "Bern": ("cities",)}
    assert counts["types"] == 2 and counts["entities_with_types"] == 2 and counts["texts_excluded"] == 1
    assert build(pages, "--output", output)[0] != 0, "the file exists"
    assert build(pages, "--output", output, "--overwrite")[0] == 0


def test_labels(build: Build, pages: Path, tmp_path: Path) -> None:
    code, _, _ = build(pages, "--output", tmp_path / "types.jsonl", "--source", "labels")
    assert code == 0 and read_entity_types(tmp_path / "types.jsonl") == {"Oslo": ("place",), "To be": ("verb",)}


def test_labels_of_a_corpus_without_links(build: Build, pages: Path, tmp_path: Path) -> None:
    """With --link-labels, every label is an entity and its own type."""
    texts = [AnnotatedText("1", "Oslo is.", (Mention(0, 4, label="place"), Mention(5, 7, label="verb")))]
    write_annotated_texts(pages, texts)
    output = tmp_path / "types.jsonl"
    code, _, said = build(pages, "--output", output)
    assert code != 0 and "found no entity with a type, expected at least two types in metadata.categories" in said
    assert "(--source labels reads the labels of linked mentions)" in said
    code, _, said = build(pages, "--output", output, "--source", "labels")
    assert code != 0 and "(--link-labels also takes the labels of mentions without a link" in said
    code, _, _ = build(pages, "--output", output, "--source", "labels", "--link-labels")
    assert code == 0 and read_entity_types(output) == {"place": ("place",), "verb": ("verb",)}


def test_rare_types_leave_one_alone(build: Build, pages: Path, tmp_path: Path) -> None:
    code, _, said = build(pages, "--output", tmp_path / "types.jsonl", "--min-entities", 2)
    assert code != 0 and "found the type 'cities' alone, expected at least two types" in said
    assert not (tmp_path / "types.jsonl").exists()


def test_a_graph_needs_a_vocabulary(build: Build, tmp_path: Path) -> None:
    entities = [GraphEntity("Q1", "Oslo", types=("city",)), GraphEntity("Q2", "Norway", types=("country",))]
    KnowledgeGraph.from_parts(entities, [GraphRelation("P1", "in")], {"train": [[0, 0, 1]]}).save(tmp_path / "graph")
    EntityVocabulary.from_counts({"Oslo": 2, "Norway": 1}).save(tmp_path / "vocabulary.jsonl")
    output = tmp_path / "types.jsonl"
    code, _, said = build("--graph", tmp_path / "graph", "--output", output)
    assert code != 0 and "--graph needs --vocabulary FILE" in said
    code, _, _ = build("--graph", tmp_path / "graph", "--vocabulary", tmp_path / "vocabulary.jsonl", "--output", output)
    assert code == 0 and read_entity_types(output) == {"Oslo": ("city",), "Norway": ("country",)}


def test_types_of_plain_triples(build: Build, pages: Path, tmp_path: Path) -> None:
    """A graph of three columns, whose types are a relation."""
    lines = ["Oslo\tinstance of\tcity", "Bern\tinstance of\tcity", "Norway\tinstance of\tcountry", "Oslo\tin\tNorway"]
    (tmp_path / "graph.tsv").write_text("".join(f"{line}\n" for line in lines))
    assert main(["build", "graph", str(tmp_path / "graph.tsv"), "--format", "tsv", "--output", str(tmp_path / "graph")]) == 0
    EntityVocabulary.from_counts({"Oslo": 2, "Norway": 1}).save(tmp_path / "vocabulary.jsonl")
    output, of_graph = tmp_path / "types.jsonl", ("--graph", tmp_path / "graph", "--vocabulary", tmp_path / "vocabulary.jsonl")
    code, _, said = build(*of_graph, "--output", output)
    assert code != 0 and "(--type-relation NAME takes the tails of a relation)" in said
    code, _, said = build(*of_graph, "--type-relation", "instanceof", "--output", output)
    assert code != 0 and "found no relation 'instanceof'; did you mean 'instance of'?" in said
    code, said, _ = build(*of_graph, "--type-relation", "instance of", "--output", output, "--json")
    assert code == 0 and read_entity_types(output) == {"Oslo": ("city",), "Norway": ("country",)}
    assert json.loads(said)["triples_with_a_type"] == 3
    code, _, said = build(pages, "--type-relation", "instance of", "--output", tmp_path / "other")
    assert code != 0 and "--type-relation: found text files, expected --graph FOLDER" in said


def test_one_source_is_needed(build: Build, pages: Path, tmp_path: Path) -> None:
    output = tmp_path / "types.jsonl"
    assert "found no text files, expected" in build("--output", output)[2]
    assert "found both --graph and text files" in build(pages, "--graph", tmp_path, "--output", output)[2]


def test_titles_of_a_vocabulary_of_several_languages(build: Build, pages: Path, tmp_path: Path) -> None:
    """Its keys are language:title; without the language, no entity of it has a type."""
    output = tmp_path / "types.jsonl"
    assert build(pages, "--output", output)[0] == 0
    plain = read_entity_types(output)
    assert build(pages, "--output", output, "--language", "en", "--overwrite")[0] == 0
    assert read_entity_types(output) == {f"en:{title}": names for title, names in plain.items()}
    ids = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, **{f"en:{title}": row for row, title in enumerate(plain, 3)}, "de:Wien": 99}
    vocabulary = EntityVocabulary.from_hugging_face(ids)
    assert VocabularyTypes.of(read_entity_types(output), vocabulary).counts.astype(bool).sum() == len(plain)
    for option in (("--source", "labels"), ("--format", "doccano"), ("--skip-bad",), ("--link-labels",)):
        said = build("--graph", tmp_path, *option, "--output", tmp_path / "other")[2]
        assert f"{option[0]}: found --graph, expected text files; leave {option[0]} out" in said
    assert "--language: found --graph" in build("--graph", tmp_path, "--language", "en", "--output", tmp_path / "other")[2]


def test_titles_of_texts_of_several_languages(build: Build, pages: Path, tmp_path: Path) -> None:
    """The file names the entities as the vocabulary of the same texts does, or all with --language."""
    texts = [
        AnnotatedText(language, "Oslo is.", (Mention(0, 4, "Oslo", label),), language)
        for language, label in (("en", "city"), ("de", "Stadt"))
    ]
    write_annotated_texts(pages, texts)
    output, vocabulary = tmp_path / "types.jsonl", tmp_path / "vocabulary.jsonl"
    assert build(pages, "--source", "labels", "--output", output)[0] == 0
    assert read_entity_types(output) == {"en:Oslo": ("city",), "de:Oslo": ("Stadt",)}
    assert main(["build", "entity-vocab", str(pages), "--output", str(vocabulary)]) == 0
    assert VocabularyTypes.of(read_entity_types(output), EntityVocabulary.load(vocabulary)).unknown == 0
    assert build(pages, "--source", "labels", "--language", "no", "--output", output, "--overwrite")[0] == 0
    assert read_entity_types(output) == {"no:Oslo": ("city", "Stadt")}

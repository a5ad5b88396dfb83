"""`loreweave build entity-types`: a file with the types of entities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from loreweave.cli.build.annotated_texts import (
    FILES,
    Exclude,
    Format,
    LinkLabels,
    TextFiles,
)
from loreweave.cli.console import progress, show_counts
from loreweave.cli.options import CountsAsJson, Overwrite, SkipBad, TagNamesOption
from loreweave.corpus.files.writing import check_free
from loreweave.errors import ConfigurationError

if TYPE_CHECKING:
    from loreweave.build.entity_types import EntityTypesReport

Files = Annotated[list[str] | None, FILES]
Source = Annotated[
    Literal["categories", "labels"],
    typer.Option(
        "--source",
        help="Where the types come from. categories: the entity that a text describes has the types in metadata.categories of "
        "the text. labels: a linked entity has the labels of its mentions.",
    ),
]
Graph = Annotated[
    Path | None,
    typer.Option(
        "--graph", help="Folder of a graph whose entities have types, to be used instead of text files (needs --vocabulary)."
    ),
]
TypeRelation = Annotated[
    list[str] | None,
    typer.Option(
        "--type-relation",
        help="With --graph: a relation whose tails are the types of their heads, by its id or label ('instance of', P31, "
        "rdf:type). Can be repeated. Default: the types that the graph stores for each entity.",
    ),
]
Vocabulary = Annotated[
    Path | None, typer.Option("--vocabulary", help="Entity vocabulary with the titles of the graph's entities.")
]
Output = Annotated[Path, typer.Option("--output", help="File to write (.jsonl).")]
TitleLanguage = Annotated[
    str | None,
    typer.Option(
        "--language",
        help="Language of the titles in all texts, for a vocabulary of several languages: en writes en:Oslo. Default: the "
        "language of each text if the texts have several languages, as in build entity-vocab.",
    ),
]
MinEntities = Annotated[
    int, typer.Option("--min-entities", min=1, help="Minimum number of entities that have a type; rarer types are left out.")
]

_LOOKED_AT = {
    "categories": "in metadata.categories of the texts (--source labels reads the labels of linked mentions)",
    "labels": "among the labels of linked mentions (--link-labels also takes the labels of mentions without a link; "
    "--source categories reads metadata.categories of the texts)",
    "graph": "among the entities of the graph that are in --vocabulary (--type-relation NAME takes the tails of a relation)",
    "relation": "among the tails of --type-relation, for heads that are in --vocabulary",
}
"""Where types are looked for, for the message if there are none."""


def entity_types(
    output: Output,
    files: Files = None,
    source: Source = "categories",
    graph: Graph = None,
    vocabulary: Vocabulary = None,
    type_relation: TypeRelation = None,
    language: TitleLanguage = None,
    min_entities: MinEntities = 1,
    format: Format = None,
    tag_names: TagNamesOption = None,
    skip_bad: SkipBad = False,
    exclude: Exclude = None,
    link_labels: LinkLabels = False,
    overwrite: Overwrite = False,
    as_json: CountsAsJson = False,
) -> None:
    """Write a file with the types of entities, for the objectives entity_types and entity_relations.

    Example: loreweave build entity-types pages.jsonl --output types.jsonl

    Example: loreweave build entity-types --graph build/graph --vocabulary entities.jsonl --type-relation "instance of" \\
    --output types.jsonl
    """
    from loreweave.build.entity_types import check_types, keep_frequent
    from loreweave.corpus.knowledge.entity_types import write_entity_types

    check_free(output, overwrite)
    if (graph is None) == (not files):
        found = "no text files" if graph is None else "both --graph and text files"
        raise ConfigurationError(f"found {found}, expected text files, or --graph FOLDER with --vocabulary FILE")
    if graph is not None and language is not None:
        raise ConfigurationError("--language: found --graph, whose titles are those of --vocabulary; leave --language out")
    of_texts = {
        "--source": source != "categories", "--format": format, "--tag-names": tag_names, "--skip-bad": skip_bad,
        "--exclude": exclude, "--link-labels": link_labels,
    }  # fmt: skip
    _refuse({"--type-relation": type_relation, "--vocabulary": vocabulary} if files else of_texts, bool(files))
    given = TextFiles(files or [], format, skip_bad, tag_names, exclude, link_labels)
    report = _of_texts(given, source, language) if files else _of_graph(graph, vocabulary, type_relation or ())
    left_out = given.counts() if files else {}
    keep_frequent(report, min_entities)
    looked_at = source if files else "relation" if type_relation else "graph"
    check_types(report.types, files[0] if files else str(graph), _LOOKED_AT[looked_at])
    output.parent.mkdir(parents=True, exist_ok=True)
    write_entity_types(output, report.types)
    names = {name for given in report.types.values() for name in given}
    rows = {"entities_with_types": len(report.types), "types": len(names), **report.counts, **left_out}
    show_counts(rows, output, always=("entities_with_types", "types"), as_json=as_json)


def _refuse(options: Mapping[str, object], texts: bool) -> None:
    """Refuse options that are read for a graph (`texts`) or for texts only.

    Raises:
        ConfigurationError: names the first one that was given.
    """
    wrong = next((name for name, value in options.items() if value), None)
    if wrong is not None:
        found, expected = ("text files", "--graph FOLDER") if texts else ("--graph", "text files")
        raise ConfigurationError(f"{wrong}: found {found}, expected {expected}; leave {wrong} out")


def _of_texts(given: TextFiles, source: str, language: str | None) -> EntityTypesReport:
    """Types from categories or labels of texts."""
    from loreweave.build.entity_types import types_of_categories, types_of_labels
    from loreweave.build.text_files import WIKISPEEDIA
    from loreweave.corpus.wikispeedia import category_name

    with progress("texts read for types") as advance:
        texts = given.texts(advance)
        if source == "labels":
            return types_of_labels(texts, language=language)
        readable = category_name if given.format == WIKISPEEDIA else str
        return types_of_categories(texts, readable, language=language)


def _of_graph(graph: Path | None, vocabulary: Path | None, relations: Sequence[str]) -> EntityTypesReport:
    """Types of the entities of a graph.

    Raises:
        ConfigurationError: there is no vocabulary.
        DataError: the graph has no such relation.
    """
    from loreweave.build.entity_types import types_of_graph
    from loreweave.corpus.entity_vocabulary import EntityVocabulary
    from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph

    assert graph is not None
    if vocabulary is None:
        raise ConfigurationError("--graph needs --vocabulary FILE: it has the titles by which texts link to the entities")
    return types_of_graph(KnowledgeGraph.load(graph), EntityVocabulary.load(vocabulary), relations)

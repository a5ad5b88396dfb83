"""`loreweave build facts`: questions about the facts of a knowledge graph, for fact-probing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import show_counts
from loreweave.cli.options import CountsAsJson, Overwrite, Seed
from loreweave.corpus.files.writing import check_free

Graph = Annotated[Path, typer.Argument(help="Folder of a graph ('loreweave build graph').")]
Output = Annotated[Path, typer.Option("--output", help="File to write (.jsonl).")]
Templates = Annotated[
    Path | None,
    typer.Option(
        "--templates",
        help='JSON Lines of {"relation", "template"}, such as "[X] was born in [Y] ." Default: bundled templates for 85 '
        "properties of Wikidata (CoDEx, the mini-world) and 55 relations of Freebase (FB15k-237).",
    ),
]
Splits = Annotated[list[str] | None, typer.Option("--split", help="Split of the graph; can be repeated. Default: all.")]
MostAnswers = Annotated[
    int | None,
    typer.Option("--max-answers", min=1, help="Leave out facts whose subject and relation have more objects than this."),
]
MostFacts = Annotated[
    int | None, typer.Option("--max-facts", min=1, help="Maximum number of facts per relation, drawn at random (LAMA: 1000).")
]
Unhelpful = Annotated[
    bool,
    typer.Option(
        "--unhelpful-names", help="Leave out facts whose object is part of the name of the subject, as LAMA-UHN does."
    ),
]


def facts(
    graph: Graph,
    output: Output,
    templates: Templates = None,
    split: Splits = None,
    max_answers: MostAnswers = None,
    max_facts: MostFacts = None,
    unhelpful_names: Unhelpful = False,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: CountsAsJson = False,
) -> None:
    """Write questions about the facts of a graph, for fact-probing.

    Each line has a template, the subject, the object and its other names, and the other objects of the subject in the graph.

    Example: loreweave build facts build/codex --output facts.jsonl --split test --max-answers 3
    """
    from loreweave.build.facts import FactPolicy, facts_of_graph
    from loreweave.corpus.files.writing import write_json_lines
    from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
    from loreweave.corpus.knowledge.relation_templates import BUNDLED_TEMPLATES, read_templates

    check_free(output, overwrite)
    policy = FactPolicy(
        splits=tuple(split or ()), most_answers=max_answers, most_facts=max_facts, helpful_names=not unhelpful_names, seed=seed
    )
    report = facts_of_graph(KnowledgeGraph.load(graph), read_templates(templates or BUNDLED_TEMPLATES), policy)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_json_lines(output, report.rows)
    show_counts({"facts": len(report.rows), **report.counts}, output, always=("facts", "relations"), as_json=as_json)

"""Commands that need no model start without torch and transformers, which take seconds to import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from loreweave.cli.build import command as build
from loreweave.corpus.graphs.formats import FORMATS as GRAPH_FORMATS
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.tasks.registry import task_names, trained_task_names
from loreweave.training.settings.recipes import list_recipes

HEAVY = ("accelerate", "datasets", "safetensors", "scipy", "sklearn", "torch", "transformers")

LINKED = (
    '{"id": "1", "text": "Ann sings", "mentions": [{"start": 0, "end": 3, "entity": "Ann"}], '
    '"metadata": {"categories": ["singers", "people"]}}\n'
)
TYPING = '{"id": "1", "text": "Ann sings", "start": 0, "end": 3, "labels": ["person"]}\n'
RELATION = (
    '{"id": "%d", "text": "Ann likes Bob", "head": {"start": 0, "end": 3}, "tail": {"start": 10, "end": 13}, "label": "%s"}\n'
)
RELATIONS = "".join(RELATION % (number, "ab"[number % 2]) for number in range(8))
COLUMNS = "".join(f"w{number} B-{label}\nis O\n\n" for number in range(4) for label in ("a", "b"))
TEXTS = "text\tlabel\n" + "".join(f"text {number}\t{label}\n" for number in range(4) for label in ("a", "b"))
LINKS = '{"id": "1", "predicted": [{"start": 0, "end": 3, "entity": "Ann"}]}\n'
CLOZE = (
    '{"id": "1", "text": "Ann likes Bob", "query": "@placeholder sings", "candidates": [{"start": 0, "end": 3}], '
    '"answers": ["Ann"]}\n'
)
SENTENCE = '{"episode": 0, "sentence": 0, "predicted": []}\n'
QUERY = '{"episode": 0, "query": 0, "predicted": "a"}\n'

QUESTION = '{"id": "1", "question": "Who sings?", "context": "Ann sings", "answers": ["Ann"]}\n'

TRAINING = {
    "entity-typing": ("typing.jsonl", TYPING),
    "relation-classification": ("relations.jsonl", RELATIONS),
    "ner": ("ner.txt", COLUMNS),
    "text-classification": ("texts.tsv", TEXTS),
    "extractive-qa": ("questions.jsonl", QUESTION),
    "cloze-qa": ("gaps.jsonl", CLOZE),
    "few-shot-ner": ("words.txt", COLUMNS),
    "entity-linking": ("entities.jsonl", LINKED),
    "few-shot-relation": ("pairs.jsonl", RELATIONS),
}
"""A training file of each task that has one."""

BUILT = {
    "entity-vocab": ["linked.jsonl", "--output", "vocabulary.jsonl"],
    "entity-types": ["linked.jsonl", "--output", "types.jsonl"],
    "mentions": ["linked.jsonl", "--output", "mentions"],
    "graph": ["graph", "--format", "triples", "--output", "built"],
    "episodes": ["words.txt", "--way", "2", "--count", "1", "--output", "episodes.jsonl"],
    "facts": ["facts-graph", "--templates", "templates.jsonl", "--output", "facts.jsonl"],
    "typing-input": ["typing.jsonl", "--format", "ernie", "--output", "typing-input.jsonl"],
    "relation-episodes": ["pairs.jsonl", "--way", "2", "--count", "1", "--output", "relation-episodes.jsonl"],
}
"""What `loreweave build` makes of these files without a tokenizer."""

WITH_TOKENIZER = {"pretraining", "text-blocks", "tfrecord"}

SCORED = {
    "entity-typing": ("typing.jsonl", "typed.jsonl", '{"id": "1", "predicted": ["person"]}\n'),
    "relation-classification": ("relations.jsonl", "labels.txt", "a\nb\n" * 4),
    "ner": ("ner.txt", "ner.txt", COLUMNS),
    "text-classification": ("texts.tsv", "classes.txt", "a\nb\n" * 4),
    "extractive-qa": ("questions.jsonl", "predicted.json", '{"1": "Ann"}'),
    "cloze-qa": ("gaps.jsonl", "official.json", '{"1": "Ann"}'),
    "few-shot-ner": ("episodes.jsonl", "spans.jsonl", SENTENCE),
    "entity-linking": ("entities.jsonl", "links.jsonl", LINKS),
    "few-shot-relation": ("relation-episodes.jsonl", "answers.jsonl", QUERY),
}
"""The gold file and the predictions of each task that files are scored for."""


def commands() -> list[list[str]]:
    """Every command that needs no model."""
    recipes = [recipe.name for recipe in list_recipes()]
    found = [["--version"], ["tasks"], ["recipes"], ["recipes", recipes[0], "--json"]]
    found += [["tasks", task] for task in task_names()]
    found += [["check", task, file] for task, (file, _) in TRAINING.items()]
    found += [["build", kind, *arguments] for kind, arguments in BUILT.items()]
    for task, (gold, predictions, _) in SCORED.items():
        found.append(["score", task, "--gold", gold, "--predictions", predictions, "--output", f"scored-{task}"])
    return found


def test_every_task_and_every_build_is_tried() -> None:
    assert set(TRAINING) == set(SCORED) == set(trained_task_names())
    kinds = {command.name for command in build.registered_commands}
    assert kinds == {*BUILT, *WITH_TOKENIZER, "wikidata5m"}  # wikidata5m is `graph --format wikidata5m`
    assert "triples" in GRAPH_FORMATS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All these files."""
    for name, content in [*TRAINING.values(), *((name, content) for _, name, content in SCORED.values())]:
        (tmp_path / name).write_text(content)
    (tmp_path / "linked.jsonl").write_text(LINKED)
    (tmp_path / "graph").mkdir()
    (tmp_path / "graph" / "train.txt").write_text("a\tlikes\tb\nb\tlikes\tc\n")
    people = [GraphEntity("a", "Ann"), GraphEntity("b", "Bob")]
    KnowledgeGraph.from_parts(people, [GraphRelation("likes")], {"train": [[0, 0, 1]]}).save(tmp_path / "facts-graph")
    (tmp_path / "templates.jsonl").write_text('{"relation": "likes", "template": "[X] likes [Y] ."}\n')
    return tmp_path


PROGRAM = """
import json, sys
from loreweave.cli.main import main
for command in json.loads(sys.argv[1]):
    status = main(command)
    assert status == 0, f"{command}: exit status {status}"
    found = sorted(set(json.loads(sys.argv[2])) & {name.partition(".")[0] for name in sys.modules})
    assert not found, f"{command} imports {found}"
"""


def test_what_needs_no_model_imports_nothing_that_only_models_need(folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands()), json.dumps(HEAVY)],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr

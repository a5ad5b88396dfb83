"""Tasks, objectives, scorers and file formats of other packages: by an entry point, by a call, and what is refused."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from other_packages import isolate, package
from torch import Tensor
from word_count import WordCount

from loreweave.cli.main import main
from loreweave.corpus.annotated_sentences import FORMATS, recognise
from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.mention_formats import MENTION_FORMATS, register_format
from loreweave.corpus.mention_formats.marked import MentionFormat
from loreweave.errors import ConfigurationError
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead
from loreweave.models.knowledge_scorers import SCORERS, Scorer, register_scorer, scorer_named
from loreweave.objectives.registry import REGISTRY as OBJECTIVES
from loreweave.plugins import Registry
from loreweave.tasks.contract import Task
from loreweave.tasks.entity_typing import TASK as TYPING
from loreweave.tasks.ner import TASK as NER
from loreweave.tasks.registry import REGISTRY as TASKS

REGISTRIES: dict[str, Registry[Any]] = {
    "loreweave.tasks": TASKS,
    "loreweave.objectives": OBJECTIVES,
    "loreweave.scorers": SCORERS,
    "loreweave.formats": MENTION_FORMATS,
}


class Translation(Scorer):
    """-|h + r - t|_1 with half the relation."""

    name, similarity = "half_transe", "l1"

    def tail_query(self, head: Tensor, relation: Tensor) -> Tensor:
        return head + relation / 2

    def head_query(self, relation: Tensor, tail: Tensor) -> Tensor:
        return tail - relation / 2


def bracketed(row: Any, number: str) -> list[AnnotatedText]:
    """`{"bracketed": "Ann lives in [Oslo](LOC)"}` with one mention."""
    before, _, rest = row["bracketed"].partition("[")
    surface, _, label = rest.partition("](")
    mention = Mention(len(before), len(before) + len(surface), label=label.rstrip(")"))
    return [AnnotatedText(number, before + surface, (mention,))]


BRACKETED = MentionFormat(
    summary="one mention in brackets",
    example='{"bracketed": "Ann lives in [Oslo](LOC)"}',
    texts=bracketed,
    recognises=lambda path, row: isinstance(row, dict) and "bracketed" in row,
)
SCORER = Translation()
OWN = Task(
    name="own", summary="nothing", metric="accuracy", metrics=("accuracy",), asks=("text",),
    recognises=lambda folder: False, evaluate=partial(dict), predict=partial(dict), score=partial(dict),
)  # fmt: skip
ADDED: dict[str, tuple[str, str, Any]] = {
    "loreweave.tasks": ("own", "test_plugins:OWN", OWN),
    "loreweave.objectives": ("word_count", "word_count:WordCount", WordCount),
    "loreweave.scorers": ("half_transe", "test_plugins:SCORER", SCORER),
    "loreweave.formats": ("bracketed", "test_plugins:BRACKETED", BRACKETED),
}
"""Group -> name, place and object."""


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in REGISTRIES.values():
        isolate(registry, monkeypatch)


@pytest.mark.parametrize("group", REGISTRIES)
def test_an_entry_point_adds_one(group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, place, expected = ADDED[group]
    registry = REGISTRIES[group]
    assert registry.group == group and name not in registry
    isolate(registry, monkeypatch)
    package(tmp_path, group, f"{name} = {place}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "test_plugins", sys.modules[__name__])
    assert list(registry)[-1] == name and registry.of_packages() == [name]
    assert registry[name] is expected


@pytest.mark.parametrize("group", REGISTRIES)
def test_an_entry_point_that_does_not_work_is_named(group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, group, "broken = their_module:thing", "thing = 3")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError) as raised:
        REGISTRIES[group]["broken"]
    assert str(raised.value).startswith(f"entry point 'broken' of {group} in their-package: found 3, expected")


@pytest.mark.parametrize("group", REGISTRIES)
def test_a_taken_name_is_refused(group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = REGISTRIES[group]
    taken = next(iter(registry))
    package(tmp_path, group, f"{taken} = their_module:thing")
    monkeypatch.syspath_prepend(tmp_path)
    isolate(registry, monkeypatch)
    with pytest.raises(ConfigurationError, match=f"in their-package: there is an? .* named '{taken}' already"):
        registry[taken]


def test_two_packages_with_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        package(tmp_path / str(number), "loreweave.scorers", f"mine = their_module:scorer_{number}")
        described = tmp_path / str(number) / "their_package-1.0.dist-info"
        described.rename(described.with_name(f"package_{number}-1.0.dist-info"))
        (tmp_path / str(number) / f"package_{number}-1.0.dist-info" / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: package-{number}\nVersion: 1.0\n"
        )
        monkeypatch.syspath_prepend(tmp_path / str(number))
    with pytest.raises(ConfigurationError, match="their_module:scorer_. and their_module:scorer_. have the same name"):
        SCORERS["mine"]


def test_a_scorer_of_ones_own_scores() -> None:
    with pytest.raises(ConfigurationError, match="found the scorer 'half_transe', expected one of transe_l1"):
        scorer_named("half_transe")
    register_scorer(SCORER)
    register_scorer(SCORER)  # twice is once
    with pytest.raises(ConfigurationError, match="there is a scorer named 'half_transe' already"):
        register_scorer(Translation())
    head = KnowledgeEmbeddingHead("half_transe", 4, 2, gamma=1.0)
    triple = (torch.tensor([1.0, 0]), torch.tensor([2.0, 4]), torch.tensor([2.0, 0]))
    assert head.scorer.score(*triple).item() == -2.0  # |1 + 1 - 2| + |0 + 2 - 0|


def test_what_is_no_scorer_is_refused() -> None:
    for wrong, message in (
        (Translation, "expected an instance of a subclass of Scorer"),
        (type("Unnamed", (Translation,), {"name": ""})(), "Unnamed.name: found ''"),
        (
            type("Odd", (Translation,), {"name": "odd", "similarity": "cosine"})(),
            "Odd.similarity: found 'cosine', expected dot, l1",
        ),
    ):
        with pytest.raises(ConfigurationError, match=message):
            register_scorer(wrong)


def test_a_format_of_ones_own_is_recognised_by_every_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register_format("bracketed", BRACKETED)
    file = tmp_path / "train.jsonl"
    lines = [{"bracketed": f"{name} lives in [Oslo](LOC)"} for name in ("Ann", "Bob")]
    file.write_text("\n".join(map(json.dumps, lines)))
    assert recognise(file) == "bracketed" and list(FORMATS)[-1] == "bracketed"
    for task in (NER, TYPING):
        assert task.training is not None
        (first, _) = task.training.read(file, None, False).records
        assert task.training.mentions(first) == ("Ann lives in Oslo", [(13, 17)])
        assert task.training.labels([first]) == ["LOC"]
        assert task.training.formats["bracketed"] == "one mention in brackets"
    assert main(["check", "ner", str(file), "--format", "bracketed"]) == 0
    assert main(["tasks", "ner"]) == 0
    assert "one mention in brackets" in capsys.readouterr().out


def test_names_of_formats_that_are_refused() -> None:
    for name in ("columns", "conllu", "Two Words", "a:utf16", ""):
        with pytest.raises(ConfigurationError, match="expected one of your own"):
            register_format(name, BRACKETED)
    with pytest.raises(ConfigurationError, match="there is a file format named 'doccano' already"):
        register_format("doccano", BRACKETED)

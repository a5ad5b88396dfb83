"""What is registered has a test, and what users name has an entry in the documentation."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from formats_page import SECTIONS
from task_cases import RecordTaskCases

from loreweave import checkpoints
from loreweave.checkpoints.formats import fairseq, sparse_lt
from loreweave.cli.build import command as build
from loreweave.cli.main import COMMANDS
from loreweave.corpus.column_formats.formats import COLUMN_FORMATS
from loreweave.corpus.mention_formats import MENTION_FORMATS
from loreweave.models.knowledge_scorers import SCORERS
from loreweave.tasks.record_task import RecordTask
from loreweave.tasks.registry import TASKS

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
WEIGHT_FORMATS = [*checkpoints.FORMATS.values(), fairseq, sparse_lt]
METRICS = sorted(path.stem for path in (ROOT / "src/loreweave/metrics").glob("[a-z]*.py"))


def text_of(paths: Iterable[Path]) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(paths))


def source_of_tests(*folders: str) -> str:
    """All tests of these folders, as one text."""
    return text_of(path for folder in folders for path in (TESTS / folder).rglob("*.py"))


@pytest.fixture(scope="module")
def pages() -> str:
    """README and the pages of the documentation, as one text."""
    return text_of([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def is_quoted(name: str, text: str) -> bool:
    return re.search(rf"""["'`]{re.escape(name)}["'`:]""", text) is not None


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_tests_and_documentation(name: str, pages: str) -> None:
    folder = TASKS[name].module.rpartition(".")[2]
    assert list((TESTS / "tasks" / folder).glob("test_*.py"))
    assert is_quoted(name, pages) or re.search(rf"loreweave \w+ {name}\b", pages)
    if isinstance(getattr(importlib.import_module(TASKS[name].module), "PARTS", None), RecordTask):
        cases = TESTS / "tasks" / folder / "test_cases.py"
        assert (
            cases.is_file() and f'name = "{name}"' in cases.read_text() and f"({RecordTaskCases.__name__})" in cases.read_text()
        )


@pytest.mark.parametrize("name", SCORERS)
def test_a_scorer_of_triples_has_a_test(name: str) -> None:
    assert is_quoted(name, text_of([TESTS / "models" / "test_knowledge_scorers.py"]))


@pytest.mark.parametrize("name", METRICS)
def test_a_module_of_metrics_has_a_test(name: str) -> None:
    assert f"loreweave.metrics.{name} import" in source_of_tests("metrics", "parity")


@pytest.mark.parametrize("module", WEIGHT_FORMATS, ids=lambda module: module.NAME)
def test_a_weight_format_has_a_test_and_documentation(module: object, pages: str) -> None:
    name: str = module.NAME  # type: ignore[attr-defined]  # a module of formats
    stem: str = module.__name__.rpartition(".")[2]  # type: ignore[attr-defined]
    assert (TESTS / "checkpoints" / "formats" / f"test_{stem}.py").is_file()
    assert is_quoted(name, pages)


@pytest.mark.parametrize("name", MENTION_FORMATS)
def test_a_mention_format_has_a_test_and_documentation(name: str) -> None:
    """Formats of tasks are compared with the page in test_formats_page.py, and read in the cases of their tasks."""
    assert is_quoted(name, source_of_tests("corpus/mention_formats")) and name in SECTIONS


@pytest.mark.parametrize("name", COLUMN_FORMATS)
def test_a_column_format_has_a_test_and_documentation(name: str) -> None:
    assert (TESTS / "corpus" / "column_formats" / f"test_{name}.py").is_file() and name in SECTIONS


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_a_test_and_documentation(name: str, pages: str) -> None:
    assert re.search(rf'main\(\s*\[\s*"{name}"|\["{name}", ', source_of_tests("cli", "miniworld", "tasks"))
    assert f"loreweave {name}" in pages


@pytest.mark.parametrize("name", [each.name for each in build.registered_commands])
def test_a_kind_of_build_has_a_test_and_documentation(name: str, pages: str) -> None:
    assert is_quoted(name, source_of_tests("cli")) and f"build {name}" in pages

"""Every setting of every task: it is read by somebody, and where it is not read it must have its default."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from itertools import product
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import pytest
from other_values import other_value

import loreweave
from loreweave.errors import ConfigurationError
from loreweave.tasks.contract import NoSettings
from loreweave.tasks.few_shot_ner.settings import FewShotNerConfig
from loreweave.tasks.few_shot_relation.settings import FewShotRelationConfig
from loreweave.tasks.registry import all_tasks
from loreweave.training.settings.conditions import FACTS, GIVEN, check_read, conditions_of, is_read
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.fields import types_of, union_members
from loreweave.training.settings.finetuning import DataSettings, EngineSettings, FinetuningConfig, LukeSettings
from loreweave.training.settings.optimizer import OptimizerConfig, ScheduleConfig

SOURCE = Path(loreweave.__file__).parent
TASKS = {task.name: task for task in all_tasks()}


def classes_of(task: str) -> list[type]:
    """The settings of a task's jobs."""
    declared = TASKS[task]
    config = [] if declared.training is None else [declared.training.config]
    jobs = (*config, declared.evaluation, declared.prediction, declared.scoring)
    return list(dict.fromkeys(cls for cls in jobs if cls is not NoSettings))


CLASSES = [OptimizerConfig, ScheduleConfig, FinetuningConfig, *(cls for task in TASKS for cls in classes_of(task))]


# ---- where a setting is not read ----------------------------------------------------------------------------------------


def choices(cls: type, name: str, wanted: set[Any]) -> list[Any]:
    """Values of a setting, or of a fact, that a condition is about: all that make a difference."""
    if name not in types_of(cls):
        return [value for fact, value in FACTS if fact == name] + [None]
    found: list[Any] = []
    for kind in union_members(types_of(cls)[name]):
        found += get_args(kind) if get_origin(kind) is Literal else {bool: [True, False], NoneType: [None]}.get(kind, [])
    return found + [other_value(cls, name)] if wanted & {GIVEN, None} else found


def unread() -> Iterator[tuple[type, str, dict[str, Any]]]:
    """(settings, a name, the values of others under which it is not read)."""
    for cls in CLASSES:
        for name, condition in conditions_of(cls).items():
            about: dict[str, set[Any]] = {}
            for needed in condition.alternatives:
                for other, values in needed.items():
                    about.setdefault(other, set()).update(values)
            for values in product(*(choices(cls, other, wanted) for other, wanted in about.items())):
                given = dict(zip(about, values, strict=True))
                settings = {other: value for other, value in given.items() if other in types_of(cls)}
                facts = {fact: value for fact, value in given.items() if fact not in settings}
                try:
                    config = cls(**settings)
                    check_read(config, **facts)
                except (ValueError, ConfigurationError):
                    continue  # settings that exclude each other
                if is_read(config, name, **facts) is False:
                    yield cls, name, given


@pytest.mark.parametrize(("cls", "name", "given"), list(unread()))
def test_a_setting_that_is_not_read_is_an_error_unless_it_has_its_default(cls: Any, name: str, given: dict[str, Any]) -> None:
    settings = {other: value for other, value in given.items() if other in types_of(cls)}
    facts = {fact: value for fact, value in given.items() if fact not in settings}
    check_read(cls(**settings), **facts)
    with pytest.raises(ConfigurationError, match=rf"^{name}[. ].*is (read only with|not read: ).*; leave it out"):
        check_read(cls(**settings, **{name: other_value(cls, name)}), **facts)


def test_the_names_in_conditions_are_settings_or_facts() -> None:
    for cls in CLASSES:
        for name, condition in conditions_of(cls).items():
            assert name in types_of(cls), f"{cls.__name__} has conditions for {name}, which it has not"
            for other in {other for needed in condition.alternatives for other in needed}:
                assert other in types_of(cls) or other in {fact for fact, _ in FACTS}, f"{cls.__name__}: {other}"
        assert {name for base in cls.__mro__ for name in vars(base).get("ENCODED", ())} <= set(types_of(cls))


# ---- who reads a setting ------------------------------------------------------------------------------------------------


@cache
def read_in(folder: Path) -> set[str]:
    """The attributes that the modules of a folder read, and the names that they write as text, without checks of values."""
    found: set[str] = set()
    for path in sorted(folder.rglob("*.py")):
        declares = "settings" in (path.stem, path.parent.name)
        for node in _nodes(ast.parse(path.read_text(encoding="utf-8")), declares):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def _nodes(node: ast.AST, declares: bool) -> Iterator[ast.AST]:
    """All nodes; where settings are declared, without the tables of conditions and the checks of values."""
    table = isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id.isupper()
    if declares and (table or (isinstance(node, ast.FunctionDef) and node.name == "__post_init__")):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _nodes(child, declares)


@pytest.mark.parametrize("task", TASKS)
def test_every_setting_of_a_task_is_read_in_its_folder(task: str) -> None:
    shared = {*types_of(FinetuningConfig), *types_of(LukeSettings)}
    for cls in classes_of(task):
        folder = Path(str(import_module(cls.__module__).__file__)).parent
        unread = set(types_of(cls)) - shared - read_in(folder)
        assert not unread, f"{cls.__name__}: nothing in {folder.name} reads {', '.join(sorted(unread))}"


def test_every_setting_of_the_engine_and_of_the_data_is_read_there() -> None:
    read = read_in(SOURCE / "training") | read_in(SOURCE / "tasks" / "jobs")
    for cls in (EngineSettings, DataSettings, OptimizerConfig, ScheduleConfig):
        assert set(types_of(cls)) <= read, cls.__name__


HEADS: list[tuple[str, str, dict[str, Any]]] = [
    ("entity-typing", "tiny_luke", {"head": "luke"}), ("entity-typing", "tiny_bert", {"head": "markers"}),
    ("entity-typing", "tiny_bert", {"head": "kepler"}),
    ("ner", "tiny_luke", {"head": "luke"}), ("ner", "tiny_luke", {"head": "tags"}), ("ner", "tiny_bert", {"head": "tags"}),
    ("relation-classification", "tiny_luke", {"head": "luke"}),
    ("relation-classification", "tiny_bert", {"head": "markers"}),
    ("relation-classification", "tiny_bert", {"head": "kepler"}),
    ("relation-classification", "tiny_luke", {"multi_label": True}),
    ("relation-classification", "tiny_bert", {"multi_label": True}),
    ("few-shot-ner", "tiny_bert", {}), ("few-shot-ner", "tiny_bert", {"objective": "protobert"}),
    ("few-shot-relation", "tiny_bert", {}), ("few-shot-relation", "tiny_luke", {"representation": "entities"}),
    ("few-shot-relation", "tiny_bert", {"method": "pair"}),
    ("cloze-qa", "tiny_luke", {"head": "luke"}), ("cloze-qa", "tiny_bert", {"head": "markers"}),
    ("text-classification", "tiny_bert", {}), ("text-classification", "tiny_luke", {}),
    ("extractive-qa", "tiny_bert", {}), ("extractive-qa", "tiny_luke", {}),
    ("entity-linking", "tiny_bert", {"head": "descriptions"}), ("entity-linking", "tiny_luke", {"head": "luke"}),
]  # fmt: skip


@pytest.mark.parametrize(("task", "encoder", "settings"), [case for case in HEADS if case[0] in TASKS])
def test_a_model_reads_the_settings_that_its_head_is_said_to_read(
    request: pytest.FixtureRequest, task: str, encoder: str, settings: dict[str, Any]
) -> None:
    """Reads are noted while the model is built, without those of checks and copies of the settings."""
    training = TASKS[task].training
    assert training is not None
    cls = training.config
    seen: set[str] = set()

    @dataclass(kw_only=True)
    class Watched(cls):  # type: ignore[misc, valid-type]
        def __getattribute__(self, name: str) -> Any:
            caller = sys._getframe(1).f_code
            copies = caller.co_filename.endswith(("conditions.py", "dataclasses.py"))
            seen.update(() if copies or caller.co_name == "__post_init__" else (name,))
            return super().__getattribute__(name)

    if task == "entity-linking":
        settings = settings | {"entities": str(request.getfixturevalue("entity_file"))}
    labels = ["O"] if cls is FewShotNerConfig else ["PER", "LOC"]
    pairs = {"multi_label": False} if settings.get("head") and task == "relation-classification" else {}
    config = fill(Watched, settings | pairs)
    seen.clear()
    training.build(str(request.getfixturevalue(encoder)), labels, config)
    of_others = set(types_of(DataSettings)) | set(types_of(EngineSettings))
    facts: Mapping[str, Any] = {"encoder": "luke" if encoder == "tiny_luke" else "plain"}
    said = {name for name in types_of(cls) if name not in of_others and is_read(config, name, **facts) is not False}
    assert said - seen <= ({"multi_label"} if settings.get("multi_label") else set()), f"{cls.__name__} does not read them"


def test_every_task_that_learns_is_watched() -> None:
    assert {name for name, task in TASKS.items() if task.training is not None} <= {task for task, _, _ in HEADS}


def test_settings_that_no_few_shot_task_reads_are_none_of_theirs() -> None:
    for cls in (FewShotNerConfig, FewShotRelationConfig):
        assert "head" not in {field.name for field in fields(cls)}
        with pytest.raises(ConfigurationError, match="keep is not read: training on a source is not scored"):
            fill(cls, {}, ["keep=best"])

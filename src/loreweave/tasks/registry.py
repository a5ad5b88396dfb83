"""The tasks by name; other packages can add theirs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import SequenceMatcher
from importlib import import_module
from typing import Any, NamedTuple

from loreweave.errors import ConfigurationError
from loreweave.plugins import Registry
from loreweave.tasks.contract import Task, Training


class Place(NamedTuple):
    """Module that declares a task, and whether models are fine-tuned for it (known without importing it, for `--help`)."""

    module: str
    learns: bool = True


TASKS: dict[str, Place] = {
    "entity-typing": Place("loreweave.tasks.entity_typing"),
    "relation-classification": Place("loreweave.tasks.relation_classification"),
    "ner": Place("loreweave.tasks.ner"),
    "text-classification": Place("loreweave.tasks.text_classification"),
    "cloze-qa": Place("loreweave.tasks.cloze_qa"),
    "extractive-qa": Place("loreweave.tasks.extractive_qa"),
    "few-shot-ner": Place("loreweave.tasks.few_shot_ner"),
    "few-shot-relation": Place("loreweave.tasks.few_shot_relation"),
    "entity-linking": Place("loreweave.tasks.entity_linking"),
    "link-prediction": Place("loreweave.tasks.link_prediction", learns=False),
    "latent-types": Place("loreweave.tasks.latent_types", learns=False),
    "fact-probing": Place("loreweave.tasks.fact_probing", learns=False),
}
"""Name on the command line -> module whose `TASK` declares the task (imported on use, so that `--help` stays light)."""


def _check(_: str, task: Any, known: Collection[str]) -> None:
    if not isinstance(task, Task):
        raise ConfigurationError(f"found {task!r}, expected a Task")


REGISTRY: Registry[Task] = Registry(
    "a task", "loreweave.tasks", TASKS, _check, load=lambda place: import_module(place.module).TASK
)
"""All tasks; entry points of the group `loreweave.tasks` are `<name> = "<module>:TASK"`."""


def register_task(task: Task) -> None:
    """Add a task for this process; it then works in every command and function.

    A package adds its tasks for every process by an entry point of the group `loreweave.tasks`.

    Raises:
        ConfigurationError: there is another task of that name.
    """
    REGISTRY.register(task)


def task_names() -> tuple[str, ...]:
    """Names of all tasks."""
    return tuple(REGISTRY)


def trained_task_names() -> tuple[str, ...]:
    """Names of the tasks that models are fine-tuned for. A task of another package counts as one until it is imported."""
    own = [name for name, place in TASKS.items() if place.learns]
    added = [name for name, task in REGISTRY.registered().items() if task.training is not None]
    return (*own, *REGISTRY.of_packages(), *added)


def all_tasks() -> Iterator[Task]:
    """All tasks, imported."""
    return map(load_task, task_names())


def load_task(name: str) -> Task:
    """Return the task of the given name.

    Raises:
        ConfigurationError: unknown task; the message lists all tasks.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    names = task_names()
    meant = max(names, key=lambda task: _likeness(name, task))
    hint = f"; did you mean {meant!r}?" if _likeness(name, meant) else ""
    raise ConfigurationError(f"unknown task {name!r}{hint} (tasks: {', '.join(names)})")


def training_of(task: Task) -> Training[Any]:
    """Training of `loreweave finetune` for a task.

    Raises:
        ConfigurationError: the task has no fine-tuning.
    """
    if task.training is None:
        raise ConfigurationError(
            f"nothing is fine-tuned for {task.name}: 'loreweave pretrain' trains for it, 'loreweave evaluate {task.name}' "
            f"scores it (fine-tuned tasks: {', '.join(trained_task_names())})"
        )
    return task.training


def load_training(name: str) -> Training[Any]:
    """Training of `loreweave finetune` for the task of the given name; see `training_of`."""
    return training_of(load_task(name))


def _likeness(name: str, task: str) -> float:
    """Similarity of a name to that of a task, 0 if it is not a misspelling: a different whole word means something else."""
    words, own = name.lower().replace("_", "-").split("-"), task.split("-")
    if len(words) == len(own):
        each = [SequenceMatcher(None, word, other).ratio() for word, other in zip(words, own, strict=True)]
        return sum(each) / len(each) if min(each) >= 0.6 else 0.0
    ratio = SequenceMatcher(None, "".join(words), "".join(own)).ratio()
    return ratio if ratio >= 0.9 else 0.0

"""Entity typing: which types fit a mention in its text (Open Entity, UFET and files of the same form)."""

from loreweave.tasks.entity_typing import reader, scoring
from loreweave.tasks.entity_typing.encoding import mentions_of
from loreweave.tasks.entity_typing.model import NAME, EntityTypingConfig, build, load
from loreweave.tasks.registry import Task

TASK: Task[reader.TypingRecord] = Task(
    name=NAME,
    summary="which types fit a mention in its text",
    config=EntityTypingConfig,
    metric="micro_f1",
    metrics=scoring.METRICS,
    formats={name: format.summary for name, format in reader.FORMATS.items()},
    splits={"train": ("train",), "dev": ("dev", "valid", "validation"), "test": ("test",)},
    architectures=("LukeForEntityClassification",),
    read=reader.read,
    labels=reader.labels_of,
    build=build,
    load=load,
    mentions=mentions_of,
    score=scoring.score,
    score_predictions=scoring.score_predictions,
    query=reader.query,
    ask=reader.ask,
    answer=scoring.answer,
)

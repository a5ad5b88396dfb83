"""Entity typing: which types fit a mention in its text (Open Entity, UFET and files of the same form)."""

from loreweave.tasks.deferred import Deferred
from loreweave.tasks.entity_typing import reader, scoring
from loreweave.tasks.entity_typing.settings import NAME, EntityTypingConfig, TypingScoring, unfit
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
    build=Deferred("loreweave.tasks.entity_typing.model:build"),
    load=Deferred("loreweave.tasks.entity_typing.model:load"),
    mentions=reader.mentions_of,
    score=scoring.score,
    score_predictions=scoring.score_predictions,
    query=reader.query,
    ask=reader.ask,
    answer=scoring.answer,
    scoring=TypingScoring,
    asks=("text", "start", "end"),
    unfit=unfit,
)

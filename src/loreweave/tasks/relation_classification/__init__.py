"""Relation classification: which relation a text states between two mentions (TACRED, SemEval-2010 task 8 and their kin)."""

from loreweave.tasks.deferred import Deferred
from loreweave.tasks.registry import Task
from loreweave.tasks.relation_classification import reader, scoring
from loreweave.tasks.relation_classification.settings import NAME, RelationConfig, RelationScoring

TASK: Task[reader.Item] = Task(
    name=NAME,
    summary="which relation a text states between two mentions",
    config=RelationConfig,
    metric="micro_f1",
    metrics=scoring.METRICS,
    formats={name: format.summary for name, format in reader.FORMATS.items()},
    splits={"train": ("train",), "dev": ("dev", "valid", "validation", "val"), "test": ("test",)},
    architectures=("LukeForEntityPairClassification",),
    read=reader.read,
    labels=reader.labels_of,
    build=Deferred("loreweave.tasks.relation_classification.model:build"),
    load=Deferred("loreweave.tasks.relation_classification.model:load"),
    mentions=reader.mentions_of_item,
    score=scoring.score,
    score_predictions=scoring.score_predictions,
    query=reader.query,
    ask=reader.ask,
    answer=scoring.answer,
    asks=("text", "head", "tail"),
    read_gold=scoring.read_gold,
    adapt=reader.settings_for,
    scoring=RelationScoring,
)

"""NER: the names in a text and their types (CoNLL-2003 and its kin)."""

from loreweave.tasks.deferred import Deferred
from loreweave.tasks.ner import reader, scoring
from loreweave.tasks.ner.record import NerRecord
from loreweave.tasks.ner.settings import NAME, NerConfig
from loreweave.tasks.registry import Task

TASK: Task[NerRecord] = Task(
    name=NAME,
    summary="the names in a text and their types",
    config=NerConfig,
    metric="micro_f1",
    metrics=scoring.METRICS,
    formats={name: format.summary for name, format in reader.FORMATS.items()},
    splits={"train": ("train",), "dev": ("dev", "valid", "validation"), "test": ("test",)},
    architectures=("LukeForEntitySpanClassification", "*ForTokenClassification"),
    read=reader.read,
    read_numbers=reader.read,
    labels=reader.labels_of,
    build=Deferred("loreweave.tasks.ner.model:build"),
    load=Deferred("loreweave.tasks.ner.model:load"),
    mentions=reader.mentions_of,
    words=reader.words_of,
    mention_labels=reader.mention_labels_of,
    score=scoring.score,
    score_predictions=scoring.score_predictions,
    query=reader.query,
    ask=reader.ask,
    answer=scoring.answer,
    asks=("text",),
    finds="predicted",
)

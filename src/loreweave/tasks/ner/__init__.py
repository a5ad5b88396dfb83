"""NER: the names in a text and their types (CoNLL-2003 and its kin)."""

from transformers.models.auto.modeling_auto import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES

from loreweave.tasks.ner import reader, scoring
from loreweave.tasks.ner.model import NAME, NerConfig, build, load
from loreweave.tasks.ner.record import NerRecord
from loreweave.tasks.registry import Task

TASK: Task[NerRecord] = Task(
    name=NAME,
    summary="the names in a text and their types",
    config=NerConfig,
    metric="micro_f1",
    metrics=scoring.METRICS,
    formats={name: format.summary for name, format in reader.FORMATS.items()},
    splits={"train": ("train",), "dev": ("dev", "valid", "validation"), "test": ("test",)},
    architectures=("LukeForEntitySpanClassification", *MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES.values()),
    read=reader.read,
    labels=reader.labels_of,
    build=build,
    load=load,
    mentions=reader.mentions_of,
    score=scoring.score,
    score_predictions=scoring.score_predictions,
    query=reader.query,
    ask=reader.ask,
    answer=scoring.answer,
    finds="entities",
)

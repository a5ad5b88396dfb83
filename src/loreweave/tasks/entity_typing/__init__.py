"""Entity typing: the types of a mention in its text (Open Entity, UFET and files of the same form)."""

from loreweave.plugins import Live
from loreweave.tasks.contract import Training
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.entity_typing import reader, scoring
from loreweave.tasks.entity_typing.settings import NAME, EntityTypingConfig, TypingScoring, unfit
from loreweave.tasks.files.data_folder import USUAL_SPLITS
from loreweave.tasks.record_task import RecordTask, task_of_records

USAGE = {
    "predict": (
        'A query has "text", "start" and "end" (characters, end exclusive), or is a line of text with its mentions in angle '
        'brackets ("<Ann> lives in <Oslo>."), of which each is a query. "predicted" is a list of types, and '
        '"probabilities" has the probability of every type.'
    ),
    "score": ('A prediction has "predicted", a list of types.'),
}

PARTS: RecordTask[reader.TypingRecord] = RecordTask(
    training=Training(
        name=NAME,
        config=EntityTypingConfig,
        formats=Live(lambda: {name: format.summary for name, format in reader.FORMATS.items()}),
        splits=USUAL_SPLITS,
        read=reader.read,
        labels=reader.labels_of,
        mentions=reader.mentions_of,
        build=Deferred("loreweave.tasks.entity_typing.model:build"),
        gold="labels",
        load=Deferred("loreweave.tasks.entity_typing.model:load"),
        score=scoring.score,
        metric="micro_f1",
        metrics=scoring.METRICS,
        unfit=unfit,
        exclusive=lambda config, labels: not config.multi_label,
    ),
    query=reader.query,
    answer=scoring.answer,
    score_predictions=scoring.score_predictions,
    evaluation=TypingScoring,
)
TASK = task_of_records(
    PARTS,
    summary="predict the types of a mention in its text",
    asks=("text", "start", "end"),
    architectures=("LukeForEntityClassification",),
    usage=USAGE,
)

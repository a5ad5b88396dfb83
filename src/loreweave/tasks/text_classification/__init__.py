"""Text classification: a class, or a number, for a text or a pair of texts (GLUE and files of the user's own)."""

from loreweave.tasks.contract import QueryFiles, Training
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.files.data_folder import USUAL_SPLITS
from loreweave.tasks.record_task import RecordTask, task_of_records
from loreweave.tasks.text_classification import prediction, reader, record, scoring
from loreweave.tasks.text_classification.settings import (
    METRICS,
    NAME,
    TextClassificationConfig,
    TextScoring,
    settings_for,
    unfit,
)

USAGE = {
    "predict": (
        'A query is a line of text, or an object with "text" and, for pairs, "text_pair". Tables are read as for '
        "'loreweave finetune', with or without labels (--format table:text=COLUMN,text_pair=COLUMN chooses the columns). "
        '"predicted" is a class with its probability, or a number.'
    ),
    "score": ('A prediction has "predicted", a class or a number.'),
}

PARTS: RecordTask[record.TextRecord] = RecordTask(
    training=Training(
        name=NAME,
        config=TextClassificationConfig,
        formats={name: format.summary for name, format in reader.FORMATS.items()},
        splits={**USUAL_SPLITS, "dev": (*USUAL_SPLITS["dev"], "dev_matched")},
        read=reader.read,
        labels=record.labels_of,
        mentions=record.mentions_of,
        build=Deferred("loreweave.tasks.text_classification.model:build"),
        gold="label",
        load=Deferred("loreweave.tasks.text_classification.model:load"),
        score=scoring.score,
        metric="accuracy",
        metrics=METRICS,
        read_numbers=reader.read,
        adapt=settings_for,
        as_model=reader.as_model,
        unfit=unfit,
        exclusive=lambda config, labels: list(labels) != [record.NUMBER],
    ),
    query=prediction.query,
    answer=prediction.answer,
    score_predictions=scoring.score_predictions,
    pair_row=prediction.pair_row,
    query_files=QueryFiles(formats=tuple(reader.FORMATS), rows=prediction.rows_of_file),
    evaluation=TextScoring,
    scoring=TextScoring,
)
TASK = task_of_records(
    PARTS,
    summary="predict a class, or a number, for a text or a pair of texts",
    asks=("text",),
    architectures=("*ForSequenceClassification",),
    usage=USAGE,
)

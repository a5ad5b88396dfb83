"""Extractive question answering: the span of a text that answers a question (SQuAD and similar data)."""

from loreweave.tasks.contract import QueryFiles, Training
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.extractive_qa import formats, prediction, reader, record, scoring
from loreweave.tasks.extractive_qa.settings import (
    NAME,
    EvaluationSettings,
    PredictionSettings,
    QaConfig,
    ScoringSettings,
    settings_for,
    unfit,
)
from loreweave.tasks.files.data_folder import USUAL_SPLITS
from loreweave.tasks.record_task import RecordTask, task_of_records

USAGE = {
    "predict": (
        'A query is an object with "question" and "context". --format squad reads training files. "predicted" is the '
        'answer, with "start" and "end" in the context; it is empty, and these are null, if the context has no answer.'
    ),
    "evaluate": 'null_threshold=NUMBER tries another threshold of "no answer".',
    "score": (
        "A file of predictions is an official file (a JSON object from ids to answers, or to lists of the n best), or JSON "
        'Lines with "id" and "predicted". An empty answer means that there is none.'
    ),
}
_VERSIONS = ("-v1", "-v2")
"""Ends of the stems of SQuAD's files: `train-v1.1.json`."""

PARTS: RecordTask[record.QuestionRecord] = RecordTask(
    training=Training(
        name=NAME,
        config=QaConfig,
        formats={name: format.summary for name, format in formats.FORMATS.items()},
        splits={split: (*stems, *(f"{split}{end}" for end in _VERSIONS)) for split, stems in USUAL_SPLITS.items()},
        read=reader.read,
        labels=record.labels_of,
        mentions=record.mentions_of,
        build=Deferred("loreweave.tasks.extractive_qa.model:build"),
        load=Deferred("loreweave.tasks.extractive_qa.model:load"),
        score=scoring.score,
        metric="f1",
        metrics=scoring.METRICS,
        dev_metrics=scoring.dev_metrics,
        adapt=settings_for,
        unfit=unfit,
    ),
    query=prediction.query,
    answer=prediction.answer_of_defaults,
    score_predictions=scoring.score_predictions,
    evaluation=EvaluationSettings,
    prediction=PredictionSettings,
    scoring=ScoringSettings,
    pair_row=prediction.pair_row,
    query_files=QueryFiles(formats=tuple(formats.FORMATS), rows=prediction.rows_of_file),
)
TASK = task_of_records(
    PARTS,
    summary="find the span of a text that answers a question",
    asks=("question", "context"),
    architectures=("*ForQuestionAnswering",),
    usage=USAGE,
    options=("format", "skip_bad", "base"),
)

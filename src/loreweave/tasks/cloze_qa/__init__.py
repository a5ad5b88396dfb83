"""Cloze questions: which entity of a passage belongs in the gap of a query (ReCoRD and files of the same form)."""

from loreweave.tasks.cloze_qa import prediction, reader, record, scoring
from loreweave.tasks.cloze_qa.settings import NAME, ClozeConfig, unfit
from loreweave.tasks.contract import QueryFiles, Training
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.files.data_folder import USUAL_SPLITS
from loreweave.tasks.record_task import RecordTask, task_of_records

USAGE = {
    "predict": (
        'A query has "text", a passage; "query", a sentence with @placeholder; and "candidates", the mentions of the passage '
        'that can be the answer, each {"start": ..., "end": ...} (characters, end exclusive). --format record reads the '
        'files of ReCoRD. "predicted" is the text of the best candidate, "start" and "end" are its characters; "ranked" is '
        "the list of all candidates, best first, each with the probability that it is an answer."
    ),
    "score": (
        'A prediction has "predicted", a text. An object {id: text} is read too, as the official script of ReCoRD reads it.'
    ),
}

PARTS: RecordTask[record.ClozeRecord] = RecordTask(
    training=Training(
        name=NAME,
        config=ClozeConfig,
        formats={name: format.summary for name, format in reader.FORMATS.items()},
        splits={**USUAL_SPLITS, "dev": (*USUAL_SPLITS["dev"], "val")},
        read=reader.read,
        labels=record.labels_of,
        mentions=record.mentions_of,
        build=Deferred("loreweave.tasks.cloze_qa.model:build"),
        load=Deferred("loreweave.tasks.cloze_qa.model:load"),
        score=scoring.score,
        metric="exact_match",
        metrics=scoring.METRICS,
        unfit=unfit,
    ),
    query=reader.query,
    answer=prediction.answer,
    score_predictions=scoring.score_predictions,
    query_files=QueryFiles(formats=tuple(reader.FORMATS), rows=reader.rows_of_file),
)
TASK = task_of_records(
    PARTS,
    summary="predict the entity of a passage that belongs in the gap of a query",
    asks=("text", "query", "candidates"),
    architectures=("LukeForEntityCloze", "CandidateClassifier"),
    usage=USAGE,
    options=("format", "skip_bad", "base"),
)

"""Entity linking: the entity that a mention stands for, for given mentions or end to end."""

from functools import partial
from pathlib import Path
from typing import Any

from loreweave.corpus.files.records import describe_skipped
from loreweave.errors import DataError
from loreweave.tasks.contract import Execution, Task, Training
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.entity_linking import reader, record, scoring
from loreweave.tasks.entity_linking.settings import (
    NAME,
    EntityLinkingConfig,
    EvaluationSettings,
    PredictionSettings,
    ScoringSettings,
)
from loreweave.tasks.files.data_folder import USUAL_SPLITS
from loreweave.training.evaluation import Evaluation

USAGE = {
    "finetune": (
        "entities=FILE names the entities: JSON Lines of {id, label, description, aliases}. The gold entities of the data are "
        "ids, titles of Wikipedia or QIDs of this table; others count as NIL."
    ),
    "evaluate": (
        "mentions=found evaluates end to end. added_entities=FILE adds entities without training. untrained=true with "
        "entities=FILE evaluates any encoder. prior_accuracy is the accuracy of the most frequent entity of each name."
    ),
    "predict": (
        'A query is a line of text, in which names are found, or an object with "text" and "mentions", a list of {start, end}. '
        '"predicted" is a list of mentions with entity, label, QID (if known), probability and candidates.'
    ),
    "score": (
        'A prediction has "predicted", a list of {start, end, entity}, where entity is an id, a title, a QID, or null. '
        "mentions=found counts all predicted mentions (GERBIL's strong matching, ELEVANT's classes of errors)."
    ),
}


def _score(gold: Path, predictions: Path, settings: ScoringSettings, execution: Execution) -> tuple[Evaluation, dict[str, Any]]:
    """See `contract.Task.score`."""
    reading = execution.reading
    read = reader.read(gold, reading.format, reading.skip_bad, settings.mentions)
    for line in describe_skipped(read, gold):
        execution.report(line)
    if not read.records:
        raise DataError("found no record to score", path=gold)
    evaluation = scoring.score_predictions(read.records, predictions, settings)
    return evaluation, {"records": len(read.records), "skipped": dict(read.skipped), "left_out": read.left_out}


TASK = Task(
    name=NAME,
    summary="find the entity that a mention stands for, by its text and the entities' descriptions",
    metric="accuracy",
    metrics=scoring.METRICS,
    evaluation=EvaluationSettings,
    prediction=PredictionSettings,
    scoring=ScoringSettings,
    recognises=partial(Deferred("loreweave.tasks.model_folders:is_checkpoint_of"), NAME),
    evaluate=Deferred("loreweave.tasks.entity_linking.evaluation:evaluate"),
    predict=Deferred("loreweave.tasks.entity_linking.prediction:predict"),
    asks=("text",),
    score=_score,
    options=("format", "skip_bad", "base"),
    rows=record.rows_of_text,
    training=Training(
        name=NAME,
        config=EntityLinkingConfig,
        formats={name: format.summary for name, format in reader.FORMATS.items()},
        splits=USUAL_SPLITS,
        read=reader.read,
        labels=record.labels_of,
        mentions=record.mentions_of,
        build=Deferred("loreweave.tasks.entity_linking.model:build"),
        load=Deferred("loreweave.tasks.entity_linking.model:load"),
        score=scoring.score_outputs,
        metric="accuracy",
        metrics=(*scoring.GIVEN_METRICS, *scoring.BASELINES),  # training scores given mentions
        finds="predicted",
        options=("format", "skip_bad"),
    ),
    usage=USAGE,
)

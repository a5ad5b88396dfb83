"""Fact probing: which facts an encoder knows, asked by sentences with a place for the object (LAMA).

Any encoder with a masked-word head answers, also one of `loreweave pretrain`; a LUKE also answers with its entity head.
"""

from loreweave.tasks.contract import Task
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.fact_probing.scoring import METRICS, score_predictions
from loreweave.tasks.fact_probing.settings import NAME, EvaluationSettings, FileScoringSettings, PredictionSettings
from loreweave.tasks.record_task import text_rows

USAGE = {
    "evaluate": (
        "--data is a file of facts, or a folder with one file per relation, in the format facts or lama (TREx, Google_RE_UHN). "
        "'loreweave build facts' makes one from a knowledge graph. head=entities asks the entity head of a LUKE."
    ),
    "predict": (
        'A query is a line of text with one [MASK], or an object with "text", or with "template" and "subject". '
        '"predicted" is a list of answers with their probabilities among all words (or entities), best first.'
    ),
    "score": (
        "--gold is read as --data of 'evaluate'. A prediction has \"predicted\", a list of answers, best first: names, or "
        'objects with "text", "label" or "title".'
    ),
}


def recognises(folder: object) -> bool:
    """Whether a model was trained for the task: none is, because any masked-word head answers."""
    return False


TASK = Task(
    name=NAME,
    summary="ask which facts an encoder knows: the object of a fact as a masked word or entity (LAMA)",
    metric="p_at_1",
    metrics=METRICS,
    asks=("text",),
    recognises=recognises,
    evaluate=Deferred("loreweave.tasks.fact_probing.evaluation:evaluate"),
    predict=Deferred("loreweave.tasks.fact_probing.prediction:predict"),
    score=score_predictions,
    evaluation=EvaluationSettings,
    prediction=PredictionSettings,
    scoring=FileScoringSettings,
    options=("format", "skip_bad", "base"),
    counts="fact",
    rows=text_rows,
    usage=USAGE,
)

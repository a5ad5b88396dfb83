"""Latent types: the important words of a sentence, the type of each, and the reconstructed sentence.

A checkpoint of latent typing (`loreweave pretrain sparse-lt/pretraining`) does it as it is; `loreweave types` shows it.
"""

from loreweave.tasks.contract import Task
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.latent_types.scoring import METRICS, score_predictions
from loreweave.tasks.latent_types.settings import NAME, EvaluationSettings, PredictionSettings
from loreweave.tasks.record_task import text_rows

USAGE = {
    "evaluate": (
        "--data is a file of text or annotated sentences in any format of docs/formats.md. The types are compared "
        "with labels of mentions and parts of speech, if the file has them. 'loreweave types --report' writes the "
        "same numbers as a page."
    ),
    "predict": (
        'A query is a line of text, or an object with "text". "predicted" is a list of the selected sub-words with '
        'offsets of characters, type and probability; "reconstruction" is the sentence that is rebuilt from them.'
    ),
    "score": (
        '--gold is a file of annotated sentences. A prediction has "predicted", a list of {"start", "end", "type"}; a '
        "word outside all of them has type 0."
    ),
}

TASK = Task(
    name=NAME,
    summary="select the important words of a sentence, and give each a latent type",
    metric="label_nmi",
    metrics=METRICS,
    asks=("text",),
    recognises=Deferred("loreweave.checkpoints.latent_typing:recognises"),
    evaluate=Deferred("loreweave.tasks.latent_types.evaluation:evaluate"),
    predict=Deferred("loreweave.tasks.latent_types.prediction:predict"),
    score=score_predictions,
    evaluation=EvaluationSettings,
    prediction=PredictionSettings,
    options=("format", "skip_bad", "tag_names"),
    counts="text",
    rows=text_rows,
    usage=USAGE,
)

"""Latent types: the important words of a sentence, the type of each, and the reconstructed sentence.

A checkpoint of latent typing (`loreweave pretrain sparse-lt/pretraining`) does it as it is; `loreweave types` shows it.
"""

from loreweave.tasks.contract import Task
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.latent_types.scoring import METRICS, score_predictions
from loreweave.tasks.latent_types.settings import NAME, EvaluationSettings, PredictionSettings
from loreweave.tasks.record_task import text_rows

TASK = Task(
    name=NAME,
    summary="which words of a sentence matter, and the latent type of each",
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
    rows=text_rows,
)

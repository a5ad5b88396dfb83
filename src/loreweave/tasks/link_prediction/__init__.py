"""Link prediction: the entity that completes a triple of a knowledge graph, predicted by a pre-trained model."""

from loreweave.tasks.contract import Task
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.link_prediction.scoring import METRICS
from loreweave.tasks.link_prediction.settings import EvaluationSettings, PredictionSettings, ScoringSettings

TASK = Task(
    name="link-prediction",
    summary="which entity completes a triple of a knowledge graph",
    metric="mrr",
    metrics=METRICS,
    evaluation=EvaluationSettings,
    prediction=PredictionSettings,
    scoring=ScoringSettings,
    recognises=Deferred("loreweave.tasks.link_prediction.model:recognises"),
    evaluate=Deferred("loreweave.tasks.link_prediction.evaluation:evaluate"),
    predict=Deferred("loreweave.tasks.link_prediction.prediction:predict"),
    asks=("head", "relation", "tail"),
    score=Deferred("loreweave.tasks.link_prediction.ranked_lists:score_predictions"),
    options=(),
    prediction_data="the folder of the graph",
)

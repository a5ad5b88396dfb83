"""Link prediction: which entity completes a triple of a knowledge graph, asked of a pre-trained model."""

from loreweave.tasks.link_prediction.answers import predict
from loreweave.tasks.link_prediction.evaluation import evaluate
from loreweave.tasks.link_prediction.model import recognises
from loreweave.tasks.link_prediction.scoring import METRICS
from loreweave.tasks.link_prediction.settings import EvaluationSettings, PredictionSettings
from loreweave.tasks.registry import PretrainedTask

TASK = PretrainedTask(
    name="link-prediction",
    summary="which entity completes a triple of a knowledge graph",
    metric="mrr",
    metrics=METRICS,
    evaluation=EvaluationSettings,
    prediction=PredictionSettings,
    recognises=recognises,
    evaluate=evaluate,
    predict=predict,
)

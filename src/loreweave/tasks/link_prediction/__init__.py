"""Link prediction: the entity that completes a triple of a knowledge graph, predicted by a pre-trained model."""

from loreweave.tasks.contract import Task
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.link_prediction.scoring import METRICS
from loreweave.tasks.link_prediction.settings import EvaluationSettings, PredictionSettings, ScoringSettings

USAGE = {
    "evaluate": (
        "--data is the folder of a graph ('loreweave build graph'). untrained=true evaluates an encoder without a head."
    ),
    "predict": (
        '--data is the folder of the graph. A query has "head", "relation" and "tail"; either the head or the tail is '
        'null. The others are ids or labels; an entity that is not in the graph is given as {"label": ..., "description": '
        '...}. "predicted" is a list of entities with their scores, and whether the triple is in the graph. The '
        "entity of the query is not among them unless allow_self=true."
    ),
    "score": (
        '--gold is the folder of a graph. A prediction has "head", "relation" and "tail" (the entity that was asked '
        "for is null), and \"predicted\", a list of ids of entities, best first. The output of 'loreweave predict' can be "
        "scored. The files in predictions/ of an evaluation cannot, because they have ranks instead of lists."
    ),
}

TASK = Task(
    name="link-prediction",
    summary="predict the entity that completes a triple of a knowledge graph",
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
    counts="triple",
    prediction_data="the folder of the graph",
    usage=USAGE,
)

"""Few-shot relations: which of a few relations, each shown by a handful of sentences, a text states (FewRel; Proto, PAIR)."""

from loreweave.tasks.few_shot_relation import reader
from loreweave.tasks.few_shot_relation.answers import predict
from loreweave.tasks.few_shot_relation.evaluation import evaluate
from loreweave.tasks.few_shot_relation.model import NAME, FewShotRelationConfig, build, load, recognises
from loreweave.tasks.few_shot_relation.scoring import METRICS, score_predictions
from loreweave.tasks.few_shot_relation.settings import EvaluationSettings, PredictionSettings
from loreweave.tasks.registry import PretrainedTask, Training
from loreweave.tasks.relation_record import mentions_of

TASK = PretrainedTask(
    name=NAME,
    summary="which of a few relations, each shown by a handful of sentences, a text states",
    metric="accuracy",
    metrics=METRICS,
    evaluation=EvaluationSettings,
    prediction=PredictionSettings,
    recognises=recognises,
    evaluate=evaluate,
    predict=predict,
    score_predictions=score_predictions,
    training=Training(
        name=NAME,
        config=FewShotRelationConfig,
        formats={name: format.summary for name, format in reader.FORMATS.items()},
        splits={"train": ("train",), "dev": (), "test": ()},
        read=reader.read,
        labels=reader.labels_of,
        mentions=mentions_of,
        build=build,
        load=load,
    ),
)

"""Few-shot relations: one of a few relations, each given by a few sentences (FewRel; Proto, PAIR)."""

from functools import partial

from loreweave.tasks.contract import Task, Training
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.episodes.settings import SPLITS
from loreweave.tasks.few_shot_relation import reader
from loreweave.tasks.few_shot_relation.scoring import METRICS, score_predictions
from loreweave.tasks.few_shot_relation.settings import NAME, EvaluationSettings, FewShotRelationConfig, PredictionSettings
from loreweave.tasks.record_task import pair_rows
from loreweave.tasks.relations.record import mentions_of

USAGE = {
    "finetune": (
        "The model learns from episodes that are drawn from a file of relation classification. There is no --dev and no --test."
    ),
    "evaluate": (
        "--data is a file of relation classification, from which episodes are drawn, or a file of episodes "
        "('loreweave build relation-episodes', or FewRel's). For FewRel's test files, answers=FILE names the "
        "file with the gold numbers; without it, --output writes the predicted numbers. --model can be any encoder."
    ),
    "predict": (
        "--data is the support: a file with a few annotated sentences. Queries and answers are as for "
        "relation-classification, with the relations of the support."
    ),
    "score": (
        '--gold is a file of episodes. Predictions have "episode", "query" and "predicted" (a relation) or "number". '
        "They can also be one list of numbers (FewRel)."
    ),
}

TASK = Task(
    name=NAME,
    summary="predict which of a few relations a text states, from a few example sentences of each",
    metric="accuracy",
    metrics=METRICS,
    evaluation=EvaluationSettings,
    prediction=PredictionSettings,
    recognises=partial(Deferred("loreweave.tasks.model_folders:is_checkpoint_of"), NAME),
    evaluate=Deferred("loreweave.tasks.few_shot_relation.evaluation:evaluate"),
    predict=Deferred("loreweave.tasks.few_shot_relation.prediction:predict"),
    asks=("text", "head", "tail"),
    score=score_predictions,
    options=("format", "skip_bad"),
    counts="episode",
    prediction_data="a support file with a few annotated sentences",
    rows=pair_rows,
    training=Training(
        name=NAME,
        config=FewShotRelationConfig,
        formats={name: format.summary for name, format in reader.FORMATS.items()},
        splits=SPLITS,
        read=reader.read,
        labels=reader.labels_of,
        mentions=mentions_of,
        build=Deferred("loreweave.tasks.few_shot_relation.model:build"),
        load=Deferred("loreweave.tasks.few_shot_relation.model:load"),
    ),
    usage=USAGE,
)

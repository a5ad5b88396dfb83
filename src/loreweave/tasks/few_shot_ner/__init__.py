"""Few-shot NER: entities of types that a handful of sentences show (Few-NERD; CONTaiNER, ProtoBERT, NNShot, StructShot)."""

from loreweave.corpus.tag_schemes import OUTSIDE
from loreweave.tasks.few_shot_ner import reader
from loreweave.tasks.few_shot_ner.answers import predict
from loreweave.tasks.few_shot_ner.evaluation import evaluate
from loreweave.tasks.few_shot_ner.model import NAME, FewShotNerConfig, build, load, recognises
from loreweave.tasks.few_shot_ner.scoring import METRICS, score_predictions
from loreweave.tasks.few_shot_ner.settings import EvaluationSettings, PredictionSettings
from loreweave.tasks.registry import PretrainedTask, Training

TASK = PretrainedTask(
    name=NAME,
    summary="entities of types that a handful of sentences show",
    metric="micro_f1",
    metrics=METRICS,
    evaluation=EvaluationSettings,
    prediction=PredictionSettings,
    recognises=recognises,
    evaluate=evaluate,
    predict=predict,
    score_predictions=score_predictions,
    training=Training(
        name=NAME,
        config=FewShotNerConfig,
        formats=reader.FORMATS,
        splits={"train": ("train",), "dev": (), "test": ()},
        read=reader.read,
        labels=reader.labels_of,
        mentions=reader.mentions_of,
        build=build,
        load=load,
        no_label=OUTSIDE,
        finds="entities",
    ),
)

"""Few-shot NER: entities of types given by a few sentences (Few-NERD; CONTaiNER, ProtoBERT, NNShot, StructShot)."""

from functools import partial

from loreweave.corpus.column_formats.tag_schemes import OUTSIDE
from loreweave.tasks.contract import Task, Training
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.episodes.settings import SPLITS
from loreweave.tasks.few_shot_ner import reader
from loreweave.tasks.few_shot_ner.scoring import METRICS, score_predictions
from loreweave.tasks.few_shot_ner.settings import NAME, EvaluationSettings, FewShotNerConfig, PredictionSettings
from loreweave.tasks.record_task import text_rows

USAGE = {
    "finetune": (
        "--train is the source: annotated sentences whose types can differ from those of the episodes that 'loreweave "
        "evaluate' scores. There is no --dev and no --test."
    ),
    "evaluate": (
        "--data is a file of episodes ('loreweave build episodes', or those of Few-NERD). --model can be any encoder. "
        "micro_f1 compares whole labels, published_micro_f1 is the metric of CONTaiNER's scorer, and "
        "flattened_micro_f1 that of Few-NERD's scorer."
    ),
    "predict": (
        "--data is the support: a file with a few annotated sentences. Queries and answers are as for ner, with the "
        "types of the support."
    ),
    "score": (
        '--gold is a file of episodes. Predictions have "episode", "sentence" and "predicted" (spans of tokens), or '
        "are the episodes with predicted tags (Few-NERD). The output of 'loreweave predict' cannot be scored."
    ),
}

TASK = Task(
    name=NAME,
    summary="find the mentions of types that are given by a few example sentences",
    metric="micro_f1",
    metrics=METRICS,
    evaluation=EvaluationSettings,
    prediction=PredictionSettings,
    recognises=partial(Deferred("loreweave.tasks.model_folders:is_checkpoint_of"), NAME),
    evaluate=Deferred("loreweave.tasks.few_shot_ner.evaluation:evaluate"),
    predict=Deferred("loreweave.tasks.few_shot_ner.prediction:predict"),
    asks=("text",),
    score=score_predictions,
    options=("skip_bad",),
    counts="episode",
    prediction_data="a support file with a few annotated sentences",
    rows=text_rows,
    training=Training(
        name=NAME,
        config=FewShotNerConfig,
        formats=reader.FORMATS,
        splits=SPLITS,
        read=reader.read,
        read_numbers=reader.read,
        labels=reader.labels_of,
        mentions=reader.mentions_of,
        words=reader.words_of,
        mention_labels=reader.mention_labels_of,
        build=Deferred("loreweave.tasks.few_shot_ner.model:build"),
        load=Deferred("loreweave.tasks.few_shot_ner.model:load"),
        no_label=OUTSIDE,
        finds="predicted",
        options=("format", "skip_bad", "tag_names"),
    ),
    usage=USAGE,
)

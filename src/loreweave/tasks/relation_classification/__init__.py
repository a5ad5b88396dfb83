"""Relation classification: the relation that a text states between two mentions (TACRED, SemEval-2010 task 8, ...)."""

from loreweave.tasks.contract import Training
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.files.data_folder import USUAL_SPLITS
from loreweave.tasks.record_task import RecordTask, task_of_records
from loreweave.tasks.relation_classification import reader, scoring
from loreweave.tasks.relation_classification.settings import NAME, RelationConfig, RelationScoring

USAGE = {
    "predict": (
        'A query has "text", "head" and "tail", each {"start": ..., "end": ...} (and "type", if the model was trained with '
        "typed_markers), or is a document as in docs/formats.md, or a line of text with head and tail in angle brackets "
        '("<Ann> lives in <Oslo>."). "predicted" is a label, "probability" is its probability, '
        'and "probabilities" has those of all labels.'
    ),
    "score": (
        'A prediction has "predicted", a label. Other layouts: lines of id<TAB>label (SemEval-2010 task 8, whose gold file '
        "can have this layout too), one label per line in the order of the gold file (TACRED), and for documents a list of "
        "{title, h_idx, t_idx, r} (DocRED)."
    ),
}

PARTS: RecordTask[reader.Item] = RecordTask(
    training=Training(
        name=NAME,
        config=RelationConfig,
        formats={name: format.summary for name, format in reader.FORMATS.items()},
        splits={**USUAL_SPLITS, "dev": (*USUAL_SPLITS["dev"], "val")},
        read=reader.read,
        labels=reader.labels_of,
        mentions=reader.mentions_of_item,
        build=Deferred("loreweave.tasks.relation_classification.model:build"),
        gold="label",
        load=Deferred("loreweave.tasks.relation_classification.model:load"),
        score=scoring.score,
        metric="micro_f1",
        metrics=scoring.METRICS,
        adapt=reader.settings_for,
        unfit=reader.unfit,
        unscored=reader.unscored,
        exclusive=lambda config, labels: not config.multi_label,
    ),
    query=reader.query,
    answer=scoring.answer,
    score_predictions=scoring.score_predictions,
    evaluation=RelationScoring,
    scoring=RelationScoring,
    read_gold=scoring.read_gold,
)
TASK = task_of_records(
    PARTS,
    summary="predict the relation between two mentions of a text",
    asks=("text", "head", "tail"),
    architectures=("LukeForEntityPairClassification",),
    usage=USAGE,
)

"""NER: the named entities in a text and their types (CoNLL-2003 and similar data)."""

from loreweave.plugins import Live
from loreweave.tasks.contract import Training
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.files.data_folder import USUAL_SPLITS
from loreweave.tasks.ner import reader, scoring
from loreweave.tasks.ner.record import NerRecord
from loreweave.tasks.ner.settings import NAME, NerConfig
from loreweave.tasks.record_task import RecordTask, task_of_records

USAGE = {
    "predict": (
        'A query is a line of text, or an object with "text" or "tokens". "before" and "after" can contain the '
        'surrounding text, which the model also reads. "predicted" is a list of mentions with label, probability and '
        "offsets of characters (for tokens, in the tokens joined by spaces)."
    ),
    "score": (
        'A prediction has "predicted", a list of mentions with "start", "end" and "label". Column files are read too, '
        "with the word first and the predicted tag last (conlleval, LUKE)."
    ),
}

PARTS: RecordTask[NerRecord] = RecordTask(
    training=Training(
        name=NAME,
        config=NerConfig,
        formats=Live(lambda: {name: format.summary for name, format in reader.FORMATS.items()}),
        splits=USUAL_SPLITS,
        read=reader.read,
        read_numbers=reader.read,
        labels=reader.labels_of,
        mentions=reader.mentions_of,
        words=reader.words_of,
        mention_labels=reader.mention_labels_of,
        build=Deferred("loreweave.tasks.ner.model:build"),
        gold="entities",
        load=Deferred("loreweave.tasks.ner.model:load"),
        score=scoring.score,
        metric="micro_f1",
        metrics=scoring.METRICS,
        finds="predicted",
    ),
    query=reader.query,
    answer=scoring.answer,
    score_predictions=scoring.score_predictions,
)
TASK = task_of_records(
    PARTS,
    summary="find the names in a text and predict their types",
    asks=("text",),
    architectures=("LukeForEntitySpanClassification", "*ForTokenClassification"),
    usage=USAGE,
)

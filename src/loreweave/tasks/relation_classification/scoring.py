"""Metrics, predictions and tables from logits and gold relations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.json_rows import json_rows
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.reading import open_text
from loreweave.corpus.files.rows import Row, field
from loreweave.errors import ConfigurationError, DataError
from loreweave.metrics.probabilities import logit_matrix, softmax
from loreweave.metrics.relations import per_label, relation_scores
from loreweave.tasks.files.predictions import (
    PREDICTED,
    align,
    holds_json,
    json_predictions,
    label_predictions,
    predicted_name,
)
from loreweave.tasks.relation_classification.document_scoring import METRICS as DOCUMENT_METRICS
from loreweave.tasks.relation_classification.document_scoring import (
    NamedFacts,
    answer_document,
    facts_by_margins,
    score_documents,
    score_fact_file,
)
from loreweave.tasks.relation_classification.reader import NEGATIVE_LABELS, Item, chosen_no_label, in_class_order, read
from loreweave.tasks.relation_classification.settings import RelationScoring
from loreweave.tasks.relations.document import RelationDocument, document_of, named_facts
from loreweave.tasks.relations.record import RelationRecord
from loreweave.training.evaluation import Evaluation, Outputs

_KEY = re.compile(r"[^\t]+\t[^\t\"<]+")


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A gold label without its sentence, as in the answer keys of SemEval-2010 task 8."""

    id: str
    label: str | None
    metadata: Mapping[str, Any] = dataclass_field(default_factory=dict)


@dataclass(frozen=True)
class Kept:
    """Information about scoring in a checkpoint.

    Attributes:
        no_label: label for no relation; None if it is not stored.
        facts: function that returns the facts of its training; None if they are not known.
    """

    no_label: str | None = None
    facts: Callable[[], NamedFacts | None] = lambda: None


Gold = RelationRecord | KeyRecord
METRICS = tuple(dict.fromkeys((*relation_scores([], [], None), *DOCUMENT_METRICS)))


def score(
    records: Sequence[Item],
    outputs: Outputs,
    labels: Sequence[str],
    asked: RelationScoring | None = None,
    kept: Kept | None = None,
) -> Evaluation:
    """Micro (TACRED's), macro with direction (SemEval's official) and accuracy; the largest logit is the prediction. For a
    model of documents, the metrics of `document_scoring`.

    Args:
        records: evaluated records.
        outputs: logits [classes] of each record, or margins [pairs, classes] of a model of documents.
        labels: names of the classes.
        asked: settings of scoring.
        kept: information in the checkpoint.

    Raises:
        ConfigurationError: the label for no relation is not a label of the model.
        DataError: documents without gold relations.
    """
    asked, kept = asked or RelationScoring(), kept or Kept()
    none = chosen_no_label(labels, kept.no_label if asked.no_label is None else asked.no_label)
    if outputs and outputs[0].ndim == 2:
        documents = [document_of(r, none) if isinstance(r, RelationRecord) else r for r in records]
        shown = kept.facts() if asked.train is None else facts_of(asked.train)
        return score_documents(documents, facts_by_margins(documents, outputs, labels), shown)
    _refuse(asked.train, "train", "Ign F1 is for documents")
    pairs = [record for record in records if isinstance(record, RelationRecord)]
    logits = logit_matrix(outputs, len(labels))
    evaluation = score_labels(pairs, [labels[number] for number in logits.argmax(axis=1)], labels, none)
    index = {label: number for number, label in enumerate(labels)}
    gold = np.array([index[_gold(record)] for record in pairs], dtype=np.int64)
    evaluation.arrays.update(logits=logits, labels=gold, ids=np.array([r.id for r in pairs], dtype=str))
    evaluation.arrays["label_list"] = np.array(labels, dtype=str)
    return evaluation


def read_gold(path: Path, format: str | None = None, skip_bad: bool = False) -> ReadResult[Any]:
    """Records in any layout of the task, or an answer key, lines of `id<TAB>label` without sentences.

    Raises:
        DataError: see `reader.read` and `label_predictions`.
    """
    with open_text(path) as file:
        first = next((line.strip() for line in file if line.strip()), "")
    if format is None and _KEY.fullmatch(first):
        return ReadResult([KeyRecord(str(row.id), row.value) for row in label_predictions(path)])
    return read(path, format, skip_bad)


def facts_of(path: Path) -> set[tuple[str, str, str]]:
    """Facts of a training file of documents, by the names of their entities.

    Raises:
        DataError: it has no documents.
    """
    documents = [record for record in read(path).records if isinstance(record, RelationDocument)]
    if not documents:
        raise DataError("found no document with entities, expected a training file like DocRED's", path=path)
    return named_facts(documents)


def score_labels(
    records: Sequence[Gold], predicted: Sequence[str | None], labels: Sequence[str], negative: str | None
) -> Evaluation:
    """Metrics from the names of predicted labels; None for records without prediction."""
    gold = [_gold(record) for record in records]
    rows = [
        _row(record) | {"predicted": guess, "gold": truth}
        for record, guess, truth in zip(records, predicted, gold, strict=True)
    ]
    tables = {"per_label": per_label(predicted, gold, labels)}
    return Evaluation(relation_scores(predicted, gold, negative), rows, tables=tables, notes=_notes(gold, negative))


def score_predictions(
    records: Sequence[Gold | RelationDocument], path: Path, asked: RelationScoring | None = None
) -> Evaluation:
    """Predictions of any system: JSON Lines with `predicted` (see `_predicted` for older names), `id<TAB>label` lines, or
    one label per line; for documents, and from models of documents, those of `document_scoring.score_fact_file`.

    Raises:
        ConfigurationError: the label for no relation is neither gold nor predicted.
        DataError: names the line; see `files.predictions.align`.
    """
    asked = asked or RelationScoring()
    documents = [record for record in records if isinstance(record, RelationDocument)]
    if documents:
        _refuse(asked.no_label, "no_label", "pairs of documents without a relation have no label")
        return score_fact_file(documents, path, None if asked.train is None else facts_of(asked.train))
    pairs = [record for record in records if not isinstance(record, RelationDocument)]
    texts = [record for record in pairs if isinstance(record, RelationRecord)]
    if len(texts) == len(pairs) and _are_facts(path):
        none = chosen_no_label(in_class_order(map(_gold, pairs)), asked.no_label)
        shown = None if asked.train is None else facts_of(asked.train)
        return score_fact_file([document_of(record, none) for record in texts], path, shown)
    _refuse(asked.train, "train", "Ign F1 is for documents")
    rows = json_predictions(path, _predicted) if holds_json(path) else label_predictions(path)
    predicted, notes = align(rows, [record.id for record in pairs], path, texts=_texts(pairs))
    gold = in_class_order(map(_gold, pairs))
    strange = sorted({label for label in predicted if label is not None} - set(gold))
    if strange:
        count = sum(label in strange for label in predicted)
        notes.append(f"{counted(count, 'prediction')} of labels that are gold nowhere: {listed(strange)}")
    labels = in_class_order([*gold, *strange])
    evaluation = score_labels(pairs, predicted, labels, chosen_no_label(labels, asked.no_label))
    evaluation.notes.extend(notes)
    return evaluation


def _are_facts(path: Path) -> bool:
    """Whether predictions are those of a model of documents (`multi_label=true`), a list of facts in each row."""
    if not holds_json(path):
        return False
    row = next((row for _, row in json_rows(path)), None)
    return isinstance(row, Mapping) and isinstance(row.get(PREDICTED), list)


def _texts(records: Sequence[Gold]) -> list[str]:
    """The texts of all records; none of a key without texts."""
    found = [record.text for record in records if isinstance(record, RelationRecord)]
    return found if len(found) == len(records) else []


def answer(records: Sequence[Item], outputs: Outputs, labels: Sequence[str]) -> list[dict[str, Any]]:
    """For each record its mentions, the most likely relation with its probability, and all probabilities, best first; for
    each document its facts with their probabilities.
    """
    if outputs and outputs[0].ndim == 2:
        documents = [document_of(r, None) if isinstance(r, RelationRecord) else r for r in records]
        found = facts_by_margins(documents, outputs, labels)
        return [answer_document(document, facts) for document, facts in zip(documents, found, strict=True)]
    pairs = [record for record in records if isinstance(record, RelationRecord)]
    shares = softmax(logit_matrix(outputs, len(labels)))
    return [record.answer(row, labels) for record, row in zip(pairs, shares, strict=True)]


def _refuse(value: object, name: str, why: str) -> None:
    """Refuse a setting that has no effect.

    Raises:
        ConfigurationError: it is given.
    """
    if value is not None:
        raise ConfigurationError(f"setting {name!r}: {why}; leave it out")


def _predicted(row: Row) -> str:
    """Older names: files of runs had `prediction`, and answers `label`, as in other systems."""
    label: str = field(row, predicted_name(row, "prediction", "label"), str)
    return label


def _notes(gold: Sequence[str], negative: str | None) -> list[str]:
    if negative is None:
        known = ", ".join(NEGATIVE_LABELS)
        return [f"no label is known to mean 'no relation' ({known}; no_label=NAME names it): scores count all labels"]
    notes = [f"micro and macro scores exclude {negative!r}"]
    if all(label == negative for label in gold):
        notes.append(f"no record has a relation other than {negative!r}: precision, recall and F1 are 0 by definition")
    return notes


def _gold(record: Gold) -> str:
    assert record.label is not None, "readers give every record a label"
    return record.label


def _row(record: Gold) -> dict[str, Any]:
    return {"id": record.id} if isinstance(record, KeyRecord) else record.row()

"""DocRED's metrics, predictions and tables from gold facts and margins or files of predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.json_rows import json_rows
from loreweave.corpus.files.rows import Row, as_row, field, objects
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import DataError
from loreweave.metrics.document_relations import FactCounts
from loreweave.metrics.probabilities import rounded, sigmoid
from loreweave.metrics.relations import RelationCounts, macro
from loreweave.tasks.relations.document import Fact, RelationDocument
from loreweave.training.evaluation import Evaluation, Outputs

NamedFacts = Collection[tuple[str, str, str]]
"""(head name, relation, tail name) of the training; see `document.named_facts`."""

METRICS = (
    "micro_precision", "micro_recall", "micro_f1", "macro_precision", "macro_recall", "macro_f1", "ign_precision", "ign_f1",
)  # fmt: skip
"""`micro_f1` is DocRED's F1, `ign_f1` its Ign F1; the macro scores are means over relations with a gold fact."""


def predicted_facts(document: RelationDocument, margins: np.ndarray, labels: Sequence[str]) -> dict[Fact, float]:
    """Relations whose logit is above the threshold of their pair, with their probability (0.5 at the threshold).

    Args:
        margins: logits minus the pair's threshold [pairs, labels].
    """
    pairs = document.pairs
    rows, columns = np.nonzero(margins > 0)
    sure = sigmoid(margins[rows, columns])
    return {
        Fact(*pairs[row], labels[column]): rounded(probability)
        for row, column, probability in zip(rows.tolist(), columns.tolist(), sure, strict=True)
    }


def score_documents(
    documents: Sequence[RelationDocument],
    predicted: Sequence[Mapping[Fact, float | None]],
    shown: NamedFacts | None,
    elsewhere: int = 0,
) -> Evaluation:
    """DocRED's official F1 and Ign F1, a table of relations, and the predictions for each document.

    Args:
        documents: with gold facts.
        predicted: predicted facts of each document, with their probabilities if they are known.
        shown: facts of the training; None if they are not known, and Ign F1 is left out.
        elsewhere: predictions for other documents, which are wrong.

    Raises:
        DataError: no document has gold facts.
    """
    hidden = sum(document.facts is None for document in documents)
    if hidden:
        raise DataError(
            f"found {hidden} of {len(documents)} documents without relations, expected gold relations; 'loreweave predict' "
            "predicts documents whose relations are hidden",
            field="labels",
        )
    counts: dict[str, Counter[str]] = {"gold": Counter(), "predicted": Counter(), "correct": Counter()}
    seen, rows = 0, []
    for document, guesses in zip(documents, predicted, strict=True):
        gold = set(document.facts or ())
        right = gold & guesses.keys()
        for name, facts in (("gold", gold), ("predicted", guesses), ("correct", right)):
            counts[name].update(fact.label for fact in facts)
        seen += sum(_was_shown(fact, document, shown or ()) for fact in right)
        rows.append(_row(document, guesses, sorted(gold)))
    total = FactCounts(counts["gold"].total(), counts["predicted"].total() + elsewhere, counts["correct"].total(), seen)
    by_label = {
        label: RelationCounts(*(counts[name][label] for name in ("gold", "predicted", "correct")))
        for label in sorted(counts["gold"] | counts["predicted"])
    }
    metrics = _metrics(total, by_label, shown is not None)
    tables = {
        "facts": [{"gold": total.gold, "predicted": total.predicted, "correct": total.correct}],
        "per_label": _per_label(by_label),
    }
    notes = ["ign_f1 needs the facts of the training file: train=FILE"]
    if shown is not None:
        tables["facts"][0]["shown_in_training"] = seen
        notes = ["ign_f1 excludes correct predictions that are facts of the training file, by the names of both entities"]
    return Evaluation(metrics, rows, tables=tables, notes=notes)


def _metrics(total: FactCounts, by_label: Mapping[str, RelationCounts], with_ign: bool) -> dict[str, float]:
    large = macro({label: count for label, count in by_label.items() if count.gold}, None)
    small, ign = total.score, total.without_shown
    metrics = {"micro_precision": small.precision, "micro_recall": small.recall, "micro_f1": small.f1}
    metrics |= {"macro_precision": large.precision, "macro_recall": large.recall, "macro_f1": large.f1}
    return metrics | ({"ign_precision": ign.precision, "ign_f1": ign.f1} if with_ign else {})


def _per_label(by_label: Mapping[str, RelationCounts]) -> list[dict[str, Any]]:
    return [
        {"label": label, "gold": count.gold, "predicted": count.predicted, "correct": count.correct,
         "precision": count.score.precision, "recall": count.score.recall, "f1": count.score.f1}
        for label, count in by_label.items()
    ]  # fmt: skip


def _was_shown(fact: Fact, document: RelationDocument, shown: NamedFacts) -> bool:
    names = [document.entities[number].names for number in (fact.head, fact.tail)]
    return any((head, fact.label, tail) in shown for head in names[0] for tail in names[1])


def _row(document: RelationDocument, predicted: Mapping[Fact, float | None], gold: Sequence[Fact]) -> dict[str, Any]:
    return answer_document(document, predicted) | {"gold": [fact._asdict() for fact in gold]}


def answer_document(document: RelationDocument, predicted: Mapping[Fact, float | None]) -> dict[str, Any]:
    """Predictions for a document in order: numbers and first names of both entities, relation and probability."""
    facts = []
    for fact, sure in sorted(predicted.items()):
        known = [number if 0 <= number < len(document.entities) else None for number in (fact.head, fact.tail)]
        names = [None if number is None else document.name(number) for number in known]
        facts.append(fact._asdict() | {"head_name": names[0], "tail_name": names[1]})
        if sure is not None:
            facts[-1]["probability"] = sure
    return {"id": document.id, "title": document.title, "text": document.text, "predicted": facts}


def facts_by_margins(documents: Sequence[RelationDocument], outputs: Outputs, labels: Sequence[str]) -> list[dict[Fact, float]]:
    """`predicted_facts` of each document."""
    return [predicted_facts(document, found, labels) for document, found in zip(documents, outputs, strict=True)]


def score_fact_file(documents: Sequence[RelationDocument], path: Path, shown: NamedFacts | None) -> Evaluation:
    """Predictions of any system: DocRED's list (or lines) of {title, h_idx, t_idx, r}, or one document per line with
    `predicted`, a list of {head, tail, label}, by `id` or `title`.

    Raises:
        DataError: names the row; a title of several documents; or no row is about one of the documents.
    """
    names = _Names.of(documents)
    predicted: list[dict[Fact, float | None]] = [{} for _ in documents]
    elsewhere: dict[str, dict[Fact, float | None]] = {}
    rows = twice = outside = 0
    for where, row in json_rows(path):
        rows += 1
        try:
            name, facts = _facts_of_row(row)
            found = names.number(row)
        except DataError as error:
            raise DataError(error.message, path=path, record=where, field=error.field) from None
        target = elsewhere.setdefault(name, {}) if found is None else predicted[found]
        twice += sum(fact in target for fact in facts)
        target |= facts
        if found is not None:
            size = len(documents[found].entities)
            outside += sum(not (0 <= fact.head < size and 0 <= fact.tail < size) for fact in facts)
    if rows and len(elsewhere) and not any(predicted):
        raise DataError(
            f"found predictions for {listed(map(repr, elsewhere))} only, expected titles or ids of the gold file", path=path
        )
    evaluation = score_documents(documents, predicted, shown, sum(map(len, elsewhere.values())))
    evaluation.notes.extend(_file_notes(elsewhere, twice, outside))
    return evaluation


def _facts_of_row(row: Any) -> tuple[str, dict[Fact, float | None]]:
    """The document of a row, and its facts."""
    if isinstance(row, DataError):
        raise row
    row = as_row(row)
    name = name_of(row)
    if "h_idx" in row:
        return name, {Fact(field(row, "h_idx", int), field(row, "t_idx", int), field(row, "r", str)): None}
    return name, {Fact(field(f, "head", int), field(f, "tail", int), field(f, "label", str)): _sure(f) for f in _listed(row)}


def _listed(row: Row) -> list[Row]:
    if "predicted" not in row:
        expected = "{title, h_idx, t_idx, r}, or 'predicted', a list of {head, tail, label}"
        raise DataError(f"found the keys {', '.join(map(str, row))}, expected {expected}")
    return objects(row, "predicted")


def _sure(fact: Row) -> float | None:
    probability = fact.get("probability")
    return float(probability) if isinstance(probability, int | float) else None


@dataclass(frozen=True)
class _Names:
    """The documents of a gold file by id, and by title, which may repeat."""

    documents: Sequence[RelationDocument]
    ids: Mapping[str, int]
    titles: Mapping[str, list[int]]

    @classmethod
    def of(cls, documents: Sequence[RelationDocument]) -> _Names:
        titles: dict[str, list[int]] = {}
        for number, document in enumerate(documents):
            titles.setdefault(document.title, []).append(number)
        return cls(documents, {document.id: number for number, document in enumerate(documents)}, titles)

    def number(self, row: Row) -> int | None:
        """The document of a row of predictions; None if there is none.

        Raises:
            DataError: neither id nor title, or a title of several documents.
        """
        if isinstance(row.get("id"), str) and row["id"] in self.ids:
            return self.ids[row["id"]]
        name = name_of(row)
        found = self.titles.get(name, [])
        if len(found) > 1:
            ids = ", ".join(repr(self.documents[number].id) for number in found)
            message = f"found {name!r}, the title of {len(found)} documents, expected one of their ids as 'id': {ids}"
            raise DataError(message, field="title")
        return found[0] if found else self.ids.get(name)


def name_of(row: Row) -> str:
    """The row's name of its document.

    Raises:
        DataError: it has neither `title` nor `id`.
    """
    name = row.get("title", row.get("id"))
    if not isinstance(name, str):
        raise DataError(f"found {in_json(name)}, expected the title or id of a document", field="title")
    return name


def _file_notes(elsewhere: Mapping[str, Collection[Fact]], twice: int, outside: int) -> Iterator[str]:
    if elsewhere:
        number = counted(sum(map(len, elsewhere.values())), "prediction")
        yield f"{number} for documents that are not in the gold file, counted as wrong: {listed(map(repr, elsewhere))}"
    if twice:
        yield f"{counted(twice, 'repeated prediction')}, counted once"
    if outside:
        yield f"{counted(outside, 'prediction')} with entities that are not in the document, counted as wrong"

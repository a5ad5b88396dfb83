"""Metrics and predictions of entity linking: given mentions (accuracy), or found ones (strong matching, ELEVANT)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.rows import Row, Span, as_row, check_span, field
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.knowledge.entity_names import canonical_entity
from loreweave.corpus.knowledge.entity_table import DescribedEntity, EntityTable, read_entities
from loreweave.corpus.special_entities import NIL
from loreweave.errors import DataError
from loreweave.metrics.linking.accuracy import linking_accuracy
from loreweave.metrics.linking.cases import Case, Found, Label, cases_of, count_cases
from loreweave.metrics.linking.errors import ERRORS, Knowledge, classify, count_errors
from loreweave.metrics.linking.matching import Matches, strong_matching
from loreweave.metrics.probabilities import rounded
from loreweave.tasks.entity_linking.decision import COLUMNS, Decision, Ranked, rank
from loreweave.tasks.entity_linking.record import LinkingRecord
from loreweave.tasks.entity_linking.settings import ScoringSettings
from loreweave.tasks.files.own_ids import ids_in
from loreweave.tasks.files.predictions import align, json_predictions, predicted_name, with_places
from loreweave.training.evaluation import Evaluation, Outputs

GIVEN_METRICS = ("accuracy", "macro_accuracy", "accuracy_with_nil", "nil_f1")
BASELINES = ("candidate_recall", "prior_accuracy", "similarity_accuracy")
FOUND_METRICS = (
    "micro_precision", "micro_recall", "micro_f1", "macro_precision", "macro_recall", "macro_f1",
    "elevant_precision", "elevant_recall", "elevant_f1", "elevant_with_coreference_f1", "detection_f1",
)  # fmt: skip
METRICS = (*GIVEN_METRICS, *BASELINES, *FOUND_METRICS)

_SHOWN = 3
"""Number of names in a note."""
_UNANSWERED = "\0"
"""In place of the entity of a mention without a prediction: it equals no gold entity, and is not NIL."""

RankedMentions = Sequence[Sequence[Ranked]]
"""Candidates of the mentions that are asked for in each record."""


@dataclass(frozen=True)
class KnowledgeBase:
    """Entities by which gold and predicted names are compared; without a table by `canonical_entity`."""

    table: EntityTable | None = None

    def key(self, name: str | None) -> str | None:
        """One spelling of an entity; None if it is not in the knowledge base."""
        if name is None or name == NIL:
            return None
        if self.table is None:
            return canonical_entity(name)
        row = self.table.row_of(name)
        return None if row is None else str(self.table[row].id)

    def id(self, name: str | None) -> dict[str, str | None]:
        """Field `id` of a row with an entity: the `key` by which it is scored, so that reports compare as the score does."""
        return {"id": self.key(name)}

    def gold(self, record: LinkingRecord) -> list[str | None]:
        """Entities of the mentions that are asked for."""
        return [self.key(record.mentions[index].entity) for index in record.asked()]


def score_outputs(records: Sequence[LinkingRecord], outputs: Outputs, table: EntityTable, decision: Decision) -> Evaluation:
    """Scores of given mentions from the outputs of a model; see `score_ranked`."""
    return score_ranked(records, ranked_mentions(records, outputs, decision), table)


def score_ranked(records: Sequence[LinkingRecord], ranked: RankedMentions, table: EntityTable) -> Evaluation:
    """Accuracy of given mentions, with what the priors and the similarities alone give."""
    base = KnowledgeBase(table)
    rows = [
        {"id": record.id, "text": record.text, "predicted": answers(record, found, table), "gold": gold_rows(record, base)}
        for record, found in zip(records, ranked, strict=True)
    ]
    predicted = [[None if one.entity is None else str(table[one.entity].id) for one in found] for found in ranked]
    evaluation = score_given(records, predicted, base, rows)
    gold = [base.gold(record) for record in records]
    evaluation.metrics.update(_baselines(gold, ranked, table))
    without = sum(not len(one.rows) for found in ranked for one in found)
    if without:
        evaluation.notes.append(f"{counted(without, 'mention has', 'mentions have')} no candidate and therefore no entity")
    return evaluation


def _baselines(gold: Sequence[Sequence[str | None]], ranked: RankedMentions, table: EntityTable) -> dict[str, float]:
    """Share of the mentions whose entity is a candidate, and accuracy of the priors and of the similarities alone."""
    right = np.zeros(len(BASELINES))
    total = 0
    for truths, found in zip(gold, ranked, strict=True):
        for truth, one in zip(truths, found, strict=True):
            if truth is None:
                continue
            total += 1
            row = table.row_of(truth)
            known = bool((one.priors > 0).any())
            right += [
                row in one.rows,
                known and one.rows[np.lexsort((one.rows, -one.priors))[0]] == row,
                len(one.rows) > 0 and one.rows[int(one.similarities.argmax())] == row,
            ]
    return dict(zip(BASELINES, (right / max(1, total)).tolist(), strict=True))


def score_given(
    records: Sequence[LinkingRecord],
    predicted: Sequence[Sequence[str | None]],
    base: KnowledgeBase,
    rows: list[dict[str, Any]],
) -> Evaluation:
    """Accuracy of the entities of the mentions that are asked for, over documents."""
    gold = [base.gold(record) for record in records]
    documents: dict[str, tuple[list[str | None], list[str | None]]] = {}
    for record, truths, guesses in zip(records, gold, predicted, strict=True):
        mine = documents.setdefault(record.document, ([], []))
        mine[0].extend(truths)
        mine[1].extend(guesses)
    counts = linking_accuracy([truths for truths, _ in documents.values()], [guesses for _, guesses in documents.values()])
    metrics = dict(zip(GIVEN_METRICS, (counts.micro(), counts.macro(), counts.with_nil(), counts.nil_f1()), strict=True))
    return Evaluation(metrics, rows, notes=_notes(records, gold, base), tables={"counts": [_counts(records, gold)]})


def _counts(records: Sequence[LinkingRecord], gold: Sequence[Sequence[str | None]]) -> dict[str, int]:
    asked = [record.mentions[index].entity for record in records for index in record.asked()]
    known = sum(key is not None for keys in gold for key in keys)
    nil = sum(entity is None for entity in asked)
    return {"mentions": len(asked), "in_knowledge_base": known, "unknown_entities": len(asked) - known - nil, "nil": nil}


def _notes(records: Sequence[LinkingRecord], gold: Sequence[Sequence[str | None]], base: KnowledgeBase) -> list[str]:
    counts = _counts(records, gold)
    notes = []
    if counts["unknown_entities"]:
        words = counted(counts["unknown_entities"], "mention has an entity", "mentions have entities")
        asked = (record.mentions[index].entity for record in records for index in record.asked())
        unknown = dict.fromkeys(name for name in asked if name is not None and base.key(name) is None)
        outside = f"outside the knowledge base ({listed(unknown, _SHOWN)})"
        notes.append(f"{words} {outside}, which counts as NIL: accuracy is that of the other mentions")
        labelled = next((one for one in base.table or () if one.label in unknown), None)
        if labelled is not None:
            notes.append(
                f"{labelled.label!r} is outside the knowledge base, but the label of {labelled.id!r}: entities are found by "
                "id, title or QID; add 'title' to the entities"
            )
    if not counts["in_knowledge_base"]:
        notes.append("no gold entity is in the knowledge base: accuracy is 0 by definition")
    return notes


def ranked_mentions(records: Sequence[LinkingRecord], outputs: Outputs, decision: Decision) -> list[list[Ranked]]:
    """Candidates of the mentions that are asked for in each record, from its output (see `decision`).

    The last records may have no output, because they have no mention.
    """
    outputs = [*outputs, *(np.zeros((0, COLUMNS)) for _ in range(len(records) - len(outputs)))]
    return [rank(output, len(one.asked()), decision) for one, output in zip(records, outputs, strict=True)]


def answers(record: LinkingRecord, ranked: Sequence[Ranked], table: EntityTable, top: int = 5) -> list[dict[str, Any]]:
    """Predicted entities of the mentions that are asked for."""
    found = []
    for index, one in zip(record.asked(), ranked, strict=True):
        mention = record.mentions[index]
        probabilities = one.probabilities
        candidates = [
            _entity(table[row]) | {"probability": rounded(float(p)), "prior": rounded(float(prior))}
            for row, p, prior in zip(one.rows[:top].tolist(), probabilities, one.priors, strict=False)
        ]
        best: dict[str, Any] = {"entity": NIL} if one.entity is None else _entity(table[one.entity])
        none = rounded(max(0.0, 1.0 - float(probabilities.sum())))
        best["probability"] = none if one.entity is None else candidates[0]["probability"]
        place = {"start": mention.start, "end": mention.end, "mention": record.surface(mention)}
        found.append(place | best | {"candidates": candidates})
    return found


def _entity(entity: DescribedEntity) -> dict[str, Any]:
    row: dict[str, Any] = {"entity": entity.id, "label": entity.name}
    return row | ({"qid": entity.qid} if entity.qid is not None else {})


def gold_rows(record: LinkingRecord, base: KnowledgeBase) -> list[dict[str, Any]]:
    """Gold mentions that are asked for: `entity` as the file names it, and the `id` by which it is scored."""
    mentions = [record.mentions[index] for index in record.asked()]
    return [
        {
            "start": one.start,
            "end": one.end,
            "mention": record.surface(one),
            "entity": NIL if one.entity is None else one.entity,
            **base.id(one.entity),
        }
        for one in mentions
    ]


def score_found(
    records: Sequence[LinkingRecord],
    predicted: Sequence[Sequence[Mapping[str, Any]]],
    base: KnowledgeBase,
    rows: list[dict[str, Any]],
) -> Evaluation:
    """Strong matching of all predicted mentions (GERBIL, InKB), and ELEVANT's counts with its classes of errors."""
    gold, guesses, cases = [], [], []
    for record, found in zip(records, predicted, strict=True):
        gold.append([
            (record.mentions[index].start, record.mentions[index].end, key)
            for index, key in zip(record.asked(), base.gold(record), strict=True)
        ])  # fmt: skip
        (first, last), places = record.evaluated or (0, len(record.text)), _unasked(record)
        inside = [one for one in found if first <= one["start"] and one["end"] <= last]
        counts = [one for one in inside if (one["start"], one["end"]) not in places]
        guesses.append([(one["start"], one["end"], base.key(one["entity"])) for one in counts])
        cases.append(_cases(record, found, base))
    metrics = strong_matching(gold, guesses)
    every = [case for each in cases for case in each]
    precision, recall, f1 = _scores(every)
    metrics |= {"elevant_precision": precision, "elevant_recall": recall, "elevant_f1": f1}
    metrics["elevant_with_coreference_f1"] = _scores(every, coreference=True)[2]
    metrics["detection_f1"] = _scores(every, detection=True)[2]
    errors = count_errors(every)
    tables: dict[str, list[dict[str, Any]]] = {
        "counts": [_counts(records, [base.gold(record) for record in records])],
        "errors": [{"error": name, "cases": errors[name], "meaning": ERRORS[name]} for name in ERRORS],
    }
    return Evaluation(metrics, rows, tables=tables, notes=_notes(records, [base.gold(r) for r in records], base))


def _unasked(record: LinkingRecord) -> set[tuple[int, int]]:
    """Places of gold mentions that are not asked for, such as optional ones: strong matching does not count them."""
    asked = set(record.asked())
    places = [(one.start, one.end) for one in record.mentions]
    return set(places) - {places[index] for index in asked}


def _scores(cases: Sequence[Case], **options: bool) -> tuple[float, float, float]:
    hits, wrong, missed = count_cases(cases, **options)
    return Matches(hits, wrong, missed).scores


def _cases(record: LinkingRecord, found: Iterable[Mapping[str, Any]], base: KnowledgeBase) -> list[Case]:
    """ELEVANT's cases of a document; entities outside the knowledge base are not known."""
    labels = [_known(label, base) for label in record.mentions]
    types = {label.entity: set(label.types) for label in labels if label.entity is not None}
    predictions = []
    for one in found:
        key = base.key(one["entity"])
        if key is None:
            continue
        listed = sorted(one.get("candidates") or (), key=lambda each: -each.get("prior", 0.0))
        candidates = tuple(name for each in listed if (name := base.key(each.get("entity"))) is not None)
        predictions.append(Found(one["start"], one["end"], key, _types(key, base), candidates))
        types |= {name: set(_types(name, base)) for name in (key, *candidates) if name not in types}
    cases = cases_of(record.text, labels, predictions, record.evaluated)
    classify(cases, Knowledge(types=types, hyperlinks=set(record.hyperlinks)))
    return cases


def _types(key: str, base: KnowledgeBase) -> tuple[str, ...]:
    row = None if base.table is None else base.table.row_of(key)
    if row is None or base.table is None:
        return ()
    found: tuple[str, ...] = base.table[row].types
    return found


def _known(label: Label, base: KnowledgeBase) -> Label:
    return Label(
        label.start, label.end, base.key(label.entity), label.name, label.types, label.optional, label.parent, label.children,
        label.coreference,
    )  # fmt: skip


def score_predictions(records: Sequence[LinkingRecord], path: Path, settings: ScoringSettings) -> Evaluation:
    """Predictions of any system: JSON Lines with `predicted`, a list of {start, end, entity}.

    Raises:
        DataError: names the line; see `files.predictions.align`. Or no predicted mention has the field `entity`.
    """
    base = KnowledgeBase(None if settings.entities is None else EntityTable(read_entities(settings.entities)))
    named: Counter[bool] = Counter()
    given = with_places(json_predictions(path, partial(_predicted, named=named)))
    if named[False] and not named[True]:
        message = "found no predicted mention with it, expected an id, a title or a QID, or null for a mention without entity"
        raise DataError(message, path=path, field="entity")
    found, notes = align(given, ids_in(records, {row.id for row in given}), path, texts=[record.text for record in records])
    predicted = [_checked(record, each, path) for record, each in zip(records, found, strict=True)]
    rows = [
        {
            "id": record.id,
            "text": record.text,
            "predicted": [one | base.id(one["entity"]) for one in guesses],
            "gold": gold_rows(record, base),
        }
        for record, guesses in zip(records, predicted, strict=True)
    ]
    if settings.mentions == "found":
        evaluation = score_found(records, predicted, base, rows)
    else:
        chosen = [_at_places(record, guesses, base) for record, guesses in zip(records, predicted, strict=True)]
        evaluation = score_given(records, chosen, base, rows)
        missing = sum(key == _UNANSWERED for each in chosen for key in each)
        if missing:
            evaluation.notes.append(
                f"{counted(missing, 'mention')} without a prediction, counted as wrong (NIL is a prediction with entity null)"
            )
    if named[False]:
        have = counted(named[False], "predicted mention has", "predicted mentions have")
        evaluation.notes.append(f"{have} no field 'entity', counted as NIL")
    evaluation.notes.extend([*notes, *_without_partner(records, predicted, base)])
    return evaluation


def _without_partner(
    records: Sequence[LinkingRecord], predicted: Sequence[Sequence[Mapping[str, Any]]], base: KnowledgeBase
) -> list[str]:
    """A note if no predicted entity is a gold entity: the two files probably name entities in two ways."""
    names = sorted({str(one["entity"]) for each in predicted for one in each if one["entity"] != NIL})
    entities = {label.entity for record in records for label in record.mentions if label.entity is not None}
    golds = sorted(name for name in entities if base.key(name) is not None)
    if not names or not golds or not {base.key(name) for name in names}.isdisjoint(base.key(name) for name in golds):
        return []
    way_out = "; entities=FILE compares ids, titles and QIDs" if base.table is None else ""
    return [f"no predicted entity is a gold entity: predicted are {listed(names)}, gold are {listed(golds)}{way_out}"]


def _checked(record: LinkingRecord, found: tuple[str, list[dict[str, Any]]] | None, path: Path) -> list[dict[str, Any]]:
    """The predicted mentions of a record, which lie in its text and have one entity at each place; equal ones once.

    Raises:
        DataError: names the line.
    """
    place, mentions = found or ("", [])
    seen = dict[Span, dict[str, Any]]()
    for one in mentions:
        span = one["start"], one["end"]
        try:
            check_span(record.text, *span, "predicted")
        except DataError as error:
            raise DataError(f"{error.message}: {record.id!r}", path=path, record=place, field=error.field) from None
        if seen.setdefault(span, one)["entity"] != one["entity"]:
            message = f"found two predictions for the characters {span} of {record.id!r}, expected one"
            raise DataError(message, path=path, record=place, field="predicted")
    return list(seen.values())


def _at_places(record: LinkingRecord, predicted: Sequence[Mapping[str, Any]], base: KnowledgeBase) -> list[str | None]:
    """The predicted entity of each mention that is asked for; `_UNANSWERED` if there is no prediction."""
    at = {(one["start"], one["end"]): base.key(one["entity"]) for one in predicted}
    asked = (record.mentions[index] for index in record.asked())
    return [at.get((one.start, one.end), _UNANSWERED) for one in asked]


def _predicted(row: Row, named: Counter[bool]) -> list[dict[str, Any]]:
    """Predicted mentions of a row. `named` counts those with and without the field `entity`."""
    given = [as_row(each) for each in field(row, predicted_name(row, "mentions", "entities"), list)]
    found = []
    for each in given:
        entity = each.get("entity", NIL)
        named["entity" in each] += 1
        if entity is not None and not isinstance(entity, str):
            raise DataError(f"found {in_json(entity)}, expected the name of an entity or null", field="entity")
        place = {"start": field(each, "start", int), "end": field(each, "end", int)}
        candidates = each.get("candidates")
        more = {"candidates": [as_row(one) for one in candidates]} if isinstance(candidates, list) else {}
        found.append(place | {"entity": NIL if entity is None else entity} | more)
    return found

"""Facts and the ranks of their objects to metrics and tables; and the ranks in any system's predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.files.records import describe_skipped
from loreweave.corpus.files.rows import as_row
from loreweave.corpus.files.rows import field as required
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import DataError
from loreweave.metrics.fact_answers import (
    NAMES,
    PRECISION_AT,
    answer_intervals,
    answer_metrics,
    macro_mean,
    metrics_by_relation,
    rank_by_frequency,
)
from loreweave.metrics.resampling import INTERVALS
from loreweave.tasks.contract import Execution
from loreweave.tasks.fact_probing.reader import read
from loreweave.tasks.fact_probing.record import Fact
from loreweave.tasks.fact_probing.settings import FileScoringSettings, ScoringSettings
from loreweave.tasks.files.own_ids import ids_in
from loreweave.tasks.files.predictions import Prediction, align, json_predictions, predicted_name
from loreweave.training.evaluation import Evaluation

_FREQUENT = ("p_at_1", "mrr")
METRICS = (
    *NAMES,
    *(f"macro_{name}" for name in NAMES),
    *(f"majority_{name}" for name in _FREQUENT),
    *(f"macro_majority_{name}" for name in _FREQUENT),
)
"""Micro and macro values of the answers, and of the baseline that gives the most frequent objects of each relation."""

_ANSWER_FIELDS = ("text", "label", "title", "token_str", "id")
"""Fields of an answer with its name, in the order in which they are looked for."""

Table = list[dict[str, Any]]


@dataclass(frozen=True)
class Ranked:
    """Facts that were asked, and what was answered.

    Attributes:
        facts: the facts.
        ranks: rank of each object; infinity if it is not among the answers.
        objects: right answers to each fact, the main one first, under any name that is the same for equal objects.
        others: answers to each fact that were removed.
        read: relation -> number of facts that were read, asked or not.
        predictions: one JSON object per fact.
    """

    facts: Sequence[Fact]
    ranks: Sequence[float]
    objects: Sequence[Sequence[Hashable]]
    others: Sequence[Collection[Hashable]]
    read: Mapping[str, int]
    predictions: Table = field(default_factory=list)


def evaluation_of(ranked: Ranked, settings: ScoringSettings) -> Evaluation:
    """Metrics of `METRICS`, intervals, and a row per relation with the majority baseline beside it."""
    relations = [fact.relation for fact in ranked.facts]
    ranks = np.asarray(ranked.ranks, dtype=np.float64)
    frequent = rank_by_frequency(relations, ranked.objects, ranked.others)
    by_relation, baseline = metrics_by_relation(ranks, relations), metrics_by_relation(frequent.ranks, relations)
    micro, macro = answer_metrics(frequent.ranks), macro_mean(baseline.values())
    metrics = answer_metrics(ranks) | {f"macro_{name}": value for name, value in macro_mean(by_relation.values()).items()}
    metrics |= {f"majority_{name}": micro[name] for name in _FREQUENT}
    metrics |= {f"macro_majority_{name}": macro[name] for name in _FREQUENT}
    first = _first_facts(ranked)
    asked, tables = Counter(relations), dict[str, Table]()
    if settings.bootstrap:
        found = answer_intervals(ranks, settings.bootstrap, settings.seed)
        tables[INTERVALS] = [{"metric": name} | found[name] for name in NAMES]
    tables["per_relation"] = [
        {"relation": name, "label": first[name].label, "read": ranked.read[name], "asked": asked[name]}
        | (by_relation.get(name) or dict.fromkeys(NAMES))
        | {"majority": _name_of(ranked, name, frequent.first[name]) if asked[name] else None}
        | {f"majority_{key}": baseline[name][key] if asked[name] else None for key in _FREQUENT}
        for name in sorted(ranked.read, key=lambda name: (-asked[name], name))
    ]
    if any(fact.kind for fact in ranked.facts):
        kinds = [fact.kind or "unknown" for fact in ranked.facts]
        by_kind, of_kind = metrics_by_relation(ranks, kinds), metrics_by_relation(frequent.ranks, kinds)
        tables["per_type"] = [
            {"type": kind, "asked": kinds.count(kind)} | row | {f"majority_{key}": of_kind[kind][key] for key in _FREQUENT}
            for kind, row in sorted(by_kind.items())
        ]
    return Evaluation(metrics, ranked.predictions, {"reciprocal_ranks": 1 / ranks, "majority_ranks": frequent.ranks}, tables)


def names_of_others(fact: Fact, settings: ScoringSettings) -> list[str]:
    """Names under which the other right objects of a fact are no rivals of its object."""
    if not settings.filtered:
        return []
    return [name for other in fact.others for name in (other.names if settings.removes_aliases else (other.name,))]


def _first_facts(ranked: Ranked) -> dict[str, Fact]:
    """One fact of each relation that was asked; relations without one get an empty one."""
    empty = {name: Fact(id="", relation=name, text="", object="") for name in ranked.read}
    return empty | {fact.relation: fact for fact in reversed(ranked.facts)}


def _name_of(ranked: Ranked, relation: str, found: Hashable) -> str:
    """The name of a relation's most frequent object."""
    pairs = zip(ranked.facts, ranked.objects, strict=True)
    return next(fact.object for fact, names in pairs if fact.relation == relation and names[0] == found)


def score_predictions(
    gold: Path, predictions: Path, settings: FileScoringSettings, execution: Execution
) -> tuple[Evaluation, dict[str, Any]]:
    """Answers of any system: JSON Lines with `predicted`, a list of answers, best first, each a name or an object with one.

    Raises:
        DataError: names the file and the line; see `files.predictions.align`.
    """
    found = read(gold, settings, execution.reading)
    for line in describe_skipped(found, gold):
        execution.report(line)
    rows = json_predictions(predictions, _answers)
    left_out = settings.missing == "left_out"
    missing_are = "left out" if left_out else "counted as wrong"
    given, notes = align(rows, _ids_among(rows, found.records), predictions, missing_are=missing_are)
    pairs = zip(found.records, given, strict=True)
    kept = [(fact, answers or []) for fact, answers in pairs if answers is not None or not left_out]
    facts, names, others = [fact for fact, _ in kept], list[list[str]](), list[set[str]]()
    for fact in facts:
        own = [_folded(name, settings) for name in (fact.names if settings.aliases else (fact.object,))]
        names.append(own)
        others.append({_folded(name, settings) for name in names_of_others(fact, settings)} - set(own))
    ranks = [
        _rank([_folded(answer, settings) for answer in answers], own, removed)
        for (_, answers), own, removed in zip(kept, names, others, strict=True)
    ]
    notes += _about_ends([(len(answers), rank) for (_, answers), rank in zip(kept, ranks, strict=True) if answers])
    read_facts = Counter(fact.relation for fact in found.records)
    evaluation = evaluation_of(Ranked(facts, ranks, names, others, read_facts), settings)
    evaluation.notes.extend(notes)
    return evaluation, {
        "records": len(facts), "read": len(found.records), "skipped": dict(found.skipped), "left_out": found.left_out,
    }  # fmt: skip


def _ids_among(rows: Sequence[Prediction[Any]], facts: Sequence[Fact]) -> list[str]:
    """Ids by which the facts are found in a file of predictions: those of the gold file if the predictions repeat ids,
    otherwise those with numbers.

    With unique ids, `1` is always the first fact with the id 1: if that fact was not asked, the file has `1#2` only.
    """
    given = [row.id for row in rows]
    return [fact.id for fact in facts] if len(set(given)) == len(given) else ids_in(facts, set(given))


def _about_ends(lists: Sequence[tuple[int, float]]) -> list[str]:
    """A note about objects behind the end of their list of answers; `lists` has the length of each, and the object's rank."""
    shortest = min((length for length, _ in lists), default=PRECISION_AT[-1])
    behind = sum(rank == float("inf") for _, rank in lists)
    if shortest < PRECISION_AT[-1]:
        return [f"the shortest list of answers has {shortest}: objects that are not in their list count as not found"]
    if not behind:
        return []
    have = counted(behind, "object is", "objects are")
    return [f"{have} not in the list of answers, whose rank counts as infinite: mrr is lower than with all answers"]


def _answers(row: Mapping[str, Any]) -> list[str]:
    """The names of the answers of a row, each once."""
    name = predicted_name(row, "predictions")
    if isinstance(row.get(name), str):
        return [row[name]]
    return list(dict.fromkeys(_name(answer, name) for answer in required(row, name, list)))


def _name(answer: Any, name: str) -> str:
    if isinstance(answer, str):
        return answer
    row = as_row(answer)
    found = next((row[key] for key in _ANSWER_FIELDS if isinstance(row.get(key), str)), None)
    if found is None:
        raise DataError(f"found {in_json(answer)}, expected a name or an object with {', '.join(_ANSWER_FIELDS)}", field=name)
    return str(found)


def _folded(name: str, settings: FileScoringSettings) -> str:
    name = " ".join(name.replace("_", " ").split())
    return name.casefold() if settings.ignore_case else name


def _rank(answers: Sequence[str], right: Sequence[str], removed: Collection[str]) -> float:
    """Rank of the first right answer among those that are not removed; infinity if there is none."""
    left = [answer for answer in dict.fromkeys(answers) if answer not in removed]
    return next((float(number) for number, answer in enumerate(left, 1) if answer in right), float("inf"))

"""Wrong predictions of the best run, with text and probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.experiments.report.contexts import Contexts, contexts_of
from loreweave.experiments.report.error_rows import LIKELY, by_mention, error_rows, gold_key, probability_rows
from loreweave.experiments.report.outputs import class_outputs
from loreweave.experiments.report.parts import Lines, NotShown, Part, Table
from loreweave.experiments.report.prediction_rows import (
    NO_GOLD,
    NO_PREDICTIONS,
    around,
    excerpt,
    has_gold,
    is_right,
    question_of,
    short,
)
from loreweave.experiments.report.sections import Section
from loreweave.experiments.runs.recorded import RecordedRun, is_number
from loreweave.metrics.probabilities import by_name


def draw(section: Section) -> Part | NotShown:
    """A table of the wrong records of the best run of the best group; the most certain errors come first."""
    split = section.last
    best = section.best_run(lambda run: bool(run.predictions(split)))
    if best is None:
        return NotShown(NO_PREDICTIONS)
    rows, outputs = best.predictions(split), class_outputs(best, split)
    if all(_ranks(row) for row in rows):
        return _of_triples(best, rows, split, f"tables/{section.prefix}errors.jsonl")
    if not all(has_gold(row) for row in rows):
        return NotShown(NO_GOLD)
    likely: dict[int, dict[str, float]] = {}
    if outputs is not None:
        chances = zip(outputs.places, outputs.probabilities, strict=True)
        likely = {place: by_name(chance, outputs.labels) for place, chance in chances}
    found = [(place, row) for place, row in enumerate(rows) if not is_right(row)]
    found.sort(key=lambda pair: -_certainty(pair[1], likely.get(pair[0])))
    wrong = [row for _, row in found]
    asked = any(question_of(row) is not None for row in wrong)
    contexts = contexts_of(best, split) if asked and not any(isinstance(row.get("text"), str) for row in wrong) else Contexts()
    cells = [
        [row.get("id"), *([question_of(row), _text_of(row, contexts)] if asked else [around(row)]),
         *(short(row[name], row) for name in ("gold", "predicted")), _most_likely(likely.get(place))]
        for place, row in found
    ]  # fmt: skip
    caption = (
        f"Wrong predictions of {best.path}{section.why_best} on {split} data: {len(wrong):,} of "
        f"{counted(len(rows), 'record')}. The most certain errors come first."
    )
    tables = [Table("errors", ["id", *(["question"] if asked else []), *_COLUMNS], cells, shown=25)]
    if mentions := by_mention(rows, wrong):
        tables.append(Table("errors_by_mention", ["mention", "records", "wrong", "share wrong"], mentions, 25, _BY_MENTION))
    key = gold_key(section.task, wrong)
    lines = [Lines("errors", list(error_rows(dict(found), key, outputs)))]
    for each in section.splits:
        if (every := class_outputs(best, each)) is not None:
            lines.append(Lines(f"probabilities_{each}", list(probability_rows(every))))
    files = [f"tables/{section.prefix}{one.name}.jsonl" for one in lines]
    data = "as data of the task" if key is not None else "for other programs"
    caption += f" {files[0]} has these predictions {data}{', with probabilities' if outputs is not None else ''}."
    if len(files) > 1:
        caption += f" {' and '.join(files[1:])} {'have' if len(files) > 2 else 'has'} the probabilities of all records."
    if asked and contexts.missing is None:
        caption += " Texts are shortened around the predicted answer [in brackets] and the gold answer {in braces}."
    notes = [f"the texts with the answers are not shown: {contexts.missing}"] if contexts.missing else []
    return Part("Errors", caption, tables=tables, notes=notes, lines=lines)


def _text_of(row: Mapping[str, Any], contexts: Contexts) -> str | None:
    """The text that has the answer to a question."""
    text = row["text"] if isinstance(row.get("text"), str) else contexts.texts.get(str(row.get("id")))
    return None if text is None else excerpt(text, row)


_COLUMNS = ("text", "gold", "predicted", "most likely")
_BY_MENTION = "Errors by mention, in lower case"
_SIDES = ("head", "tail")


def _ranks(row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The ranks of a triple's head and tail, as far as they were asked for."""
    found = {side: row.get(f"{side}_rank") for side in _SIDES}
    return {side: rank for side, rank in found.items() if isinstance(rank, Mapping) and is_number(rank.get(_RANK))}


_RANK = "realistic"


def _of_triples(best: RecordedRun, rows: Sequence[Mapping[str, Any]], split: str, file: str) -> Part:
    """Triples of link prediction whose head or tail is not ranked first, those with the worst rank first."""

    def worst(row: Mapping[str, Any]) -> float:
        return max(float(rank[_RANK]) for rank in _ranks(row).values())

    wrong = sorted((row for row in rows if worst(row) > 1), key=worst, reverse=True)
    names = ("head", "relation", "tail")
    cells: list[list[object]] = [
        [*(row.get(name) for name in names), *(_ranks(row).get(side, {}).get(_RANK) for side in _SIDES),
         max(int(rank.get("candidates") or 0) for rank in _ranks(row).values())]
        for row in wrong
    ]  # fmt: skip
    caption = (
        f"Triples of the {split} data whose head or tail {best.path} does not rank first: {len(wrong):,} of "
        f"{counted(len(rows), 'triple')}. The triples with the worst ranks come first. Ranks are realistic (ties count half). "
        f"{file} has these triples for other programs."
    )
    columns = [*names, "rank of the head", "rank of the tail", "candidates"]
    return Part("Errors", caption, tables=[Table("errors", columns, cells, shown=25)], lines=[Lines("errors", wrong)])


def _certainty(row: Mapping[str, Any], likely: Mapping[str, float] | None) -> float:
    if likely:
        return max(likely.values())
    probability = row.get("probability")
    return float(probability) if isinstance(probability, int | float) else 0.0


def _most_likely(found: Mapping[str, float] | None) -> str:
    return ", ".join(f"{name} {chance:.2f}" for name, chance in list((found or {}).items())[:LIKELY])

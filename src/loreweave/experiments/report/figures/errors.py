"""Wrong predictions of the best run, with text and probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.experiments.report.error_rows import LIKELY, by_mention, error_rows, gold_key, probability_rows
from loreweave.experiments.report.outputs import class_outputs
from loreweave.experiments.report.parts import Lines, NotShown, Part, Table
from loreweave.experiments.report.prediction_rows import around, has_gold, is_right, short
from loreweave.experiments.report.sections import Section
from loreweave.metrics.probabilities import by_name


def draw(section: Section) -> Part | NotShown:
    """A table of the wrong records of the best run of the best group; the most certain errors come first."""
    split = section.last
    best = section.best_run(lambda run: bool(run.predictions(split)))
    if best is None:
        return NotShown("no finished run has predictions")
    rows, outputs = best.predictions(split), class_outputs(best, split)
    if not all(has_gold(row) for row in rows):
        return NotShown("the predictions have no gold answers")
    likely: dict[Any, dict[str, float]] = {}
    if outputs is not None:
        chances = zip(outputs.rows, outputs.probabilities, strict=True)
        likely = {row.get("id"): by_name(chance, outputs.labels) for row, chance in chances}
    wrong = [row for row in rows if not is_right(row)]
    wrong.sort(key=lambda row: -_certainty(row, likely))
    cells = [
        [row.get("id"), around(row), *(short(row[name], row) for name in ("gold", "predicted")),
         _most_likely(likely.get(row.get("id")))]
        for row in wrong
    ]  # fmt: skip
    caption = (
        f"Records of the {split} data that {best.path.name} (the best run of the best group by {section.choosing} data) "
        f"predicts wrongly: {len(wrong):,} of {counted(len(rows), 'record')}. The most certain errors come first."
    )
    tables = [Table("errors", ["id", "text", "gold", "predicted", "most likely"], cells, shown=25)]
    if mentions := by_mention(rows, wrong):
        tables.append(Table("errors_by_mention", ["mention", "records", "wrong", "share wrong"], mentions, shown=25))
    key = gold_key(section.task, wrong)
    lines = [Lines("errors", list(error_rows(wrong, key, outputs)))]
    for each in section.splits:
        if (found := class_outputs(best, each)) is not None:
            lines.append(Lines(f"probabilities_{each}", list(probability_rows(found))))
    data = " as data of the task" if key is not None else " for other programs"
    caption += f" The file errors.jsonl has them{data}"
    caption += ", with probabilities; probabilities_*.jsonl has those of all records." if len(lines) > 1 else "."
    return Part("Errors", caption, tables=tables, lines=lines)


def _certainty(row: Mapping[str, Any], likely: Mapping[Any, Mapping[str, float]]) -> float:
    found = likely.get(row.get("id"))
    if found:
        return max(found.values())
    probability = row.get("probability")
    return float(probability) if isinstance(probability, int | float) else 0.0


def _most_likely(found: Mapping[str, float] | None) -> str:
    return ", ".join(f"{name} {chance:.2f}" for name, chance in list((found or {}).items())[:LIKELY])

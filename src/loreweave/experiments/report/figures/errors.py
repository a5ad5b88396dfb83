"""Wrong predictions of the best run, with text and probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.experiments.report.figures.lengths import exactly_right
from loreweave.experiments.report.outputs import class_outputs
from loreweave.experiments.report.parts import NotShown, Part, Table
from loreweave.experiments.report.sections import Section
from loreweave.metrics.probabilities import by_name

_LIKELY = 3
_AROUND = 120
"""Characters of the text that are shown before and after a mention."""


def draw(section: Section) -> Part | NotShown:
    """A table of the wrong records of the run with the best dev score; the most certain errors come first."""
    split = section.splits[-1] if section.splits else "dev"
    best = section.best_run(lambda run: bool(run.predictions(split)))
    if best is None:
        return NotShown("no finished run has predictions")
    rows, outputs = best.predictions(split), class_outputs(best, split)
    if not all("gold" in row and "predicted" in row for row in rows):
        return NotShown("the predictions have no gold answers")
    likely: dict[Any, dict[str, float]] = {}
    if outputs is not None:
        chances = zip(outputs.rows, outputs.probabilities, strict=True)
        likely = {row.get("id"): by_name(chance, outputs.labels) for row, chance in chances}
    wrong = [row for row in rows if not exactly_right(row["predicted"], row["gold"])]
    wrong.sort(key=lambda row: -_certainty(row, likely))
    cells = [
        [row.get("id"), _around(row), _short(row["gold"]), _short(row["predicted"]), _most_likely(likely.get(row.get("id")))]
        for row in wrong
    ]
    caption = (
        f"Records of the {split} data that {best.path.name} (the best {section.splits[0]} score) predicts wrongly: "
        f"{len(wrong):,} of {counted(len(rows), 'record')}. The most certain errors come first."
    )
    table = Table("errors", ["id", "text", "gold", "predicted", "most likely"], cells, shown=25)
    return Part("Errors", caption, tables=[table])


def _certainty(row: Mapping[str, Any], likely: Mapping[Any, Mapping[str, float]]) -> float:
    found = likely.get(row.get("id"))
    if found:
        return max(found.values())
    probability = row.get("probability")
    return float(probability) if isinstance(probability, int | float) else 0.0


def _most_likely(found: Mapping[str, float] | None) -> str:
    return ", ".join(f"{name} {chance:.2f}" for name, chance in list((found or {}).items())[:_LIKELY])


def _around(row: Mapping[str, Any]) -> str:
    """The text with its mention in brackets, shortened around it."""
    text = str(row.get("text") or row.get("question") or row.get("query") or "")
    start, end = row.get("start"), row.get("end")
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start <= end <= len(text)) or "question" in row:
        return text if len(text) <= 2 * _AROUND else text[: 2 * _AROUND] + " ..."
    before, after = text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
    return f"{'... ' if start > _AROUND else ''}{before}[{text[start:end]}]{after}{' ...' if end + _AROUND < len(text) else ''}"


def _short(value: Any) -> str:
    """Names of classes, or mentions with their labels."""
    parts = value if isinstance(value, list) else [value]
    named = [
        f"{part.get('mention', part.get('text', ''))} ({part.get('label', part.get('entity', ''))})"
        if isinstance(part, dict) else str(part) for part in parts
    ]  # fmt: skip
    return ", ".join(named) or "none"

"""Averages of precision, recall and F1 over labels and records, beside the scores that the run itself has recorded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from loreweave.experiments.report.outputs import ClassOutputs
from loreweave.experiments.report.parts import Table
from loreweave.experiments.report.sections import score_of
from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.metrics.analysis.confusion import Average, averages

_KINDS = ("precision", "recall", "f1")
_TOLERANCE = 1e-9
_DEFINITIONS = {
    (
        "entity-typing",
        "macro",
    ): "loose macro: mean precision of records with predictions, mean recall of records with gold labels",
    ("entity-typing", "strict"): "strict: whole label sets that are right, of the records with predictions, with gold labels",
    ("relation-classification", "micro"): "all relations together, without the negative one",
    (
        "relation-classification",
        "macro",
    ): "mean over relations without direction that have gold examples, without the negative one",
    ("text-classification", "macro"): "mean over the labels that are gold or predicted somewhere",
}
"""What scores of a task are, where they can differ from our averages."""
_ABOUT = (
    "The column in results.json names the scores of the run that equal these averages. The last rows are scores of the run "
    "with other definitions. All labels together: from the counts of all records and labels (micro). Mean over labels: each "
    "label counts equally, and 0 if it is neither gold nor predicted. Mean over records: each record counts equally, and 0 if "
    "it has no gold label or no prediction. Exact match: share of the records whose labels are all right."
)


def averages_table(run: RecordedRun, split: str, found: ClassOutputs) -> Table:
    """A row for each average, and for each of the run's own averages that is none of them."""
    every = averages(found.predicted, found.gold)
    own: list[tuple[str, Average, str | None]] = [
        ("all labels together", every.micro, "micro"), ("mean over labels", every.macro, "macro"),
        ("mean over labels, weighted by their gold records", every.weighted, None), ("mean over records", every.examples, None),
    ]  # fmt: skip
    rows: list[list[object]] = []
    same: set[str] = set()
    for name, one, family in own:
        numbers = [one.precision, one.recall, one.f1]
        recorded = _recorded(run, split, family) if family else {}
        equal = bool(recorded) and all(_equal(recorded[kind], numbers[_KINDS.index(kind)]) for kind in recorded)
        same |= {str(family)} if equal else set()
        rows.append([name, _names(family, recorded) if equal else None, *numbers])
    accuracy = score_of(run, split, "accuracy")
    exact = "accuracy" if accuracy is not None and _equal(accuracy, every.exact_match) else None
    others = _others(run, split, same)
    columns = ["average", "in results.json", *_KINDS]
    rows = [*rows, ["exact match", exact, None, None, every.exact_match], *others]
    return Table("averages", columns, rows, title="Averages over labels and records", about=_ABOUT)


def _others(run: RecordedRun, split: str, same: set[str]) -> Iterator[list[object]]:
    """Rows of the run's own averages."""
    for family in ("micro", "macro", "strict"):
        recorded = _recorded(run, split, family)
        if recorded and family not in same:
            name = _DEFINITIONS.get((str(run.task), family), f"{family}, as the task {run.task} defines it")
            yield [name, _names(family, recorded), *(recorded.get(kind) for kind in _KINDS)]


def _recorded(run: RecordedRun, split: str, family: str) -> dict[str, float]:
    """Scores of the run of a family by their kind: precision, recall, f1."""
    found = {kind: score_of(run, split, f"{family}_{kind}") for kind in _KINDS}
    return {kind: value for kind, value in found.items() if value is not None}


def _names(family: str | None, kinds: Sequence[str] | dict[str, float]) -> str:
    return ", ".join(f"{family}_{kind}" for kind in kinds)


def _equal(first: float, second: float) -> bool:
    return math.isclose(first, second, abs_tol=_TOLERANCE)

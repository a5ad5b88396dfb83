"""The parts of the page of a comparison by name."""

from __future__ import annotations

from collections.abc import Callable

from loreweave.experiments.report.comparison import differing, over_records, over_seeds, side_by_side
from loreweave.experiments.report.comparison.results import Compared
from loreweave.experiments.report.figures import scores
from loreweave.experiments.report.parts import NotShown, Part


def _scores(found: Compared) -> Part | NotShown:
    """Scores of the systems, and of every run."""
    return scores.draw(found.section)


PARTS: dict[str, Callable[[Compared], Part | NotShown]] = {
    "scores": _scores, "differences": over_records.draw, "seeds": over_seeds.draw, "records": differing.draw,
    "labels": side_by_side.draw,
}  # fmt: skip
"""The parts in their order on the page; each is a function from all results to a part of the report."""

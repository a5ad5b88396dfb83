"""A group has one colour in all figures of a section."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from made_runs import WRONG, finetuning_run
from matplotlib.colors import to_hex

from loreweave.experiments.report.figures.registry import FIGURES
from loreweave.experiments.report.parts import Part
from loreweave.experiments.report.sections import sections_of
from loreweave.experiments.runs.folders import find_runs


def _colour(handle: Any) -> str:
    """Colour of an entry of a legend: points, bars, a line with intervals, or a line."""
    if hasattr(handle, "get_facecolor"):
        return to_hex(handle.get_facecolor()[0])
    part = handle if hasattr(handle, "get_color") else handle[0]
    return to_hex(part.get_color() if hasattr(part, "get_color") else part.get_facecolor())


def test_a_group_has_one_colour_in_all_figures(tmp_path: Path) -> None:
    """The first group has no finished run, so that only the progression shows it."""
    finetuning_run(tmp_path / "stopped", finished=False, pooling="first")
    for seed in range(3):
        finetuning_run(tmp_path / f"mean-{seed}", seed, pooling="mean")
        finetuning_run(tmp_path / f"sum-{seed}", seed, pooling="sum", logits=WRONG)
    (section,) = sections_of(find_runs([tmp_path]))
    found: dict[str, dict[str, str]] = {}
    for name in ("progression", "dev_test", "labels", "lengths", "calibration", "runs_map"):
        part = FIGURES[name](section)
        assert isinstance(part, Part), name
        handles, labels = part.pictures[0].figure.axes[0].get_legend_handles_labels()
        found[name] = dict(zip(labels, map(_colour, handles), strict=True))
    every = found.pop("progression")
    assert len(set(every.values())) == len(every) == 3
    finished = {group: colour for group, colour in every.items() if group != "pooling=first"}
    assert found == dict.fromkeys(found, finished)

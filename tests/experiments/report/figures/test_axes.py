"""Axes, ticks and lines of the figures."""

from __future__ import annotations

from pathlib import Path

from made_runs import finetuning_run

from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.writing import write_json
from loreweave.experiments.report.cells import Cell
from loreweave.experiments.report.figures.registry import FIGURES
from loreweave.experiments.report.parts import Part
from loreweave.experiments.report.sections import sections_of
from loreweave.experiments.runs.folders import find_runs


def test_whole_epochs_have_whole_numbers_on_the_axis(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "run", dev=(0.25,))
    (section,) = sections_of(find_runs([tmp_path]))
    part = FIGURES["progression"](section)
    assert isinstance(part, Part)
    for picture in part.pictures:
        ticks = picture.figure.axes[0].xaxis.get_major_locator().tick_values(0, 1)
        assert all(float(tick).is_integer() for tick in ticks)


def test_a_line_that_is_alone_has_a_name_if_there_are_other_groups(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "long", dev=(0.25, 0.5), pooling="mean")
    for other in (False, True):
        if other:
            finetuning_run(tmp_path / "short", dev=(0.25,), pooling="first")
            metrics = tmp_path / "short" / "metrics.jsonl"
            lines = metrics.read_text().splitlines(keepends=True)
            metrics.write_text("".join(line for line in lines if '"epoch": 0' not in line))
        (section,) = sections_of(find_runs([tmp_path]))
        part = FIGURES["progression"](section)
        assert isinstance(part, Part)
        figure = part.pictures[0].figure
        assert len(figure.axes[0].lines) == 1
        assert [len(legend.get_texts()) for legend in figure.legends] == [1] * other


def test_ranges_of_lengths_do_not_overlap(tmp_path: Path) -> None:
    gold = [number % 3 for number in range(12)]
    finetuning_run(tmp_path / "run", gold=gold)
    (section,) = sections_of(find_runs([tmp_path]))
    part = FIGURES["lengths"](section)
    assert isinstance(part, Part)
    # Texts of 1 to 12 words in five parts.
    assert [row[1] for row in part.tables[0].rows] == ["1 to 3", "4 to 5", "6 to 7", "8 to 9", "10 to 12"]


def test_names_of_settings_have_no_line_between_them(tmp_path: Path) -> None:
    for number, pooling in enumerate((None, "mean", "first")):
        finetuning_run(tmp_path / str(number), dev=(number / 4,), pooling=pooling, rate=number)
    (section,) = sections_of(find_runs([tmp_path]))
    part = FIGURES["settings"](section)
    assert isinstance(part, Part)
    assert "Horizontal marks: mean" in part.caption and "A line connects the means of numbers" in part.caption
    assert {picture.figure.axes[0].lines[0].get_marker() for picture in part.pictures} == {"_"}
    lines = {picture.name: picture.figure.axes[0].lines[0].get_linestyle() for picture in part.pictures}
    assert lines == {"setting_pooling": "None", "setting_rate": "-"}


def test_numbers_beside_no_number_are_in_the_order_of_their_size(tmp_path: Path) -> None:
    for number, balance in enumerate((None, 4, 10, 1)):
        finetuning_run(tmp_path / str(number), dev=(number / 4,), train_balance=balance, rate=number)
    (section,) = sections_of(find_runs([tmp_path]))
    part = FIGURES["parallel"](section)
    assert isinstance(part, Part)
    axes = part.pictures[0].figure.axes[0]
    places = {text.get_text(): text.xy for text in axes.texts if text.xy[0] == 0}
    assert sorted(places, key=lambda name: places[name][1]) == ["1", "4", "10", "none"]


def test_each_learning_curve_has_its_own_numbers_of_examples(tmp_path: Path) -> None:
    for balance, fraction, examples in ((None, 0.5, 40), (None, 1.0, 80), (1, 0.5, 6), (1, 1.0, 12)):
        run = finetuning_run(tmp_path / f"{balance}-{fraction}", train_balance=balance, train_fraction=fraction)
        write_json(run.path / "results.json", {**read_json(run.path / "results.json"), "examples": examples})
    (section,) = sections_of(find_runs([tmp_path]))
    part = FIGURES["learning_curve"](section)
    assert isinstance(part, Part)
    assert {(str(row[0].text), *row[1:3]) for row in part.tables[0].rows if isinstance(row[0], Cell)} == {
        ("train_balance=none", 0.5, 40), ("train_balance=none", 1.0, 80), ("train_balance=1", 0.5, 6),
        ("train_balance=1", 1.0, 12),
    }  # fmt: skip


def test_ticks_of_logarithmic_axes_are_numbers_not_formulas(tmp_path: Path) -> None:
    for number in range(10):
        rate = 0.00015 * 1.25**number
        finetuning_run(tmp_path / "runs" / str(number), dev=(number / 10,), optimizer={"learning_rate": rate})
    (section,) = sections_of(find_runs([tmp_path / "runs"]))
    part = FIGURES["settings"](section)
    assert isinstance(part, Part)
    axis = part.pictures[0].figure.axes[0].xaxis
    ticks = axis.get_major_locator().tick_values(0.00015, 0.0012)
    assert {"0.0002", "0.0005", "0.001"} <= {axis.get_major_formatter()(tick) for tick in ticks}
    assert not axis.get_minor_formatter()(0.0003)


def test_one_group_stands_at_its_ticks(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "run")
    (section,) = sections_of(find_runs([tmp_path]))
    part = FIGURES["lengths"](section)
    assert isinstance(part, Part) and part.pictures[0].figure.axes[0].get_xlabel() == "words in the text"
    (bars,) = part.pictures[0].figure.axes[0].containers
    assert bars[0].get_xdata().tolist() == [0, 1, 2, 3]


def test_scores_of_zero_do_not_have_an_axis_below_it(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "run", dev=(0.0, 0.0), test=0.0)
    (section,) = sections_of(find_runs([tmp_path]))
    for name in ("progression", "dev_test"):
        part = FIGURES[name](section)
        assert isinstance(part, Part)
        line = part.pictures[0].figure.axes[0]
        assert min(line.get_ylim()) == 0 if name == "progression" else min(line.lines[0].get_xdata()) == 0

from dataclasses import replace
from pathlib import Path

import pytest
from made_attention import made_attention

from loreweave.attention.figures.bins import MOST_LINES
from loreweave.attention.figures.drawing import FIGURES, draw_lengths, draw_table
from loreweave.attention.figures.lengths import draw
from loreweave.attention.summary import SummarySettings, summarise
from loreweave.attention.tables import COLUMNS, Table
from loreweave.picture_style import styled


def tables(layers: int = 2, bins: int = 3, **changes: object) -> dict[str, Table]:
    examples = [made_attention(layers, seed=seed, **changes) for seed in range(3)]
    return {table.name: table for table in summarise(examples, SummarySettings(bins=bins, keys=["lives", "Ann"])).tables()}


def test_every_table_has_a_figure() -> None:
    assert set(FIGURES) == set(COLUMNS)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_written_with_labels(name: str, layers: int, tmp_path: Path) -> None:
    table = tables(layers)[name]
    names = draw_table(table, tmp_path)
    assert names == [f"{name}.png", f"{name}.svg"] and all((tmp_path / each).stat().st_size > 1000 for each in names)
    with styled():
        figure = FIGURES[name](table)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert figure.get_supylabel() and all(axes.get_title() for axes in shown) and shown[-1].get_xlabel()
    assert all(axes.collections for axes in shown), "an interval in every panel"
    if len(shown) > 1 and name != "mention":
        assert figure.legends


def test_a_figure_of_heads_has_no_panel_for_entities_where_there_are_none() -> None:
    whole = made_attention()
    classes = [*whole.queries.classes[:-1], "word"]
    changed = {"entities": [], "queries": type(whole.queries)(**(vars(whole.queries) | {"classes": classes}))}
    with styled():
        titles = [axes.get_title() for axes in FIGURES["heads"](tables(**changed)["heads"]).axes if axes.get_visible()]
    assert len(titles) == 7 and not any("entities" in title for title in titles)


def test_the_figure_of_bins_says_whose_attention_it_is() -> None:
    without = made_attention(entities=[], queries=replace(made_attention().queries, classes=["special", *["word"] * 5]))
    of = {
        "the entities": [made_attention()],
        "the first token": [without],
        "the entities (1 text) or the first token (2 texts)": [made_attention(), without, without],
    }
    for whose, examples in of.items():
        (table,) = [table for table in summarise(examples, SummarySettings(bins=5)).tables() if table.name == "bins"]
        with styled():
            assert FIGURES["bins"](table).get_supylabel() == f"attention of {whose} (n = {len(examples)})"


def test_only_the_largest_of_many_bins_are_drawn_and_the_title_says_so() -> None:
    table = tables(bins=5)["bins"]
    rows = {(str(number), what): table.rows["0", what] for number in range(15) for what in ("share", "mean weight")}
    with styled():
        first = FIGURES["bins"](Table("bins", table.layers, [], rows)).axes[0]
    assert len(first.lines) == MOST_LINES == 11 and first.get_title() == "sum over the bin: 11 of 15 bins"


def test_a_histogram_counts_texts_by_length(tmp_path: Path) -> None:
    assert draw_lengths({5: 2, 9: 1}, tmp_path) == ["lengths.png", "lengths.svg"]
    with styled():
        axes = draw({5: 2, 9: 1}).axes[0]
    assert [patch.get_height() for patch in axes.patches] == [2, 0, 0, 0, 1]  # type: ignore[attr-defined]
    assert axes.get_title() == "3 texts of 5 to 9 tokens"
    with styled():
        assert sum(patch.get_height() for patch in draw({3: 4, 400: 7, 401: 1}).axes[0].patches) == 12  # type: ignore[attr-defined]

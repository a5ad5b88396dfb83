import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from loreweave.attention.figures.style import finish, line, panels, save
from loreweave.attention.tables import row_of
from loreweave.picture_style import COLOURS, styled


def figure_of(values: list[np.ndarray]):  # type: ignore[no-untyped-def]
    figure, axes = panels(1)
    line(axes[0], [0, 1, 2], row_of(values, 0), 0, "a")
    return finish(figure, axes, "share")


def test_equal_numbers_give_equal_files_and_nothing_global_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values, before = [np.arange(3) / 4, np.arange(3) / 8], dict(matplotlib.rcParams)
    for name, size in (("a", 10.0), ("b", 20.0)):
        monkeypatch.setitem(matplotlib.rcParams, "font.size", size)  # a user's own setting does not count
        monkeypatch.setitem(matplotlib.rcParams, "svg.hashsalt", name)
        with styled():
            assert save(figure_of(values), tmp_path / name) == [f"{name}.png", f"{name}.svg"]
        assert matplotlib.rcParams["font.size"] == size
    monkeypatch.undo()
    assert dict(matplotlib.rcParams) == before
    for ending in (".png", ".svg"):
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()
    assert "date" not in (tmp_path / "a.svg").read_text(encoding="utf-8").lower()


def test_a_line_has_its_means_and_its_interval() -> None:
    values = [np.array([0.2, 0.4, 0.6]), np.array([0.4, 0.4, 0.8]), np.array([0.3, 0.4, 0.1])]
    row = row_of(values, 0)
    with styled():
        axes = figure_of(values).axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), row.mean)
    band = axes.collections[0].get_paths()[0].vertices
    assert {tuple(point) for point in zip([0, 1, 2], row.low, strict=True)} <= {tuple(point) for point in band}
    assert {tuple(point) for point in zip([0, 1, 2], row.high, strict=True)} <= {tuple(point) for point in band}


def test_every_panel_in_a_column_without_one_below_it_names_its_axis() -> None:
    with styled():
        figure, axes = panels(5)
        finish(figure, axes, "share")
    assert [panel.get_xlabel() for panel in axes] == ["", "", "layer", "layer", "layer"]
    assert figure.get_supylabel() == "share"


def test_colours_differ_in_lightness_or_for_protanopes() -> None:
    """Distance of all pairs as a protanope sees them (Viénot et al. 1999), in linear light."""
    rgb = np.array([[int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)] for colour in COLOURS]) ** 2.2
    seen = rgb @ np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]).T
    distances = np.linalg.norm(seen[:, None] - seen, axis=2)[np.triu_indices(len(seen), 1)]
    assert distances.min() > 0.1


def test_the_command_line_starts_without_matplotlib() -> None:
    code = "import sys, loreweave.cli.attention, loreweave.attention.summary; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

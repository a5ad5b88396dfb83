"""`loreweave report`: one page, pictures and tables about runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from loreweave.cli.console import say
from loreweave.cli.options import Overwrite
from loreweave.errors import ConfigurationError

COMPARE = "compare"
"""First word of a comparison; a folder of that name is `./compare`."""


def command(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="[compare] RUN",
            help="Folders of runs, or folders with runs in them. After the word compare: for each system "
            "a run, an evaluation, or a folder with its runs (seeds), also as NAME=FOLDER.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", help="Folder for index.html, figures/ (SVG, PNG) and tables/ (CSV).")],
    figures: Annotated[str | None, typer.Option("--figures", help="Figures to draw: a,b. Default: all that apply.")] = None,
    without: Annotated[str | None, typer.Option("--without", help="Figures to leave out: a,b.")] = None,
    thesis: Annotated[
        bool, typer.Option("--thesis", help="Also write each run's results.json in the layout of the LUKE thesis tools.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write a report about runs: scores with their spread over seeds, and figures, as one page and as plain files.

    The page opens in any browser, offline too. Runs of different tasks or with different dev or test data are
    in sections of their own. docs/reports.md describes the figures.

    If the first argument is the word compare, the page answers whether one system is better than another, by tests over the
    records that both have predicted and over their seeds. A folder with the name compare is written ./compare.

    Example: loreweave report runs/ner --output report

    Example: loreweave report runs/a runs/b runs/c --output report --figures scores,progression,errors

    Example: loreweave report compare runs/base runs/new --output comparison
    """
    from loreweave.experiments.report.writing import PAGE

    chosen: dict[str, Any] = {"figures": _names(figures), "without": _names(without), "overwrite": overwrite, "tell": say}
    if runs[0] == COMPARE:
        if thesis:
            raise ConfigurationError("--thesis: a comparison writes no results.json; leave it out, or report the runs")
        _say_left_out("", _compare(runs[1:], output, chosen))
    else:
        from loreweave.experiments.report.run import report

        for section, left in report(runs, output=output, thesis=thesis, **chosen).left_out.items():
            _say_left_out(f"{section}: ", left)
    say(f"wrote {output / PAGE}")


def _compare(systems: list[str], output: Path, chosen: dict[str, Any]) -> dict[str, str]:
    from loreweave.experiments.report.comparison.run import compare

    return compare(systems, output=output, **chosen).left_out


def _say_left_out(start: str, left: dict[str, str]) -> None:
    from loreweave.experiments.report.parts import not_shown

    if left:
        say(f"{start}not shown: {not_shown(left)}")


def _names(given: str | None) -> list[str]:
    return [name.strip() for name in (given or "").split(",") if name.strip()]

"""`loreweave report`: one page, pictures and tables about runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import say
from loreweave.cli.options import Overwrite


def command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of runs, or folders with runs in them.")],
    output: Annotated[Path, typer.Option("--output", help="Folder for index.html, figures/ (SVG, PNG) and tables/ (CSV).")],
    figures: Annotated[str | None, typer.Option("--figures", help="Figures to draw: a,b. Default: all that apply.")] = None,
    without: Annotated[str | None, typer.Option("--without", help="Figures to leave out: a,b.")] = None,
    thesis: Annotated[
        bool, typer.Option("--thesis", help="Also write each run's results.json in the layout of the LUKE thesis tools.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write a report about runs: scores with their spread over seeds, and figures, as one page and as plain files.

    The page opens in any browser, offline too. Runs of different tasks or on different data are in sections of their own.
    docs/reports.md describes the figures.

    Example: loreweave report runs/ner --output report

    Example: loreweave report runs/a runs/b runs/c --output report --figures scores,progression,errors
    """
    from loreweave.experiments.report.run import PAGE, report

    found = report(
        runs, output=output, figures=_names(figures), without=_names(without), thesis=thesis, overwrite=overwrite, tell=say,
    )  # fmt: skip
    for section, left in found.left_out.items():
        for name, reason in left.items():
            say(f"{section}: no figure {name}: {reason}")
    say(f"wrote {found.path / PAGE}")


def _names(given: str | None) -> list[str]:
    return [name.strip() for name in (given or "").split(",") if name.strip()]

"""Output folder of `evaluate` and `score`: `results.json` and `predictions/`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.files.writing import write_json
from loreweave.errors import ConfigurationError
from loreweave.training.evaluation import Evaluation
from loreweave.training.runs.record import RunRecord


def save_results(output: Path, name: str, evaluation: Evaluation, results: Mapping[str, Any]) -> None:
    """Write `results.json` and `predictions/<name>` into a folder."""
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / "results.json", results)
    RunRecord(output).save_predictions(name, evaluation.arrays, evaluation.predictions, files=evaluation.files)


def check_results_folder(output: Path, overwrite: bool) -> None:
    """Refuse a folder with a run, or with results unless they may be replaced.

    Raises:
        ConfigurationError: the folder has one of these.
    """
    if (output / "status.json").exists():
        raise ConfigurationError(f"{output}: the folder contains a run with results of its own; choose another")
    if (output / "results.json").exists() and not overwrite:
        raise ConfigurationError(f"{output}: the folder contains other results; use --overwrite or another folder")

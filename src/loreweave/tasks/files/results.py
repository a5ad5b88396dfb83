"""Output folder of `evaluate` and `score`: `results.json`, `predictions/`, and the record of an evaluation."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loreweave.corpus.files.writing import write_json
from loreweave.errors import ConfigurationError
from loreweave.training.evaluation import Evaluation
from loreweave.training.runs.environment import environment
from loreweave.training.runs.lock import RunLock
from loreweave.training.runs.record import RunRecord
from loreweave.training.runs.status import begun, now, read_status, write_status

KIND = "evaluation"
"""`kind` of an evaluation in its `status.json`."""
_RESULTS, _RECORD = "results.json", ("config.json", "environment.json", "inputs.json", "status.json")


def save_results(output: Path, name: str, evaluation: Evaluation, results: Mapping[str, Any]) -> None:
    """Write `results.json` and `predictions/<name>` into a folder."""
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / _RESULTS, results)
    RunRecord(output).save_predictions(name, evaluation.arrays, evaluation.predictions, files=evaluation.files)


def remove_results(output: Path) -> None:
    """Remove earlier results of a folder, and the record of the evaluation that made them, if there are any.

    The record would otherwise name the model of that evaluation beside new results. Other files are the user's own.
    """
    evaluated = bool(read_status(output))
    if evaluated or (output / _RESULTS).exists():
        shutil.rmtree(output / "predictions", ignore_errors=True)  # those on other data have other names
    for name in (_RESULTS, *(_RECORD if evaluated else ())):
        (output / name).unlink(missing_ok=True)


def check_results_folder(output: Path, overwrite: bool) -> None:
    """Refuse a folder with a training run, or with results unless they may be replaced.

    Raises:
        ConfigurationError: the folder has one of these.
    """
    if read_status(output).get("kind", KIND) != KIND:
        raise ConfigurationError(f"{output}: the folder contains a run with results of its own; choose another")
    if (output / _RESULTS).exists() and not overwrite:
        raise ConfigurationError(f"{output}: the folder contains other results; use --overwrite or another folder")


@contextmanager
def replacing(output: Path) -> Iterator[None]:
    """Hold a folder, which is created if there is none, and remove earlier results from it.

    Raises:
        ConfigurationError: another process uses the folder.
    """
    output.mkdir(parents=True, exist_ok=True)
    lock = RunLock(output)
    lock.take()
    try:
        remove_results(output)
        yield
    finally:
        lock.release()


@contextmanager
def recorded(
    output: Path | None, config: Mapping[str, Any], files: Mapping[str, str], hashes: Callable[[], Mapping[str, Any]]
) -> Iterator[None]:
    """Record an evaluation as a run is recorded: configuration, environment, inputs, and how the block ends.

    Args:
        output: the folder. None: nothing is recorded.
        config: the resolved configuration.
        files: paths of the data by name.
        hashes: hashes of all inputs by name; called once.

    Raises:
        ConfigurationError: another process uses the folder.
    """
    if output is None:
        yield
        return
    with replacing(output):
        write_status(output, begun(KIND, files=dict(files)))
        write_json(output / "config.json", dict(config))
        write_json(output / "environment.json", environment())
        record = RunRecord(output)
        with record.watch():
            write_json(output / "inputs.json", dict(hashes()))
            yield
            record.set_status("done", ended=now(), used=record.used())

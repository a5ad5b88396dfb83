"""`loreweave.rerun`: repeat a recorded run from its record alone, and compare the numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from loreweave.corpus.counts import listed
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.strict_json import in_json
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError, DataError
from loreweave.experiments.runs.comparison import differences
from loreweave.experiments.runs.folders import is_run, read_run
from loreweave.experiments.runs.listing import varied
from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.experiments.runs.run_settings import is_read
from loreweave.experiments.runs.thesis import ThesisRun
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.inputs import inputs_of
from loreweave.pretraining.run import run as pretrain
from loreweave.tasks.contract import Reading
from loreweave.tasks.jobs.evaluate import evaluate_task, inputs_of_evaluation
from loreweave.tasks.jobs.execution import execution_of
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task, hashes_of_files
from loreweave.tasks.registry import load_task, training_of
from loreweave.training import devices
from loreweave.training.runs.environment import environment
from loreweave.training.runs.inputs import changes, hashes_of, name_and_content
from loreweave.training.settings.configuration import Override, fill, name_of, overrides_of
from loreweave.training.settings.fields import written

Report = Callable[[str], None]
Place = str | os.PathLike[str]
INPUTS, UPDATES = "inputs.json", "updates"
"""File with the hashes of the inputs of a run, and the number in it that is no input."""


@dataclass(frozen=True)
class Repeated:
    """A repeated run.

    Attributes:
        path: folder of the new run.
        results: content of its `results.json`.
        differences: settings and numbers that differ from those of the repeated run; empty if all are the same, bit by bit.
    """

    path: Path
    results: Mapping[str, Any]
    differences: list[str]


@dataclass(frozen=True)
class _Asked:
    """What is repeated, and how: `files` by name, `output` and the working directory as absolute paths."""

    run: RecordedRun
    files: Mapping[str, Path]
    output: Path
    overrides: Sequence[Override]
    overwrite: bool
    report: Report


def rerun(
    run: Place,
    *overrides: str,
    output: Place,
    files: Mapping[str, Place] | None = None,
    directory: Place | None = None,
    overwrite: bool = False,
    report: Report = print,
    **settings: Any,
) -> Repeated:
    """Repeat a run from its record, as `loreweave rerun` does.

    The run gets the settings, data and number of threads of the recorded one. On the same machine with the same versions, its
    numbers are the same bit by bit.

    Args:
        run: folder of a run of `finetune`, `pretrain` or `evaluate`.
        overrides: settings that differ from those of the run, as in the shell (`"seed=1"`).
        output: folder of the new run.
        files: paths of data files that are no longer where they were, by their names (train, dev, test, data).
        directory: folder to which relative paths of the run refer. Default: its working directory.
        overwrite: replace the run in the output folder.
        report: called with what the user should know, a line at a time.
        settings: as `overrides`; a group is a dict, or part of the name (`optimizer__learning_rate=1e-4`).

    Raises:
        ConfigurationError: there is no such run, it does not say where its files are, or they have other content than then.
        LoreweaveError: see the commands.
    """
    found = _recorded(Path(run))
    root = _directory(found, directory)
    paths = {name: root / path for name, path in (found.status.get("files") or {}).items()}
    _check_names(found, files or {})
    paths |= {name: Path(path).absolute() for name, path in (files or {}).items()}
    target = Path(output).absolute()
    if target.resolve() == found.path.resolve() or found.path.resolve().is_relative_to(target.resolve()):
        raise ConfigurationError(f"--output {output}: contains the run that is repeated; choose another folder")
    given: list[Override] = [*overrides, *overrides_of(settings)]
    _check_processes(found)
    _report_environment(found, report)
    jobs = {"finetuning": _finetune, "pretraining": _pretrain, "evaluation": _evaluate}
    if found.kind not in jobs:
        raise ConfigurationError(f"{found.path}: found a record of {found.kind!r}, expected one of {', '.join(jobs)}")
    threads = torch.get_num_threads()
    try:
        with chdir(root):
            results = jobs[found.kind](_Asked(found, paths, target, given, overwrite, report))
    finally:
        torch.set_num_threads(threads)
    lines = [*_other_settings(found, read_run(target)), *differences(found.path.absolute(), target)]
    return Repeated(Path(output), results, lines)


def _recorded(folder: Path) -> RecordedRun:
    if not is_run(folder):
        raise ConfigurationError(f"{folder}: found no run; 'loreweave runs FOLDER' lists those in a folder")
    found = read_run(folder)
    if found.state == "unreadable":
        raise ConfigurationError(f"{folder}: the record cannot be read: {found.error}")
    if not (folder / "config.json").is_file():
        raise ConfigurationError(f"{folder}: found no config.json; {_without_config(found)}")
    return found


def _without_config(run: RecordedRun) -> str:
    """What results without settings are, and which command makes them again."""
    results = run.results
    if isinstance(results.get("models"), Mapping) and "tests" in results:
        return "these are the results of a bias probe, which 'loreweave probe MODEL ... --bias FILE' repeats"
    if isinstance(results.get("models"), Mapping):
        return (
            "these are the results of a probe, which 'loreweave probe MODEL ... SETTING=VALUE ...' repeats with the models and "
            "settings in its results.json"
        )
    if run.kind == "score":
        files = f"--gold {results['gold']} --predictions {results.get('predictions', 'FILE')}"
        return f"these are the results of 'loreweave score', which 'loreweave score {run.task} {files}' repeats"
    if isinstance(run, ThesisRun):
        return "runs of the LUKE thesis tools cannot be repeated"
    return "results of older versions cannot be repeated"


def _other_settings(before: RecordedRun, now: RecordedRun) -> list[str]:
    """A line for each setting that both runs have and read, and in which they differ."""
    old, new = before.settings, now.settings
    names = varied((old, new), [name for name in {**old, **new} if is_read(name, old) and is_read(name, new)])
    return [f"setting {name} was {written(old.get(name))}, now {written(new.get(name))}" for name in names]


def _directory(run: RecordedRun, given: Place | None) -> Path:
    place = given if given is not None else run.status.get("directory")
    root = Path.cwd() if place is None else Path(place).absolute()
    if not root.is_dir():
        raise ConfigurationError(
            f"{root}: found no such folder, but relative paths of the run refer to it; --directory names the folder that has "
            "the files now"
        )
    return root


def _check_processes(run: RecordedRun) -> None:
    """Refuse another number of processes, which would make other batches."""
    recorded = _environment(run).get("processes", 1)
    now = int(os.environ.get("WORLD_SIZE", "1"))
    if recorded != now:
        start = "loreweave" if recorded == 1 else f"torchrun --nproc-per-node {recorded} -m loreweave"
        raise ConfigurationError(f"the run had {recorded} processes, this one has {now}; use '{start} rerun {run.path} ...'")


def _report_environment(run: RecordedRun, report: Report) -> None:
    """Use the recorded number of threads, and report other versions and machines, with which the numbers may differ."""
    recorded = _environment(run)
    if threads := recorded.get("threads"):
        torch.set_num_threads(int(threads))
    now = environment()
    for line in changes(_flat(recorded), _flat(now)) if recorded else ():
        report(f"environment: {line}")


def _flat(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Facts by name, the versions of packages among them; without the number of threads, which is made the same."""
    facts = {name: value for name, value in environment.items() if name not in ("packages", "threads")}
    return facts | dict(environment.get("packages", {}))


def _environment(run: RecordedRun) -> dict[str, Any]:
    path = run.path / "environment.json"
    return dict(read_json(path)) if path.is_file() else {}


def _finetune(asked: _Asked) -> dict[str, Any]:
    run, config = asked.run, asked.run.config
    for name in ("data", "settings"):
        if not isinstance(config.get(name), Mapping):
            raise DataError(f"found {in_json(config.get(name))}, expected an object", path=run.path / "config.json", field=name)
    task = load_task(str(config["task"]))
    files = DataFiles.from_splits(_present(asked, ("train",)))
    _check_same(asked, {name: name_and_content(text)[1] for name, text in config["data"].items()}, lambda: {
        name: name_and_content(text)[1] for name, text in hashes_of_files(files).items()
    })  # fmt: skip
    _check_model(asked)
    reading = _reading(config)
    settings = fill(training_of(task).config, config["settings"], asked.overrides, listed_by=f"loreweave tasks {task.name}")
    try:
        return finetune_task(
            task, str(run.model), files, settings, asked.output,
            reading=reading, overwrite=asked.overwrite, report=asked.report,
        )  # fmt: skip
    finally:
        devices.close_process_group()


def _pretrain(asked: _Asked) -> dict[str, Any]:
    config = fill(PretrainingConfig, {**asked.run.config, "output": str(asked.output)}, asked.overrides)
    chosen = tuple(name_of(override) for override in asked.overrides)
    kept = {name: content for name, content in _inputs(asked.run).items() if name != UPDATES and not _is_of(chosen, name)}
    now = inputs_of(config) if kept else {}
    _check_same(asked, kept, lambda: {name: now.get(name, {}) for name in kept}, "settings such as data=PATH name other inputs")
    return pretrain(config, overwrite=asked.overwrite).results


def _is_of(settings: Sequence[str], name: str) -> bool:
    """Whether an input, such as `data PATH` or `objectives.entity_types.types`, is that of a setting or of its group."""
    setting = name.partition(" ")[0]
    return any(setting == one or setting.startswith(f"{one}.") for one in settings)


def _evaluate(asked: _Asked) -> dict[str, Any]:
    config = asked.run.config
    data = _present(asked, ("data",))["data"]
    model = Path(str(config["model"]))
    _check_same(asked, read_json(asked.run.path / INPUTS), lambda: inputs_of_evaluation(model, data))
    execution = execution_of(
        device=config.get("device"), precision=config["precision"], batch_size=config["batch_size"], base=config.get("base"),
        labels=config.get("labels"), report=asked.report,
        reading=_reading(config),
    )  # fmt: skip
    _, results = evaluate_task(
        load_task(str(config["task"])), model, data, settings=asked.overrides, recipe=config["settings"],
        execution=execution, output=asked.output, overwrite=asked.overwrite,
    )  # fmt: skip
    devices.close_process_group()
    return results


def _reading(config: Mapping[str, Any]) -> Reading:
    names = tuple(config.get("tag_names", ()))
    return Reading(format=config.get("format"), skip_bad=bool(config.get("skip_bad")), tag_names=names)


def _present(asked: _Asked, needed: Sequence[str]) -> dict[str, Path]:
    """The data files, which must exist."""
    for name in needed:
        if name not in asked.files:
            raise ConfigurationError(f"{asked.run.path}: the record does not say where its file is: give --file {name}=PATH")
    for name, path in asked.files.items():
        if not path.exists():
            raise ConfigurationError(
                f"{path}: found no such file, which was the run's {name}; --file {name}=PATH names another"
            )
    return dict(asked.files)


def _check_names(run: RecordedRun, given: Mapping[str, Place]) -> None:
    """Refuse names of files that the run does not have."""
    data = run.config.get("data")
    known = dict.fromkeys([*(run.status.get("files") or {}), *(data if isinstance(data, Mapping) else {})])
    known |= {"data": None} if run.kind == "evaluation" else {}
    for name in given:
        if name not in known:
            has = f"it has {listed(list(known))}" if known else "its data are settings, such as data=PATH"
            raise ConfigurationError(f"--file {name}: the run has no file of this name; {has}")


_FILES = "--file NAME=PATH names the files that were used; 'loreweave finetune' and 'evaluate' begin a new run with others"


def _check_same(
    asked: _Asked, recorded: Mapping[str, Any], now: Callable[[], Mapping[str, Any]], way_out: str = _FILES
) -> None:
    """Refuse other data than those of the run."""
    if changed := changes(recorded, now()):
        raise ConfigurationError(f"{asked.run.path}: the inputs are not those of the run: {'; '.join(changed)}. {way_out}")


def _check_model(asked: _Asked) -> None:
    recorded = _inputs(asked.run)
    if "model" in recorded:
        _check_same(asked, {"model": recorded["model"]}, lambda: {"model": hashes_of(resolve(str(asked.run.model)))})


def _inputs(run: RecordedRun) -> dict[str, Any]:
    """The recorded hashes of the inputs; empty if there are none."""
    path = run.path / INPUTS
    return dict(read_json(path)) if path.is_file() else {}

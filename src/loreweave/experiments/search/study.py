"""The folder of a study: its sweep, its storage, and the trials in it.

Layout:

    study.json      the sweep, the place of the storage, hashes of the data
    journal.log     trials, as Optuna keeps them (without --storage)
    trials/0000/    the run of each trial: an ordinary folder of a run, with `trial.json`
    repeats/0000/   the runs of the best trials with other seeds
    logs/           what each run reported
    workers/        a folder per worker with the lock of its process, and the output of local workers
    trials.csv      a row per trial
    best.yaml       the best settings as a recipe
    results.json    the best trial, counts, and the means of the repetitions
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial

from loreweave.corpus.files.reading import not_an_object, read_json, sha256_of_data
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.files.writing import write_json
from loreweave.encoding.model_names import STUDY_FILE
from loreweave.errors import ConfigurationError, DataError
from loreweave.experiments.search.plan import Plan, check_repeats, plan_of
from loreweave.experiments.search.storage import EXAMPLES, STORAGE_VARIABLE, StudyStorage, without_password
from loreweave.experiments.search.sweep import MAY_CHANGE, Sweep
from loreweave.experiments.search.targets import Direction, Target, target_of
from loreweave.training.settings.configuration import fill, to_dict
from loreweave.training.settings.fields import written

TRIALS = "trials"
_SWEEP = "sweep"
"""Attribute of a study in Optuna: the sweep, so that another one of the same name is noticed."""


@dataclass
class Study:
    """A search that has been begun.

    Attributes:
        folder: absolute path of its folder.
        name: name in the storage.
        sweep: what is searched.
        target: what each trial trains.
        plan: the points.
        storage: where Optuna keeps the trials.
        kept: the study in the storage, as Optuna keeps it.
    """

    folder: Path
    name: str
    sweep: Sweep
    target: Target
    plan: Plan
    storage: StudyStorage
    kept: optuna.Study = field(repr=False)

    def trials(self) -> list[FrozenTrial]:
        """All trials, by number.

        Raises:
            StorageLost: the storage is gone.
        """
        return trials_of(self.storage, self.kept)


def is_study(path: Path) -> bool:
    """Whether a path is the folder of a study."""
    return (path / STUDY_FILE).is_file()


def begin(sweep: Sweep, folder: Path, storage: str | None = None) -> tuple[Study, bool]:
    """Begin a study in a folder, or continue the one there.

    Returns:
        The study, and whether it was there.

    Raises:
        ConfigurationError: wrong settings, another sweep in the folder, or files that are no study.
        StorageLost: the storage cannot be reached.
    """
    folder = folder.absolute()
    known = _known(folder) if is_study(folder) else None
    if known is not None:
        _check_directory(known)
    target = target_of(sweep)
    plan = plan_of(sweep, target)
    check_repeats(sweep, target, plan)
    if known is not None:
        _check_same(folder, known, sweep)
        _check_data(folder, known, sweep)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder}: the folder is not empty and does not contain a search; choose another --output")
    url = _url(folder, known, storage)
    folder.mkdir(parents=True, exist_ok=True)
    opened = StudyStorage(folder, url, fresh=known is None)
    name = known["name"] if known is not None else folder.name
    made = _load_or_make(opened, name, target.direction, _comparable(sweep), fresh=known is None)
    about = {"name": name, "storage": None if url is None else without_password(url)}
    data = known["data"] if known is not None else _hashes(sweep)
    directory = known["directory"] if known is not None else os.getcwd()
    write_json(folder / STUDY_FILE, {**about, "directory": directory, "sweep": to_dict(sweep), "data": data})
    return Study(folder, name, sweep, target, plan, opened, made), known is not None


def reopen(folder: Path, storage: str | None = None) -> Study:
    """The study of a folder, as its workers open it.

    Raises:
        ConfigurationError: the folder has no study.
        StorageLost: the storage cannot be reached.
    """
    if not is_study(folder):
        raise ConfigurationError(f"{folder}: found no search in the folder (no {STUDY_FILE})")
    folder = folder.absolute()
    known = _known(folder)
    _check_directory(known)
    sweep = fill(Sweep, known["sweep"])
    target = target_of(sweep)
    opened = StudyStorage(folder, _url(folder, known, storage), fresh=False)
    made = _load_or_make(opened, known["name"], target.direction, _comparable(sweep), fresh=False)
    return Study(folder, known["name"], sweep, target, plan_of(sweep, target), opened, made)


def sweep_in(folder: Path) -> Sweep:
    """The sweep of the study in a folder."""
    return fill(Sweep, _known(folder)["sweep"])


def _known(folder: Path) -> dict[str, Any]:
    """Content of `study.json`.

    Raises:
        DataError: the file is broken; it names the field.
    """
    path = folder / STUDY_FILE
    found = read_json(path)
    if not isinstance(found, dict):
        raise not_an_object(found, path)
    for name, kind in (("name", str), ("storage", (str, NoneType)), ("directory", str), ("sweep", dict), ("data", dict)):
        if name not in found or not isinstance(found[name], kind):
            raise DataError(f"found {in_json(found.get(name))}, expected what a search writes", path=path, field=name)
    return found


def trials_of(storage: StudyStorage, study: optuna.Study) -> list[FrozenTrial]:
    """All trials of a study in a storage, by number.

    Raises:
        StorageLost: the storage is gone.
    """
    with storage.reachable():
        return list(study.get_trials(deepcopy=False))


def open_optuna(storage: StudyStorage, name: str, direction: Direction, *, fresh: bool, pruner: Any = None) -> optuna.Study:
    """A study in a storage; `fresh` makes it if it does not exist.

    Raises:
        StorageLost: the storage is gone, or has no such study.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    options: dict[str, Any] = {"study_name": name, "storage": storage.storage, "sampler": RandomSampler(seed=0)}
    options["pruner"] = pruner or optuna.pruners.NopPruner()
    with storage.reachable(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if fresh:
            return optuna.create_study(**options, direction=direction, load_if_exists=True)
        return optuna.load_study(**options)


def _load_or_make(
    storage: StudyStorage, name: str, direction: Direction, sweep: Mapping[str, Any], *, fresh: bool
) -> optuna.Study:
    made = open_optuna(storage, name, direction, fresh=fresh)
    with storage.reachable():
        known = made.user_attrs.get(_SWEEP)
        if known is None and not made.get_trials(deepcopy=False):
            made.set_user_attr(_SWEEP, dict(sweep))
            known = sweep
    if known != sweep:
        changed = _changes(known, sweep) if known is not None else "the study there was not made by loreweave"
        raise ConfigurationError(
            f"{storage.shown}: has another search with the name {name!r} ({changed}); give the --output folder another name"
        )
    return made


def _url(folder: Path, known: Mapping[str, Any] | None, storage: str | None) -> str | None:
    """URL of the storage: as given or in the environment, or of the study."""
    given = storage or os.environ.get(STORAGE_VARIABLE) or None
    if given is not None and "://" not in given:
        raise ConfigurationError(
            f"--storage {given}: expected a URL such as {EXAMPLES}; without --storage the search uses a file in its folder"
        )
    if given is not None and given.startswith("sqlite") and ":////" not in given and given.count("/") >= 3:
        scheme, _, rest = given.partition(":///")
        given = f"{scheme}:///{Path(rest).absolute()}" if rest and rest != ":memory:" else given
    if known is None:
        return given
    before = known["storage"]
    if given is not None and (before is None or without_password(given) != before):
        where = before or "in its folder"
        raise ConfigurationError(f"{folder}: the search uses the storage {where}; leave out --storage")
    return given or before


def _comparable(sweep: Sweep) -> dict[str, Any]:
    """The parts of a sweep that may not change."""
    return {name: value for name, value in to_dict(sweep).items() if name not in MAY_CHANGE}


def _check_same(folder: Path, known: Mapping[str, Any], sweep: Sweep) -> None:
    before = {name: value for name, value in known["sweep"].items() if name not in MAY_CHANGE}
    if changed := _changes(before, _comparable(sweep)):
        raise ConfigurationError(
            f"{folder}: contains a search with another sweep: {changed}. Restore the sweep to continue it, or choose another "
            f"--output ({', '.join(MAY_CHANGE)} may change)"
        )


def _check_directory(known: Mapping[str, Any]) -> None:
    """Relative paths of a sweep are relative to the directory in which the search was begun."""
    missing = [path for path in known["data"] if not Path(path).exists()]
    if missing and os.getcwd() != known["directory"]:
        begun = known["directory"]
        raise ConfigurationError(f"{missing[0]}: found no such file here; the search was begun in {begun}, continue it there")


def _check_data(folder: Path, known: Mapping[str, Any], sweep: Sweep) -> None:
    now = _hashes(sweep)
    if changed := [name for name, value in known["data"].items() if now.get(name) != value]:
        raise ConfigurationError(
            f"{folder}: the data have changed since the search began: {', '.join(changed)}; restore them, or change --output"
        )


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> str:
    """The names whose values differ, with both values."""
    parts: list[str] = []
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            parts.append(_changes(old, new, f"{prefix}{name}."))
        else:
            parts.append(f"{prefix}{name}: {_short(old)} before, {_short(new)} now")
    return "; ".join(parts)


def _short(value: Any) -> str:
    return "not given" if value is None else written(value) if not isinstance(value, Mapping) else str(dict(value))


def _hashes(sweep: Sweep) -> dict[str, str]:
    """Content of the data of a sweep, by the name in it."""
    paths: Sequence[str] = [*sweep.train, *sweep.data, *(path for path in (sweep.dev, sweep.test) if path is not None)]
    return {path: sha256_of_data(Path(path)) for path in paths if Path(path).exists()}

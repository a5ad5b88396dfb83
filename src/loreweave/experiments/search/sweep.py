"""The sweep file: what is trained, which settings vary, how they are chosen, and how many trials there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Literal

from loreweave.corpus.files.strict_json import in_json
from loreweave.encoding.model_names import STUDY_FILE
from loreweave.errors import ConfigurationError
from loreweave.training.settings.blame import blamed
from loreweave.training.settings.configuration import Override, fill, load_yaml, name_of, overrides_of, unknown_name
from loreweave.training.settings.ranges import POSITIVE, SEED, Ranges, at_least, check_ranges

DesignName = Literal["one-factor-at-a-time", "grid", "random", "tpe", "seeds"]

SAMPLED = ("random", "tpe")
"""Designs whose number of trials is not determined by the values."""
MAY_CHANGE = ("budget", "repeat", "keep_models", "job")
"""Parts of a sweep that may differ when a search is continued."""
_LISTS = ("train", "data", "seeds")
_FREE = ("settings", "vary")
_ENDINGS = (".yaml", ".yml", ".json")


@dataclass(kw_only=True)
class Budget:
    """Limits of a search."""

    RANGES: ClassVar[Ranges] = {("trials",): at_least(1), ("hours",): POSITIVE}

    trials: int | None = None
    """Maximum number of trials. Null: all that the design lists; `random` and `tpe` need a number, or hours."""
    hours: float | None = None
    """Number of hours after which a worker begins no other trial. A trial that runs is finished."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(kw_only=True)
class Repeat:
    """Repetition of the best trials with other seeds."""

    RANGES: ClassVar[Ranges] = {("best",): at_least(1), ("seeds",): SEED}

    best: int = 5
    """Number of best trials that are repeated."""
    seeds: list[int] = field(default_factory=lambda: [1, 2, 3])
    """Seeds of the repetitions. Each trial is repeated once per seed."""

    def __post_init__(self) -> None:
        check_ranges(self)
        _check_seeds(self.seeds)


@dataclass(kw_only=True)
class ClusterJob:
    """Resources of one worker on a cluster."""

    RANGES: ClassVar[Ranges] = {("hours", "cores", "memory"): POSITIVE, ("gpus",): at_least(0)}

    queue: str | None = None
    """Queue (LSF, PBS) or partition (SLURM). Null: the default of the cluster."""
    hours: float = 24.0
    """Wall-clock limit in hours."""
    gpus: int = 1
    """Number of GPUs."""
    cores: int = 4
    """Number of CPU cores."""
    memory: int = 16
    """Memory in GB."""
    setup: list[str] = field(default_factory=list)
    """Lines of shell before the command, such as `source .venv/bin/activate`."""
    options: list[str] = field(default_factory=list)
    """Further options of the scheduler, as after `#BSUB`, `#PBS` or `#SBATCH`."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(kw_only=True)
class Sweep:
    """A search over settings."""

    OPTIONS: ClassVar[tuple[str, ...]] = ("output", "storage", "workers")
    """Options of `loreweave search` that users write as keys; the error names the option."""

    RANGES: ClassVar[Ranges] = {("processes", "batch"): at_least(1), ("seed", "seeds"): SEED}

    task: str | None = None
    """Task that is fine-tuned in each trial."""
    pretrain: str | None = None
    """Instead of `task`: recipe of pre-training, a name or a YAML file. Model and data are `settings`."""
    model: str | None = None
    """Encoder to fine-tune: a folder, `minilm`, or a name on the Hugging Face Hub. `vary` may list several instead."""
    train: list[str] = field(default_factory=list)
    """Training file, or several."""
    dev: str | None = None
    """File whose metric is optimised. The setting `dev_fraction` can replace it."""
    test: str | None = None
    """File on which the kept weights of each trial are scored. The search does not use these scores."""
    data: list[str] = field(default_factory=list)
    """Folder with the splits, instead of `train`, `dev` and `test`. With `pretrain`: the pre-training sets."""
    format: str | None = None
    """Format of the files. Null: recognised."""
    tag_names: str | None = None
    """File with the names of tags that are numbers in the data."""
    skip_bad: bool = False
    """Leave out bad records, which are then counted and listed."""
    device: str | None = None
    """Device of each trial. Null: an accelerator if there is one."""
    recipe: str | None = None
    """Recipe with the base settings of the task, a name or a YAML file."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of all trials, which override those of the recipe: `settings.epochs=5`."""

    vary: dict[str, Any] = field(default_factory=dict)
    """Settings that vary, by name: a list of values, or a range with `low`, `high`, and `log: true` or `step`."""
    design: DesignName = "tpe"
    """Choice of the trials. `one-factor-at-a-time`: the base settings, and each value of each setting alone. `grid`: all
    combinations. `random`: random combinations. `tpe`: combinations that earlier trials suggest (tree of Parzen
    estimators). `seeds`: the base settings once for each of `seeds`."""
    seeds: list[int] = field(default_factory=list)
    """Seeds of the design `seeds`."""
    seed: int = 1
    """Random seed of the designs `random` and `tpe`. The seed of the trials is a setting."""
    batch: int | None = None
    """For `tpe`: number of trials in a batch. A trial depends only on the trials of earlier batches, so that any number of
    workers gives the same trials. Null: it depends on all finished trials."""
    metric: str | None = None
    """Metric that is optimised. Null: the main metric of the task on the dev data; for pre-training, the loss."""
    direction: Literal["maximize", "minimize"] | None = None
    """Whether larger or smaller is better. Null: larger for tasks, smaller for pre-training."""
    pruner: Literal["none", "median", "hyperband"] = "none"
    """Early end of trials that are worse than others after the same number of epochs."""
    budget: Budget = field(default_factory=Budget)
    repeat: Repeat | None = None
    """Repetition of the best trials with other seeds. Null: none."""
    keep_models: Literal["best", "all", "none"] = "best"
    """Trials whose weights are kept. `best`: the best trial, and those that are repeated."""
    processes: int | None = None
    """Number of processes of each trial, which `torchrun` starts. Null: the trial runs in the process of the worker."""
    job: ClusterJob = field(default_factory=ClusterJob)

    def __post_init__(self) -> None:
        if (self.task is None) == (self.pretrain is None):
            raise ValueError("give either task: NAME, or pretrain: RECIPE")
        check_ranges(self)
        self._check_design()
        if self.pretrain is not None:
            self._check_pretraining()

    def _check_design(self) -> None:
        if self.design == "seeds":
            if self.vary or self.repeat:
                raise ValueError("vary, repeat: the design seeds repeats the base settings; expected seeds only")
            if not self.seeds:
                raise ValueError("seeds: found none, expected the seeds of the design, for example [1, 2, 3]")
            _check_seeds(self.seeds)
        elif not self.vary:
            raise ValueError(f"vary: found no setting, expected one or more for design={self.design}")
        elif self.seeds:
            raise ValueError(
                f"seeds: read only with design=seeds, found design={self.design}; vary: {{seed: [1, 2, 3]}} varies the seed, "
                "and repeat.seeds repeats the best trials"
            )
        if self.design in SAMPLED and self.budget.trials is None and self.budget.hours is None:
            raise ValueError(f"budget: found no limit, expected trials or hours for design={self.design}")
        if self.batch is not None and self.design != "tpe":
            raise ValueError(f"batch: read only with design=tpe, found design={self.design}")

    def _check_pretraining(self) -> None:
        given = [name for name in ("train", "dev", "test", "recipe", "format", "tag_names", "skip_bad") if getattr(self, name)]
        if given:
            raise ValueError(f"{given[0]}: read only with task; the recipe of pre-training is the value of pretrain")


def read_sweep(source: str | PathLike[str] | Mapping[str, Any], overrides: Sequence[Override] = ()) -> Sweep:
    """A sweep from a YAML file, a mapping, or the name of a packaged sweep (`example`, `thesis`), after overrides.

    Raises:
        ConfigurationError: names the file or the command line, and the wrong key, with the closest one.
    """
    loaded = dict(source) if isinstance(source, Mapping) else _load(Path(source))
    return blamed(lambda some: _filled(loaded, some), overrides, "" if isinstance(source, Mapping) else str(source))


def _filled(loaded: Mapping[str, Any], overrides: Sequence[Override]) -> Sweep:
    """The sweep of a file's keys and the overrides."""
    given = dict(loaded)
    for name in _FREE:
        if name in given and not isinstance(given[name] or {}, Mapping):
            raise ConfigurationError(f"{name}: found {in_json(given[name])}, expected settings as 'name: value' lines")
        given[name] = deepcopy(dict(given.get(name) or {}))
    plain: list[Override] = []
    for override in overrides:
        first, _, rest = name_of(override).partition(".")
        if first in _FREE and rest:
            _set(given[first], rest, _value(override, as_list=first == "vary"))
        else:
            plain.append(override)
    for name in _LISTS:
        if name in given and not isinstance(given[name], list):
            given[name] = [] if given[name] is None else [given[name]]
    given["settings"] = dict(overrides_of(given["settings"]))
    return fill(Sweep, given, plain, listed_by="loreweave search --help")


def check_source(source: Path, existing: bool) -> None:
    """Refuse a folder without a search, and with `existing` a path that is neither such a folder nor a sweep.

    Raises:
        ConfigurationError: names the path as it was given.
    """
    if source.is_dir():
        raise ConfigurationError(f"{source}: found no search in the folder (no {STUDY_FILE})")
    if existing and not (source.exists() or source.suffix in _ENDINGS or str(source) in packaged_sweeps()):
        raise ConfigurationError(f"{source}: found no such folder, expected the folder of a search, or a sweep file (.yaml)")


def packaged_sweeps() -> dict[str, Path]:
    """The packaged sweeps by name."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "sweeps").glob("*.yaml"))}


def _load(source: Path) -> dict[str, Any]:
    known = packaged_sweeps()
    if source.suffix in _ENDINGS or source.exists():
        return load_yaml(source)
    if str(source) not in known:
        hint = unknown_name(str(source), list(known))
        raise ConfigurationError(
            f"unknown sweep {str(source)!r}{hint}; there is no such folder, and the file of your own sweep ends in .yaml"
        )
    return load_yaml(known[str(source)])


def _value(override: Override, as_list: bool) -> Any:
    """Value of an override, parsed as in YAML; `a,b` is a list of two."""
    if not isinstance(override, str):
        return override[1]
    text = override.partition("=")[2].strip()
    found = load_yaml(f"value: {text}")["value"] if text else None
    if isinstance(found, str) and "," in found and text[0] not in "'\"":
        return load_yaml(f"value: [{text}]")["value"]
    return [found] if as_list and not isinstance(found, (list, Mapping)) else found


def _set(tree: dict[str, Any], name: str, value: Any) -> None:
    """Set a dotted name, which replaces the same name in nested or dotted form."""
    parts = name.split(".")
    node: Any = tree
    for depth, part in enumerate(parts):
        rest = ".".join(parts[depth:])
        if not isinstance(node, dict):
            break
        if rest in node or depth == len(parts) - 1:
            node[rest] = value
            return
        if part not in node:
            break
        node = node[part]
    tree[name] = value


def _check_seeds(seeds: Sequence[int]) -> None:
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds: found {', '.join(map(str, seeds)) or 'none'}, expected one or more, each once")

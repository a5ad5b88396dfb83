"""`loreweave.probe`: frozen probes of one or several encoders, in one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.csv_tables import write_csv
from loreweave.corpus.files.writing import write_json
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError, records_of
from loreweave.experiments.probes.defaults import default_data
from loreweave.experiments.probes.encoder import FrozenEncoder
from loreweave.experiments.probes.examples import PROBES, ProbeData, read_data
from loreweave.experiments.probes.label_curves import label_curve
from loreweave.experiments.probes.opening import open_encoder
from loreweave.experiments.probes.predictions import Row, save_predictions
from loreweave.experiments.probes.prototypes import check_episodes, copied_texts, episode_measures
from loreweave.experiments.probes.scores import Measure, Outcome
from loreweave.experiments.probes.settings import ProbeConfig
from loreweave.tasks.contract import Execution
from loreweave.tasks.files.results import check_results_folder
from loreweave.tasks.jobs.evaluate import is_writer
from loreweave.tasks.jobs.execution import execution_of
from loreweave.training.settings.configuration import fill, overrides_of, to_dict

Place = str | PathLike[str]

SCORES = "scores.csv"
"""File in the output folder: a row per encoder, number and draw, for label curves."""


@dataclass(frozen=True)
class ProbeResult:
    """Scores of encoders.

    Attributes:
        results: content of `results.json`.
        predictions: for each encoder and data set (`typing.gum`) a row per test example, or per query of the first episodes.
    """

    results: dict[str, Any]
    predictions: Mapping[str, Mapping[str, Sequence[Row]]] = field(default_factory=dict)

    @property
    def scores(self) -> list[dict[str, Any]]:
        """A row for each encoder and number: `model`, `probe`, `data`, `what`, `metric`, `score`, `spread`, `low`, `high`."""
        found: list[dict[str, Any]] = self.results["scores"]
        return found

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Columns and rows of the scores in per cent: a row per number, a column per encoder.

        `57.5 ± 2.5` has the standard deviation over draws; a number of a single draw has its 95 % interval over the test.
        """
        return _table(self.scores, _percent)

    def differences(self) -> tuple[list[str], list[list[str]]]:
        """Columns and rows of the differences to the first encoder, in points with 95 % intervals; no rows of a single one."""
        return _table(self.results["differences"], _points)


def probe(
    models: Place | Sequence[Place],
    *overrides: str,
    output: Place | None = None,
    base: Place | None = None,
    device: str | None = None,
    batch_size: int = 32,
    precision: str = "fp32",
    overwrite: bool = False,
    report: Callable[[str], None] = print,
    advance: Callable[[int], object] | None = None,
    **settings: Any,
) -> ProbeResult:
    """Measure what the frozen states of encoders are worth for relations and types, as `loreweave probe` does.

    Args:
        models: encoder or several: a folder, the folder of a run, a bundled encoder, or a name on the Hugging Face Hub.
        overrides: settings as in the shell, such as `"shots=1,5"`.
        output: folder for `results.json`, `scores.csv` and `predictions`.
        base: model with the tokenizer that a checkpoint lacks: one in a run, or in an older format.
        device: cpu, cuda, cuda:1, xpu or mps. Default: an accelerator if there is one.
        batch_size: number of texts per batch.
        precision: fp32, bf16, fp16, or auto.
        overwrite: replace the results in the output folder.
        report: called with what the user should know, a line at a time.
        advance: called with the number of encoded texts, for a progress bar.
        settings: settings (`ProbeConfig`); data sets are dicts (`typing={"mine": ["train.json", "test.json"]}`).

    Raises:
        LoreweaveError: wrong settings, or data or a model that cannot be read.

    Example:
        >>> probe(["minilm", "runs/mine"], output="probes").table()  # doctest: +SKIP
    """
    names = [str(models)] if isinstance(models, (str, PathLike)) else [str(model) for model in models]
    if not names or len(set(names)) < len(names):
        raise ConfigurationError(f"models: found {', '.join(names) or 'none'}, expected one or more, each once")
    config = fill(ProbeConfig, {}, [*overrides, *overrides_of(settings)], listed_by="loreweave probe --help")
    execution = execution_of(
        device=device, precision=precision, batch_size=batch_size, base=base, report=report, advance=advance
    )
    folder = None if output is None else Path(output)
    if folder is not None:
        check_results_folder(folder, overwrite)
    found = probe_encoders(names, config, execution)
    if folder is not None and is_writer():
        for model, place in save_predictions(folder, found.predictions).items():
            found.results["models"][model]["predictions"] = place
        write_json(folder / "results.json", found.results)
        _write_scores(folder / SCORES, found.scores)
    return found


def probe_encoders(names: Sequence[str], config: ProbeConfig, execution: Execution) -> ProbeResult:
    """Scores and predictions of encoders; the data are read and checked before an encoder is loaded.

    Raises:
        LoreweaveError: data or a model that cannot be read.
    """
    started = time.monotonic()
    data = list(_data(config, execution.report))
    for name in names:
        resolve(name)  # a name that is wrong is an error before the first encoder is measured
    encoders: dict[str, dict[str, Any]] = {}
    measures: dict[str, list[Measure]] = {}
    predictions: dict[str, dict[str, list[Row]]] = {}
    for name in names:
        for encoder in open_encoder(name, config, execution):
            begun = time.monotonic()
            outcomes, cut = _probe(encoder, data, config, execution)
            measures[encoder.name] = [measure for outcome in outcomes.values() for measure in outcome.measures]
            predictions[encoder.name] = {place: outcome.predictions for place, outcome in outcomes.items()}
            notes = [f"{place}: {note}" for place, outcome in outcomes.items() for note in outcome.notes]
            facts = {"examples_without_a_vector": cut, "notes": notes}
            seconds = round(time.monotonic() - begun, 3)
            encoders[encoder.name] = {**encoder.facts, "states": encoder.states, **facts, "seconds": seconds}
    results = {
        "models": encoders,
        "settings": to_dict(config),
        "data": [each.facts for each in data],
        "scores": list(_scores(measures, config)),
        "differences": list(_differences(measures, config)),
        "seconds": round(time.monotonic() - started, 3),
    }
    return ProbeResult(results, predictions)


def _data(config: ProbeConfig, report: Callable[[str], None]) -> Iterator[ProbeData]:
    """The data sets."""
    files: Mapping[Any, Mapping[str, Sequence[Path]]] = config.given()
    if not files:
        files, line = default_data(config.probes)
        report(line)
    elif config.probes is not None:
        raise ConfigurationError("probes: choose among the probes of the default data; leave it out if files are given")
    names = [name for sets in files.values() for name in sets]
    if unknown := sorted(set(config.formats) - set(names)):
        raise ConfigurationError(f"formats.{unknown[0]}: found no data set of this name, but {', '.join(names)}")
    for kind in (kind for kind in PROBES if kind in files):
        for name, paths in files[kind].items():
            found = read_data(kind, name, paths, config, report)
            if PROBES[kind].episodes:
                check_episodes(found, config)
                copies, lines = copied_texts(found, config)
                for line in lines:
                    report(f"{kind}.{name}: {line}")
                found = replace(found, facts=found.facts | {"queries_with_a_text_of_the_support": copies})
            yield found


def _probe(
    encoder: FrozenEncoder, data: Iterable[ProbeData], config: ProbeConfig, execution: Execution
) -> tuple[dict[str, Outcome], dict[str, int]]:
    """What is found for each data set (`typing.gum`) with one encoder, and the numbers of examples that were cut off."""
    outcomes: dict[str, Outcome] = {}
    cut: dict[str, int] = {}
    for each in data:
        place = f"{each.probe}.{each.name}"
        execution.report(f"{encoder.name}: {each.probe.replace('_', ' ')}, {each.name}")
        pairs = [(example.text, example.spans) for example in each.examples]
        with records_of(each.path):
            vectors = encoder.vectors(pairs, execution.advance)
        matrix, known = vectors.matrix(pairs)
        if lost := int((~known).sum()):
            cut[place] = lost
            number = counted(lost, "example")
            execution.report(f"  {number} of {len(known)} without a vector, because a mention was cut off: {vectors.report}")
        measured = episode_measures if PROBES[each.probe].episodes else label_curve
        outcomes[place] = measured(each, matrix, known, config)
        for note in outcomes[place].notes:
            execution.report(f"  {note}")
    return outcomes, cut


def _scores(measures: Mapping[str, Sequence[Measure]], config: ProbeConfig) -> Iterator[dict[str, Any]]:
    for model, found in measures.items():
        for measure in found:
            yield {"model": model, **measure.row(config.bootstrap, config.seed)}


def _differences(measures: Mapping[str, Sequence[Measure]], config: ProbeConfig) -> Iterator[dict[str, Any]]:
    """Differences of all other encoders to the first."""
    first, *others = measures
    base = {measure.key: measure for measure in measures[first]}
    for model in others:
        for measure in measures[model]:
            place = {"model": model, "base": first, "probe": measure.probe, "data": measure.data, "what": measure.what}
            place["metric"] = measure.metric
            yield place | measure.minus(base[measure.key], config.bootstrap, config.seed)


def _write_scores(path: Path, scores: Iterable[Mapping[str, Any]]) -> None:
    """A row per encoder, number and draw."""
    columns = ("model", "probe", "data", "what", "number", "metric")
    draws = (
        [*(row[name] for name in columns), draw, score] for row in scores for draw, score in enumerate(row["draws"])
    )  # fmt: skip
    write_csv(path, (*columns, "draw", "score"), draws)


def _table(rows: Sequence[Mapping[str, Any]], cell: Callable[[Mapping[str, Any]], str]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of a table: a row per number, a column per encoder."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    cells: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        what = row["what"] if row["metric"] == "accuracy" else f"{row['what']} (F1)"
        cells.setdefault((row["probe"].replace("_", " "), row["data"], what), {})[row["model"]] = cell(row)
    return ["probe", "data", "learned from", *models], [[*key, *(of[model] for model in models)] for key, of in cells.items()]


def _percent(row: Mapping[str, Any]) -> str:
    score = f"{100 * row['score']:.1f}"
    if row["spread"] is None:
        return f"{score} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
    return f"{score} ± {100 * row['spread']:.1f}"


def _points(row: Mapping[str, Any]) -> str:
    return f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"

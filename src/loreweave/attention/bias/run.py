"""`loreweave probe --bias`: outcomes of all names in all sentences, and the tests between the groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

from loreweave.attention.bias.comparison import compare
from loreweave.attention.bias.design import Design, read_design
from loreweave.attention.bias.outcomes import Observed, Outcome
from loreweave.corpus.counts import counted
from loreweave.corpus.files.csv_tables import write_csv
from loreweave.corpus.files.writing import write_json
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.files.results import check_results_folder

Place = str | PathLike[str]
VALUES, TESTS = "values.csv", "tests.csv"
_SHOWN = ("template", "measure", "first", "second", "difference", "permutation_p", "holm_p", "cohens_d", "cliffs_delta")


@dataclass(frozen=True)
class BiasResult:
    """Tests between groups of names.

    Attributes:
        results: content of `results.json`: `models`, with the number of names kept and left out, and `tests`, one row each.
        values: the outcomes of each model.
    """

    results: dict[str, Any]
    values: dict[str, list[Outcome]]

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows of the most important numbers of all tests."""
        rows = self.results["tests"]
        return ["model", *_SHOWN], [[row["model"], *(_short(row[name]) for name in _SHOWN)] for row in rows]


def probe_bias(
    models: Place | Sequence[Place],
    design: Place | Design = "example",
    *,
    paired: bool = False,
    output: Place | None = None,
    base: str | None = None,
    device: str | None = None,
    samples: int = 5000,
    seed: int = 0,
    overwrite: bool = False,
    report: Callable[[str], None] = print,
    advance: Callable[[int], object] | None = None,
) -> BiasResult:
    """Compare what models do with the names of several groups in the same sentences.

    Args:
        models: encoder or checkpoint, or several.
        design: YAML file with templates and groups of names; `example` is the one of the package.
        paired: whether the names of equal rank in two groups belong together.
        output: folder for `results.json`, `values.csv` and `tests.csv`.
        base: encoder from which a released LUKE in an older format was trained.
        device: cpu, cuda, cuda:1, xpu or mps. Default: an accelerator if there is one.
        samples: number of bootstrap samples, and of permutations where not all are tried.
        seed: seed of these samples.
        overwrite: replace the results in the output folder.
        report: called with what the user should know, a line at a time.
        advance: called with the number of finished sentences.

    Raises:
        LoreweaveError: a design or a model that cannot be read, or no name that a model can read.

    Example:
        >>> probe_bias("minilm").table()  # doctest: +SKIP
    """
    names = [str(models)] if isinstance(models, (str, PathLike)) else [str(model) for model in models]
    if not names or len(set(names)) < len(names):
        raise ConfigurationError(f"models: found {', '.join(names) or 'none'}, expected one or more, each once")
    asked = design if isinstance(design, Design) else read_design(Path(design))
    if paired:
        asked.check_pairs()
    folder = None if output is None else Path(output)
    if folder is not None:
        check_results_folder(folder, overwrite)
    for name in names:
        resolve(name)
    values: dict[str, list[Outcome]] = {}
    facts: dict[str, Any] = {}
    tests: list[dict[str, Any]] = []
    for name in names:
        values[name], facts[name] = _observed(name, asked, base, device, report, advance)
        tests += [{"model": name, **test.row()} for test in compare(values[name], paired=paired, samples=samples, seed=seed)]
    settings = {"paired": paired, "samples": samples, "seed": seed, "templates": len(asked.templates)}
    result = BiasResult({"models": facts, "settings": settings, "tests": tests}, values)
    if folder is not None:
        _write(folder, result)
    return result


def _observed(
    name: str, design: Design, base: str | None, device: str | None, report: Callable[[str], None],
    advance: Callable[[int], object] | None,
) -> tuple[list[Outcome], dict[str, Any]]:  # fmt: skip
    """Outcomes of a model, and the numbers of sentences kept and left out by group."""
    outcomes, left = list[Outcome](), list[str]()
    observed = Observed(name, base, device)
    for found in observed.outcomes(design, advance):
        if isinstance(found, DataError):
            left.append(found.message)
        else:
            outcomes.append(found)
    kept = {(outcome.template, outcome.group, outcome.rank): outcome.pieces for outcome in outcomes}
    groups = {
        group: {
            "sentences": sum(of == group for _, of, _ in kept),
            "left_out": len(names) * len(design.templates) - sum(of == group for _, of, _ in kept),
            "names_of_several_pieces": len({rank for (_, of, rank), pieces in kept.items() if of == group and pieces > 1}),
        }
        for group, names in design.groups.items()
    }
    for group, counts in groups.items():
        several = counts["names_of_several_pieces"]
        report(
            f"{name}, {group}: {counted(counts['sentences'], 'sentence')} kept, {counts['left_out']} left out; "
            f"{counted(several, 'name')} of several sub-words"
        )
    if observed.unseen:
        words = ", ".join(sorted(observed.unseen))
        report(f"{name}: in this model, a name does not see the words after it: attention to {words} is not measured there")
    for message in left[:5]:
        report(f"  left out: {message}")
    if not outcomes:
        raise DataError(f"{name}: all sentences are left out: {left[0]}")
    return outcomes, {"groups": groups, "left_out": dict(Counter(left)), "not_seen": sorted(observed.unseen)}


def _write(folder: Path, result: BiasResult) -> None:
    write_json(folder / "results.json", result.results)
    columns = [field.name for field in fields(Outcome)]
    rows = ([model, *asdict(each).values()] for model, outcomes in result.values.items() for each in outcomes)
    write_csv(folder / VALUES, ["model", *columns], rows)
    tests = result.results["tests"]
    write_csv(folder / TESTS, list(tests[0]) if tests else ["model"], (list(test.values()) for test in tests))


def _short(value: Any) -> Any:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else value

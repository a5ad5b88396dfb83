"""The page's tables of published settings and scores, against the recipe files: a change of one must change the other."""

from __future__ import annotations

import re
from pathlib import Path

from loreweave.training.settings.recipes import Recipe, list_recipes

PAGE = Path(__file__).parent.parent / "docs" / "recipes.md"
NOT_PUBLISHED = "minilm"
GPUS = re.compile(r"(\d+) GPUs?")
RECIPES = [recipe for recipe in list_recipes() if recipe.name.partition("/")[0] != NOT_PUBLISHED]


def rows(heading: str) -> list[str]:
    """The lines of the table under a heading, without its own heading."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [line for line in text.splitlines() if line.startswith("| `")]


def batch(recipe: Recipe) -> str:
    """Fine-tuning: examples of a micro-batch x micro-batches of an update x GPUs of the publication. Pre-training: windows of
    an update, or triples if there is no text."""
    config = recipe.config
    if recipe.kind == "finetuning":
        gpus = GPUS.fullmatch(recipe.hardware or "")
        factors = [config["batch_size"], config["gradient_accumulation_steps"], *([int(gpus[1])] if gpus else [])]
        return " x ".join(map(str, factors))
    if config["data"]:
        return f"{config['batch_size']:,}"
    triples = sum(settings["micro_batch_size"] for settings in config["objectives"].values() if settings)
    return f"{triples * config['batch_size'] // config['micro_batch_size']:,}"


def length(recipe: Recipe) -> str:
    """Updates where a recipe sets their number, which then counts; epochs elsewhere."""
    updates, epochs = recipe.config.get("steps"), recipe.config.get("epochs")
    return f"{updates:,} updates" if updates is not None else f"{epochs} epoch{'' if epochs == 1 else 's'}"


def warm_up(recipe: Recipe) -> str:
    schedule = recipe.config["schedule"]
    steps = schedule.get("warmup_steps")
    return f"{steps:,} updates" if steps is not None else f"{100 * schedule['warmup_ratio']:g} %"


def number(value: float) -> str:
    """A rate as papers write it: 6e-4."""
    mantissa, exponent = f"{value:.6e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def percent(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value if value > 1 else 100 * value:.2f}".rstrip("0").rstrip(".")


def settings_row(recipe: Recipe) -> str:
    optimizer = recipe.config["optimizer"]
    cells = [
        f"`{recipe.name}`", batch(recipe), number(optimizer["learning_rate"]), length(recipe), warm_up(recipe),
        f"{optimizer['weight_decay']:g}", str(recipe.config["seed"]),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def missing(found: list[str], expected: list[str]) -> str:
    lacking = [row for row in expected if row not in found]
    wrong = [row for row in found if row not in expected]
    return "\n".join(["docs/recipes.md lacks, by the recipe files:", *lacking, "and has in their place:", *wrong])


def test_the_settings_of_the_page_are_those_of_the_recipes() -> None:
    found, expected = rows("Published settings"), [settings_row(recipe) for recipe in RECIPES]
    assert len(expected) > 60
    assert sorted(found) == sorted(expected), missing(found, expected)


def test_the_scores_of_the_page_are_those_of_the_recipes() -> None:
    found = rows("Published scores")
    expected = [f"| `{r.name}` | `{name}` | {percent(value)} |" for r in RECIPES for name, value in r.published.items()]
    assert len(expected) > 100
    assert sorted(found) == sorted(expected), missing(found, expected)


def test_numbers_are_written_as_in_papers() -> None:
    assert [number(value) for value in (6e-4, 1.5e-5, 1e-2, 0.005)] == ["6e-4", "1.5e-5", "1e-2", "5e-3"]
    assert [percent(value) for value in (0.782, 0.4043, 92.4, 0.5, "7.1")] == ["78.2", "40.43", "92.4", "50", "7.1"]

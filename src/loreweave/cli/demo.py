"""`loreweave demo`: all steps on the bundled data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loreweave.cli.console import say, show_json, show_table
from loreweave.cli.options import ResultsAsJson

if TYPE_CHECKING:
    from loreweave.miniworld.demo_result import DemoResult


def command(
    output: Annotated[Path, typer.Option("--output", help="Folder for the data, the runs and the models.")] = Path("runs/demo"),
    seed: Annotated[int, typer.Option("--seed", help="Random seed.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write into the folder even if it has content that is not from a demo.")
    ] = False,
    as_json: ResultsAsJson = False,
) -> None:
    """Run a complete example on the bundled sample data: pre-train, evaluate and report.

    It takes a few minutes on a CPU, and nothing is downloaded.

    The demo shows each step as a command, so that you can repeat it with your own files.

    Example: loreweave demo --output runs/demo
    """
    say("Loading PyTorch and transformers ...")
    from loreweave.miniworld.demo import run_demo

    result = run_demo(output, seed, overwrite=overwrite, report=say)
    if as_json:
        show_json(result.to_dict())
        return
    _show(result)


def _show(result: DemoResult) -> None:
    """Print the results, the page to open, and commands to try next."""
    from loreweave.miniworld.demo_result import ATTENTION_PAGE

    folder = result.output
    print(f"\nMiniLM became a LUKE, which reads words and entities, in {result.seconds:.0f} s.")
    rows = [(what, f"{before:.3f}", f"{after:.3f}") for what, before, after in result.rows]
    show_table(("measured", "before", "after"), rows, title="on data that are not in training")
    print("\nFacts that are not in training (the highest-ranked entity, before -> after):")
    for answer in result.answers:
        verdict = "right" if answer.right else "wrong"
        print(f"  {answer.head}, {answer.relation}?  {answer.before} -> {answer.after} ({verdict})")
    scores = ", ".join(f"{task} {value:.3f}" for task, value in result.tests.items())
    print(f"\nNames, entities and relations in new sentences (scores on the test files: {scores}):")
    for sentence in result.sentences:
        print(f"  {sentence.marked()}")
        for each in sentence.relations:
            print(f"    {each.head} -> {each.label} -> {each.tail} ({each.probability:.2f})")
    say(f"\nOpen in a browser: {folder / 'demo.html'}, and {folder / ATTENTION_PAGE} (where words and entities look)")
    say("Try next:")
    say(f'  echo "Ada Lovelace lived in London." | loreweave predict ner --model {folder / "ner"}')
    say("  loreweave check ner YOUR_FILE        your own data; docs/formats.md lists the formats")
    say("  loreweave finetune ner --model minilm --train YOUR_FILE --recipe minilm/ner --output runs/mine")
    say(f"The models, the runs and the numbers (demo.json) are in {folder}; created by the lines above that begin with $.")

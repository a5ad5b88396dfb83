"""Where the conditions of entity_typing.py differ: micro F1 of the GUM test by what a mention is.

    python benchmarks/typing_breakdown.py [--output DIR]

Reads the predictions that `entity_typing.py` kept. `linked`: the mention is, letter case aside, a title of the entity
vocabulary that pre-training saw; `named`: another mention with a capitalised word; `other`: common nouns and pronouns.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean, stdev

from entity_typing import SETS
from fine_tuning import CONDITIONS, chosen_rate, folder

from checkpoints import REPOSITORY, pretraining_set
from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.corpus.files.reading import read_json_lines


def kind(mention: str, titles: set[str]) -> str:
    """`linked`, `named` or `other`."""
    if mention.lower() in titles:
        return "linked"
    return "named" if any(word[0].isupper() for word in mention.split() if word != "I") else "other"


def f1_by_kind(predictions: Path, titles: set[str]) -> tuple[dict[str, float], Counter[str]]:
    """Micro F1 in points, and the number of mentions, of each kind."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    mentions: Counter[str] = Counter()
    for _, row in read_json_lines(predictions):
        which = kind(row["mention"], titles)
        predicted, gold = set(row["predicted"]), set(row["gold"])
        counts[which][0] += 2 * len(predicted & gold)
        counts[which][1] += len(predicted) + len(gold)
        mentions[which] += 1
    return {which: 100 * correct / total for which, (correct, total) in counts.items()}, mentions


def main() -> None:
    """Print the table of the runs that are done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=REPOSITORY / "runs" / "entity-typing")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-4, 3e-4])
    arguments = parser.parse_args()
    vocabulary = open_pretraining_set(pretraining_set()).vocabulary
    assert vocabulary is not None
    titles = {title.replace("_", " ").lower() for title in vocabulary.to_hugging_face()}
    kinds = ("linked", "named", "other")
    print(f"| start | runs | {' | '.join(kinds)} |\n|---|---|---|---|---|")
    for condition in CONDITIONS:
        rate = chosen_rate(arguments, SETS, "gum", condition)
        if rate is None:
            continue
        runs = [folder(arguments.output, "gum", condition, s, rate) for s in arguments.seeds]
        files = [run / "predictions" / "test.jsonl" for run in runs if (run / "results.json").exists()]
        results = [f1_by_kind(file, titles) for file in files]
        cells = []
        for which in kinds:
            values = [scores[which] for scores, _ in results]
            spread = stdev(values) if len(values) > 1 else 0
            cells.append(f"{mean(values):.1f} ± {spread:.1f}" if values else "")
        print(f"| {condition} | {len(results)} | {' | '.join(cells)} |")
    if results:
        print(f"mentions: {', '.join(f'{results[0][1][which]} {which}' for which in kinds)}")


if __name__ == "__main__":
    main()

"""NER from a few hundred sentences: loreweave, transformers, SpanMarker and spaCy on the same files, scored by one scorer.

    python benchmarks/ner_peers.py --span-marker VENV/bin/python --spacy VENV/bin/python [--sets politics] [--seeds 0 1 2]

The first three start from MiniLM and train for as many epochs; spaCy trains its own network from nothing until it stops by
the dev set, as its command sets it up. loreweave is run as its README shows; transformers as its guide does, at its usual
rate and at ours; SpanMarker with the settings of its documentation. SpanMarker and spaCy need a Python of their own
(SpanMarker needs transformers below 5); a peer without one is left out. All predictions are scored by `loreweave score
ner`. Times are CPU time of one thread: training, and tagging the test file sentence by sentence or in the batches that each
makes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean
from typing import Any

from fine_tuning import mean_and_spread

from checkpoints import DATA, REPOSITORY
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.writing import write_json
from loreweave.encoding.model_names import resolve

PEERS = Path(__file__).parent / "peers"
EPOCHS = 10
RATE = 3e-4
SCRIPTS = {
    "loreweave": "loreweave_ner.py",
    "transformers, rate 5e-5": "transformers_ner.py",
    f"transformers, rate {RATE:g}": "transformers_ner.py",
    "SpanMarker": "span_marker_ner.py",
    "spaCy, no pre-trained encoder": "spacy_ner.py",
}


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["politics"], choices=["politics", "science", "ai"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--systems", nargs="+", choices=list(SCRIPTS), default=list(SCRIPTS))
    parser.add_argument("--span-marker", help="a Python with span_marker")
    parser.add_argument("--spacy", help="a Python with spacy")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "runs" / "ner-peers")
    options = parser.parse_args()
    print("| set | system | seeds | micro F1 | macro F1 | training, CPU min | test sentences per s |")
    print("|---|---|---|---|---|---|---|")
    for data in options.sets:
        for system in options.systems:
            python = {"span_marker_ner.py": options.span_marker, "spacy_ner.py": options.spacy}.get(
                SCRIPTS[system], sys.executable
            )
            if python is None:
                continue
            rows = [
                result(options.output / data / system.replace(" ", "-"), data, system, seed, python) for seed in options.seeds
            ]
            f1 = (mean_and_spread([100 * row[name] for row in rows]) for name in ("micro_f1", "macro_f1"))
            cost = f"{mean(row['train'] for row in rows) / 60:.1f}"
            speed = f"{mean(row['sentences'] / row['predict'] for row in rows):.0f}"
            print("|", " | ".join([data, system, str(len(rows)), *f1, cost, speed]), "|", flush=True)


def result(folder: Path, data: str, system: str, seed: int, python: str) -> dict[str, Any]:
    """Scores and cost of one run, which is not run again where it is done."""
    folder = folder / f"seed{seed}"
    done = folder / "result.json"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        files = {split: DATA / "ner_crossner" / data / f"{split}.txt.gz" for split in ("train", "dev", "test")}
        run(folder, files, system, seed, python)
        scored = loreweave("score", "ner", "--gold", files["test"], "--predictions", folder / "predictions.txt", "--json")
        sentences = (folder / "predictions.txt").read_text(encoding="utf-8").strip().count("\n\n") + 1
        write_json(done, json.loads(scored) | read_json(folder / "facts.json") | {"sentences": sentences})
    return dict(read_json(done))


def run(folder: Path, files: dict[str, Path], system: str, seed: int, python: str) -> None:
    """A script of `peers`, which leaves `predictions.txt` and `facts.json`."""
    job = {name: str(path) for name, path in files.items()} | {"output": str(folder), "encoder": str(resolve("minilm"))}
    job |= {"seed": seed, "epochs": EPOCHS, "rate": 5e-5 if "5e-5" in system else RATE}
    command = [python, str(PEERS / SCRIPTS[system])]
    subprocess.run(command, input=json.dumps(job), text=True, check=True, stdout=subprocess.DEVNULL, env=one_thread())


def loreweave(*words: Any) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "loreweave", *map(str, words)]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, env=one_thread()).stdout


def one_thread() -> dict[str, str]:
    """The environment, with one thread a process."""
    return os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


if __name__ == "__main__":
    started = time.time()
    main()
    print(f"{(time.time() - started) / 60:.0f} minutes", file=sys.stderr)

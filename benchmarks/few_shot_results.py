"""Few-shot NER from three encoders: MiniLM, MiniLM after masked words, MiniLM after masked words and latent typing.

    python benchmarks/checkpoints.py latent-typing; python benchmarks/checkpoints.py words-sentences
    python benchmarks/few_shot_results.py [--encoders minilm words-sentences latent-typing] [--seeds 1 2 3]
        [--settings science-5-1 ...] [--methods container container-tuned nnshot] [--output runs/few-shot]

Every encoder learns CONTaiNER's contrastive loss on the source (politics of ner_crossner, ner_wnut17, entity_gum; one epoch),
then answers the same 200 episodes a setting, drawn from the types of ner_crossner's science (10) and ai (7) that no other set
has (mentions of others are O there): types are disjoint from the source's, as in Few-NERD INTRA. A setting is
`domain-ways-shots`. All encoders have the same seeds, batches and episodes. `container` takes the nearest support word;
`container-tuned` fine-tunes on each support set first, as published; `nnshot` reads the encoder without any source training.
An encoder such as `types:0` is a start of `knowledge_starts.py` with its seed; `types@1e-4:0` has another learning rate.

Each number is written to a folder of its own, so that an interrupted run goes on. The table shows micro F1 over all episodes,
with full labels, as mean and standard deviation over the seeds, and the first seed's bootstrap interval over the episodes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import knowledge_starts

from checkpoints import DATA, REPOSITORY, build
from loreweave.cli.main import main as loreweave
from loreweave.corpus.files.reading import read_json
from loreweave.encoding.model_names import resolve
from loreweave.metrics.resampling import INTERVALS

SCIENCE, AI, POLITICS = (DATA / "ner_crossner" / name for name in ("science", "ai", "politics"))
WNUT, GUM = DATA / "ner_wnut17", DATA / "entity_gum"
SPLITS = ("train", "dev", "test")
SOURCE = [*(POLITICS / f"{split}.txt.gz" for split in SPLITS), WNUT / "wnut17train.conll.gz", GUM / "train.jsonl.gz"]
OTHERS = {"science": (SCIENCE, AI), "ai": (AI, SCIENCE)}
SETTINGS = ("science-5-1", "science-5-5", "science-10-1", "science-10-5", "ai-5-1", "ai-5-5")
METHODS = {
    "container": [],
    "container-tuned": ["fine_tune=true", "fine_tuning.max_steps=20"],
    "nnshot": ["method=nnshot"],
}
UNTRAINED = ("nnshot",)
RATE = "1e-4"
STEPS = 500
"""Updates of the starts of knowledge_starts.py."""


def command(*words: object) -> None:
    """Run a command of loreweave; what it shows goes to standard error."""
    with redirect_stdout(sys.stderr):
        failed = loreweave([str(word) for word in words])
    if failed:
        raise SystemExit(f"failed: loreweave {' '.join(map(str, words))}")


def episodes(setting: str, folder: Path) -> Path:
    """200 episodes of a setting."""
    file = folder / f"{setting}.jsonl"
    if not file.exists():
        domain, way, shot = setting.split("-")
        own, other = OTHERS[domain]
        left_out = [f"--exclude-types-of={path}" for path in (other, POLITICS, WNUT, GUM / "train.jsonl.gz")]
        sizes = ("--others-outside", "--keep-copies", "--way", way, "--shot", shot, "--count", 200, "--seed", 0)
        command("build", "episodes", own, *left_out, *sizes, "--output", file)
    return file


def encoder_folder(encoder: str) -> Path:
    """An encoder by name: minilm, one of checkpoints.py, or START:SEED or START@RATE:SEED of knowledge_starts.py."""
    start, _, seed = encoder.partition(":")
    if seed:
        return knowledge_starts.start(start, int(seed), knowledge_starts.Budget(STEPS))
    return resolve("minilm") if encoder == "minilm" else build(encoder)


def trained(encoder: str, seed: int, folder: Path) -> Path:
    """An encoder after one epoch on the source."""
    run = folder / f"{encoder}-source-{seed}"
    if not (run / "results.json").exists():
        model = encoder_folder(encoder)
        given = [word for file in SOURCE for word in ("--train", file)]
        settings = (f"optimizer.learning_rate={RATE}", "precision=bf16", f"seed={seed}")
        recipe = ("--recipe", "container/few-nerd-intra", "--overwrite", "--output", run)
        command("finetune", "few-shot-ner", "--model", model, *given, *recipe, *settings)
    return run


def scored(encoder: str, method: str, setting: str, seed: int, folder: Path) -> dict[str, Any]:
    """The content of `results.json` of one evaluation."""
    out = folder / f"{encoder}-{method}-{setting}-{seed}"
    if not (out / "results.json").exists():
        model = encoder_folder(encoder) if method in UNTRAINED else trained(encoder, seed, folder)
        data = ("--data", episodes(setting, folder), "--output", out, "--overwrite")
        command("evaluate", "few-shot-ner", "--model", model, *data, *METHODS[method])
    results: dict[str, Any] = read_json(out / "results.json")
    return results


def row(encoder: str, method: str, setting: str, seeds: list[int], folder: Path) -> str:
    """A line of the table."""
    seeds = seeds[:1] if method in UNTRAINED else seeds
    found = [scored(encoder, method, setting, seed, folder) for seed in seeds]
    values = [100 * metrics["micro_f1"] for metrics in found]
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    interval = next(each for each in found[0][INTERVALS] if each["metric"] == "micro_f1")
    low, high = 100 * interval["low"], 100 * interval["high"]
    mean = f"{statistics.mean(values):.1f}{spread}"
    return f"| {setting} | {method} | {encoder} | {len(values)} | {mean} | [{low:.1f}, {high:.1f}] |"


def main() -> None:
    """Train, score, and print a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoders", nargs="+", default=["minilm", "words-sentences", "latent-typing"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["container", "nnshot"])
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--output", type=Path, default=REPOSITORY / "runs" / "few-shot")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    print("| setting | method | encoder | seeds | micro F1 | 95 % over episodes |\n|---|---|---|---|---|---|", flush=True)
    for setting in options.settings:
        for method in options.methods:
            for encoder in options.encoders:
                print(row(encoder, method, setting, options.seeds, options.output), flush=True)


if __name__ == "__main__":
    main()

"""NER with loreweave, as its README shows it; started by `ner_peers.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from columns import answer, asked, cpu_seconds, read, tags

from loreweave import load


def main() -> None:
    """Train on one file, tag another."""
    job = asked()
    output = Path(job["output"])
    run = output / "run"
    settings = (
        "precision=fp32",
        "min_updates=null",
        f"epochs={job['epochs']}",
        f"optimizer.learning_rate={job['rate']}",
        "keep=last",
    )
    command = [sys.executable, "-m", "loreweave", "finetune", "ner", "--model", job["encoder"], "--train", job["train"]]
    command += ["--recipe", "minilm/ner", "--output", str(run), "--overwrite", *settings, f"seed={job['seed']}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    trained = json.loads((run / "status.json").read_text())["used"]["cpu_seconds"]
    model, test = load(run), read(job["test"])
    begun = cpu_seconds()
    answers = model.predict_rows([{"id": str(number), "tokens": tokens} for number, (tokens, _) in enumerate(test)])
    found = [row["predicted"] for row in answers]
    seconds = cpu_seconds() - begun
    predicted = []
    for (tokens, _), names in zip(test, found, strict=True):
        end_at = {len(" ".join(tokens[: number + 1])): number + 1 for number in range(len(tokens))}
        token_at = {end - len(tokens[number - 1]): number - 1 for end, number in end_at.items()}
        spans = [(token_at[name["start"]], end_at[name["end"]], name["label"]) for name in names]
        predicted.append((tokens, tags(len(tokens), spans)))
    answer(output, predicted, train=trained, predict=seconds)


main()

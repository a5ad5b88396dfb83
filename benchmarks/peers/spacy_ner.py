"""NER with spaCy, as `spacy init config --pipeline ner --optimize efficiency` sets it up; started by `ner_peers.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import spacy
from columns import answer, asked, cpu_seconds, read, spans, tags
from spacy.tokens import Doc, DocBin, Span


def main() -> None:
    """Train on one file, tag another."""
    job = asked()
    output = Path(job["output"])
    blank = spacy.blank("en")
    for split in ("train", "dev"):
        docs = DocBin()
        for tokens, gold in read(job[split]):
            doc = Doc(blank.vocab, words=tokens)
            doc.set_ents([Span(doc, start, end, label=label) for start, end, label in spans(gold)])
            docs.add(doc)
        docs.to_disk(output / f"{split}.spacy")
    spacy_command = [sys.executable, "-m", "spacy"]
    config = output / "config.cfg"
    made = [
        *spacy_command,
        "init",
        "config",
        str(config),
        "--lang",
        "en",
        "--pipeline",
        "ner",
        "--optimize",
        "efficiency",
        "--force",
    ]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
    files = ["--paths.train", str(output / "train.spacy"), "--paths.dev", str(output / "dev.spacy")]
    seed = ["--training.seed", str(job["seed"]), "--output", str(output / "model")]
    begun = cpu_seconds()
    subprocess.run([*spacy_command, "train", str(config), *files, *seed], check=True, stdout=subprocess.DEVNULL)
    trained = cpu_seconds()
    model = spacy.load(output / "model" / "model-best")
    test = read(job["test"])
    begun_predicting = cpu_seconds()
    docs = model.pipe(Doc(model.vocab, words=tokens) for tokens, _ in test)
    found = [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs]
    seconds = cpu_seconds() - begun_predicting
    predicted = [(tokens, tags(len(tokens), ents)) for (tokens, _), ents in zip(test, found, strict=True)]
    answer(output, predicted, train=trained - begun, predict=seconds)


main()

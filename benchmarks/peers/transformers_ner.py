"""NER with transformers alone, as its token-classification guide shows it; started by `ner_peers.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from columns import answer, asked, cpu_seconds, read
from datasets import Dataset
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    TrainingArguments,
    set_seed,
)


def main() -> None:
    """Train on one file, tag another."""
    job = asked()
    output = Path(job["output"])
    train, test = read(job["train"]), read(job["test"])
    labels = ["O", *sorted({tag for _, gold in train for tag in gold} - {"O"})]
    tokenizer = AutoTokenizer.from_pretrained(job["encoder"])

    def encode(row: dict[str, Any]) -> dict[str, Any]:
        """Word pieces, with the tag of a word at its first piece."""
        encoded = tokenizer(row["tokens"], is_split_into_words=True, truncation=True, max_length=256)
        words = encoded.word_ids()
        firsts = [word is not None and word != before for word, before in zip(words, [None, *words[:-1]], strict=True)]
        encoded["labels"] = [
            labels.index(row["tags"][word]) if first else -100 for word, first in zip(words, firsts, strict=True)
        ]
        return dict(encoded)

    rows = Dataset.from_list([{"tokens": tokens, "tags": gold} for tokens, gold in train]).map(
        encode, remove_columns=["tokens", "tags"]
    )
    set_seed(job["seed"])
    model = AutoModelForTokenClassification.from_pretrained(job["encoder"], num_labels=len(labels))
    arguments = TrainingArguments(
        output_dir=str(output / "checkpoints"), learning_rate=job["rate"], per_device_train_batch_size=16,
        num_train_epochs=job["epochs"], weight_decay=0.01, seed=job["seed"], use_cpu=True,
        save_strategy="no", report_to="none", disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(
        model=model, args=arguments, train_dataset=rows, data_collator=DataCollatorForTokenClassification(tokenizer)
    )
    begun = cpu_seconds()
    trainer.train()
    trained = cpu_seconds()
    model.eval()
    predicted = []
    for tokens, _ in test:
        batch = tokenizer(tokens, is_split_into_words=True, truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            best = model(**batch).logits[0].argmax(-1).tolist()
        tag_of = dict(zip(reversed(batch.word_ids()), reversed(best), strict=True))  # the first piece of a word wins
        predicted.append((tokens, [labels[tag_of.get(place, 0)] for place in range(len(tokens))]))
    answer(output, predicted, train=trained - begun, predict=cpu_seconds() - trained)


main()

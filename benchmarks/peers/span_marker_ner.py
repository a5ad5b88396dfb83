"""NER with SpanMarker, with the settings of its documentation; started by `ner_peers.py`."""

from __future__ import annotations

from pathlib import Path

from columns import answer, asked, cpu_seconds, read, tags
from datasets import ClassLabel, Dataset, Features, Sequence, Value
from span_marker import SpanMarkerModel, Trainer
from transformers import TrainingArguments


def main() -> None:
    """Train on one file, tag another."""
    job = asked()
    output = Path(job["output"])
    train, test = read(job["train"]), read(job["test"])
    labels = ["O", *sorted({tag for _, gold in train for tag in gold} - {"O"})]
    features = Features({"tokens": Sequence(Value("string")), "ner_tags": Sequence(ClassLabel(names=labels))})
    rows = {"tokens": [tokens for tokens, _ in train], "ner_tags": [[labels.index(tag) for tag in gold] for _, gold in train]}
    data = Dataset.from_dict(rows, features=features)
    model = SpanMarkerModel.from_pretrained(job["encoder"], labels=labels, model_max_length=256, entity_max_length=8)
    arguments = TrainingArguments(
        output_dir=str(output / "checkpoints"), learning_rate=5e-5, per_device_train_batch_size=8,
        num_train_epochs=job["epochs"], weight_decay=0.01, warmup_ratio=0.1, seed=job["seed"], use_cpu=True,
        save_strategy="no", report_to="none", disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(model=model, args=arguments, train_dataset=data)
    begun = cpu_seconds()
    trainer.train()
    trained = cpu_seconds()
    answers = model.predict([tokens for tokens, _ in test], batch_size=8)
    seconds = cpu_seconds() - trained
    found = [[(row["word_start_index"], row["word_end_index"], row["label"]) for row in rows] for rows in answers]
    predicted = [(tokens, tags(len(tokens), ents)) for (tokens, _), ents in zip(test, found, strict=True)]
    answer(output, predicted, train=trained - begun, predict=seconds)


main()

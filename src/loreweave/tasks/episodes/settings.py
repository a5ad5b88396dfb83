"""Fine-tuning of few-shot tasks: the files of a source, and the settings that they do not read."""

from __future__ import annotations

from loreweave.training.settings.conditions import ReadWhen, never

SPLITS: dict[str, tuple[str, ...]] = {"train": ("train",), "dev": (), "test": ()}
"""File stems of the splits of a source: it is not scored, so that there is only one to train on."""

NOT_READ: ReadWhen = {
    (
        "metric", "keep", "patience", "dev_fraction", "dev_split_by", "eval_batch_size",
        "evaluate_before_training", "evaluate_test_every_epoch",
    ): never("training on a source is not scored ('loreweave evaluate' scores the checkpoint, in episodes)"),
    ("train_balance",): never("each class has equally many examples in an episode"),
    ("feature_cache",): never("the encoding of a source keeps more than encoded sentences"),
}  # fmt: skip
"""Settings of the selection of an epoch, for the labels of a source are not those that matter, and of the feature cache."""

"""What few-shot tasks do not read of the settings of fine-tuning."""

from __future__ import annotations

from loreweave.training.settings.conditions import ReadWhen, never

NOT_SCORED: ReadWhen = {
    (
        "metric", "keep", "patience", "dev_fraction", "dev_split_by", "eval_batch_size",
        "evaluate_before_training", "evaluate_test_every_epoch",
    ): never("training on a source is not scored ('loreweave evaluate' scores the checkpoint, in episodes)"),
}  # fmt: skip
"""Settings of the selection of an epoch: the labels of a source are not those that matter."""

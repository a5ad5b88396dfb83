"""Runs of the LUKE thesis tools: their `results.json` as a recorded run, and ours in their layout.

A run is a folder with `results.json`; its name is `robust_<hyper-parameter>_<value>`. Keys of the file: `dev_f1_epoch<N>` (and
precision, recall; `_epoch_no_training` before training), `best_epoch` from 0, `dev_f1`, `test_f1`, ...,
`experimental_configurations` (`log_parameters`, `model_config`), `evaluation_predict_label` (`label_list`; `predict_logits` and
`true_labels` of `dev` and `test`), and `training_loss`, one number per micro-batch, which was divided by the number of
accumulated micro-batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.files.writing import write_json
from loreweave.errors import DataError
from loreweave.experiments.runs.comparison import losses_in
from loreweave.experiments.runs.recorded import RESULTS, RecordedRun
from loreweave.metrics.multilabel import micro, per_label, predicted_labels

PREDICTED = "evaluation_predict_label"
_CONFIGURATIONS = "experimental_configurations"
_METRICS = ("precision", "recall", "f1")
_SETTINGS = {
    "train_batch_size": "batch_size",
    "gradient_accumulation_steps": "gradient_accumulation_steps",
    "learning_rate": "optimizer.learning_rate",
    "weight_decay": "optimizer.weight_decay",
    "num_train_epochs": "epochs",
    "train_frac_size": "train_fraction",
    "hidden_dropout_prob": "dropout",
    "seed": "seed",
}
"""Their name of a hyper-parameter -> ours."""
_NO_SETTINGS = ("global_step", "average_loss", "output_dir", "training_samples", "dev_samples", "test_samples", "local_rank")
"""Entries of `log_parameters` that are results or places."""


@dataclass(frozen=True)
class ThesisRun(RecordedRun):
    """A run of the thesis tools; its predictions are in `results.json`."""

    predicted: Mapping[str, Any] = field(default_factory=dict)

    def arrays(self, split: str) -> dict[str, np.ndarray]:
        """Logits and labels of a split."""
        part = self.predicted.get(split)
        if not part:
            return {}
        gold = np.asarray(part["true_labels"]) > 0
        logits = np.asarray(part["predict_logits"], dtype=np.float32)
        labels = np.array(self.predicted["label_list"], dtype=str)
        if gold.shape != logits.shape or gold.ndim != 2 or gold.shape[1] != len(labels):
            raise DataError(
                f"{split}: found logits {logits.shape}, labels {gold.shape} and {len(labels)} names, expected [records, names]",
                path=self.path / RESULTS, field=PREDICTED,
            )  # fmt: skip
        return {"logits": logits, "labels": gold, "label_list": labels, "multi_label": np.array(True)}

    def predictions(self, split: str) -> list[dict[str, Any]]:
        """Names of the predicted (logit above 0) and gold labels of each record."""
        arrays = self.arrays(split)
        if not arrays:
            return []
        pairs = zip(predicted_labels(arrays["logits"]), arrays["labels"], strict=True)
        return [
            {"id": str(number), "predicted": _names(guess, arrays["label_list"]), "gold": _names(truth, arrays["label_list"])}
            for number, (guess, truth) in enumerate(pairs)
        ]


def is_thesis_run(results: Mapping[str, Any]) -> bool:
    """Whether a `results.json` was written by the thesis tools."""
    return PREDICTED in results and _CONFIGURATIONS in results


def thesis_run(folder: Path, results: Mapping[str, Any]) -> ThesisRun:
    """The run in a folder, as ours would be recorded. Epochs are counted from 1, and losses are those of whole updates.

    Raises:
        DataError: the labels and logits do not belong together.
    """
    given = results[_CONFIGURATIONS].get("log_parameters") or {}
    settings = {_SETTINGS.get(name, name): value for name, value in given.items() if name not in _NO_SETTINGS}
    config = {"task": "entity-typing", "model": given.get("model_file"), "settings": settings}
    best = results.get("best_epoch")
    scores: dict[str, Any] = {"metric": "micro_f1", "examples": given.get("training_samples")}
    scores |= {"best_epoch": None if best is None else best + 1}
    predicted = results[PREDICTED]
    for split in ("dev", "test"):
        scores[split] = {f"micro_{name}": results[f"{split}_{name}"] for name in _METRICS if f"{split}_{name}" in results}
    status = {"status": "done", "kind": "finetuning"}
    found = ThesisRun(folder, "done", status, config, scores, list(_rows(results, given)), predicted=predicted)
    tables = {}
    for split in ("dev", "test"):
        if arrays := found.arrays(split):
            labels = [str(name) for name in arrays["label_list"]]
            tables[split] = {"per_label": per_label(predicted_labels(arrays["logits"]), arrays["labels"], labels)}
    scores["tables"] = tables
    return found


def _rows(results: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Lines of metrics: the losses of the updates, then the dev scores of the epochs."""
    group = int(given.get("gradient_accumulation_steps") or 1)
    losses = results.get("training_loss") or []
    updates = [sum(losses[start : start + group]) for start in range(0, len(losses) - len(losses) % group, group)]
    numbers = sorted(
        int(name.removeprefix("dev_f1_epoch")) for name in results if name.removeprefix("dev_f1_epoch").isdecimal()
    )  # fmt: skip
    per_epoch = len(updates) / max(1, len(numbers))
    for step, loss in enumerate(updates, 1):
        yield {"step": step, "split": "train", "epoch": round(step / per_epoch, 6), "loss": loss}
    for number, name in [(0, "_epoch_no_training"), *((number + 1, f"_epoch{number}") for number in numbers)]:
        values = {f"micro_{metric}": results[f"dev_{metric}{name}"] for metric in _METRICS if f"dev_{metric}{name}" in results}
        if values:
            yield {"step": round(number * per_epoch), "split": "dev", "epoch": number, **values}


def write_thesis_results(run: RecordedRun, folder: Path) -> bool:
    """Write a run's `results.json` in the layout of the thesis tools; False if it does not predict classes with logits.

    The loss of an update, which is the mean of its micro-batches, is divided equally among them.

    Raises:
        DataError: the losses of the updates cannot be read.
    """
    parts: dict[str, Any] = {}
    results: dict[str, Any] = {}
    for row in run.rows:
        if row.get("split") == "dev" and float(row.get("epoch") or 0).is_integer() and row.get("epoch") is not None:
            epoch = int(row["epoch"])
            name = f"_epoch{epoch - 1}" if epoch else "_epoch_no_training"
            results |= {f"dev_{metric}{name}": row[f"micro_{metric}"] for metric in _METRICS if f"micro_{metric}" in row}
    if run.results.get("best_epoch") is not None:
        results["best_epoch"] = run.results["best_epoch"] - 1
    for split in ("dev", "test"):
        arrays = run.arrays(split)
        if not {"logits", "labels", "label_list"} <= set(arrays):
            continue
        labels = [str(name) for name in arrays["label_list"]]
        gold = arrays["labels"] if arrays["labels"].ndim == 2 else arrays["labels"][:, None] == np.arange(len(labels))
        scores = micro(predicted_labels(arrays["logits"]), gold)
        results |= {f"{split}_{name}": getattr(scores, name) for name in _METRICS}
        parts["label_list"] = labels
        parts[split] = {"predict_logits": arrays["logits"].tolist(), "true_labels": gold.astype(int).tolist()}
    if not parts:
        return False
    names = {ours: theirs for theirs, ours in _SETTINGS.items()}
    parameters = {names.get(name, name): value for name, value in run.settings.items()}
    results[_CONFIGURATIONS] = {"log_parameters": parameters, "model_config": {}}
    results[PREDICTED] = parts
    batches = int(run.settings.get("gradient_accumulation_steps") or 1)
    results["training_loss"] = [loss / batches for loss in _losses(run) for _ in range(batches)]
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / RESULTS, results)
    return True


def _losses(run: RecordedRun) -> Sequence[float]:
    path = run.path / "train_loss.npy"
    return [float(value) for value in losses_in(path)] if path.is_file() else []


def _names(chosen: np.ndarray, labels: np.ndarray) -> list[str]:
    return [str(name) for name in labels[chosen]]

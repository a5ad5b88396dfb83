"""A toy task for the engine of fine-tuning: one linear layer over three features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from loreweave.metrics.multilabel import micro, predicted_labels
from loreweave.training.evaluation import Evaluation
from loreweave.training.finetuning import EvaluationSet, FinetuningJob, finetune
from loreweave.training.losses import binary_cross_entropy
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill, to_dict
from loreweave.training.settings.finetuning import FinetuningConfig
from loreweave.training.task_model import TaskModel


class ToyModel(PreTrainedModel):
    """One linear layer with dropout over three features."""

    config_class = PretrainedConfig
    main_input_name = "x"

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__(config)
        self.dropout = nn.Dropout(0.3)
        self.classifier = nn.Linear(3, 2)
        self.post_init()

    def forward(self, x: Tensor) -> SequenceClassifierOutput:
        return SequenceClassifierOutput(logits=self.classifier(self.dropout(x)))


@dataclass
class ToyExample:
    x: list[float]
    y: list[float]
    length: int = 1


def toy_examples(count: int, seed: int) -> list[ToyExample]:
    values = np.random.default_rng(seed).normal(size=(count, 3)).round(3)
    return [ToyExample(row.tolist(), [float(row[0] > 0), float(row[1] + row[2] > 0)]) for row in values]


class ToyEncoding:
    """Examples as they are."""

    def encode(self, records: Sequence[Any], labels: Sequence[str] | None = None) -> list[Any]:
        return list(records)

    def collate(self, examples: list[ToyExample]) -> dict[str, Tensor]:
        return {"x": torch.tensor([e.x for e in examples]), "labels": torch.tensor([e.y for e in examples])}

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> list[np.ndarray]:
        return list(output.logits.float().cpu().numpy())

    def join(self, examples: Sequence[Any], outputs: list[np.ndarray]) -> list[np.ndarray]:
        return outputs

    def report(self) -> str:
        return ""

    def save_pretrained(self, folder: Path) -> None:
        """There is no tokenizer."""


def evaluation_set(examples: list[ToyExample]) -> EvaluationSet:
    gold = np.array([example.y for example in examples])

    def score(outputs: list[np.ndarray]) -> Evaluation:
        logits = np.stack(outputs)
        rows = [{"logits": row.tolist()} for row in logits]
        return Evaluation({"micro_f1": micro(predicted_labels(logits), gold).f1}, rows, {"logits": logits})

    return EvaluationSet(examples, score)


def toy_job(train: int = 33) -> FinetuningJob:
    torch.manual_seed(0)
    model = ToyModel(PretrainedConfig())
    return FinetuningJob(
        built=TaskModel(model, ToyEncoding(), binary_cross_entropy),
        examples=toy_examples(train, 1),
        load=load,
        metric="micro_f1",
        dev=evaluation_set(toy_examples(40, 2)),
        test=evaluation_set(toy_examples(30, 3)),
    )


def load(path: Path, base: str | None = None, labels: Sequence[str] | None = None) -> TaskModel:
    return TaskModel(ToyModel.from_pretrained(path), ToyEncoding(), binary_cross_entropy)


def with_loss(job: FinetuningJob, loss: Callable[..., Tensor]) -> FinetuningJob:
    """The job with another loss."""
    return replace(job, built=replace(job.built, loss=loss))


CONFIG = fill(FinetuningConfig, {"epochs": 4, "device": "cpu", "optimizer": {"learning_rate": 0.05}})


def run(path: Path, config: FinetuningConfig = CONFIG, job: FinetuningJob | None = None, **kwargs: Any) -> dict[str, Any]:
    record = RunRecord.create(path, "finetuning", to_dict(config), command=["loreweave", "finetune", "toy"])
    return finetune(job or toy_job(), config, record, report=lambda line: None, **kwargs)

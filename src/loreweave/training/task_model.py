"""A task's part for the engine: a model with its encoding and its loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from loreweave.training.class_names import label_names
from loreweave.training.evaluation import Evaluation, Outputs

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from loreweave.training.inference import Batch


class Encoding(Protocol):
    """Converts records to a model's tensors, and the model's outputs back: one for each combination of task and head."""

    def encode(self, records: Sequence[Any], labels: Sequence[str] | None = None) -> list[Any]:
        """Examples in the order of the records; each has a `length`. Without `labels` they have no gold labels.

        A record may give several examples, such as the parts of a long text.
        """

    def collate(self, examples: list[Any]) -> Batch:
        """Padded tensors, with `labels` if the examples have gold labels."""

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """One array per example of a batch."""

    def join(self, examples: Sequence[Any], outputs: Outputs) -> Outputs:
        """One array per record from one array per example."""

    def report(self) -> str:
        """Counts of what was truncated so far, in words; empty if nothing was."""

    def save_pretrained(self, folder: Path) -> None:
        """Save the tokenizer's files."""


@dataclass(frozen=True)
class TaskModel:
    """A model for a task with its encoding and its loss.

    Attributes:
        model: a model of transformers. Its `config.id2label` lists the labels, if the task has labels.
        encoding: records to tensors, and outputs back.
        loss: (outputs, labels, num_items_in_batch) -> scalar; see `training.losses`. The task chooses it; the engine has no
            default, so that a number is never trained as a probability.
        scorer: replaces the task's `score` if it depends on the checkpoint (a threshold).
        answerer: replaces the task's `answer` for the same reason.
        keeps_head: whether training goes on with the head of the source, instead of with a new one.
        metric: replaces the task's metric that selects an epoch if the model has another one (numbers instead of classes).
    """

    model: PreTrainedModel
    encoding: Encoding
    loss: Callable[..., Tensor]
    scorer: Callable[..., Evaluation] | None = None
    answerer: Callable[..., list[dict[str, Any]]] | None = None
    metric: str | None = None
    keeps_head: bool = False

    @property
    def labels(self) -> list[str]:
        """Label names by class number."""
        return label_names(self.model.config)

    def prepare(self, examples: Sequence[Any]) -> str:
        """Adapt the untrained model to its training examples; returns what was done, in words, or nothing."""
        return ""

    def begin_epoch(self, examples: Sequence[Any], epoch: int, resumed: bool) -> None:
        """Called in each process before a pass over the training examples; most models have nothing to do.

        Args:
            examples: all training examples.
            epoch: number of the pass, from 0.
            resumed: whether the pass goes on after a checkpoint, whose weights the model has.
        """

    def configure(self, settings: Any) -> None:
        """Take settings of an evaluation or prediction that change how inputs are read; most models have none."""

    def tune(self, records: Sequence[Any], examples: Sequence[Any], outputs: Outputs) -> None:
        """Choose on dev data how outputs become predictions; most models have nothing to choose."""

    def decision(self) -> dict[str, float]:
        """Values that were chosen on dev data, for the results; the checkpoint stores them too."""
        return {}

    def decide(self, decision: Mapping[str, float]) -> None:
        """Take what another model of the same kind has chosen."""

    def save_pretrained(self, folder: Path) -> None:
        """Save a Hugging Face folder."""
        self.model.save_pretrained(folder)
        self.encoding.save_pretrained(folder)

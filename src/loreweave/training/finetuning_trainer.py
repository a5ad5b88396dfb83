"""Thin Trainer of fine-tuning and its callbacks: our batches and optimizer, evaluation after every epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from loreweave.errors import LoreweaveError
from loreweave.models.head_settings import IGNORED
from loreweave.training.batches import EpochBatches
from loreweave.training.optimizers import build_optimizer, build_schedule
from loreweave.training.runs.record import RunRecord
from loreweave.training.runs.whole_checkpoints import WholeCheckpoints
from loreweave.training.settings.optimizer import OptimizerConfig, ScheduleConfig
from loreweave.training.task_model import TaskModel


class FinetuningTrainer(WholeCheckpoints):
    """Trains on the micro-batches of `batches`; the loss of an update is divided by its labels in all processes."""

    kept = 1

    def __init__(
        self,
        built: TaskModel,
        examples: Sequence[Any],
        batches: EpochBatches,
        arguments: TrainingArguments,
        optimizer: OptimizerConfig,
        schedule: ScheduleConfig,
        record: RunRecord,
        callbacks: list[TrainerCallback],
    ) -> None:
        super().__init__(
            model=built.model,
            args=arguments,
            train_dataset=examples,
            data_collator=built.encoding.collate,
            compute_loss_func=built.loss,
            callbacks=callbacks,
        )
        self.remove_callback(PrinterCallback)
        self.model_accepts_loss_kwargs = False  # the loss is ours, even for a model whose forward takes **kwargs
        self.built, self.batches, self.record = built, batches, record
        self.optimizer_config, self.schedule_config = optimizer, schedule
        self.resumed_at = 0
        self._losses: list[Tensor] = []
        self._update_loss: Tensor | None = None

    def get_train_dataloader(self) -> DataLoader:
        """Our batches; `EpochBatches` distributes them to the processes, so accelerate must not."""
        assert self.train_dataset is not None
        return DataLoader(self.train_dataset, batch_sampler=self.batches, collate_fn=self._collate)

    def _collate(self, examples: list[Any]) -> dict[str, Tensor]:
        """An empty batch becomes an example whose labels are ignored, since DDP needs a pass in every process."""
        if examples:
            return self.data_collator(examples)
        assert self.train_dataset is not None
        batch = self.data_collator([self.train_dataset[0]])
        return batch | {"labels": torch.full_like(batch["labels"], IGNORED)}

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW over the trained parameters."""
        if self.optimizer is None:
            trained = model or self.model
            assert trained is not None
            encoder = f"{self.built.model.base_model_prefix}."
            self.optimizer = build_optimizer(trained.named_parameters(), self.optimizer_config, encoder)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None) -> LRScheduler:
        """The recipe's schedule over all updates."""
        if self.lr_scheduler is None:
            scheduled = optimizer or self.optimizer
            assert scheduled is not None
            self.lr_scheduler = build_schedule(scheduled, self.schedule_config, num_training_steps)
        return self.lr_scheduler

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """One micro-step; the losses of an update's micro-steps add up to its true loss."""
        loss = super().training_step(model, inputs, num_items_in_batch)
        self._update_loss = loss if self._update_loss is None else self._update_loss + loss
        if self.accelerator.sync_gradients:
            self._losses.append(self._update_loss)
            self._update_loss = None
        return loss

    def take_losses(self) -> list[float]:
        """The loss of each update since the last call, averaged over processes."""
        if not self._losses:
            return []
        losses = torch.stack(self._losses).float()
        if self.args.world_size > 1:
            losses = self.accelerator.reduce(losses, reduction="mean")
        self._losses = []
        if not losses.isfinite().all():
            raise LoreweaveError(f"a loss before step {self.state.global_step} is not finite: lower the learning rate")
        return [float(loss) for loss in losses]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Write the line to the run record; stop at a loss that is not finite."""
        if "loss" in logs:
            self._complete(logs)
            if not math.isfinite(logs["loss"]):
                step = self.state.global_step
                raise LoreweaveError(f"the loss is {logs['loss']} at step {step}: lower the learning rate")
            kept = {name: logs[name] for name in ("loss", "learning_rate", "grad_norm") if name in logs}
            self.record.log(step=self.state.global_step, epoch=self.state.epoch, split="train", **kept)
        super().log(logs, start_time)

    def _complete(self, logs: dict[str, float]) -> None:
        """Correct the first line after a resumption: the mean includes earlier updates, which transformers does not know."""
        step, first = self.state.global_step, self.resumed_at
        self.resumed_at = 0
        earlier = first % int(self.args.logging_steps)
        before = self.record.train_loss()[first - earlier : first] if earlier else []
        if before and step > first:
            logs["loss"] = (logs["loss"] * (step - first) + sum(before)) / (step - first + len(before))


class AfterEachEpoch(TrainerCallback):
    """Sets the epoch of the batches; calls `evaluate(epoch, step)` before training and after every whole epoch.

    `evaluate` returns whether to stop early. `begin(epoch, resumed)` is called before every pass over the data; `resumed` says
    that the pass goes on after a checkpoint.
    """

    def __init__(
        self,
        batches: EpochBatches,
        updates_per_epoch: int,
        evaluate: Callable[[int, int], bool],
        begin: Callable[[int, bool], None],
    ) -> None:
        self.batches, self.updates_per_epoch, self.evaluate, self.begin = batches, updates_per_epoch, evaluate, begin

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Evaluate epoch 0, unless the run is resumed."""
        if state.global_step == 0:
            self.evaluate(0, 0)

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Set the epoch from the updates done, since the data loader does not reliably pass it on."""
        self.batches.epoch, done = divmod(state.global_step, self.updates_per_epoch)
        self.begin(self.batches.epoch, done > 0)

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> TrainerControl:
        """Evaluate, unless the pass was interrupted."""
        epoch, rest = divmod(state.global_step, self.updates_per_epoch)
        if rest == 0 and self.evaluate(epoch, state.global_step):
            control.should_training_stop = True
        return control

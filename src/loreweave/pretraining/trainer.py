"""Thin Trainer of pre-training: named losses over global target counts, the papers' optimizer, safe checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import SequentialSampler
from transformers import TrainingArguments

from loreweave.errors import LoreweaveError
from loreweave.objectives import Batch
from loreweave.pretraining.configuration import LossScaleConfig
from loreweave.pretraining.metrics import metric_name, metrics_of
from loreweave.pretraining.micro_steps import MicroSteps
from loreweave.pretraining.model import PretrainingModel
from loreweave.training.optimizers import build_optimizer, build_schedule
from loreweave.training.quiet import quiet
from loreweave.training.runs.record import RunRecord
from loreweave.training.runs.whole_checkpoints import WholeCheckpoints
from loreweave.training.settings.optimizer import OptimizerConfig, ScheduleConfig

EXTRA_HEADS = "objective_heads.safetensors"


def take_only(items: list[Batch]) -> Batch:
    """Collation: an item of the stream is already a whole micro-batch."""
    (batch,) = items
    return batch


def build_scaler(device: str, config: LossScaleConfig) -> torch.amp.GradScaler:
    """Dynamic loss scaling of fp16, instead of accelerate's, which has no settings through the Trainer."""
    return torch.amp.GradScaler(device, init_scale=config.initial, growth_interval=config.growth_interval)


class PretrainingTrainer(WholeCheckpoints):
    """Trains a `PretrainingModel` on micro-batches of `MicroSteps`.

    The loss of an update is the sum over objectives of weight x (sum of losses / number of targets), both over all processes
    and accumulation steps, so neither changes the result (except for losses over a micro-batch as a whole).
    Each objective's loss and accuracy is logged by name: the mean over the updates in which it had targets.
    """

    model: PretrainingModel

    def __init__(
        self,
        model: PretrainingModel,
        stream: MicroSteps,
        arguments: TrainingArguments,
        optimizer: OptimizerConfig,
        schedule: ScheduleConfig,
        record: RunRecord,
        loss_scale: LossScaleConfig | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(model=model, args=arguments, train_dataset=stream, data_collator=take_only, **kwargs)
        if self.accelerator.scaler is not None:
            self.accelerator.scaler = build_scaler(arguments.device.type, loss_scale or LossScaleConfig())
        self.record = record
        self.optimizer_config = optimizer
        self.schedule_config = schedule
        self.stream = stream
        self.epochs_per_update = 0.0  # set by the run, which knows the size of its data
        self.objectives = model.objectives
        # The Trainer must neither divide by accumulation steps nor look for labels: `compute_loss` does it by target counts.
        self.model_accepts_loss_kwargs = True
        self._sums: dict[str, Tensor] = {}
        self._with_targets = torch.zeros(len(model.objectives), device=arguments.device)  # [objectives], number of updates
        self._first_summed = 0

    def _get_train_sampler(self, *args: Any) -> SequentialSampler:
        return SequentialSampler(self.stream)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW over the parameters that the stage trains."""
        if self.optimizer is None:
            self.optimizer = build_optimizer(self.model.parameters_by_part(), self.optimizer_config)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None) -> LRScheduler:
        """The recipe's schedule over the updates of the run."""
        if self.lr_scheduler is None:
            optimizer = optimizer or self.create_optimizer()
            self.lr_scheduler = build_schedule(optimizer, self.schedule_config, num_training_steps)
        return self.lr_scheduler

    def get_batch_samples(
        self, epoch_iterator: Iterator[Batch], num_batches: int, device: torch.device
    ) -> tuple[list[Batch], Any]:
        """Micro-batches of one update, and the number of targets of each objective in all processes."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        local = [[o.count_targets(batch[o.name]).to(device) for o in self.objectives] for batch in batches]
        counts = torch.stack([torch.stack(found) for found in local]).float().sum(0)  # [objectives]
        if self.args.world_size > 1:
            counts = self.accelerator.reduce(counts, reduction="sum")
        self._with_targets += counts > 0
        return batches, {o.name: count for o, count in zip(self.objectives, counts.clamp_min(1), strict=True)}

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """This process's share of the update's loss, times the number of processes that DDP averages over."""
        sums = model(**inputs)
        shares: dict[str, Tensor] = {}
        for objective in self.objectives:
            scale = self.args.world_size / num_items_in_batch[objective.name]
            shares |= {metric_name(objective.name, key): value * scale for key, value in sums[objective.name].items()}
        loss = sum(objective.weight * shares[metric_name(objective.name, "loss")] for objective in self.objectives)
        assert isinstance(loss, Tensor)
        self._add_up(shares | {"loss": loss})
        return (loss, sums) if return_outputs else loss

    def _add_up(self, shares: Mapping[str, Tensor]) -> None:
        if not self._sums:  # not 0: a resumed run begins in the middle
            self._first_summed = self.state.global_step
        for name, share in shares.items():
            value = share.detach().float()
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def state_to_keep(self) -> dict[str, Any]:
        """Sums since the last log line, so that the next one has the mean of all its updates."""
        return {
            "first_summed": self._first_summed,
            "sums": {name: float(value) for name, value in self._sums.items()},
            "with_targets": self._with_targets.tolist(),
        }

    def take_state(self, states: Sequence[Mapping[str, Any]]) -> None:
        """This process's own sums; the mean of all if the number of processes has changed."""
        if "with_targets" not in states[0]:  # of an older version: the next log line has the updates from here on
            return
        same = len(states) == self.accelerator.num_processes
        taken = [states[self.accelerator.process_index]] if same else states
        self._first_summed = taken[0]["first_summed"]
        self._with_targets = torch.tensor(taken[0]["with_targets"], dtype=torch.float32, device=self.args.device)
        for name in taken[0]["sums"]:
            mean = sum(state["sums"][name] for state in taken) / len(taken)
            self._sums[name] = torch.tensor(mean, dtype=torch.float32, device=self.args.device)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Replace the loss by the mean of all updates since the last line (transformers' forgets those before a resumption)
        and add each objective's loss and accuracy; stop at a loss that is not finite."""
        self.state.epoch = self.state.global_step * self.epochs_per_update
        if "loss" in logs and self._sums:
            values = torch.stack(list(self._sums.values()))
            if self.args.world_size > 1:
                values = self.accelerator.reduce(values, reduction="mean")
            logs |= self._means(dict(zip(self._sums, values.tolist(), strict=True)))
            self._sums.clear()
            self._with_targets.zero_()
            if not torch.isfinite(values).all():
                raise LoreweaveError(f"the loss is not finite at step {self.state.global_step}: {logs}")
        super().log(logs, start_time)

    def _means(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Means of sums over updates; those of an objective without targets are left out."""
        means = {"loss": sums["loss"] / (self.state.global_step - self._first_summed)}
        for objective, updates in zip(self.objectives, self._with_targets.tolist(), strict=True):
            own = metrics_of(objective.name, sums) if updates else {}
            means |= {metric_name(objective.name, key): value / updates for key, value in own.items()}
        return means

    def _save(self, output_dir: str | None = None, state_dict: Mapping[str, Tensor] | None = None) -> None:
        """Save the inner model as a Hugging Face folder, and the objectives' own heads next to it."""
        from safetensors.torch import save_file

        if not self.args.should_save:  # transformers asks every process
            return
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        state = state_dict if state_dict is not None else self.model.state_dict()
        inner = {name.removeprefix("model."): t for name, t in state.items() if name.startswith("model.")}
        if self.model.model is not None:
            with quiet():
                self.model.model.save_pretrained(folder, state_dict=inner)
        extra = {name: t.contiguous() for name, t in state.items() if name.startswith("extra_heads.")}
        if extra:
            save_file(extra, folder / EXTRA_HEADS)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        from safetensors.torch import load_file

        folder = Path(resume_from_checkpoint)
        tensors = {}
        if self.model.model is not None:
            tensors = {f"model.{name}": t for name, t in load_file(folder / "model.safetensors").items()}
        if (folder / EXTRA_HEADS).exists():
            tensors |= load_file(folder / EXTRA_HEADS)
        missing, unexpected = self.model.load_state_dict(tensors, strict=False)
        tied = {f"model.{name}" for name in getattr(self.model.model, "_tied_weights_keys", None) or ()}
        if unexpected or set(missing) - tied:
            raise LoreweaveError(f"{folder} does not fit the model: missing {missing}, unexpected {unexpected}")

"""Generic engine of fine-tuning: a task provides a model, examples and a scorer."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from tqdm.auto import tqdm
from transformers import TrainingArguments

from loreweave.corpus.counts import counted
from loreweave.errors import ConfigurationError, DataError
from loreweave.random_streams import process_seed
from loreweave.training import retention
from loreweave.training.batches import EpochBatches
from loreweave.training.devices import autocast, choose_attention, training_device
from loreweave.training.evaluation import Evaluation, Outputs
from loreweave.training.finetuning_trainer import AfterEachEpoch, FinetuningTrainer
from loreweave.training.inference import move, run_model
from loreweave.training.progress import UpdateProgress, say_line
from loreweave.training.quiet import quiet
from loreweave.training.retention import RULES
from loreweave.training.runs.checkpoints import step_of
from loreweave.training.runs.endings import Interrupted
from loreweave.training.runs.interruption import StopOnInterrupt
from loreweave.training.runs.record import RunRecord
from loreweave.training.runs.whole_checkpoints import check_finite, check_room, point_to_resume, save_whole
from loreweave.training.settings.finetuning import EngineSettings, check_selection
from loreweave.training.task_model import TaskModel

AfterEpoch = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class EvaluationSet:
    """Encoded records.

    Attributes:
        examples: the encoded records.
        score: scores a model's outputs over them (one array per example).
        tune: for dev data, chooses how outputs become predictions, before these outputs are scored; see `TaskModel.tune`.
    """

    examples: Sequence[Any]
    score: Callable[[Outputs], Evaluation]
    tune: Callable[[Outputs], None] | None = None


@dataclass(frozen=True, kw_only=True)
class FinetuningJob:
    """A task's part for the engine.

    Attributes:
        built: the model to train, with its encoding and its loss. The model is called with a batch without its `labels`.
        examples: training examples; each has a `length`.
        load: loads a saved model.
        metric: the dev metric that selects the epoch.
        dev: data to select the epoch on, if any.
        test: data to score the kept weights on, if any.
    """

    built: TaskModel
    examples: Sequence[Any]
    load: Callable[[Path], TaskModel]
    metric: str
    dev: EvaluationSet | None = None
    test: EvaluationSet | None = None


def finetune(
    job: FinetuningJob,
    config: EngineSettings,
    record: RunRecord,
    *,
    report: Callable[[str], None] | None = None,
    after_epoch: AfterEpoch | None = None,
) -> dict[str, Any]:
    """Train, evaluate after every epoch, keep the best (or last) weights, and score them.

    Args:
        job: the task's part.
        config: the settings.
        record: the run's folder, created by the caller; a resumed one continues from its last checkpoint.
        report: called with one line per event. Default: print to standard error.
        after_epoch: called with each row of `epochs` in `results.json`, after its weights are stored. It may raise `Pruned`.

    Returns:
        The content of `results.json`.

    Raises:
        ConfigurationError: no data to select on, no update in an epoch, or an unavailable device or precision.
        Interrupted: Ctrl-C; a checkpoint is kept, and the message has the command to resume.
    """
    check_selection(config, has_dev=job.dev is not None, has_test=job.test is not None)
    with record.watch():
        if config.tensorboard:
            record.open_tensorboard()
        run = _Run(job, config, record, report or say_line, after_epoch)
        check_room(job.built.model, record)
        record.keep_inputs(run.derived)
        run.train()
        results = run.results()
        record.finish(results)
    return results


@dataclass
class _Run:
    """State of one call of `finetune`."""

    job: FinetuningJob
    config: EngineSettings
    record: RunRecord
    report: Callable[[str], None]
    after_epoch: AfterEpoch | None = None
    epochs: list[dict[str, Any]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    updates: int = 0
    noted: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        config = self.config
        processes, process = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        per_update = config.gradient_accumulation_steps
        self.batches = EpochBatches(
            [example.length for example in self.job.examples],
            config.batch_size,
            config.order_seed,
            by_length=config.bucket_by_length,
            multiple_of=per_update * processes if config.leftover == "drop" else 1,
            processes=processes,
            process=process,
        )
        self.updates_per_epoch = -(-len(self.batches) // per_update)
        if not self.job.examples:
            raise DataError("found no training example: every record was left out, for the reasons that are listed above")
        if self.updates_per_epoch == 0:
            examples = counted(len(self.job.examples), "training example does", "training examples do")
            raise ConfigurationError(
                f"{examples} not fill an update of {config.batch_size} x {per_update} x "
                f"{counted(processes, 'process', 'processes')}: use leftover=flush, or a smaller batch_size or "
                "gradient_accumulation_steps"
            )
        self.last_epoch = self._epochs_asked()
        arguments = _arguments(config, self.record, processes, self.last_epoch)
        autocast(arguments.device, config.precision)  # refuses unsupported formats before any work
        choose_attention(self.job.built.model, arguments.device, config.precision)
        self.interruption = StopOnInterrupt()
        self.trainer = FinetuningTrainer(
            self.job.built, self.job.examples, self.batches, arguments,
            config.optimizer, config.schedule, self.record,
            [
                AfterEachEpoch(self.batches, self.updates_per_epoch, self._after_epoch, self._begin_epoch),
                self.interruption,
                UpdateProgress(),
            ],
        )  # fmt: skip

    def derived(self) -> dict[str, int]:
        """Values that follow from data, settings and processes, and must be the same when the run is resumed."""
        per_update = self.config.batch_size * self.config.gradient_accumulation_steps * self.trainer.args.world_size
        return {
            "training examples": len(self.job.examples),
            "examples of an update (batch_size x gradient_accumulation_steps x processes)": per_update,
            "updates of an epoch": self.updates_per_epoch,
            "epochs": self.last_epoch,
        }

    def _epochs_asked(self) -> int:
        """`epochs`, or more if they have fewer updates than `min_updates`."""
        least = -(-(self.config.min_updates or 0) // self.updates_per_epoch)
        if least <= self.config.epochs:
            return self.config.epochs
        self.report(
            f"epochs: {least} instead of {self.config.epochs}, because an epoch has "
            f"{counted(self.updates_per_epoch, 'update')} and min_updates={self.config.min_updates} "
            f"(min_updates=null keeps to {self.config.epochs})"
        )
        return least

    def train(self) -> None:
        """All epochs, from the start or from the last checkpoint."""
        checkpoint, lines = point_to_resume(self.record)
        step = step_of(checkpoint) if checkpoint else 0
        for line in lines:
            self.report(line)
        if self.record.resumed:
            self.losses = self.record.train_loss()[:step]
            self.epochs = _epochs_of([row for row in self.record.metrics() if row["step"] <= step])
        self.updates = self.trainer.resumed_at = step
        if self._has_lost_patience():
            return  # stopped after it had trained, before it had scored
        torch.manual_seed(process_seed(self.config.seed, self.trainer.args.process_index))
        try:
            with quiet(warnings=True):
                self.trainer.train_from(checkpoint)
        finally:
            self.interruption.restore()
        state = self.trainer.state
        self.updates = state.global_step
        self._note_losses()
        if self.interruption.interrupted and state.global_step < state.max_steps:
            again = self.record.resume_command()
            raise Interrupted(f"interrupted at update {state.global_step} of {state.max_steps}; to resume: {again}")

    def _note_losses(self) -> None:
        """Add the losses since the last call to the record."""
        self.losses += self.trainer.take_losses()
        self.record.save_train_loss(self.losses)

    def _mean_loss(self, step: int) -> float | None:
        """Mean loss of the epoch that ends with update `step`."""
        losses = self.losses[max(0, step - self.updates_per_epoch) : step]
        return sum(losses) / len(losses) if losses else None

    def _begin_epoch(self, epoch: int, resumed: bool) -> None:
        """Let the model prepare for a pass over the data."""
        self.job.built.begin_epoch(self.job.examples, epoch, resumed)

    def _after_epoch(self, epoch: int, step: int) -> bool:
        """Evaluate, keep the weights if they are the best, and say whether to stop."""
        if epoch == 0 and not self.config.evaluate_before_training:
            return False
        self._note_losses()
        loss = self._mean_loss(step)
        row: dict[str, Any] = {"epoch": epoch, "step": step} | ({"train_loss": loss} if loss is not None else {})
        if self.job.dev is not None:
            row["dev"] = self._evaluate(self.job.dev, "dev", epoch, step)
            if self.job.metric not in row["dev"]:
                raise ConfigurationError(f"setting 'metric': found {self.job.metric}, expected one of {', '.join(row['dev'])}")
        if self.job.test is not None and self.config.evaluate_test_every_epoch:
            row["test"] = self._evaluate(self.job.test, "test", epoch, step)
        decision = {"decision": self.job.built.decision()} if self.job.built.decision() else {}
        self.epochs.append(row | decision)
        self.record.log(step=step, epoch=epoch, split="epoch", train_loss=loss, **decision)
        self.report(self._describe(self.epochs[-1]))
        if epoch > 0 and self._kept()["epoch"] == epoch:
            self._save_model()
        if self.after_epoch is not None:
            self.after_epoch(self.epochs[-1])
        if self._has_lost_patience():
            best = self._best_on_dev()["epoch"]
            self.report(f"stopped early, by patience={self.config.patience}: epoch {best} has the best dev {self.job.metric}")
            return True
        return False

    def _evaluate(self, data: EvaluationSet, split: str, epoch: int, step: int) -> dict[str, float]:
        evaluation = self._score(self.job.built, data, split)
        self.record.log(epoch=epoch, step=step, split=split, **evaluation.metrics)
        name = f"{split}_epoch{epoch}"
        self._save_predictions(name, evaluation)
        return evaluation.metrics

    def _save_predictions(self, name: str, found: Evaluation) -> None:
        self.record.save_predictions(name, found.arrays, found.predictions, found.tables, found.files)

    def _score(self, scored: TaskModel, data: EvaluationSet, split: str) -> Evaluation:
        """Each process runs its part of the examples; all receive all outputs."""
        encoding = scored.encoding  # that of another model may know what this model does not have
        accelerator = self.trainer.accelerator
        mine = range(accelerator.process_index, len(data.examples), accelerator.num_processes)
        hidden = not (sys.stderr.isatty() and accelerator.is_main_process)
        with tqdm(total=len(mine), desc=split, leave=False, disable=hidden, file=sys.stderr) as bar:
            outputs = run_model(
                scored.model, [data.examples[index] for index in mine], encoding.collate, encoding.unpack,
                batch_size=self.config.eval_batch_size, precision=self.config.precision, advance=bar.update,
            )  # fmt: skip
        pairs = list(zip(mine, outputs, strict=True))
        if accelerator.num_processes > 1:
            pairs = sorted(gather_object(pairs), key=lambda pair: pair[0])
        every = [output for _, output in pairs]
        notes = []
        if data.tune is not None:
            data.tune(every)
            notes = [
                f"{name} is chosen on these data, so that their scores are too high; data of a test file show the model's"
                for name in self.job.built.decision()
            ]
        evaluation = data.score(every)
        for note in [*notes, *evaluation.notes]:
            if (split, note) not in self.noted:  # once, not after every epoch
                self.noted.add((split, note))
                self.report(f"{split}: {note}")
        return evaluation

    def _save_model(self) -> None:
        if self.trainer.accelerator.is_main_process:
            step = self.trainer.state.global_step
            check_finite(self.job.built.model, None, f"step {step}", self.record)
            with quiet(warnings=True):
                save_whole(self.job.built.save_pretrained, self.record)
        self.trainer.accelerator.wait_for_everyone()

    def _kept(self) -> Mapping[str, Any]:
        """Epoch whose weights are kept, by the rule of the settings."""
        return RULES[self.config.keep].choose(self.epochs, self.job.metric)

    def _best_on_dev(self) -> Mapping[str, Any]:
        return retention.best(self.epochs, self.job.metric)

    def _has_lost_patience(self) -> bool:
        """Whether as many epochs as `patience` have passed since the best one."""
        last = self.epochs[-1]["epoch"] if self.epochs else 0
        patience = self.config.patience
        return patience is not None and last > 0 and last - self._best_on_dev()["epoch"] >= patience

    def results(self) -> dict[str, Any]:
        """Score the kept weights on the test data and summarise."""
        best = self._kept()
        results: dict[str, Any] = {"best_epoch": best["epoch"], "kept": self.config.keep, "metric": self.job.metric}
        results |= {"updates": self.updates, "examples": len(self.job.examples)} | best.get("decision", {})
        if best.get("decision"):
            results["chosen_on_dev"] = sorted(best["decision"])  # so that the scores on dev are too high
        tables: dict[str, Any] = {}
        if self.job.dev is not None:
            results["dev"] = best["dev"]
            self.record.keep_predictions(f"dev_epoch{best['epoch']}", "dev")
            tables["dev"] = self.record.tables("dev")
        if self.job.test is not None:
            with quiet():
                kept = self.job.load(self.record.model_path)
            move(kept.model, self.trainer.args.device)
            self.job.built.decide(kept.decision())
            evaluation = self._score(kept, self.job.test, "test")
            self.record.log(epoch=best["epoch"], step=best["step"], split="test_kept", **evaluation.metrics)
            self._save_predictions("test", evaluation)
            results["test"], tables["test"] = evaluation.metrics, evaluation.tables
        results |= {"tables": tables, "epochs": self.epochs}
        return results

    def _describe(self, row: Mapping[str, Any]) -> str:
        parts = [f"epoch {row['epoch']}/{self.last_epoch}"]
        if "train_loss" in row:
            parts.append(f"loss {row['train_loss']:.4f}")
        for split in ("dev", "test"):
            if self.job.metric in row.get(split, {}):
                parts.append(f"{split} {self.job.metric} {row[split][self.job.metric]:.4f}")
        parts += [f"{name} {value:g}" for name, value in row.get("decision", {}).items()]
        return "  ".join(parts)


def _epochs_of(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Epochs that an earlier part of the run has finished, according to its metrics."""
    epochs: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row["split"] not in ("dev", "test", "epoch"):
            continue
        epoch = epochs.setdefault(row["epoch"], {"epoch": row["epoch"], "step": row["step"]})
        values = {name: value for name, value in row.items() if name not in ("epoch", "step", "split")}
        if row["split"] != "epoch":
            epoch[row["split"]] = values
        else:
            epoch |= {name: value for name, value in values.items() if value is not None}
    return [epochs[number] for number in sorted(epochs)]


def _arguments(config: EngineSettings, record: RunRecord, processes: int, epochs: int) -> TrainingArguments:
    device = training_device(config.device)
    arguments = TrainingArguments(
        output_dir=str(record.checkpoints_path),
        num_train_epochs=epochs,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        max_grad_norm=config.optimizer.max_grad_norm,
        bf16=config.precision == "bf16",
        fp16=config.precision == "fp16",
        use_cpu=device.type == "cpu",
        seed=config.seed,
        data_seed=config.order_seed,
        save_strategy="epoch" if config.checkpoints else "no",
        logging_steps=config.log_steps,
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        ddp_find_unused_parameters=processes > 1,  # poolers, and entity parts of a LUKE that sees words only
        disable_tqdm=True,
        report_to="none",
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # one process, one device: never nn.DataParallel
    return arguments

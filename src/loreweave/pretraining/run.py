"""A pre-training run from its configuration to the saved model."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed

from loreweave.build.pretraining_set import PretrainingSet, open_pretraining_set
from loreweave.checkpoints.fitting import untrained_modules
from loreweave.checkpoints.formats import hugging_face
from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import read_json
from loreweave.encoding import EntityTokenizer
from loreweave.objectives import WindowObjective
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.held_out import HeldOut, HeldOutMeasurement, open_held_out
from loreweave.pretraining.inputs import inputs_of
from loreweave.pretraining.metrics import metric_name
from loreweave.pretraining.micro_steps import (
    MicroSteps,
    build_stream,
    check_weights,
    cut_by_limits,
    epoch_and_update,
    number_of_updates,
)  # fmt: skip
from loreweave.pretraining.model import PretrainingModel, freeze, trained_parameters
from loreweave.pretraining.start import Start, start
from loreweave.pretraining.trainer import PretrainingTrainer
from loreweave.pretraining.watch import ObjectiveWatch
from loreweave.random_streams import process_seed
from loreweave.training.accelerators import pins_memory
from loreweave.training.devices import autocast, close_process_group, training_device
from loreweave.training.precision import with_settled_precision
from loreweave.training.progress import UpdateProgress, say_line
from loreweave.training.quiet import quiet
from loreweave.training.runs.checkpoints import step_of
from loreweave.training.runs.endings import Interrupted
from loreweave.training.runs.interruption import StopOnInterrupt
from loreweave.training.runs.record import RunRecord
from loreweave.training.runs.whole_checkpoints import check_finite, check_room, point_to_resume, save_whole
from loreweave.training.settings.configuration import to_dict
from loreweave.training.settings.fields import default_of

AfterLog = Callable[[int, Mapping[str, float]], None]


_ADDED = ("dev", "dev_steps")
"""Settings that runs of an earlier version do not have in their records."""


@dataclass
class PretrainingResult:
    """Result of a run: its folder, and the metrics of its last log line."""

    record: RunRecord
    results: dict[str, Any]

    @property
    def path(self) -> Path:
        """Folder of the run; the model is in its subfolder `model/`."""
        return Path(self.record.path)


def run(
    config: PretrainingConfig,
    *,
    resume: bool = False,
    overwrite: bool = False,
    after_log: AfterLog | None = None,
    command: Sequence[str] | None = None,
) -> PretrainingResult:
    """Pre-train with `config`; the model is saved in `<output>/model`.

    Args:
        config: the settings.
        resume: resume the run in the output folder, or begin it.
        overwrite: replace the run in the output folder.
        after_log: called with the step and the values of each log line. It may raise `Pruned`.
        command: command that repeats the run, for its record. Default: that of this process.

    Raises:
        ConfigurationError: data, model and settings do not match, or the output folder has another run.
        Interrupted: stopped by Ctrl-C; a checkpoint is kept, and the message has the command to resume.
    """
    state = _processes(config)
    config = with_settled_precision(
        config, state.device, lambda line: _say(state, [line]), Path(config.output) if resume else None
    )
    try:
        record, results = _run(config, state, resume, overwrite, after_log, command)
    except Interrupted as interruption:
        traceback.clear_frames(interruption.__traceback__)  # the trainer in them holds the process group
        raise
    finally:
        close_process_group()
    return PretrainingResult(record, results)


def _run(
    config: PretrainingConfig,
    state: PartialState,
    resume: bool,
    overwrite: bool,
    after_log: AfterLog | None,
    command: Sequence[str] | None,
) -> tuple[RunRecord, dict[str, Any]]:
    record = _open_record(config, resume, overwrite, state, command)
    with record.watch():
        record.keep_inputs(lambda: inputs_of(config))
        set_seed(config.seed)
        sets = [open_pretraining_set(path) for path in config.data]
        with quiet():
            begun = start(config, sets)
        with state.main_process_first():  # a token cache is written once
            stream = build_stream(config, sets, begun, state.num_processes)
            held_out, notes = open_held_out(config, sets, begun)
        check_weights(stream.objectives)
        module = PretrainingModel(begun.model, stream.objectives)
        freeze(module, config, begun.new_modules)
        if state.is_main_process:
            warnings = _short_warm_up(config, number_of_updates(config, sets, stream.objectives))
            _say(state, [*begun.notes, *_summary(config, sets, stream, module), *notes, *warnings])
        trainer = _trainer(config, stream, module, record, state, after_log)
        epoch, update = epoch_and_update(config, sets, stream.objectives)
        trainer.epochs_per_update = update / epoch
        if held_out is not None:
            trainer.add_callback(_measurement(config, held_out, trainer, record, state, after_log))
        check_room(module, record)
        record.keep_inputs(lambda: {"updates": trainer.args.max_steps})
        results = _train(trainer, config, record, state)
        if state.is_main_process:
            check_finite(module, None, "the end", record)
            save_whole(lambda folder: save_model(begun, module, folder), record)
            record.finish(results)
    state.wait_for_everyone()
    _say(state, [f"model: {record.model_path}"])
    return record, results


def _measurement(
    config: PretrainingConfig,
    held_out: HeldOut,
    trainer: PretrainingTrainer,
    record: RunRecord,
    state: PartialState,
    after_log: AfterLog | None,
) -> HeldOutMeasurement:
    def log(step: int, found: Mapping[str, float]) -> None:
        record.log(step=step, split="dev", epoch=step * trainer.epochs_per_update, **found)
        if after_log is not None:
            after_log(step, {f"dev.{name}": value for name, value in found.items()})

    return HeldOutMeasurement(held_out, trainer.model, config.dev_steps, log, lambda line: _say(state, [line]))


def save_model(begun: Start, module: PretrainingModel, path: Path) -> None:
    """Save the trained model with its tokenizer in transformers' format, and the objectives' heads next to it."""
    path.mkdir(parents=True, exist_ok=True)
    if begun.model is not None:
        untrained = module.untrained_heads(begun.new_modules)
        if untrained or untrained_modules(begun.model.config):
            begun.model.config.untrained_modules = untrained
        _save_encoder(begun, path)
    for objective in module.objectives:
        objective.save(None if begun.model is None else begun.model.base_model, module.head(objective), path)


def _save_encoder(begun: Start, path: Path) -> None:
    assert begun.model is not None and begun.tokenizer is not None
    with quiet():
        if isinstance(begun.tokenizer, EntityTokenizer):
            hugging_face.save(begun.model, begun.tokenizer, path, overwrite=True)
        else:
            begun.model.save_pretrained(path)
            begun.tokenizer.save_pretrained(path)


def _processes(config: PretrainingConfig) -> PartialState:
    device = training_device(config.device)
    if config.precision != "auto":
        autocast(device, config.precision)  # refuses unsupported formats before any work
    return PartialState(cpu=device.type == "cpu")


def _open_record(
    config: PretrainingConfig, resume: bool, overwrite: bool, state: PartialState, command: Sequence[str] | None
) -> RunRecord:
    with state.main_process_first():
        return RunRecord.open(
            config.output, "pretraining", _comparable(to_dict(config), Path(config.output)) if resume else to_dict(config),
            resume=resume, overwrite=overwrite, command=command, is_writer=state.is_main_process,
        )  # fmt: skip


def _comparable(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The settings of a run, without defaults of settings that did not exist when the run in the folder began."""
    path = folder / "config.json"
    known = read_json(path) if path.is_file() else settings
    return {
        name: value
        for name, value in settings.items()
        if name in known or name not in _ADDED or value != default_of(PretrainingConfig, name)
    }


class _Recorder(TrainerCallback):
    """Writes every log line to the run record."""

    def __init__(self, record: RunRecord, after_log: AfterLog | None) -> None:
        self.record, self.after_log = record, after_log

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> TrainerControl:
        """Log the last update too: its loss is in the results, and is checked to be finite."""
        control.should_log = control.should_log or state.global_step >= state.max_steps
        return control

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if state.is_world_process_zero and logs and "loss" in logs:
            self.record.log(step=state.global_step, split="train", **logs)
            if self.after_log is not None:
                self.after_log(state.global_step, logs)


def _trainer(
    config: PretrainingConfig,
    stream: MicroSteps,
    module: PretrainingModel,
    record: RunRecord,
    state: PartialState,
    after_log: AfterLog | None,
) -> PretrainingTrainer:
    cpu = state.device.type == "cpu"
    accumulation = config.accumulation_steps(state.num_processes)
    arguments = TrainingArguments(
        output_dir=str(record.checkpoints_path),
        max_steps=stream.length // (accumulation * state.num_processes),
        per_device_train_batch_size=1,
        gradient_accumulation_steps=accumulation,
        max_grad_norm=config.optimizer.max_grad_norm,
        bf16=config.precision == "bf16",
        fp16=config.precision == "fp16",
        use_cpu=cpu,
        seed=config.seed,
        logging_steps=config.log_steps,
        logging_nan_inf_filter=False,
        save_strategy="steps" if config.save_steps else "no",
        save_steps=config.save_steps or 500,
        dataloader_num_workers=config.workers,
        dataloader_pin_memory=pins_memory(state.device.type),
        remove_unused_columns=False,
        ddp_find_unused_parameters=config.word_only or not any(isinstance(o, WindowObjective) for o in stream.objectives),
        ddp_broadcast_buffers=False,  # queues and keys of graphs: every process makes the same
        ddp_backend="gloo" if cpu and state.num_processes > 1 else None,
        disable_tqdm=True,
        report_to="none",
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # one process, one device: never nn.DataParallel
    if config.tensorboard:
        record.open_tensorboard()
    watch = ObjectiveWatch(module.objectives, lambda line: _say(state, [line]))
    callbacks = [_Recorder(record, after_log), StopOnInterrupt(), watch, UpdateProgress(with_losses=True)]
    trainer = PretrainingTrainer(
        module, stream, arguments, config.optimizer, config.schedule, record, config.loss_scale, callbacks=callbacks
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _train(trainer: PretrainingTrainer, config: PretrainingConfig, record: RunRecord, state: PartialState) -> dict[str, Any]:
    checkpoint, lines = point_to_resume(record)
    if checkpoint is not None:
        lines += [line for objective in trainer.objectives for line in objective.on_resume(step_of(checkpoint))]
    _say(state, lines)
    torch.manual_seed(process_seed(config.seed, state.process_index))
    interruption = next(c for c in trainer.callback_handler.callbacks if isinstance(c, StopOnInterrupt))
    try:
        output = trainer.train_from(checkpoint)
    finally:
        interruption.restore()
    if interruption.interrupted and trainer.state.global_step < trainer.state.max_steps:
        raise Interrupted(
            f"stopped at step {trainer.state.global_step}, a checkpoint is kept; to resume: {record.resume_command()}"
        )
    named = tuple(metric_name(objective.name, "") for objective in trainer.objectives)
    final: dict[str, Any] = {}
    for line in trainer.state.log_history:  # the last one may lack an objective that had no target
        final |= {name: value for name, value in line.items() if name == "loss" or name.startswith(named)}
    final |= _dev_results(record) if config.dev and state.is_main_process else {}
    return {"steps": output.global_step, "seconds": round(trainer.seconds(), 4), **final}


def _dev_results(record: RunRecord) -> dict[str, Any]:
    """The last measurement on held-out windows, which may be of an earlier part of a resumed run."""
    last: dict[str, Any] = next((row for row in reversed(record.metrics()) if row["split"] == "dev"), {})
    return {"dev": {name: value for name, value in last.items() if name not in ("step", "split", "epoch")}}


def _short_warm_up(config: PretrainingConfig, updates: int) -> list[str]:
    """A warning about a run that ends before its learning rate has risen."""
    warm_up, peak = config.schedule.warmup(updates), config.optimizer.learning_rate
    if warm_up < updates:
        return []
    setting = "schedule.warmup_ratio" if config.schedule.warmup_steps is None else "schedule.warmup_steps"
    reached = f"the learning rate only reaches {peak * (updates - 1) / warm_up:.2g} of {peak:g}"
    return [f"warning: the warm-up has {counted(warm_up, 'update')}, the run {updates}: {reached}; set {setting}"]


def _summary(
    config: PretrainingConfig, sets: Sequence[PretrainingSet], stream: MicroSteps, module: PretrainingModel
) -> list[str]:
    lines = [f"data: {data.path} ({counted(len(data.dataset), 'window')})" for data in sets]
    cut = cut_by_limits(config, sets, stream)
    lines += [f"left out: {cut}"] if cut else []
    lines += [line for objective in stream.objectives for line in objective.summary()]
    total = sum(p.numel() for p in module.parameters())
    lines.append(f"model: {config.model}, {trained_parameters(module):,} of {total:,} parameters are trained")
    names = ", ".join(objective.name for objective in stream.objectives)
    lines.append(f"objectives: {names}; {config.precision}, {counted(torch.get_num_threads(), 'thread')}")
    return lines


def _say(state: PartialState, lines: Sequence[str]) -> None:
    if state.is_main_process:
        for line in lines:
            say_line(line)

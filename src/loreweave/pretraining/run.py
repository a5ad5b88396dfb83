"""A pre-training run from its configuration to the saved model."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed

from loreweave.build.pretraining_set import PretrainingSet, open_pretraining_set
from loreweave.checkpoints import hugging_face
from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError
from loreweave.objectives import OBJECTIVES, Objective, WordVocabulary
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.model import PretrainingModel, freeze, trained_parameters
from loreweave.pretraining.start import Start, start
from loreweave.pretraining.stream import TextStream
from loreweave.pretraining.trainer import PretrainingTrainer
from loreweave.training.configuration import to_dict
from loreweave.training.devices import autocast, close_process_group, training_device
from loreweave.training.interruption import StopOnInterrupt
from loreweave.training.progress import PlainProgress
from loreweave.training.quiet import quiet
from loreweave.training.run_record import Interrupted, RunRecord


@dataclass
class PretrainingResult:
    """What a run left: its folder, and the numbers of its last log line."""

    record: RunRecord
    results: dict[str, Any]


def run(config: PretrainingConfig, *, resume: bool = False, overwrite: bool = False) -> PretrainingResult:
    """Pre-train as `config` says; the model ends in `<output>/model`.

    Raises:
        ConfigurationError: data, model and settings do not go together, or the output folder holds another run.
        Interrupted: stopped by Ctrl-C; a checkpoint is kept, and the message has the command to resume.
    """
    state = _processes(config)
    record = _open_record(config, resume, overwrite, state)
    with record.watch():
        set_seed(config.seed)
        sets = [open_pretraining_set(path) for path in config.data]
        with quiet():
            begun = start(config, sets)
        stream = build_stream(config, sets, begun, state.num_processes)
        module = PretrainingModel(begun.model, stream.objectives)
        freeze(module, config, begun.new_modules)
        if state.is_main_process:
            _say(state, _summary(config, sets, stream, module))
        trainer = _trainer(config, stream, module, record, state)
        results = _train(trainer, config, record, resume, state)
        if state.is_main_process:
            save_model(begun, config, record.model_path)
            record.finish(results)
    state.wait_for_everyone()
    close_process_group()
    _say(state, [f"model: {record.model_path}"])
    return PretrainingResult(record, results)


def build_stream(config: PretrainingConfig, sets: Sequence[PretrainingSet], begun: Start, processes: int) -> TextStream:
    """The micro-batches of the whole run, over all processes."""
    words = WordVocabulary.of(begun.words)
    rows = sum(len(data.dataset) for data in sets)
    steps = config.steps if config.steps is not None else math.ceil(rows * config.epochs / config.batch_size)
    return TextStream(
        [data.dataset for data in sets],
        _objectives(config, begun, words),
        words,
        None if begun.vocabulary is None else begun.vocabulary.pad_id,
        batch_size=config.micro_batch_size,
        length=steps * config.accumulation_steps(processes) * processes,
        seed=config.seed,
        smoothing=config.sampling_smoothing,
        max_words=config.max_words,
        max_entities=config.max_entities,
    )


def _objectives(config: PretrainingConfig, begun: Start, words: WordVocabulary) -> list[Objective]:
    asked = [(kind, getattr(config.objectives, name)) for name, kind in OBJECTIVES.items()]
    built = [kind.build(settings, words, begun.vocabulary) for kind, settings in asked if settings is not None]
    objectives = [objective for objective in built if objective is not None]
    if not objectives:
        raise ConfigurationError(f"objectives: all are off, expected one or more of {', '.join(OBJECTIVES)}")
    return objectives


def save_model(begun: Start, config: PretrainingConfig, path: Path) -> None:
    """Save the trained model with its tokenizer, as plain transformers reads them.

    Heads that only an objective knows (`cls_entity`) are kept in checkpoints alone.
    """
    if config.objectives.masked_words is not None and config.objectives.masked_words.probability > 0:
        begun.model.config.untrained_modules = []
    with quiet():
        if isinstance(begun.tokenizer, EntityTokenizer):
            hugging_face.save(begun.model, begun.tokenizer, path, overwrite=True)
        else:
            begun.model.save_pretrained(path)
            begun.tokenizer.save_pretrained(path)


def _processes(config: PretrainingConfig) -> PartialState:
    device = training_device(config.device)
    autocast(device, config.precision)  # refuses what the device cannot do, before any work
    return PartialState(cpu=device.type == "cpu")


def _open_record(config: PretrainingConfig, resume: bool, overwrite: bool, state: PartialState) -> RunRecord:
    record = RunRecord(config.output, is_writer=state.is_main_process)
    with state.main_process_first():
        if resume:
            record = RunRecord.reopen(config.output, to_dict(config), is_writer=state.is_main_process)
        elif state.is_main_process:
            record = RunRecord.create(config.output, "pretraining", to_dict(config), overwrite=overwrite)
    return record


class _Recorder(TrainerCallback):
    """Writes every log line into the run record."""

    def __init__(self, record: RunRecord) -> None:
        self.record = record

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> TrainerControl:
        """Log the last update too: its loss goes into the results, and is checked to be a number."""
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


def _trainer(
    config: PretrainingConfig, stream: TextStream, module: PretrainingModel, record: RunRecord, state: PartialState
) -> PretrainingTrainer:
    cpu = state.device.type == "cpu"
    terminal = sys.stderr.isatty()
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
        save_total_limit=2,
        dataloader_num_workers=config.workers,
        dataloader_pin_memory=not cpu,
        remove_unused_columns=False,
        ddp_find_unused_parameters=config.word_only,  # a LUKE's entity parts
        ddp_backend="gloo" if cpu and state.num_processes > 1 else None,
        disable_tqdm=not terminal,
        report_to="none",
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # one process, one device: never nn.DataParallel
    record.open_tensorboard()
    callbacks = [_Recorder(record), StopOnInterrupt()]
    trainer = PretrainingTrainer(module, stream, arguments, config.optimizer, config.schedule, callbacks=callbacks)
    trainer.remove_callback(PrinterCallback)
    if not terminal:
        trainer.add_callback(PlainProgress())
    return trainer


def _train(
    trainer: PretrainingTrainer, config: PretrainingConfig, record: RunRecord, resume: bool, state: PartialState
) -> dict[str, Any]:
    checkpoint = record.last_checkpoint() if resume else None
    if resume:
        step = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
        record.forget_after(step)
        _say(state, [f"resuming at step {step}"])
    torch.manual_seed(config.seed + state.process_index)  # processes drop out different units
    output = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    interruption = next(c for c in trainer.callback_handler.callbacks if isinstance(c, StopOnInterrupt))
    if interruption.interrupted and trainer.state.global_step < trainer.state.max_steps:
        raise Interrupted(
            f"stopped at step {trainer.state.global_step}, a checkpoint is kept; to go on: {record.resume_command()}"
        )
    last = next((line for line in reversed(trainer.state.log_history) if "loss" in line), {})
    final = {name: value for name, value in last.items() if name.endswith(("loss", "_accuracy"))}
    return {"steps": output.global_step, "seconds": output.metrics.get("train_runtime"), **final}


def _summary(
    config: PretrainingConfig, sets: Sequence[PretrainingSet], stream: TextStream, module: PretrainingModel
) -> list[str]:
    lines = [f"data: {', '.join(f'{data.path} ({len(data.dataset):,} windows)' for data in sets)}"]
    stored = [data.manifest["settings"] for data in sets]
    if any(config.max_words < s["max_length"] or config.max_entities < s["max_entities"] for s in stored):
        lines += [f"left out: {count:,} {what}" for what, count in stream.left_out().items() if count]
    total = sum(p.numel() for p in module.parameters())
    lines.append(f"model: {config.model}, {trained_parameters(module):,} of {total:,} parameters are trained")
    lines.append(f"objectives: {', '.join(o.name for o in stream.objectives)}; {config.precision}, {os.cpu_count()} cores")
    return lines


def _say(state: PartialState, lines: Sequence[str]) -> None:
    if state.is_main_process:
        print("\n".join(lines), file=sys.stderr, flush=True)

"""Safe checkpoints: only finite weights are saved, and older ones are removed only when the new one is complete."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast_object_list, gather_object
from torch import Tensor, nn
from transformers import Trainer

from loreweave.corpus.files.writing import atomic_path, write_through
from loreweave.errors import ConfigurationError, LoreweaveError
from loreweave.training.devices import restore_on_numbered_cpus
from loreweave.training.progress import UpdateProgress
from loreweave.training.runs.checkpoints import Found, state_of
from loreweave.training.runs.record import RunRecord

_ERRORS_OF_WRITING = ("PytorchStreamWriter", "inline_container", "iostream", "file write", "Parent directory")
"""torch's messages if it could not write a file."""


class WholeCheckpoints(Trainer):
    """A Trainer that keeps its checkpoints by the rules of `checkpoints`.

    Attributes:
        record: record of the run.
        kept: number of complete checkpoints to keep.
        earlier_seconds: training time of earlier parts of the run.
    """

    record: RunRecord
    kept: int = 2
    earlier_seconds: float = 0.0
    _began: float | None = None

    def state_to_keep(self) -> dict[str, Any]:
        """State of this process that is needed to resume; plain values."""
        return {}

    def take_state(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Restore the results of `state_to_keep` in each process; the number of processes may have changed."""

    def seconds(self) -> float:
        """Training time of all parts of the run so far, in seconds."""
        return self.earlier_seconds + (0.0 if self._began is None else time.perf_counter() - self._began)

    def train_from(self, checkpoint: Path | None) -> Any:
        """Train from a checkpoint, or from the start."""
        if checkpoint is not None:
            state = state_of(checkpoint)
            self.earlier_seconds = float(state["seconds"])
            self.take_state(state["processes"])
        self._began = time.perf_counter()
        try:
            return self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        finally:
            for callback in self.callback_handler.callbacks:
                if isinstance(callback, UpdateProgress):
                    callback.close()

    def _save_checkpoint(self, *arguments: Any, **named: Any) -> None:
        step = self.state.global_step
        self.record.confirm()
        optimizer = self.optimizer
        check_finite(self.accelerator.unwrap_model(self.model), optimizer, f"step {step}", self.record)
        folder = self.record.checkpoints.of(step)
        with saving(folder, self.record):
            if self.args.should_save:
                shutil.rmtree(folder, ignore_errors=True)  # a checkpoint that was skipped when the run was resumed
            self.accelerator.wait_for_everyone()
            super()._save_checkpoint(*arguments, **named)
            states = gather_object([self.state_to_keep()])
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                used = self.record.used()
                self.record.checkpoints.seal(step, {"seconds": self.seconds(), "used": used, "processes": states})
        if self.args.should_save:
            self.record.checkpoints.prune(self.kept)


def check_room(model: nn.Module, record: RunRecord) -> None:
    """Refuse a run whose model could not be saved, before it starts.

    Raises:
        ConfigurationError: the disk has less free space than the weights need.
    """
    tensors = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}.values()
    needed = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    free = shutil.disk_usage(record.path).free if record.is_writer else needed
    if free < needed:
        raise ConfigurationError(
            f"{record.path}: {free / 2**20:,.0f} MiB are free there, and the model alone takes {needed / 2**20:,.0f} MiB; make "
            "room, or choose a folder on another disk"
        )


def check_finite(model: nn.Module, optimizer: torch.optim.Optimizer | None, when: str, record: RunRecord) -> None:
    """Refuse to save weights, or optimizer states, that are not finite.

    Raises:
        LoreweaveError: names the first such tensor, when it was found, and what is kept.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for name, tensor in model.state_dict().items():
        if not _is_finite(tensor):
            raise _not_finite(f"the weights {name}", when, record)
    for parameter, state in optimizer.state.items() if optimizer is not None else ():
        for key, value in state.items():
            if isinstance(value, Tensor) and not _is_finite(value):
                raise _not_finite(f"the optimizer's {key} of {names.get(id(parameter), 'a parameter')}", when, record)


def _is_finite(tensor: Any) -> bool:
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point() or tensor.numel() == 0:
        return True
    return bool(torch.isfinite(tensor.detach().sum())) or bool(torch.isfinite(tensor).all())


def _not_finite(what: str, when: str, record: RunRecord) -> LoreweaveError:
    kept = record.checkpoints.all()
    there = f"; the last checkpoint, {kept[0].name}, is kept" if kept else ""
    return LoreweaveError(
        f"{what} are not finite at {when}, so nothing was saved{there}. Lower the learning rate (optimizer.learning_rate), "
        "set optimizer.max_grad_norm, or use precision=fp32"
    )


@contextmanager
def saving(path: Path, record: RunRecord, remove: bool = True) -> Iterator[None]:
    """Report what could not be written and why, and remove the partial result.

    Raises:
        LoreweaveError: instead of the errors of the disk, of torch and of safetensors when writing.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if remove and record.is_writer:
            shutil.rmtree(path, ignore_errors=True)
        if not _is_of_writing(error):
            raise
        free = shutil.disk_usage(path.parent if path.parent.exists() else record.path).free / 2**20
        raise LoreweaveError(
            f"{path}: could not be written ({_reason(error)}); {free:,.0f} MiB are free there. Make room, then go on with: "
            f"{record.resume_command()}"
        ) from error


def _is_of_writing(error: BaseException | None) -> bool:
    """Whether the disk refused something. torch reports it as a RuntimeError, as all other errors (no memory, wrong shapes)."""
    from safetensors import SafetensorError

    if isinstance(error, RuntimeError):
        return any(said in str(error) for said in _ERRORS_OF_WRITING)
    return isinstance(error, OSError | SafetensorError)


def _reason(error: BaseException | None) -> str:
    """The system's message, without the names of temporary files, which mean nothing to the user."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def save_whole(save: Callable[[Path], None], record: RunRecord) -> None:
    """Write the run's model atomically and flush it to the disk.

    Raises:
        LoreweaveError: it could not be written there. If no checkpoint has its weights, they are saved in the folder for
            temporary files, if that has space, and the message names the place.
    """
    try:
        with saving(record.model_path, record, remove=False), atomic_path(record.model_path) as folder:
            save(folder)
            write_through(folder)
    except LoreweaveError as error:
        if record.checkpoints.all() or not _is_of_writing(error.__cause__):
            raise
        rescued = rescue(save)
        if rescued is None:
            raise
        cause = error.__cause__
        raise LoreweaveError(
            f"{record.model_path}: the model could not be written ({_reason(cause)}); it was saved to {rescued} instead. Make "
            "room and move it there: the run has no checkpoint and cannot go on"
        ) from cause


def rescue(save: Callable[[Path], None]) -> Path | None:
    """Write a model to a new folder for temporary files; None if that fails too."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="loreweave-model-"))
    try:
        save(folder)
        write_through(folder)
    except Exception:  # the first error is the one to report
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return folder


def point_to_resume(record: RunRecord) -> tuple[Path | None, list[str]]:
    """Checkpoint to resume from, the same in all processes (None: from the start), and messages to the user.

    Metrics of later steps are removed, and so are checkpoints that are not complete or not finite.
    """
    resumed = record.is_writer and record.resumed
    shared: list[Any] = [(resumed, record.checkpoints.newest() if resumed else Found())]
    broadcast_object_list(shared)
    found: Found = shared[0][1]
    record.resumed = bool(shared[0][0])
    if not record.resumed:
        return None, [f"{record.path}: found no run to resume, so this one begins"] if record.asked_to_resume else []
    restore_on_numbered_cpus()
    dropped = record.forget_after(-1 if found.path is None else found.step)
    for path in found.broken if record.is_writer else ():
        shutil.rmtree(path, ignore_errors=True)
    return found.path, [*found.passed_over, *dropped, f"resuming at step {found.step}"]

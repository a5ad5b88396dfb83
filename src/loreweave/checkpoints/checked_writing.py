"""Writes a LUKE in another format, and loads it again before it replaces the target."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from torch import Tensor, nn
from transformers import PreTrainedModel

from loreweave.checkpoints import probe
from loreweave.checkpoints.formats import hugging_face, luke_original, paddle
from loreweave.checkpoints.loading import LoadedCheckpoint, LoadOptions
from loreweave.corpus.files.writing import atomic_path
from loreweave.models.head_settings import unknown_to_transformers


def write_checked(loaded: LoadedCheckpoint, module: ModuleType, place: Path, base: Path | None, lossy: bool) -> None:
    """Write a loaded checkpoint to `place` in the format of `module`; notes and losses go into its report.

    Raises:
        CheckpointError: the format cannot store the model, or the outputs of the result differ (unless `lossy`).
            In that case nothing is left at `place`.
    """
    report, model = loaded.report, loaded.model
    batch = probe.luke_probe(model.config)
    wanted = probe.outputs_of(model, batch)
    with atomic_path(place) as written:
        extra = {"base": base} if module is luke_original else {}
        notes = module.save(model, loaded.tokenizer, written, vocabulary=loaded.vocabulary, **extra)
        lost = [*report.lost, *(paddle.lost_in(model) if module is paddle else [])]
        lost += probe.unlike(wanted, _again(loaded, module, written), batch)
        if module is hugging_face and (plain := probe.in_plain_transformers(written, model, batch)):
            reason = next(iter(unknown_to_transformers(model.config)), None)
            said = f"plain transformers gives other outputs: {'; '.join(plain)}"
            if reason is None:
                lost.append(said)
            else:
                notes.append(f"{said}, because it does not know {reason}")
        if module is paddle:
            notes += _with_paddles_epsilon(model, batch)
        probe.refuse_loss(lost, [note for note in notes if note.startswith("left out")], report.source, module.NAME, lossy)
    report.lost[:] = lost
    report.notes += notes


def _again(loaded: LoadedCheckpoint, module: ModuleType, written: Path) -> PreTrainedModel:
    """The model that the format's own loader reads from the result; a format without word tokenizer gets it as `--base`."""
    with TemporaryDirectory() as folder:
        if loaded.tokenizer is not None:
            loaded.tokenizer.word_tokenizer.save_pretrained(folder)
        beside = Path(folder) if loaded.tokenizer is not None and module is luke_original else None
        again: LoadedCheckpoint = module.load(written, LoadOptions(type(loaded.model), beside))
    return again.model


def _with_paddles_epsilon(model: PreTrainedModel, batch: Mapping[str, Tensor]) -> list[str]:
    """Measured effect of Paddle's fixed constant in layer norms."""
    norms = [part for part in model.modules() if isinstance(part, nn.LayerNorm)]
    own = [part.eps for part in norms]
    wanted = probe.outputs_of(model, batch)
    try:
        for part in norms:
            part.eps = paddle.LAYER_NORM_EPS
        found = probe.differences(wanted, probe.outputs_of(model, batch))
    finally:
        for part, eps in zip(norms, own, strict=True):
            part.eps = eps
    if set(own) == {paddle.LAYER_NORM_EPS}:
        return []
    effect = "; ".join(found) if found else "no output differs on the probe"
    return [f"Paddle's own code computes with layer_norm_eps {paddle.LAYER_NORM_EPS}, not {own[0]}: {effect}"]

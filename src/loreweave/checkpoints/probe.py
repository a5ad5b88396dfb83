"""Checks that a written checkpoint has the same outputs as its source: both read the same sentences.

A conversion is right if the outputs are equal, whatever happens to names, rows and settings. All formats are therefore
checked by one rule: the result is loaded again by the format's own loader (and, for a Hugging Face folder, by plain
transformers), and every output of both models must agree within `TOLERANCE * (1 + largest number)`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from loreweave.checkpoints.loading import LoadReport
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.writing import atomic_folder
from loreweave.errors import CheckpointError
from loreweave.models.word_positions import usable_positions
from loreweave.training.quiet import quiet

TOLERANCE = 1e-5
_LONGEST = 512
_MOST_LOGITS = 32_000_000
"""Maximum number of values in a masked-word head's output: with a large vocabulary the texts are shorter."""
_ABSENT = 1e30
"""Smaller values stand for minus infinity."""


def words_probe(config: PreTrainedConfig, positions: int) -> dict[str, Tensor]:
    """Two texts, as long as the positions allow and half as long, the second one padded. The last words of the vocabulary
    are included, since special tokens such as markers are there."""
    generator = torch.Generator().manual_seed(0)
    length = min(positions, _LONGEST, max(16, _MOST_LOGITS // (2 * config.vocab_size)))
    pad = config.pad_token_id or 0
    words = torch.randint(0, config.vocab_size, (2, length), generator=generator)
    last = torch.arange(config.vocab_size - 1, max(config.vocab_size - 5, -1), -1)[: max(length - 1, 0)]
    words[:, 1 : 1 + len(last)] = last
    words[words == pad] = (pad + 1) % config.vocab_size
    mask = torch.ones_like(words)
    short = length // 2 + 1
    words[1, short:], mask[1, short:] = pad, 0
    return {"input_ids": words, "attention_mask": mask}


def luke_probe(config: PreTrainedConfig) -> dict[str, Tensor]:
    """As `words_probe`, with three entities in the first text and two in the second: the first and last of the vocabulary,
    mentions of one word and of several, at the beginning and at the end."""
    batch = words_probe(config, config.max_position_embeddings - config.pad_token_id - 1)
    lengths = batch["attention_mask"].sum(dim=1).tolist()
    rows = config.entity_vocab_size
    batch["entity_ids"] = torch.tensor([[min(2, rows - 1), rows - 1, rows // 2], [rows - 1, min(2, rows - 1), 0]])
    batch["entity_attention_mask"] = torch.tensor([[1, 1, 1], [1, 1, 0]])
    places = [[[0, 1, -1], [end - 1, -1, -1], [end // 2, end // 2, end - 1]] for end in lengths]
    places[1][2] = [-1, -1, -1]
    batch["entity_position_ids"] = torch.tensor(places).clamp(max=int(max(lengths)) - 1)
    batch["entity_start_positions"] = batch["entity_position_ids"][:, :, 0].clamp(min=0)
    batch["entity_end_positions"] = batch["entity_position_ids"].amax(dim=-1).clamp(min=0)
    return batch


def outputs_of(model: PreTrainedModel, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All outputs of a model for the part of the batch that it accepts."""
    known = inspect.signature(model.forward).parameters
    given = {name: tensor for name, tensor in batch.items() if name in known}
    if type(model).__name__.endswith("ForMultipleChoice"):
        given = {name: tensor[None] for name, tensor in given.items()}  # one question, the texts are its choices
    with torch.no_grad():
        found: Any = model.eval()(**given)
    return {name: value for name, value in found.items() if isinstance(value, Tensor) and value.is_floating_point()}


def differences(reference: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    """Differences between two models' outputs, in words; empty if all are equal."""
    said = []
    for name, wanted in reference.items():
        if name not in found:
            said.append(f"no {name}")
        elif found[name].shape != wanted.shape:
            said.append(f"{name} of the shape {list(found[name].shape)}, not {list(wanted.shape)}")
        else:
            numbers = wanted.abs().masked_fill(wanted.abs() > _ABSENT, 0)
            off = torch.where(found[name] == wanted, torch.zeros_like(wanted), (found[name] - wanted).abs())
            largest = float(off.max()) if off.numel() else 0.0
            if not largest <= TOLERANCE * (1 + float(numbers.max() if numbers.numel() else 0)):
                said.append(f"{name} off by up to {largest:.3g}")
    return said


def unlike(reference: Mapping[str, Tensor], model: PreTrainedModel, batch: Mapping[str, Tensor]) -> list[str]:
    """Differences of a model from `reference`, the outputs of another one for the same batch."""
    try:
        return differences(reference, outputs_of(model, batch))
    except (ValueError, IndexError, RuntimeError) as error:
        return [f"it cannot read what the source reads ({str(error).splitlines()[0]})"]


def in_plain_transformers(folder: Path, model: PreTrainedModel, batch: Mapping[str, Tensor]) -> list[str]:
    """Differences of transformers' class of that name, loaded from the folder; empty if there is no such class."""
    cls = getattr(transformers, type(model).__name__, None)
    if cls is None:
        return []
    try:
        with quiet():
            plain = cls.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        return [f"it cannot read the folder ({str(error).splitlines()[0]})"]
    return unlike(outputs_of(model, batch), plain, batch)


@dataclass
class FolderCheck:
    """A folder that is being written, and its expected outputs.

    Attributes:
        folder: folder to write to.
        batch: input of both models.
        heads: differences of the heads next to the model, in words.
    """

    folder: Path
    batch: dict[str, Tensor]
    _wanted: dict[str, Tensor]
    _found: list[str] | None = None
    heads: list[str] = field(default_factory=list)

    def compare(self, again: PreTrainedModel) -> None:
        """Compare the model loaded from the folder with the source's."""
        self._found = unlike(self._wanted, again, self.batch)

    def result(self) -> list[str]:
        """The differences."""
        assert self._found is not None, "compare() comes before the end of the block"
        return self._found + self.heads


@contextmanager
def checked_folder(
    target: Pathname, model: PreTrainedModel, report: LoadReport, format: str, overwrite: bool, lossy: bool
) -> Iterator[FolderCheck]:
    """As `atomic_folder`; the block writes a model of words, loads it again and passes it to `compare`.

    Raises:
        CheckpointError: the outputs differ (unless `lossy`).
    """
    positions = usable_positions(model)
    batch = words_probe(model.config, positions or _LONGEST)
    with atomic_folder(target, overwrite) as folder:
        check = FolderCheck(folder, batch, outputs_of(model, batch))
        yield check
        report.lost += check.result()
        refuse_loss(report.lost, report.notes, report.source, format, lossy)


def refuse_loss(lost: list[str], reasons: list[str], source: str, target: str, lossy: bool) -> None:
    """Raise CheckpointError if the outputs of a conversion differ and `lossy` does not allow it."""
    if not lost or lossy:
        return
    why = f" ({'; '.join(reasons)})" if reasons else ""
    raise CheckpointError(
        f"{source}: as {target} its outputs would differ: {'; '.join(lost)}{why}; nothing was written; --lossy writes it "
        "nevertheless"
    )

"""Number of sub-words that an encoder can read, measured on the loaded encoder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

_WORDS = 4


class _Found(Exception):
    """Raised when the table of positions was read: the rest of the forward pass does not matter."""


def usable_positions(model: PreTrainedModel) -> int | None:
    """Number of sub-words, including special tokens, that the encoder has positions for; None if there is no limit.

    The encoder reads a few equal words; the table from which consecutive rows are read (5, 6, 7, 8) is the table of
    positions. Rows before the first word's are not usable: BERT counts from 0, RoBERTa, MPNet and Longformer from the padding
    index + 1, Nystromformer from 2. If there is no such table (rotary or relative positions), the number is the length that the
    encoder was trained for according to its configuration, if it is given there.

    Args:
        model: an encoder, or a model with a head over one, on any device.
    """
    encoder: Any = model.base_model
    found: list[int] = []

    def look(module: nn.Module, given: tuple[Any, ...]) -> None:
        rows = given[0] if given else None
        if not isinstance(rows, Tensor) or rows.is_floating_point() or rows.numel() != _WORDS or rows.shape[-1] != _WORDS:
            return
        numbers = rows.flatten().tolist()
        if numbers == list(range(numbers[0], numbers[0] + _WORDS)):
            found.append(len(module.get_parameter("weight")) - numbers[0])
            raise _Found

    hooks = [module.register_forward_pre_hook(look) for module in encoder.modules() if _is_table(module)]
    words = plain_words(encoder)
    training = encoder.training
    encoder.eval()
    try:
        with torch.no_grad():
            encoder(input_ids=words)
    except _Found:
        return found[0]
    except (RuntimeError, ValueError, ImportError):
        pass  # for example, attention that needs an accelerator: positions come earlier, and no table was read
    finally:
        encoder.train(training)
        for hook in hooks:
            hook.remove()
    said = getattr(encoder.config, "max_position_embeddings", None)
    return said if isinstance(said, int) and said > 0 else None  # XLNet's is -1


def plain_words(model: PreTrainedModel) -> Tensor:
    """Four equal words that are not padding [1, 4], on the model's device: what shows how an encoder reads."""
    encoder: Any = model.base_model
    padding = {encoder.config.pad_token_id, getattr(encoder.get_input_embeddings(), "padding_idx", None)}
    word = next(number for number in range(2, 6) if number not in padding)
    return torch.full((1, _WORDS), word, device=next(encoder.parameters()).device)


def _is_table(module: nn.Module) -> bool:
    """Whether the module is a table of rows; not every such class is an `nn.Embedding` (I-BERT's is not)."""
    weight = module._parameters.get("weight")
    return weight is not None and weight.dim() == 2

"""Whether an encoder distinguishes the two texts of a pair by segment."""

from __future__ import annotations

import inspect

from torch import nn


def reads_segments(encoder: nn.Module) -> bool:
    """Whether an encoder of transformers uses `token_type_ids`: it accepts them, and its table has more than one row.

    A tokenizer may give the second text the number 1 although the encoder has a single row (a RoBERTa with BERT's tokenizer).
    All texts then have the encoder's only type, which is also what it uses without the argument.
    """
    if "token_type_ids" not in inspect.signature(encoder.forward).parameters:
        return False
    rows = getattr(getattr(encoder, "config", None), "type_vocab_size", None)
    return not isinstance(rows, int) or rows > 1

"""Whether an encoder tells the first text of a pair from the second."""

from __future__ import annotations

import inspect

from torch import nn


def reads_segments(encoder: nn.Module) -> bool:
    """Whether an encoder of transformers has use for `token_type_ids`: it takes them, and has more than one row for them.

    A tokenizer may number the second text 1 where the encoder has a single row (a RoBERTa with BERT's tokenizer). All texts
    are of its one type then, which is what it takes without the argument.
    """
    if "token_type_ids" not in inspect.signature(encoder.forward).parameters:
        return False
    rows = getattr(getattr(encoder, "config", None), "type_vocab_size", None)
    return not isinstance(rows, int) or rows > 1

"""The part of an encoder's class for masked words that turns states into scores of words."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from loreweave.encoding.families import FAMILIES, family_of
from loreweave.errors import ConfigurationError
from loreweave.models.word_positions import plain_words


def masked_word_head(model: PreTrainedModel) -> nn.Module:
    """The head of a `...ForMaskedLM`: states [..., hidden] -> scores [..., vocabulary].

    Where the states go through several modules of the model, it is a sequence of these same modules. The head of a family
    that is not in the table is looked for under the names of the known ones, and must give the model's own scores.

    Raises:
        ConfigurationError: there is none, or not one that reads the states alone.
    """
    family = family_of(model.config)
    if family is not None:
        head = _under(model, family.masked_words)
        if head is None:
            raise ConfigurationError(
                f"{type(model).__name__} has no masked-word head (looked for {' and '.join(family.masked_words)})"
            )
        return head
    known = dict.fromkeys(row.masked_words for row in FAMILIES.values())
    heads = [head for names in known if (head := _under(model, names)) is not None]
    found = next((head for head in heads if _is_head_of(head, model)), None)
    if found is None:
        names_tried = ", ".join(" and ".join(names) for names in known)
        problem = "what was found does not give the model's scores" if heads else f"looked for {names_tried}"
        raise ConfigurationError(f"{type(model).__name__} has no masked-word head that reads the states alone ({problem})")
    return found


def _under(model: PreTrainedModel, names: tuple[str, ...]) -> nn.Module | None:
    modules = [module for name in names if isinstance(module := getattr(model, name, None), nn.Module)]
    if len(modules) < len(names):
        return None
    return modules[0] if len(modules) == 1 else nn.Sequential(*modules)


def _is_head_of(head: nn.Module, model: PreTrainedModel) -> bool:
    """Whether a few words get the model's own scores from the head over the encoder's states."""
    training = model.training
    words = {"input_ids": plain_words(model)}
    encoder: Any = model.base_model
    try:
        with torch.no_grad():
            model.eval()
            ours, theirs = head(encoder(**words).last_hidden_state), model(**words).logits
            return bool(ours.shape == theirs.shape and torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4))
    except (RuntimeError, TypeError, ValueError, AttributeError):
        return False  # it needs more than the states
    finally:
        model.train(training)

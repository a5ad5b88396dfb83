"""Runs of a model during which its encoder returns attention weights, whatever the head and the kernel of attention are."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn
from transformers import PreTrainedModel

from loreweave.attention.captured import Kind
from loreweave.errors import ConfigurationError
from loreweave.models import LukeModel

KINDS: dict[str, Kind] = {
    "attentions": "self",
    "encoder_attentions": "encoder",
    "decoder_attentions": "decoder",
    "cross_attentions": "cross",
}
"""Field of a model's output -> kind of its attention."""
EAGER = "eager"


@dataclass(frozen=True)
class ObservedCall:
    """One call of an encoder.

    Attributes:
        inputs: its arguments by name.
        attentions: kind -> layer -> weights [batch, heads, queries, keys].
        of_model: arguments of the model around the encoder.
    """

    inputs: Mapping[str, Any]
    attentions: Mapping[Kind, Mapping[int, Tensor]]
    of_model: Mapping[str, Any]

    def row(self, number: int) -> ObservedCall:
        """One row of the batch, as a batch of one."""
        one = slice(number, number + 1)
        inputs = {name: value[one] if isinstance(value, Tensor) else value for name, value in self.inputs.items()}
        attentions = {kind: {index: layer[one] for index, layer in layers.items()} for kind, layers in self.attentions.items()}
        return ObservedCall(inputs, attentions, self.of_model)


@contextmanager
def observed(model: PreTrainedModel) -> Iterator[list[ObservedCall]]:
    """Collect every call of the encoder inside a model while the block runs.

    The model evaluates (no dropout). Fused kernels of attention return no weights, so the encoder uses the eager one until the
    block ends; afterwards, the kernel and the mode are as before.

    Raises:
        ConfigurationError: a call returns no attention weights, or not one weight for each pair of tokens.
    """
    encoder = cast(PreTrainedModel, model.base_model)
    calls: list[ObservedCall] = []
    around: dict[str, Any] = {}

    def note(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        around.clear()
        around.update(_arguments(model, given, named))

    def ask(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return given, named | {"output_attentions": True, "return_dict": True}

    def keep(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        weights = _attentions_of(output, type(module).__name__)
        calls.append(ObservedCall(_arguments(module, given, named), weights, dict(around)))

    training = model.training
    model.eval()
    hooks = [
        model.register_forward_pre_hook(note, with_kwargs=True),
        encoder.register_forward_pre_hook(ask, with_kwargs=True),
        encoder.register_forward_hook(keep, with_kwargs=True),
    ]
    try:
        with _eager(encoder):
            yield calls
    finally:
        for hook in hooks:
            hook.remove()
        model.train(training)


def _arguments(module: nn.Module, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a call by name."""
    arguments = dict(inspect.signature(module.forward).bind_partial(*given, **named).arguments)
    return arguments | arguments.pop("kwargs", {})


@contextmanager
def _eager(encoder: PreTrainedModel) -> Iterator[None]:
    """Switch to the eager kernel of attention, and back."""
    before = encoder.config._attn_implementation
    if before == EAGER or isinstance(encoder, LukeModel):  # ours uses it by itself where weights are asked for
        yield
        return
    try:
        encoder.set_attn_implementation(EAGER)
    except ValueError as error:
        name = type(encoder).__name__
        raise ConfigurationError(f"{name} has no eager attention, and its kernels return no weights ({error})") from error
    try:
        yield
    finally:
        encoder.set_attn_implementation(before)


def _attentions_of(output: Any, name: str) -> dict[Kind, dict[int, Tensor]]:
    """Weights by kind and layer; layers without attention are left out.

    Raises:
        ConfigurationError: there are none, or they are not those of pairs of tokens.
    """
    found: dict[Kind, dict[int, Tensor]] = {}
    for field, kind in KINDS.items():
        layers = {index: layer for index, layer in enumerate(getattr(output, field, None) or ()) if isinstance(layer, Tensor)}
        if layers:
            found[kind] = layers
    if not found:
        raise ConfigurationError(f"{name} returns no attention weights: it has no attention, or its outputs do not contain it")
    for kind, layers in found.items():
        for layer in layers.values():
            if layer.ndim != 4 or (kind != "cross" and layer.shape[2] != layer.shape[3]):
                shape = list(layer.shape)
                raise ConfigurationError(
                    f"{name} returns attention weights of shape {shape}, expected [batch, heads, tokens, tokens]: it does not "
                    "compute a weight for each pair of tokens"
                )
    return found

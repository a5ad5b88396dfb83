"""BertViz's functions with the same arguments; they open the page of loreweave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loreweave.attention.captured import CapturedAttention, Kind
from loreweave.attention.explorer import Explorer
from loreweave.attention.formats.arrays import from_arrays
from loreweave.errors import ConfigurationError


def head_view(
    attention: Any = None,
    tokens: Sequence[str] | None = None,
    sentence_b_start: int | None = None,
    prettify_tokens: bool = True,
    layer: int | None = None,
    heads: Sequence[int] | None = None,
    encoder_attention: Any = None,
    decoder_attention: Any = None,
    cross_attention: Any = None,
    encoder_tokens: Sequence[str] | None = None,
    decoder_tokens: Sequence[str] | None = None,
    include_layers: Sequence[int] | None = None,
    html_action: str = "view",
    view: str = "heads",
) -> Any:
    """The page, opened with the heads of a layer. The arguments are those of BertViz's `head_view`.

    `prettify_tokens` has no effect: the page shows tokens without the marks of their vocabulary. Returns the page, which a
    notebook shows. With `html_action="return"`, returns an object whose `data` is the HTML of the page.

    Raises:
        ConfigurationError: some arguments cannot be used together.
        DataError: see `from_arrays`.
    """
    sides: dict[Kind, Any] = {"encoder": encoder_attention, "decoder": decoder_attention, "cross": cross_attention}
    given = {kind: weights for kind, weights in sides.items() if weights is not None}
    if (attention is None) == (not given):
        raise ConfigurationError("give attention and tokens, or encoder_, decoder_ and cross_attention with their tokens")
    _check_action(html_action)
    if attention is not None:
        chosen = _chosen(attention, include_layers)
        examples = [from_arrays(chosen, _given(tokens, "tokens"), sentence_b_start=sentence_b_start, layers=include_layers)]
    else:
        examples = [
            _side(kind, _chosen(weights, include_layers), encoder_tokens, decoder_tokens, include_layers)
            for kind, weights in given.items()
        ]
    state: dict[str, Any] = {"view": view}
    state |= {} if layer is None else {"layer": layer}
    state |= {} if heads is None else {"heads": list(heads)}
    page = Explorer(examples, view=state)
    return page if html_action == "view" else _Html(page.to_html())


def model_view(
    attention: Any = None,
    tokens: Sequence[str] | None = None,
    sentence_b_start: int | None = None,
    prettify_tokens: bool = True,
    display_mode: str = "dark",
    encoder_attention: Any = None,
    decoder_attention: Any = None,
    cross_attention: Any = None,
    encoder_tokens: Sequence[str] | None = None,
    decoder_tokens: Sequence[str] | None = None,
    include_layers: Sequence[int] | None = None,
    include_heads: Sequence[int] | None = None,
    html_action: str = "view",
) -> Any:
    """The page, opened with all layers and heads. The arguments are those of BertViz's `model_view`.

    `include_heads` keeps some heads. `display_mode` has no effect: the page is light or dark as the reader's system is.

    Raises:
        ConfigurationError, DataError: see `head_view`.
    """
    _check_action(html_action)
    page: Explorer = head_view(
        attention, tokens, sentence_b_start, prettify_tokens, encoder_attention=encoder_attention,
        decoder_attention=decoder_attention, cross_attention=cross_attention, encoder_tokens=encoder_tokens,
        decoder_tokens=decoder_tokens, include_layers=include_layers, view="grid",
    )  # fmt: skip
    if include_heads is not None:
        page = page.only(heads=include_heads)
    return page if html_action == "view" else _Html(page.to_html())


def _check_action(action: str) -> None:
    if action not in ("view", "return"):
        raise ConfigurationError(f"found html_action={action!r}, expected view or return")


class _Html:
    """HTML as notebooks' display objects hold it."""

    def __init__(self, data: str) -> None:
        self.data = data

    def _repr_html_(self) -> str:
        return self.data


def _side(
    kind: Kind, weights: Any, encoder: Sequence[str] | None, decoder: Sequence[str] | None, layers: Sequence[int] | None
) -> CapturedAttention:
    """One attention of an encoder-decoder."""
    if kind == "encoder":
        return from_arrays(weights, _given(encoder, "encoder_tokens"), kind=kind, layers=layers)
    keys = _given(encoder, "encoder_tokens") if kind == "cross" else None
    return from_arrays(weights, _given(decoder, "decoder_tokens"), keys, kind=kind, layers=layers)


def _given(tokens: Sequence[str] | None, name: str) -> Sequence[str]:
    if tokens is None:
        raise ConfigurationError(f"found no {name}, expected the name of each token")
    return tokens


def _chosen(attention: Any, layers: Sequence[int] | None) -> Any:
    return attention if layers is None else [attention[layer] for layer in layers]

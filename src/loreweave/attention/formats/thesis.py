"""Attention files of the LUKE thesis tools: `output_attentions_dev.p`, a pickle of tokens and weights of each sentence."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loreweave.attention.capture.tokens import SPECIAL_NAMES, align, is_punctuation, with_entities, written_words
from loreweave.attention.captured import NOWHERE, CapturedAttention, EntityToken, Tokens
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.restricted_pickle import RestrictedUnpickler
from loreweave.corpus.files.strict_json import kind_of
from loreweave.corpus.files.writing import atomic_path, check_free
from loreweave.errors import DataError

MARKER, MASK, PAD = "[ENTITY]", "[MASK]", "[PAD]"
_ENTITIES = 2
"""Number of entity rows of a sentence: the mention's, and padding."""
_KEYS = ("tokens", "sentence", "attention", "entity_position_ids")
_LENGTH = 30
"""Number of positions of a mention, filled up with -1."""


def _tensor_bytes(content: bytes) -> Any:
    """A tensor's storage inside a pickle; torch reads it without running code."""
    return torch.load(io.BytesIO(content), weights_only=True)


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch.storage", "_load_from_bytes"): _tensor_bytes,
    ("collections", "OrderedDict"): OrderedDict,
}


def read_thesis(path: Pathname) -> Iterator[CapturedAttention]:
    """Attention of each sentence, without the row of padding.

    Raises:
        DataError: it is no such pickle. A global in it that does not belong to a tensor is refused, and not run.
    """
    place = Path(path)
    try:
        with place.open("rb") as stream:
            content = RestrictedUnpickler(stream, _ALLOWED, "tensors").load()
    except (pickle.UnpicklingError, EOFError, AttributeError, ValueError, IndexError) as error:
        raise DataError(f"found no readable pickle ({error})", path=place) from error
    except DataError as error:
        raise DataError(error.message, path=place) from None
    if not isinstance(content, dict) or not content:
        raise DataError("found no sentences, expected a dictionary of them", path=place)
    for id, sentence in content.items():
        try:
            yield _captured(str(id), sentence)
        except DataError as error:
            raise DataError(error.message, path=place, record=str(id), field=error.field) from None


def write_thesis(path: Pathname, examples: Iterable[CapturedAttention], *, overwrite: bool = False) -> int:
    """Write examples with one entity as the thesis tools do, and return their number.

    Args:
        path: new file.
        examples: the examples.
        overwrite: replace an existing file.

    Raises:
        DataError: an example has not exactly one entity.
        ConfigurationError: the file exists, and `overwrite` is false.
    """
    check_free(Path(path), overwrite)
    rows = {f"sent_{number}": _row(example) for number, example in enumerate(examples)}
    with atomic_path(path) as place, place.open("wb") as stream:
        pickle.dump(rows, stream)
    return len(rows)


def _captured(id: str, sentence: Any) -> CapturedAttention:
    """One sentence."""
    missing = [key for key in _KEYS if not isinstance(sentence, Mapping) or key not in sentence]
    if missing:
        raise DataError("found no value, expected one", field=missing[0])
    if not isinstance(sentence["tokens"], list):
        raise DataError(f"found {kind_of(sentence['tokens'])}, expected a list of tokens", field="tokens")
    names, weights = [str(token) for token in sentence["tokens"]], torch.as_tensor(sentence["attention"]).float()
    if weights.ndim != 4 or weights.shape[2:] != (len(names), len(names)):
        wanted = f"[layers, heads, {len(names)}, {len(names)}]"
        raise DataError(f"found weights of shape {list(weights.shape)}, expected {wanted}", field="attention")
    count, text = len(names) - _ENTITIES, str(sentence["sentence"])
    positions = [int(place) for place in torch.as_tensor(sentence["entity_position_ids"])[0, 0] if place >= 0]
    words = _words(names[:count], text)
    covered = [place for place in positions if place < count]
    characters = [(words.starts[place], words.ends[place]) for place in covered if words.starts[place] != NOWHERE]
    start, end = (characters[0][0], characters[-1][1]) if characters else (NOWHERE, NOWHERE)
    entity = EntityToken(count, names[count], start, end, covered)
    kept = weights[:, :, : count + 1, : count + 1].numpy()
    return CapturedAttention(
        id=id,
        model="LUKE",
        text=text,
        kind="self",
        queries=with_entities(words, [entity]),
        weights=np.ascontiguousarray(kept, dtype=np.float32),
        layers=list(range(len(kept))),
        heads=list(range(kept.shape[1])),
        entities=[entity],
    )


def _words(names: list[str], text: str) -> Tokens:
    """Tokens of the words, whose names are those of RoBERTa."""
    classes = SPECIAL_NAMES | {MARKER: "marker"}
    surfaces = [None if name in classes else name.replace("Ġ", "") for name in names]
    spans = align(surfaces, text)
    shown = [name if span is None else text[slice(*span)] for name, span in zip(names, spans, strict=True)]
    kinds = [
        classes.get(name) or ("punctuation" if is_punctuation(part) else "word")
        for name, part in zip(names, shown, strict=True)
    ]
    starts = [NOWHERE if span is None else span[0] for span in spans]
    ends = [NOWHERE if span is None else span[1] for span in spans]
    return Tokens(shown, names, kinds, starts, ends, written_words(text, starts))


def _row(example: CapturedAttention) -> dict[str, Any]:
    """One sentence as the thesis tools store it, with a row and a column of padding after the entity."""
    if len(example.entities) != 1 or example.kind != "self":
        raise DataError(f"example {example.id}: found {len(example.entities)} entities, expected one: this format has one")
    entity = example.entities[0]
    weights = np.pad(example.weights, ((0, 0), (0, 0), (0, 1), (0, 1)))
    positions = (entity.words + [NOWHERE] * _LENGTH)[:_LENGTH]
    padding: list[int] = [NOWHERE] * _LENGTH
    ids: Tensor = torch.tensor([[positions, padding]])
    names = [*example.queries.raw[: entity.row], MASK, PAD]
    names = [MARKER if kind == "marker" else name for name, kind in zip(names, [*example.queries.classes, ""], strict=True)]
    return {"tokens": names, "sentence": example.text, "attention": torch.from_numpy(weights), "entity_position_ids": ids}

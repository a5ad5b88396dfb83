"""Turns observed calls of an encoder into captured attention: without padding, and with the names of words and entities."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loreweave.attention.capture.observation import ObservedCall
from loreweave.attention.capture.tokens import Offsets, describe_words, with_entities
from loreweave.attention.captured import NOWHERE, CapturedAttention, EntityToken, Kind, Tokens, Weights
from loreweave.corpus.entity_vocabulary import EntityVocabulary

_MASK = {"self": "attention_mask", "encoder": "attention_mask", "decoder": "decoder_attention_mask"}


@dataclass(frozen=True)
class Reader:
    """How the inputs of a model are read.

    Attributes:
        model: name of the model.
        tokenizer: tokenizer of transformers for the words.
        entities: vocabulary of the entities of a LUKE. None: entities are shown by number.
        names: names of entities outside the vocabulary, by id.
        markers: tokens that mark mentions.
        layers: layers to keep. None: all.
        heads: heads to keep. None: all.
    """

    model: str
    tokenizer: Any
    entities: EntityVocabulary | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    markers: Collection[str] = ()
    layers: Sequence[int] | None = None
    heads: Sequence[int] | None = None


@dataclass(frozen=True)
class Source:
    """What is known about a row of a batch besides its tensors.

    Attributes:
        id: id of the example.
        text: its text.
        offsets: characters of its words. None: found in the text.
        target: text of the decoder.
        mentions: (start, end) characters of mentions that have no entity.
        sentences: text of each word, 0 or 1. None: given by the segments that the model reads.
    """

    id: str
    text: str
    offsets: Offsets | None = None
    target: str = ""
    mentions: Sequence[tuple[int, int]] = field(default_factory=list)
    sentences: Sequence[int] | None = None


def read_call(call: ObservedCall, sources: Sequence[Source], reader: Reader) -> Iterator[CapturedAttention]:
    """Attention of each row of a batch. An encoder-decoder has several kinds of attention for each row."""
    for row, source in enumerate(sources):
        sides: dict[str, tuple[Tokens, list[int], list[EntityToken]]] = {}
        for kind in call.attentions:
            if kind != "cross":
                sides[kind] = _side(call.inputs, row, kind, source, reader)
        for kind, layers in call.attentions.items():
            queries, kept, entities = sides["decoder" if kind == "cross" else kind]
            keys, seen = (sides["encoder"][0], sides["encoder"][1]) if kind == "cross" else (None, kept)
            indices = list(layers)
            weights = _weights([layers[index] for index in indices], row, kept, seen)
            yield CapturedAttention(
                id=source.id,
                model=reader.model,
                text=source.target if kind in ("decoder", "cross") else source.text,
                kind=kind,
                queries=queries,
                keys=keys,
                weights=weights,
                layers=indices,
                heads=list(range(weights.shape[1])),
                entities=entities,
                sentences=_sentences(call.inputs, row, source, kept, entities) if kind == "self" else [],
            ).only(reader.layers, reader.heads)


def _side(
    inputs: Mapping[str, Any], row: int, kind: Kind, source: Source, reader: Reader
) -> tuple[Tokens, list[int], list[EntityToken]]:
    """Tokens of the encoder or the decoder, their places in the padded row, and the entities among them."""
    decoder = kind == "decoder"
    ids: Tensor = inputs["decoder_input_ids" if decoder else "input_ids"][row]
    width = len(ids)
    places = _kept(inputs.get(_MASK[kind]), row, width)
    text, offsets = (source.target, None) if decoder else (source.text, source.offsets)
    words = describe_words([int(ids[place]) for place in places], reader.tokenizer, text, offsets, reader.markers)
    entities: list[EntityToken] = []
    kept = list(places)
    if kind == "self" and inputs.get("entity_ids") is not None:
        entity_ids: Tensor = inputs["entity_ids"][row]
        there = _kept(inputs.get("entity_attention_mask"), row, len(entity_ids))
        new_place = {old: new for new, old in enumerate(places)}
        for number, entity in enumerate(there):
            positions = inputs["entity_position_ids"][row][entity].tolist()
            covered = [new_place[position] for position in positions if position in new_place]
            label = _label(int(entity_ids[entity]), reader)
            entities.append(EntityToken(len(places) + number, label, *_span(words, covered), covered))
        kept += [width + entity for entity in there]
    mentions = () if decoder else source.mentions  # those of the text, not of the decoder's
    return with_entities(words, entities, mentions), kept, entities


def _kept(mask: Any, row: int, width: int) -> list[int]:
    """Places that are not padding."""
    if not isinstance(mask, Tensor) or mask.ndim != 2:
        return list(range(width))
    return [place for place, seen in enumerate(mask[row].tolist()) if seen]


def _span(words: Tokens, covered: Sequence[int]) -> tuple[int, int]:
    """Characters of a mention; its markers stand for none."""
    starts = [words.starts[place] for place in covered if words.starts[place] != NOWHERE]
    ends = [words.ends[place] for place in covered if words.ends[place] != NOWHERE]
    return (min(starts), max(ends)) if starts else (NOWHERE, NOWHERE)


def _label(id: int, reader: Reader) -> str:
    """Title of an entity."""
    if reader.entities is not None and id < len(reader.entities):
        return reader.entities.title_of(id)
    return reader.names.get(id, f"entity {id}")


def _sentences(
    inputs: Mapping[str, Any], row: int, source: Source, kept: Sequence[int], entities: Sequence[EntityToken]
) -> list[int]:
    """Text (0 or 1) of each token of a pair; an entity has the text of its mention. Empty for a single text."""
    segments = inputs.get("token_type_ids")
    if source.sentences is not None:
        words = list(source.sentences)
    elif isinstance(segments, Tensor):
        words = [int(segments[row][place]) for place in kept[: len(kept) - len(entities)]]
    else:
        return []
    return words + [words[entity.words[0]] if entity.words else 0 for entity in entities] if any(words) else []


def _weights(layers: Sequence[Tensor], row: int, queries: Sequence[int], keys: Sequence[int]) -> Weights:
    """[layer, head, query, key] without padding, on the CPU."""
    if not layers:
        return np.zeros((0, 0, 0, 0), dtype=np.float32)
    rows, columns = torch.tensor(queries), torch.tensor(keys)
    parts = [layer[row].detach().float().cpu()[:, rows][:, :, columns] for layer in layers]
    return np.ascontiguousarray(torch.stack(parts).numpy(), dtype=np.float32)

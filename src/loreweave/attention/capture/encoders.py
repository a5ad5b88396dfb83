"""Opens encoders by name, and makes their inputs from texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from loreweave.attention.capture.reading import Source
from loreweave.checkpoints.encoders import lacking_weights, load_encoder
from loreweave.corpus.counts import counted
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.entity_vocabulary_files import FILE_NAMES
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.rows import trimmed
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.encoded_text import EncodedText
from loreweave.encoding.model_names import resolve
from loreweave.encoding.words.tokenizer import stated_limit
from loreweave.errors import ConfigurationError, DataError
from loreweave.models import LukeModel
from loreweave.tasks.model_folders import config_of, is_luke, read_all, settings_of, word_tokenizer
from loreweave.tasks.starting_points import read_luke, word_limit

Spans = Sequence[tuple[int, int]]
_UNLIMITED = 2**20
"""Number of sub-words that no text has."""


@dataclass(frozen=True)
class TextInput:
    """A text for an encoder.

    Attributes:
        text: the text.
        mentions: (start, end) characters of its mentions. A LUKE reads them as entities.
        entities: title of each mention's entity for a LUKE; None: `[MASK]`.
        pair: second text.
        target: text of the decoder of an encoder-decoder. None: only the encoder is run.
        id: id of the example.
    """

    text: str
    mentions: Spans = ()
    entities: Sequence[str | None] | None = None
    pair: str | None = None
    target: str | None = None
    id: str = "1"


@dataclass(frozen=True)
class Encoder:
    """A model with its tokenizer.

    Attributes:
        name: name of the model.
        model: the encoder, or a model with a head over one.
        words: tokenizer of transformers for the words.
        entities: tokenizer of words and entities, for a LUKE.
    """

    name: str
    model: PreTrainedModel
    words: Any
    entities: EntityTokenizer | None = None

    @property
    def vocabulary(self) -> EntityVocabulary | None:
        """Vocabulary of the entities of a LUKE."""
        return None if self.entities is None else self.entities.entity_vocabulary


def open_encoder(model: Pathname | PreTrainedModel, tokenizer: Any = None, base: str | None = None) -> Encoder:
    """A model by name (folder, run, `minilm`, Hub name), or one that is loaded, with its tokenizer.

    Args:
        model: the model.
        tokenizer: tokenizer of a loaded model: that of transformers, or an `EntityTokenizer` for a LUKE.
        base: encoder from which a released LUKE in an older format was trained.

    Raises:
        CheckpointError: there is no readable model or tokenizer.
        ConfigurationError: a loaded model without a tokenizer.
    """
    if isinstance(model, PreTrainedModel):
        name = model.config.name_or_path or type(model).__name__
        if tokenizer is None:
            raise ConfigurationError(f"found a loaded {type(model).__name__} without tokenizer=, expected its tokenizer")
        if model.config.model_type == "luke" and not isinstance(tokenizer, EntityTokenizer):
            tokenizer = EntityTokenizer(tokenizer, EntityVocabulary.from_hugging_face(tokenizer.entity_vocab))
        if isinstance(tokenizer, EntityTokenizer):
            return Encoder(name, model, tokenizer.word_tokenizer, tokenizer)
        return Encoder(name, model, tokenizer)
    folder = resolve(model)
    if base is None and is_luke(str(folder)) and _reads_words_only(folder):
        return Encoder(str(model), _luke_of_words(folder), word_tokenizer(str(folder)))
    if is_luke(str(folder)):
        loaded = read_luke(str(folder), LukeModel, base)
        assert loaded.tokenizer is not None, "checked by read_luke"
        return Encoder(str(model), loaded.model.eval(), loaded.tokenizer.word_tokenizer, loaded.tokenizer)
    return Encoder(str(model), load_encoder(folder), word_tokenizer(str(folder)) if tokenizer is None else tokenizer)


def _reads_words_only(folder: Path) -> bool:
    """Whether a folder is a checkpoint of a task that was saved without entities, because its inputs are words."""
    return "task" in settings_of(folder) and not any((folder / name).is_file() for name in FILE_NAMES)


def _luke_of_words(folder: Path) -> PreTrainedModel:
    """The encoder of such a checkpoint.

    Raises:
        CheckpointError: it lacks some of its weights.
    """
    model, missing, _ = read_all(LukeModel, str(folder), config_of(str(folder)))
    if lacking := [name for name in missing if not name.startswith("pooler.")]:
        raise lacking_weights(folder, lacking)
    return model.eval()


def encode(encoder: Encoder, given: TextInput, *, cut: bool = False) -> tuple[PreTrainedModel, dict[str, Tensor], Source]:
    """The model to run, its input [1, ...], and what the captured attention needs to know of it.

    Args:
        encoder: the encoder.
        given: the text.
        cut: read the beginning of a text that is too long for the encoder. A pair of texts is never cut.

    Raises:
        DataError: the text is longer than the encoder can read, or a mention has no token.
        ConfigurationError: entities for an encoder without any, or a target for a model without a decoder.
    """
    for name, text in (("text", given.text), ("--pair", given.pair), ("--target", given.target)):
        if text is not None and not text.strip():
            raise DataError(f"found an empty {name}, expected some words")
    if encoder.entities is not None:
        if given.target is not None:
            raise ConfigurationError(f"{encoder.name}: found --target, but a LUKE has no decoder; leave it out")
        return encoder.model, *_luke_input(encoder.entities, given, cut)
    if given.entities is not None:
        raise ConfigurationError(f"{encoder.name}: found --entity, but this encoder reads no entities; leave it out")
    model, inputs, source = encoder.model, *_word_input(encoder, given, cut)
    if encoder.model.config.is_encoder_decoder:
        if given.target is None:
            return model.get_encoder(), inputs, source
        decoder = _decoder_ids(encoder, given.target)
        return model, inputs | {"decoder_input_ids": decoder}, replace(source, target=given.target)
    if given.target is not None:
        raise ConfigurationError(f"{encoder.name}: found --target, but this model has no decoder; leave it out")
    return model, inputs, source


def _luke_input(tokenizer: EntityTokenizer, given: TextInput, cut: bool) -> tuple[dict[str, Tensor], Source]:
    """Words and entities; the mentions of a pair are those of the first text."""

    def read(length: int) -> EncodedText:
        return tokenizer.encode(
            given.text, given.mentions, given.entities, text_pair=given.pair,
            spans_pair=(), max_length=length, with_offsets=True,
        )  # fmt: skip

    encoded, limit = read(_UNLIMITED), tokenizer.max_length
    _check_mentions(tokenizer, given, set(range(len(given.mentions))) - set(encoded.kept))
    if cut and given.pair is None and limit is not None and len(encoded) > limit:
        encoded = read(limit)
    _check_length(len(encoded), limit)
    offsets = encoded.offsets
    assert offsets is not None, "asked for"
    second = encoded.second_start
    if second is None:
        sentences = None
    else:
        sentences = [int(place >= second) for place in range(len(encoded))]
        offsets = [*offsets[:second], *_shifted(offsets[second:], len(given.text) + 1)]
    source = Source(given.id, _joined(given), offsets, sentences=sentences)
    batch = tokenizer.pad([encoded])
    return {name: tensor for name, tensor in batch.items() if encoded.entity_ids or "entity" not in name}, source


def _check_mentions(tokenizer: EntityTokenizer, given: TextInput, missing: set[int]) -> None:
    """Refuse entities that the vocabulary does not have, and mentions that the encoder cannot read.

    Raises:
        DataError: names the entity or the mention.
    """
    for title in given.entities or ():
        if title is not None and tokenizer.entity_vocabulary.id_of(title) is None:
            raise DataError(f"found no entity {title!r} in the model's vocabulary; leave it out to read the mention as [MASK]")
    if len(given.mentions) > tokenizer.max_entity_length:
        found = counted(len(given.mentions), "mention")
        raise DataError(f"found {found}, and the model reads at most {tokenizer.max_entity_length}")
    for number in sorted(missing):
        start, end = given.mentions[number]
        raise DataError(f"found no token in the mention {start}-{end} ({given.text[start:end]!r}); choose another")


def _word_input(encoder: Encoder, given: TextInput, cut: bool) -> tuple[dict[str, Tensor], Source]:
    """Input of an encoder of words."""
    tokenizer, limit = encoder.words, word_limit(encoder.model, None, stated_limit(encoder.words))
    with_offsets = bool(getattr(tokenizer, "is_fast", False))
    shorter = {"truncation": True, "max_length": limit} if cut and given.pair is None and limit is not None else {}
    encoded = tokenizer(
        given.text, given.pair, return_offsets_mapping=with_offsets, return_tensors="pt", verbose=False, **shorter
    )
    _check_length(len(encoded["input_ids"][0]), limit)
    offsets = sentences = None
    if with_offsets:
        of = encoded.sequence_ids(0)
        texts = {0: (given.text, 0), 1: (given.pair or "", len(given.text) + 1)}
        offsets = [
            None if number is None else _of_words(*texts[number], int(start), int(end))
            for number, (start, end) in zip(of, encoded.pop("offset_mapping")[0], strict=True)
        ]
        if given.pair is not None and 1 in of:
            sentences = [int(place >= of.index(1)) for place in range(len(of))]
    inputs = {name: encoded[name] for name in ("input_ids", "attention_mask", "token_type_ids") if name in encoded}
    return inputs, Source(given.id, _joined(given), offsets, mentions=given.mentions, sentences=sentences)


def _decoder_ids(encoder: Encoder, target: str) -> Tensor:
    """Input of the decoder that predicts a target: its start token, and the target without its last token [1, words]."""
    start = encoder.model.config.decoder_start_token_id
    ids = encoder.words(text_target=target, verbose=False)["input_ids"]
    if start is None:
        raise ConfigurationError(f"{encoder.name}: its configuration names no decoder_start_token_id, which --target needs")
    return torch.tensor([[start, *ids[:-1]]])


def _of_words(text: str, shift: int, start: int, end: int) -> tuple[int, int]:
    """Characters of a token in the joined texts, without surrounding white space."""
    start, end = trimmed(text, start, end)
    return start + shift, end + shift


def _shifted(offsets: Sequence[tuple[int, int] | None], by: int) -> list[tuple[int, int] | None]:
    return [None if span is None else (span[0] + by, span[1] + by) for span in offsets]


def _joined(given: TextInput) -> str:
    """The text, or both texts of a pair."""
    return given.text if given.pair is None else f"{given.text} {given.pair}"


def _check_length(found: int, limit: int | None) -> None:
    """Refuse a text that the model would have to cut.

    Raises:
        DataError: names both lengths.
    """
    if limit is not None and found > limit:
        raise DataError(f"found a text of {counted(found, 'sub-word')}, and the model reads at most {limit}: shorten the text")


def inputs_on(device: torch.device, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The input on a device."""
    return {name: tensor.to(device) for name, tensor in inputs.items()}

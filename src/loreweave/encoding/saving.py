"""Saving an `EntityTokenizer` so that transformers 4 and 5 can read it too."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Protocol

from loreweave.corpus.entity_vocabulary import MASK, MASK2, PAD, UNK, EntityVocabulary
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.writing import atomic_path, atomic_write, write_json, write_lines
from loreweave.encoding.families import BYTE_LEVEL_BPE, SENTENCEPIECE, SUBWORD_KINDS, WORDPIECE
from loreweave.encoding.loading import SENTENCEPIECE_FILE
from loreweave.encoding.words.tokenizer import WordTokenizer

Json = dict[str, Any]
_logger = logging.getLogger(__name__)


class Savable(Protocol):
    """Parts of an `EntityTokenizer` that are saved."""

    words: WordTokenizer
    entity_vocabulary: EntityVocabulary
    max_mention_length: int
    max_entity_length: int
    max_length: int | None
    entity_token_1: str
    entity_token_2: str
    source_model: Path | None

    @property
    def piece_rule(self) -> str:
        """Rule for splitting texts at mentions."""


def save_entity_tokenizer(tokenizer: Savable, directory: Pathname) -> None:
    """Write `tokenizer.json` (5), the vocabulary files of 4, both kinds of configuration, and `entity_vocab.json`.

    Each file is written atomically; other files in the folder stay. For SentencePiece, transformers 4 also needs
    `sentencepiece.bpe.model`, which is copied if the tokenizer was read from one.
    """
    folder = Path(directory)
    source = tokenizer.source_model
    model_file = source.read_bytes() if source is not None and source.is_file() else None
    folder.mkdir(parents=True, exist_ok=True)
    specification = json.loads(tokenizer.words.backend.to_str())
    model = specification["model"]
    with atomic_write(folder / "tokenizer.json") as file:
        file.write(tokenizer.words.backend.to_str(pretty=True))
    if model["type"] == BYTE_LEVEL_BPE.algorithm:
        write_json(folder / "vocab.json", model["vocab"])
        write_lines(folder / "merges.txt", ["#version: 0.2", *map(_merge_line, model["merges"])])
    elif model["type"] == WORDPIECE.algorithm:
        write_lines(folder / "vocab.txt", sorted(model["vocab"], key=model["vocab"].__getitem__))
    if model_file is not None and model["type"] == SENTENCEPIECE.algorithm:
        with atomic_path(folder / SENTENCEPIECE_FILE) as temporary:
            temporary.write_bytes(model_file)
    added = _added_tokens(specification)
    write_json(folder / "added_tokens.json", _outside_vocabulary(added, model))
    write_json(folder / "special_tokens_map.json", _special_tokens_map(tokenizer, added))
    write_json(folder / "tokenizer_config.json", _configuration(tokenizer, specification, added))
    if tokenizer.entity_vocabulary.mask2_id is None:
        _logger.warning("the entity vocabulary has no %s, which transformers' LukeTokenizer requires; see with_mask2()", MASK2)
    tokenizer.entity_vocabulary.save(folder / "entity_vocab.json")


def _added_tokens(specification: Json) -> dict[int, Json]:
    """id -> flags, in the order of ids."""
    entries = sorted(specification["added_tokens"], key=lambda entry: entry["id"])
    return {entry["id"]: {key: value for key, value in entry.items() if key != "id"} for entry in entries}


def _outside_vocabulary(added: dict[int, Json], model: Json) -> dict[str, int]:
    """Tokens of `added_tokens.json`, without XLM-R's `<mask>`, which its class in transformers 4 adds itself."""
    is_unigram = model["type"] == SENTENCEPIECE.algorithm
    vocabulary = {"<mask>", *(piece for piece, _ in model["vocab"])} if is_unigram else model["vocab"]
    return {token["content"]: token_id for token_id, token in added.items() if token["content"] not in vocabulary}


def _markers(tokenizer: Savable, added: dict[int, Json]) -> list[str]:
    present = {token["content"] for token in added.values()}
    return [marker for marker in (tokenizer.entity_token_1, tokenizer.entity_token_2) if marker in present]


def _special_tokens_map(tokenizer: Savable, added: dict[int, Json]) -> Json:
    flags = {token["content"]: token for token in added.values()}
    named: Json = dict(tokenizer.words.named_tokens)
    mask = flags.get(named.get("mask_token", ""))
    if mask is not None:
        named["mask_token"] = {key: value for key, value in mask.items() if key != "special"}
    markers = _markers(tokenizer, added)
    return {**named, **({"additional_special_tokens": markers} if markers else {})}


def _configuration(tokenizer: Savable, specification: Json, added: dict[int, Json]) -> Json:
    """`tokenizer_config.json` with the keys of transformers 4, which 5 reads as well."""
    markers = _markers(tokenizer, added)
    flags = {token["content"]: token for token in added.values()}
    kind = specification["model"]["type"]
    configuration: Json = {
        "tokenizer_class": _class_name(tokenizer, kind),
        **tokenizer.words.named_tokens,
        "added_tokens_decoder": {str(token_id): token for token_id, token in added.items()},
        "additional_special_tokens": markers,
        "max_entity_length": tokenizer.max_entity_length,
        "max_mention_length": tokenizer.max_mention_length,
        "piece_rule": tokenizer.piece_rule,
        "clean_up_tokenization_spaces": False,
    }
    if tokenizer.max_length is not None:
        configuration["model_max_length"] = tokenizer.max_length
    for key, marker in zip(("entity_token_1", "entity_token_2"), markers, strict=False):
        # transformers 5 puts ▁ before mLUKE's markers if they are strings, and then does not find them.
        configuration[key] = marker if kind != SENTENCEPIECE.algorithm else {"__type": "AddedToken", **flags[marker]}
    if kind == WORDPIECE.algorithm:
        normalizer = specification["normalizer"] or {}
        configuration |= {
            "do_lower_case": normalizer.get("lowercase", False),
            "strip_accents": normalizer.get("strip_accents"),
            "tokenize_chinese_chars": normalizer.get("handle_chinese_chars", True),
        }
        return configuration
    entity_tokens = {"entity_unk_token": UNK, "entity_pad_token": PAD, "entity_mask_token": MASK}
    configuration |= {**entity_tokens, "entity_mask2_token": MASK2, "task": None}
    if kind == BYTE_LEVEL_BPE.algorithm:
        configuration |= {"add_prefix_space": tokenizer.words.space_before_text, "errors": "replace"}
    return configuration


def transformers_class(tokenizer: Savable) -> str:
    """Class of transformers that reads the files of a tokenizer."""
    return _class_name(tokenizer, json.loads(tokenizer.words.backend.to_str())["model"]["type"])


def _class_name(tokenizer: Savable, kind: str) -> str:
    subwords = SUBWORD_KINDS.get(kind)
    if subwords is None or subwords.double_separator != tokenizer.words.special.double_separator:
        return "PreTrainedTokenizerFast"  # a class of the kind would put other special tokens between two texts
    return subwords.reader


def _merge_line(merge: str | list[str]) -> str:
    return merge if isinstance(merge, str) else " ".join(merge)

"""Windows of the text stream, and the properties of a word tokenizer that masking needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from loreweave.encoding.words.boundaries import continuation_rule


@dataclass
class WordVocabulary:
    """Properties of a word tokenizer that masking needs.

    Attributes:
        size: number of word ids without added tokens; random replacements are drawn below it.
        continues: for each id, whether it continues the word of the previous token [size of the tokenizer]; None if
            the tokens do not show it.
        special_ids: ids of all special tokens, including that of unknown words.
    """

    size: int
    pad_id: int
    mask_id: int | None
    start_id: int
    end_id: int
    continues: np.ndarray | None
    special_ids: tuple[int, ...] = ()

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> WordVocabulary:
        """Read ids and word boundaries from a fast tokenizer (WordPiece, byte-level BPE or SentencePiece)."""
        rule = continuation_rule(tokenizer.backend_tokenizer)
        special, tokens = set(tokenizer.all_special_ids), tokenizer.get_vocab()
        continues = None
        if rule is not None:
            continues = np.zeros(max(tokens.values()) + 1, dtype=bool)
            continues[[token_id for token, token_id in tokens.items() if token_id not in special and rule(token)]] = True
        start = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
        end = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
        return cls(tokenizer.vocab_size, tokenizer.pad_token_id, tokenizer.mask_token_id, start, end, continues, tuple(special))


class Targets(NamedTuple):
    """Positions and labels of the targets in a window. Word position -1 is the start token before the words."""

    positions: np.ndarray  # [targets]
    labels: np.ndarray  # [targets]

    @classmethod
    def none(cls) -> Targets:
        """No target in this window."""
        return cls(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


@dataclass
class Window:
    """One example of the text stream: sub-words without special tokens, and their entities.

    Objectives replace ids in `word_ids` and `entity_ids` (copies of the stored ones) and store `targets` under their name.
    """

    word_ids: np.ndarray  # [words]
    entity_ids: np.ndarray  # [entities]
    entity_starts: np.ndarray  # [entities], index into word_ids
    entity_lengths: np.ndarray  # [entities], in sub-words
    page_entity_id: int = -1
    targets: dict[str, Targets] = field(default_factory=dict)
    whole: np.ndarray | None = None  # [words], `word_ids` before objectives hid some, where one reads them
    links: np.ndarray | None = None  # [entities], `entity_ids` before objectives hid some, where one reads them
    hiding: np.ndarray | None = None  # [entities], number from 0 to 1 by which a mention is hidden; NaN: not drawn yet
    draw: int = -1  # number of the draw in the run; objectives may seed with it what they draw for a micro-batch


def flat_targets(targets: Sequence[Targets], width: int, shift: int) -> dict[str, Tensor]:
    """Targets of a micro-batch: `positions` in the flattened [batch * width] states, and `labels`. Each [targets]

    Args:
        targets: targets of each window.
        width: number of positions of a padded window.
        shift: number of positions before the one that a window counts as 0.
    """
    places = [found.positions + shift + row * width for row, found in enumerate(targets)]
    return {"positions": _long(places), "labels": _long([found.labels for found in targets])}


def _long(parts: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.concatenate(parts).astype(np.int64))

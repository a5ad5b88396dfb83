"""Check that a tokenizer has words.

If a folder lacks the vocabulary, transformers silently builds a tokenizer of its special tokens only: every word is then
the unknown token, or nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from loreweave.corpus.counts import listed
from loreweave.encoding.families import SUBWORD_KINDS
from loreweave.errors import CheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LIKE_SPECIAL = re.compile(r"\[[^\[\]\s]+\]|<(?!0x[0-9A-F]{2}>)[^<>\s]+>")
"""Special tokens such as `[unused1]` and `<mask>`, but not the single bytes of SentencePiece, such as `<0x41>`."""
_SIGNS = "".join(kind.mark for kind in SUBWORD_KINDS.values()) + " "
"""Marks of the beginning or the middle of a word."""
_SHOWN = 8


def check_words(tokenizer: PreTrainedTokenizerBase, source: object) -> None:
    """Refuse a tokenizer whose vocabulary has special tokens only. One token of any script that can be in a word is enough.

    Args:
        tokenizer: tokenizer of transformers; slow tokenizers are not checked (they are refused elsewhere).
        source: folder or name that it was loaded from.

    Raises:
        CheckpointError: no token can be in a word.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        return
    special = {token.content for token in backend.get_added_tokens_decoder().values() if token.special}
    special |= set(tokenizer.all_special_tokens)
    vocabulary = backend.get_vocab(with_added_tokens=True)
    if any(token not in special and not _LIKE_SPECIAL.fullmatch(token) and token.strip(_SIGNS) for token in vocabulary):
        return
    by_id: list[str] = sorted(vocabulary, key=vocabulary.__getitem__)
    shown = f"{len(by_id)}: {listed(by_id, _SHOWN)}"
    raise CheckpointError(
        f"{source}: found a tokenizer with special tokens only ({shown}), so every word is unknown; "
        "expected the vocabulary of the model: put its tokenizer.json (or vocab.txt, vocab.json with merges.txt, or its "
        "SentencePiece model) into the folder"
    )

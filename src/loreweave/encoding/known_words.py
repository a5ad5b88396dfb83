"""Whether a tokenizer knows any words at all.

transformers builds a tokenizer of its special tokens alone where the folder lacks the vocabulary, and says nothing: every word
is then the unknown token, or nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from loreweave.corpus.counts import listed
from loreweave.errors import CheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LIKE_SPECIAL = re.compile(r"\[[^\[\]\s]+\]|<(?!0x[0-9A-F]{2}>)[^<>\s]+>")
"""`[unused1]`, `<mask>`; not the single bytes of SentencePiece, `<0x41>`."""
_SIGNS = "#▁Ġ "
"""What marks the begin or the middle of a word, and is none itself."""
_SHOWN = 8


def check_words(tokenizer: PreTrainedTokenizerBase, source: object) -> None:
    """Refuse a tokenizer whose vocabulary holds special tokens alone. One token that may be of a word is enough, in any script.

    Args:
        tokenizer: of transformers; one that is not fast is passed over (it is refused elsewhere).
        source: the folder or the name that it was read from.

    Raises:
        CheckpointError: no token may be of a word.
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
        f"{source}: found a tokenizer of special tokens alone ({shown}), so that every word is unknown; "
        "expected the vocabulary of the model: put its tokenizer.json (or vocab.txt, vocab.json with merges.txt, or its "
        "SentencePiece model) into the folder"
    )

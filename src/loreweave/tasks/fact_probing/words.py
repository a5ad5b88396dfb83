"""Words of a model that are one token, and the words that several models have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from loreweave.corpus.files.reading import open_text
from loreweave.encoding.families import BYTE_LEVEL_BPE, SENTENCEPIECE, WORDPIECE
from loreweave.encoding.words.tokenizer import clean_backend
from loreweave.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_LETTER = "a"


class WordVocabulary:
    """The words of a tokenizer that are one token each.

    Tokens of byte-level BPE and SentencePiece differ with and without a space in front: ` Paris` and `Paris` are two tokens. A
    word therefore has an id after a space, and another one, or none, elsewhere.

    Args:
        tokenizer: fast tokenizer of transformers.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        # A copy without padding and truncation, which would change the number of tokens, and without a space before every text.
        self._backend, self._puts_space = clean_backend(tokenizer.backend_tokenizer, set(tokenizer.all_special_tokens))
        self._vocabulary = self._backend.get_vocab(with_added_tokens=True)
        special = {token.content for token in self._backend.get_added_tokens_decoder().values() if token.special}
        special |= set(tokenizer.all_special_tokens)
        self._special = {self._vocabulary[token] for token in special if token in self._vocabulary}

    @property
    def lowercases(self) -> bool:
        """Whether the tokenizer makes no difference between capital and small letters."""
        return self._ids(f" {_LETTER.upper()}") == self._ids(f" {_LETTER}")

    @cached_property
    def space_before_text(self) -> bool:
        """Whether a word at the start of a text is the same token as after a space."""
        return self._puts_space or self._ids(_LETTER) == self._ids(f" {_LETTER}")

    def is_after_space(self, before: str) -> bool:
        """Whether a word after this beginning of a text is the token of a word after a space."""
        return before[-1].isspace() if before else self.space_before_text

    def ids_of(self, words: Sequence[str], *, after_space: bool = True) -> list[int | None]:
        """Id of each word that is one known token; None for others."""
        if not words:
            return []
        if not after_space and self._algorithm == SENTENCEPIECE.algorithm:  # its tokenizer puts a space before every text
            found = [self._vocabulary.get(self._normalized(word)) for word in words]
            return [None if id in self._special else id for id in found]
        space = " " if after_space else ""
        encoded = self._backend.encode_batch([space + word.strip() for word in words], add_special_tokens=False)
        return [self._only(encoding.ids) for encoding in encoded]

    def knows(self, word: str) -> bool:
        """Whether no part of a word is the unknown token."""
        return self.tokenizer.unk_token_id not in self._ids(f" {word.strip()}")

    def words(self) -> Iterator[str]:
        """All words after a space that are one token, as they are written in the vocabulary, without special tokens."""
        for token, id in self._vocabulary.items():
            if id not in self._special and (word := self._word_of(token, id)):
                yield word

    def name_of(self, id: int) -> str:
        """A token as text, without the space in front; a part of a word keeps its mark (`##ing`)."""
        token = str(self.tokenizer.convert_ids_to_tokens(id))
        if id in self._special or self._algorithm == WORDPIECE.algorithm:
            return token
        return str(self.tokenizer.decode([id])).strip() or token

    @property
    def _algorithm(self) -> str:
        return type(self._backend.model).__name__

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._backend.encode(text, add_special_tokens=False).ids
        return ids

    def _only(self, ids: list[int]) -> int | None:
        return ids[0] if len(ids) == 1 and ids[0] not in self._special else None

    def _normalized(self, word: str) -> str:
        word, normalizer = word.strip(), self._backend.normalizer
        return word if normalizer is None else str(normalizer.normalize_str(word)).strip(f"{SENTENCEPIECE.mark} ")

    def _word_of(self, token: str, id: int) -> str:
        """The word of a token; empty for a part of a word."""
        if self._algorithm == WORDPIECE.algorithm:
            return "" if token.startswith(self._backend.model.continuing_subword_prefix) else token
        if token.startswith(SENTENCEPIECE.mark):
            return token[len(SENTENCEPIECE.mark) :]
        if token.startswith(BYTE_LEVEL_BPE.mark):
            return str(self.tokenizer.decode([id])).strip()
        return "" if self._algorithm in (BYTE_LEVEL_BPE.algorithm, SENTENCEPIECE.algorithm) else token


def read_words(path: Path) -> list[str]:
    """The words of a file, one per line, each once.

    Raises:
        DataError: there is none.
    """
    with open_text(path) as file:
        words = list(dict.fromkeys(line.strip() for line in file if line.strip()))
    if not words:
        raise DataError("found no word, expected one per line", path=path)
    return words


def common_words(vocabularies: Sequence[WordVocabulary], among: Sequence[str] | None = None) -> list[str]:
    """Words with a letter or a digit that are one token in every vocabulary: those of a list, or all, sorted.

    If one of the tokenizers makes no difference between capital and small letters, words are compared without it. Without a
    list, they are written as in the first vocabulary.
    """
    lowercase = any(vocabulary.lowercases for vocabulary in vocabularies)
    words = [{word for word in vocabulary.words() if any(letter.isalnum() for letter in word)} for vocabulary in vocabularies]
    shared = set.intersection(*({_written(word, lowercase) for word in own} for own in words))
    return [word for word in (sorted(words[0]) if among is None else among) if _written(word, lowercase) in shared]


def _written(word: str, lowercase: bool) -> str:
    return word.lower() if lowercase else word

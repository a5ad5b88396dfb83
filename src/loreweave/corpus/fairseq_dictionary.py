"""fairseq's vocabulary: the ids of `dict.txt`, and GPT-2's byte-level sub-words that they refer to.

A line of `dict.txt` is `<GPT-2 id as a decimal number> <count>`. GPT-2's own files are `encoder.json` (sub-word -> GPT-2 id;
Hugging Face: `vocab.json`) and `vocab.bpe` (merges in order; Hugging Face: `merges.txt`). The first follows from the second:
256 bytes, then one sub-word per merge, then `<|endoftext|>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tokenizers import decoders

from loreweave.corpus.files.reading import Pathname, open_text, read_json
from loreweave.corpus.files.writing import atomic_write, write_json
from loreweave.errors import DataError

DICTIONARY = "dict.txt"
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
"""Symbols before the first line of `dict.txt`; the id of a line is its number from 0, plus 4."""
MASK = "<mask>"
"""Symbol that the masked-language-model task appends."""
MADE_UP = "madeupword"
END_OF_TEXT = "<|endoftext|>"
ENCODER_FILES = ("encoder.json", "vocab.json")
MERGES_FILES = ("vocab.bpe", "merges.txt")
_VERSION_LINE = "#version: 0.2"
_BYTE_LEVEL = decoders.ByteLevel()


def read_dictionary(path: Pathname) -> list[str]:
    """Symbols of a `dict.txt` by id: `SPECIALS`, then its lines.

    Raises:
        DataError: a line is not `<symbol> <count>`, or a symbol is repeated.
    """
    symbols = list(SPECIALS)
    known = set(symbols)
    with open_text(path) as file:
        for line, text in enumerate(file, 1):
            symbol, _, count = text.rstrip("\n").rpartition(" ")
            if not symbol or not count.isdecimal():
                raise DataError(f"found {text.strip()[:80]!r}, expected '<symbol> <count>'", path=path, line=line)
            if symbol in known:
                raise DataError(f"found the symbol {symbol!r} a second time", path=path, line=line)
            known.add(symbol)
            symbols.append(symbol)
    return symbols


@dataclass(frozen=True)
class Gpt2SubWords:
    """GPT-2's byte-level sub-words.

    Attributes:
        ids: sub-word -> GPT-2 id.
        merges: pairs of sub-words, `left right`, in order.
    """

    ids: Mapping[str, int]
    merges: tuple[str, ...]

    @classmethod
    def of_merges(cls, merges: Iterable[str]) -> Gpt2SubWords:
        """Ids that follow from the merges."""
        kept = tuple(merges)
        tokens = [*byte_alphabet(), *(merge.replace(" ", "") for merge in kept), END_OF_TEXT]
        return cls({token: id for id, token in enumerate(tokens)}, kept)

    @cached_property
    def tokens(self) -> dict[int, str]:
        """GPT-2 id -> sub-word."""
        return {id: token for token, id in self.ids.items()}

    def save(self, folder: Path) -> None:
        """Write `encoder.json` and `vocab.bpe`."""
        write_json(folder / ENCODER_FILES[0], dict(self.ids))
        with atomic_write(folder / MERGES_FILES[0]) as file:
            file.write("\n".join([_VERSION_LINE, *self.merges]) + "\n")


def has_gpt2_files(folder: Path) -> bool:
    """Whether a folder has GPT-2's merges, under fairseq's or Hugging Face's name."""
    return any((folder / name).is_file() for name in MERGES_FILES)


def read_gpt2_sub_words(folder: Path) -> Gpt2SubWords:
    """Read GPT-2's files. The ids are computed from the merges if there is no vocabulary, or RoBERTa's, which has other ids.

    Raises:
        DataError: there are no merges, or a file is broken.
    """
    file = next((folder / name for name in MERGES_FILES if (folder / name).is_file()), None)
    if file is None:
        raise DataError(f"found no {' or '.join(MERGES_FILES)} (GPT-2's merges)", path=folder)
    merges = _read_merges(file)
    ids = next((_read_ids(folder / name) for name in ENCODER_FILES if (folder / name).is_file()), None)
    return Gpt2SubWords.of_merges(merges) if ids is None or MASK in ids else Gpt2SubWords(ids, tuple(merges))


def _read_merges(path: Path) -> list[str]:
    merges = []
    with open_text(path) as file:
        for line, text in enumerate(file, 1):
            if (line == 1 and text.startswith("#version")) or not text.strip():
                continue
            if len(text.split()) != 2:
                raise DataError(f"found {text.strip()[:80]!r}, expected two sub-words", path=path, line=line)
            merges.append(text.strip())
    return merges


def _read_ids(path: Path) -> dict[str, int]:
    ids = read_json(path)
    if not isinstance(ids, dict) or not all(isinstance(id, int) for id in ids.values()):
        raise DataError("expected an object of sub-word -> GPT-2 id", path=path)
    return ids


def sub_words_by_id(symbols: Sequence[str], gpt2: Gpt2SubWords, path: Pathname | None = None) -> list[str]:
    """fairseq id -> sub-word, for the symbols of `read_dictionary`.

    Raises:
        DataError: a symbol is neither GPT-2's id of a sub-word nor a padding word; names its line in `path`.
    """
    sub_words = list(symbols[: len(SPECIALS)])
    for line, symbol in enumerate(symbols[len(SPECIALS) :], 1):
        sub_word = gpt2.tokens.get(int(symbol)) if symbol.isdecimal() else None
        if sub_word is None and not symbol.startswith(MADE_UP):
            message = f"found {symbol!r}, expected a GPT-2 id from 0 to {len(gpt2.tokens) - 1}"
            raise DataError(message, path=path, line=line)
        sub_words.append(symbol if sub_word is None else sub_word)
    return sub_words


def write_dictionary(path: Pathname, sub_words: Sequence[str], gpt2: Gpt2SubWords) -> None:
    """Write the `dict.txt` of sub-words by fairseq id (`SPECIALS` first, without `<mask>`); all counts are 0."""
    with atomic_write(path) as file:
        for sub_word in sub_words[len(SPECIALS) :]:
            file.write(f"{gpt2.ids.get(sub_word, sub_word)} 0\n")


def text_of(sub_words: Sequence[str]) -> str:
    """Text of byte-level sub-words; bytes that are not UTF-8 become U+FFFD."""
    text: str = _BYTE_LEVEL.decode(list(sub_words))
    return text


def byte_alphabet() -> list[str]:
    """Characters that stand for bytes, in the order of GPT-2's ids: visible Latin-1 first, then all other bytes."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = sorted(set(range(256)) - set(visible))
    return [*map(chr, visible), *(chr(256 + number) for number in range(len(hidden)))]

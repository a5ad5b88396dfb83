"""The word tokenizer of a fairseq RoBERTa: from `dict.txt` with GPT-2's files, and back.

Hugging Face's RoBERTa has the ids of fairseq: four special tokens, the lines of `dict.txt`, `<mask>`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast, RobertaTokenizer

from loreweave.build.sentence_tokenizer import backend_of
from loreweave.checkpoints.word_tokenizers import has_tokenizer, read_word_tokenizer
from loreweave.corpus.counts import counted
from loreweave.corpus.fairseq_dictionary import (
    DICTIONARY,
    MASK,
    SPECIALS,
    Gpt2SubWords,
    has_gpt2_files,
    read_dictionary,
    read_gpt2_sub_words,
    sub_words_by_id,
    write_dictionary,
)
from loreweave.errors import CheckpointError


def find_tokenizer(folder: Path, base: Path | None, rows: int, max_length: int) -> PreTrainedTokenizerFast:
    """Tokenizer of a checkpoint in `folder`, whose table of sub-words has `rows` rows.

    It is made from GPT-2's files next to `dict.txt`. Otherwise that of `base`, a Hugging Face folder, is compared with
    `dict.txt`, with GPT-2's files from `base`.

    Raises:
        CheckpointError: neither exists, or ids differ; names the first sub-word that differs.
        DataError: a broken file.
    """
    dictionary = next((place / DICTIONARY for place in (folder, base) if place and (place / DICTIONARY).is_file()), None)
    gpt2 = next((place for place in (folder, base) if place and has_gpt2_files(place)), None)
    tokenizer = None if base is None or not has_tokenizer(base) else read_word_tokenizer(base)
    sub_words = None
    if dictionary is not None and gpt2 is not None:
        found = read_gpt2_sub_words(gpt2)
        sub_words = [*sub_words_by_id(read_dictionary(dictionary), found, dictionary), MASK]
        _check_rows(len(sub_words), rows, dictionary)
        if tokenizer is None:
            return _make(sub_words, found, dictionary, max_length)
    if tokenizer is None:
        message = f"found no tokenizer: put {DICTIONARY}, encoder.json and vocab.bpe next to the checkpoint, or give --base, "
        raise CheckpointError(f"{folder}: {message}a Hugging Face folder of the same vocabulary (FacebookAI/roberta-base)")
    assert base is not None
    _check_rows(len(tokenizer), rows, base)
    if sub_words is not None:
        _compare(tokenizer, sub_words, base)
    return tokenizer


def _check_rows(ids: int, rows: int, place: Path) -> None:
    if ids != rows:
        raise CheckpointError(f"{place}: found {ids} ids with <mask>, the checkpoint's table of sub-words has {rows} rows")


def _compare(tokenizer: PreTrainedTokenizerFast, sub_words: list[str], base: Path) -> None:
    ids = tokenizer.get_vocab()
    differing = next((id for id, sub_word in enumerate(sub_words) if ids.get(sub_word) != id), None)
    if differing is not None:
        found = ids.get(sub_words[differing])
        raise CheckpointError(f"{base}: the tokenizer has {sub_words[differing]!r} as {found}, {DICTIONARY} as {differing}")


def _make(sub_words: list[str], gpt2: Gpt2SubWords, dictionary: Path, max_length: int) -> PreTrainedTokenizerFast:
    ids = {sub_word: id for id, sub_word in enumerate(sub_words)}
    pairs: list[Any] = [tuple(merge.split(" ")) for merge in gpt2.merges]  # annotated as strings in transformers
    lost = next((sub_word for pair in pairs for sub_word in (*pair, "".join(pair)) if sub_word not in ids), None)
    if lost is not None:
        message = f"the line of GPT-2's id {gpt2.ids.get(lost)} ({lost!r}) is missing, which GPT-2's merges need"
        raise CheckpointError(f"{dictionary}: {message}; fairseq would read it as <unk>, Hugging Face's tokenizer cannot")
    return RobertaTokenizer(vocab=ids, merges=pairs, model_max_length=max_length)


def write_vocabulary(tokenizer: PreTrainedTokenizerFast, rows: int, folder: Path) -> None:
    """Write `dict.txt`, `encoder.json` and `vocab.bpe` of a RoBERTa tokenizer.

    Raises:
        CheckpointError: the tokenizer is of another kind, or its ids differ from fairseq's.
    """
    model = json.loads(backend_of(tokenizer).to_str())["model"]
    if model["type"] != "BPE":
        raise CheckpointError(f"found a tokenizer of the kind {model['type']}, fairseq's RoBERTa has byte-level BPE")
    names = {id: sub_word for sub_word, id in tokenizer.get_vocab().items()}
    expected = {**dict(enumerate(SPECIALS)), rows - 1: MASK}
    for id, sub_word in expected.items():
        if names.get(id) != sub_word:
            raise CheckpointError(f"the tokenizer has {names.get(id)!r} as {id}, fairseq has {sub_word}; {rows} rows in all")
    if sorted(names) != list(range(rows)):
        raise CheckpointError(f"found {counted(len(names), 'sub-word')} up to the id {max(names)}, the model has {rows} rows")
    gpt2 = Gpt2SubWords.of_merges(merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"])
    write_dictionary(folder / DICTIONARY, [names[id] for id in range(rows - 1)], gpt2)
    gpt2.save(folder)

"""Small files in fairseq's formats, written as fairseq 0.8 and KEPLER's scripts write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from token_sequences import write_token_sequences

from loreweave.corpus.fairseq_dictionary import Gpt2SubWords, byte_alphabet

MERGES = (
    "t h", "th e", "Ġ the", "c i", "ci t", "cit y", "Ġ city", "r i", "ri v", "e r", "riv er", "Ġ river", "Ġ a", "o f", "Ġ of",
)  # fmt: skip
GPT2 = Gpt2SubWords.of_merges(MERGES)
# The order of `dict.txt` is that of the counts in some corpus: here a fixed shuffle of GPT-2's ids.
ORDER = sorted(GPT2.ids.values(), key=lambda id: (id * 7919 + 13) % 1009)
MADE_UP = ("madeupword0000", "madeupword0001")
SYMBOLS = ("<s>", "<pad>", "</s>", "<unk>", *map(str, ORDER), *MADE_UP)
VOCABULARY_SIZE = len(SYMBOLS) + 1
"""With the `<mask>` that the task appends."""


def write_dict(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{symbol} {1000 - index}" for index, symbol in enumerate(SYMBOLS[4:])]
    (folder / "dict.txt").write_text("\n".join(lines) + "\n")
    return folder / "dict.txt"


def write_gpt2(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "encoder.json").write_text(json.dumps(dict(GPT2.ids)))
    (folder / "vocab.bpe").write_text("\n".join(["#version: 0.2", *MERGES]) + "\n", encoding="utf-8")


def encode(text: str) -> list[int]:
    """fairseq ids of a text without merges (one id a byte), with the end token."""
    names = dict(zip([*range(33, 127), *range(161, 173), *range(174, 256)], byte_alphabet(), strict=False))
    hidden = [byte for byte in range(256) if byte not in names]
    names |= dict(zip(hidden, byte_alphabet()[len(names) :], strict=True))
    return [SYMBOLS.index(str(GPT2.ids[names[byte]])) for byte in text.encode()] + [2]


def write_shard(
    folder: Path,
    triples: Sequence[tuple[str, int, str]],
    negatives: Sequence[tuple[Sequence[str], Sequence[str]]],
    split: str = "train",
    relation_texts: Sequence[str] | None = None,
) -> Path:
    """`negatives` holds, for each triple, the texts in the place of its head and of its tail."""
    sides = {
        "head": [head for head, _, _ in triples],
        "tail": [tail for _, _, tail in triples],
        "negHead": [text for heads, _ in negatives for text in heads],
        "negTail": [text for _, tails in negatives for text in tails],
    }
    if relation_texts is not None:
        sides["relation_desc"] = [relation_texts[relation] for _, relation, _ in triples]
    for side, texts in sides.items():
        write_dict(folder / side)
        write_token_sequences(folder / side / split, [encode(text) for text in texts])
    counted = [
        sum(min(len(encode(text)) - 1, 512) for text in (head, tail, *heads, *tails))
        for (head, _, tail), (heads, tails) in zip(triples, negatives, strict=True)
    ]
    for name, values in (("relation", [relation for _, relation, _ in triples]), ("sizes", counted)):
        (folder / name).mkdir(exist_ok=True)
        np.save(folder / name / f"{split}.npy", np.array(values))
    return folder


def write_count_json(folder: Path, triples: Sequence[tuple[str, int, str]]) -> None:
    entities: dict[str, int] = {}
    counts: dict[str, int] = {}
    for head, relation, tail in triples:
        rows = [entities.setdefault(text, len(entities)) for text in (head, tail)]
        for key in (f"{rows[0]},{relation}", f"{rows[1]},{-relation - 1}"):
            counts[key] = counts.get(key, 3) + 1
    (folder / "count.json").write_text(json.dumps(counts))

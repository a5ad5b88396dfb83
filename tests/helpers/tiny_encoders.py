"""Tiny encoders on disk and a typing file to train them on, for the tests of tasks and of their commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertModel, BertTokenizer

from loreweave.checkpoints import luke_from_encoder
from loreweave.checkpoints.formats.hugging_face import save
from loreweave.corpus.entity_vocabulary import EntityVocabulary

WORDS = [
    "ann",
    "lives",
    "in",
    "oslo",
    "and",
    "works",
    "at",
    "a",
    "bank",
    "(",
    ")",
    ",",
    ".",
    "@",
    "#",
    "the",
    "river",
    "is",
    "long",
    "bob",
    "paris",
    "he",
    "she",
]


def make_tiny_bert(folder: Path) -> Path:
    """A random BERT of two layers with a WordPiece vocabulary, 64 positions."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = list(dict.fromkeys([*special, *WORDS, *letters, *(f"##{letter}" for letter in letters)]))
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


def make_tiny_luke(encoder: Path, folder: Path) -> Path:
    """A LUKE around an encoder, with two entities."""
    vocabulary = EntityVocabulary.from_counts({"Oslo": 3, "Paris": 2})
    made = luke_from_encoder(encoder, vocabulary, entity_embedding_size=16)
    save(made.model, made.tokenizer, folder)
    return folder


TYPING_ROWS: list[dict[str, Any]] = [
    row
    for name, place, doc in (("Ann", "Oslo", "a"), ("Bob", "Paris", "b"), ("She", "Oslo", "c"), ("He", "Paris", "d"))
    for text in (f"{name} lives in {place} .", f"{name} works at a bank in {place} .")
    for row in (
        {"sent": text, "start": 0, "end": len(name), "labels": ["person"], "doc": doc},
        {"sent": text, "start": text.index(place), "end": text.index(place) + len(place), "labels": ["place", "city"],
         "doc": doc},
    )
]  # fmt: skip
"""Sixteen mentions of people and cities in four documents."""

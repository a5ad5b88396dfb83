"""A small world to pre-train on: texts with mentions, as a pre-training set, and an encoder."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoTokenizer, BertConfig, BertModel

from loreweave.build.pretraining_set import build_pretraining_set
from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.knowledge.entity_types import write_entity_types

CITIES = ["Paris", "London", "Rome", "Madrid", "Vienna", "Lisbon", "Oslo", "Bern"]


def make_world(folder: Path, tokenizer_folder: Path) -> Path:
    """`data`, a pre-training set of 24 windows, each of the page of a city; `encoder`, a tiny random BERT without a masked-word
    head, as MiniLM comes."""
    texts = []
    for number in range(24):
        one, two = CITIES[number % 8], CITIES[(3 * number + 1) % 8]
        text = f"{one} is a large old city by the river, and from {two} it takes {number} hours by train to get there."
        second = text.index(f"from {two}") + 5
        mentions = (Mention(0, len(one), entity=one), Mention(second, second + len(two), entity=two))
        texts.append(AnnotatedText(id=str(number), text=text, mentions=mentions, metadata={"title": one}))
    vocabulary = EntityVocabulary.from_counts(dict.fromkeys(CITIES, 6))
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    build_pretraining_set(texts, tokenizer, vocabulary, folder / "data", max_length=64)
    config = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    torch.manual_seed(0)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder / "encoder")
    tokenizer.save_pretrained(folder / "encoder")
    return folder


def write_city_types(path: Path) -> Path:
    """Types of the world's cities but one: capitals and others; two have two types."""
    types = {city: ("capital",) if number % 2 else ("large city",) for number, city in enumerate(CITIES[:-1])}
    write_entity_types(path, types | {"Paris": ("large city", "capital"), "Rome": ("large city", "holy city")})
    return path

"""Tiny tokenizers of the three kinds, trained or written on the spot, in folders as transformers 4 and 5 write them."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

CORPUS = [
    "Beyoncé lives in Los Angeles, and Barack Obama was born in Honolulu, Hawaii.",
    "Tokyo is the capital of Japan. 東京は日本の首都です。 The quick brown fox jumps over the lazy dog.",
    "Das ist ein Satz über München und Köln. L'été à Paris; don't stop 🙂 now! (NYC) has 8,804,190 people.",
]
ENTITIES = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "Tokyo": 3, "Los Angeles": 4, "[MASK2]": 5}
ROBERTA_NAMES = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": "<mask>",
}


def write_entities(folder: Path) -> None:
    folder.joinpath("entity_vocab.json").write_text(json.dumps(ENTITIES), encoding="utf-8")


def write_byte_bpe(folder: Path) -> Path:
    """`vocab.json`, `merges.txt` and entities: a trained byte-level BPE with RoBERTa's special tokens, no markers."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(CORPUS * 3, trainer)
    model = json.loads(backend.to_str())["model"]
    vocabulary = {**model["vocab"], "<mask>": len(model["vocab"])}
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    folder.joinpath("merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")
    write_entities(folder)
    return folder


def write_transformers_4_config(folder: Path, class_name: str, first_marker: int) -> Path:
    """The JSON files that transformers 4.57 writes beside the vocabulary of LUKE or mLUKE (verified on 4.57.6)."""
    marker = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    config = {
        **ROBERTA_NAMES,
        "additional_special_tokens": ["<ent>", "<ent2>"],
        "entity_mask2_token": "[MASK2]",
        "entity_mask_token": "[MASK]",
        "entity_pad_token": "[PAD]",
        "entity_token_1": {"__type": "AddedToken", "content": "<ent>", **marker},
        "entity_token_2": {"__type": "AddedToken", "content": "<ent2>", **marker},
        "entity_unk_token": "[UNK]",
        "max_entity_length": 32,
        "max_mention_length": 30,
        "model_max_length": 1000000000000000019884624838656,
        "task": None,
        "tokenizer_class": class_name,
    }
    names = {**ROBERTA_NAMES, "mask_token": {"content": "<mask>", **marker, "lstrip": True}}
    added = {"<ent2>": first_marker + 1, "<ent>": first_marker}
    for name, content in (("tokenizer_config", config), ("special_tokens_map", names), ("added_tokens", added)):
        folder.joinpath(f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def write_sentencepiece(folder: Path) -> Path:
    """`sentencepiece.bpe.model` and entities: a trained unigram model with the normalization of XLM-R."""
    import sentencepiece

    folder.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS * 3),
        model_prefix=str(folder / "sentencepiece.bpe"),
        vocab_size=200,
        character_coverage=1.0,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    folder.joinpath("sentencepiece.bpe.vocab").unlink()
    write_entities(folder)
    return folder


def write_wordpiece(folder: Path) -> Path:
    """`vocab.txt` of an uncased WordPiece with BERT's special tokens, and entities."""
    characters = "abcdefghijklmnopqrstuvwxyz0123456789.,;:!?()'"
    words = ["tokyo", "is", "the", "capital", "of", "japan", "los", "angeles", "lives", "in", "beyonce"]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *characters, *("##" + c for c in characters)]
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    write_entities(folder)
    return folder

"""A tiny random encoder of every family in the table, in a folder as transformers writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tiny_encoders import WORDS, make_tiny_bert, make_tiny_luke
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import CONFIG_MAPPING, AutoModel, MPNetTokenizer, PreTrainedTokenizerFast

LIMIT = 64
"""Sub-words that each of them reads."""

_LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
_PIECES = [*WORDS, '"', "$", "%", *_LETTERS, *(f"##{letter}" for letter in _LETTERS)]
_BERT = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
_ROBERTA = {
    "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>", "pad_token": "<pad>",
    "cls_token": "<s>", "mask_token": "<mask>",
}  # fmt: skip
_TEXTS = [" ".join(WORDS) + ' " $ %', " ".join(_LETTERS), "ann lives in oslo and works at a bank ."]


def _fast(backend: Tokenizer, names: dict[str, str], pair: str) -> PreTrainedTokenizerFast:
    """A tokenizer that puts the start and the end around a text, and `pair` between two."""
    start, end = names["cls_token"], names["sep_token"]
    backend.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", pair=f"{start} $A {pair} $B {end}",
        special_tokens=[(token, backend.token_to_id(token)) for token in (start, end)],
    )  # fmt: skip
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=LIMIT, **names)


def wordpiece() -> PreTrainedTokenizerFast:
    """BERT's kind."""
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys([*_BERT.values(), *_PIECES]))}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer, backend.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return _fast(backend, _BERT, "[SEP]")


def mpnet_wordpiece() -> PreTrainedTokenizerFast:
    """MPNet's: WordPiece with RoBERTa's special tokens at the beginning, padding 1, `[UNK]` among the words, `<mask>` last."""
    tokens = list(dict.fromkeys(["<s>", "<pad>", "</s>", "<unk>", "[UNK]", *_PIECES, "<mask>"]))
    made: Any = MPNetTokenizer
    tokenizer: PreTrainedTokenizerFast = made(
        vocab={token: number for number, token in enumerate(tokens)}, model_max_length=LIMIT, do_lower_case=True
    )
    return tokenizer


def byte_level_bpe(names: dict[str, str] = _ROBERTA, pair: str = "</s> </s>") -> PreTrainedTokenizerFast:
    """RoBERTa's kind; `<pad>` is 1."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = list(dict.fromkeys([names["cls_token"], names["pad_token"], names["sep_token"], *names.values()]))
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    backend.train_from_iterator(_TEXTS * 3, trainer)
    return _fast(backend, names, pair)


def sentencepiece(names: dict[str, str] = _ROBERTA, pair: str = "</s> </s>") -> PreTrainedTokenizerFast:
    """The kind of XLM-R; `<pad>` is 1."""
    special = list(dict.fromkeys([names["cls_token"], names["pad_token"], names["sep_token"], *names.values()]))
    pieces = dict.fromkeys([*special, *(f"▁{word}" for word in WORDS), "▁", *_LETTERS, *WORDS, '"', "$", "%"])
    unknown = list(pieces).index(names["unk_token"])
    backend = Tokenizer(models.Unigram([(piece, -float(len(pieces)) / (1 + len(piece))) for piece in pieces], unknown, False))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    backend.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    return _fast(backend, names, pair)


@dataclass(frozen=True)
class FamilyCase:
    """How to make a tiny encoder of a family.

    Attributes:
        tokenizer: of its kind.
        positions: rows of its table of positions, for `LIMIT` sub-words.
        changes: settings of its configuration besides the sizes that all have.
    """

    tokenizer: Callable[[], PreTrainedTokenizerFast]
    positions: int = LIMIT
    changes: dict[str, Any] = field(default_factory=dict)


_BERT_IN_BPE = {**_BERT, "bos_token": "[CLS]", "eos_token": "[SEP]"}

CASES: dict[str, FamilyCase] = {
    "bert": FamilyCase(wordpiece),
    "roberta": FamilyCase(byte_level_bpe, LIMIT + 2),
    "xlm-roberta": FamilyCase(sentencepiece, LIMIT + 2),
    "camembert": FamilyCase(sentencepiece, LIMIT + 2),
    "electra": FamilyCase(wordpiece, changes={"embedding_size": 32}),
    "luke": FamilyCase(wordpiece),
    "mpnet": FamilyCase(mpnet_wordpiece, LIMIT + 2),
    "distilbert": FamilyCase(wordpiece, changes={"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}),
    "albert": FamilyCase(lambda: sentencepiece(_BERT_IN_BPE, "[SEP]"), changes={"embedding_size": 32}),
    "deberta-v2": FamilyCase(
        lambda: sentencepiece(_BERT_IN_BPE, "[SEP]"),
        changes={"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "max_relative_positions": -1},
    ),
    "modernbert": FamilyCase(
        lambda: byte_level_bpe(_BERT_IN_BPE, "[SEP]"), changes={"global_attn_every_n_layers": 2, "local_attention": 8}
    ),
}
"""model type -> its case; each row of `loreweave.encoding.families.FAMILIES` has one."""


def make_encoder(model_type: str, folder: Path, cls: Any = AutoModel, **changes: Any) -> Path:
    """Write the encoder (or, with another class, a model around it) and its tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    if model_type == "luke":
        words = folder / "words"
        words.mkdir()
        return make_tiny_luke(make_tiny_bert(words), folder / "luke")
    case = CASES[model_type]
    tokenizer = case.tokenizer()
    tokenizer.save_pretrained(folder)
    config = CONFIG_MAPPING[model_type](
        **{
            "vocab_size": len(tokenizer), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 64, "max_position_embeddings": case.positions, "initializer_range": 0.2,
            "pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.cls_token_id,
            "eos_token_id": tokenizer.sep_token_id, "cls_token_id": tokenizer.cls_token_id,
            "sep_token_id": tokenizer.sep_token_id, **case.changes, **changes,
        }
    )  # fmt: skip
    torch.manual_seed(0)
    model = cls.from_config(config) if hasattr(cls, "from_config") else cls(config)
    model.save_pretrained(folder)
    return folder

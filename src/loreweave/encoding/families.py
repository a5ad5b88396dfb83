"""Facts about encoder families and kinds of sub-words that are needed before anything is loaded: one row each.

A new encoder family is one row of `FAMILIES` (and one case in `tests/helpers/family_cases.py`). Properties that a loaded
encoder or tokenizer shows itself have no column: its number of positions (`models.word_positions`), whether it distinguishes
two texts (`models.segments`), the prefix of its parameters (`base_model_prefix`), its special tokens (`word_tokenizer`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Positions = Literal["from_zero", "after_padding", "relative", "rotary"]
"""Kind of word positions: a table from row 0 on, or from the row after that of padding; a number
added to the attention by the distance of two words; or a rotation of queries and keys."""


@dataclass(frozen=True, kw_only=True)
class EncoderFamily:
    """One architecture of transformers.

    Attributes:
        model_type: name in `config.json`.
        positions: kind of word positions.
        masked_words: modules of its class for masked words, in the order of the forward pass.
        hidden_dropout: settings of `config.json` for the dropout of states. The first one is that of the layers; one that is
            null follows it.
        attention_dropout: settings for the dropout of attention weights, in the same form.
        prefix: prefix that the names of its tensors may have in a file.
        head_names: tensors of its masked-word head -> their names in LUKE.
        head_activation: the head's own activation, or the setting of `config.json` that names it.
        no_luke: reason why no LUKE can be made from it; empty if one can.
    """

    model_type: str
    positions: Positions
    masked_words: tuple[str, ...] = ("lm_head",)
    hidden_dropout: tuple[str, ...] = ("hidden_dropout_prob", "classifier_dropout")
    attention_dropout: tuple[str, ...] = ("attention_probs_dropout_prob",)
    prefix: str = ""
    head_names: Mapping[str, str] = field(default_factory=dict)
    head_activation: Literal["gelu", "hidden_act"] = "gelu"
    no_luke: str = ""


BERT_HEAD_NAMES = {
    "cls.predictions.transform.dense.weight": "lm_head.dense.weight",
    "cls.predictions.transform.dense.bias": "lm_head.dense.bias",
    "cls.predictions.transform.LayerNorm.weight": "lm_head.layer_norm.weight",
    "cls.predictions.transform.LayerNorm.bias": "lm_head.layer_norm.bias",
    "cls.predictions.bias": "lm_head.bias",
    "cls.predictions.decoder.weight": "lm_head.decoder.weight",
    "cls.predictions.decoder.bias": "lm_head.decoder.bias",
}
"""BERT's masked-word head under RoBERTa's names, which are LUKE's; the formula is the same."""

_ELECTRA_HEAD_NAMES = {
    "generator_predictions.dense.weight": "lm_head.dense.weight",
    "generator_predictions.dense.bias": "lm_head.dense.bias",
    "generator_predictions.LayerNorm.weight": "lm_head.layer_norm.weight",
    "generator_predictions.LayerNorm.bias": "lm_head.layer_norm.bias",
    "generator_lm_head.weight": "lm_head.decoder.weight",
    "generator_lm_head.bias": "lm_head.bias",
}
_BY_DISTANCE = "its attention adds a bias by the distance of two words, and entities have none"
_BY_ROTATION = "its positions rotate queries and keys, and an entity has several positions"
_OTHER_LAYERS = "its layers differ from BERT's, which LUKE has"

FAMILIES: dict[str, EncoderFamily] = {
    family.model_type: family
    for family in (
        EncoderFamily(
            model_type="bert", positions="from_zero", masked_words=("cls",), prefix="bert.", head_names=BERT_HEAD_NAMES,
            head_activation="hidden_act",
        ),
        EncoderFamily(model_type="roberta", positions="after_padding", prefix="roberta."),
        EncoderFamily(model_type="xlm-roberta", positions="after_padding", prefix="roberta."),
        EncoderFamily(model_type="camembert", positions="after_padding", prefix="roberta."),
        EncoderFamily(
            model_type="electra", positions="from_zero", masked_words=("generator_predictions", "generator_lm_head"),
            prefix="electra.", head_names=_ELECTRA_HEAD_NAMES,
        ),
        EncoderFamily(model_type="luke", positions="after_padding", prefix="luke.", no_luke="it is one"),
        EncoderFamily(model_type="mpnet", positions="relative", no_luke=_BY_DISTANCE),
        EncoderFamily(
            model_type="distilbert", positions="from_zero",
            masked_words=("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector"),
            hidden_dropout=("dropout", "seq_classif_dropout", "qa_dropout"), attention_dropout=("attention_dropout",),
            no_luke=_OTHER_LAYERS,
        ),
        EncoderFamily(
            model_type="albert", positions="from_zero", masked_words=("predictions",),
            hidden_dropout=("hidden_dropout_prob", "classifier_dropout_prob"), no_luke=_OTHER_LAYERS,
        ),
        EncoderFamily(model_type="deberta-v2", positions="relative", masked_words=("cls",), no_luke=_BY_DISTANCE),
        EncoderFamily(
            model_type="modernbert", positions="rotary", masked_words=("head", "decoder"),
            hidden_dropout=("mlp_dropout", "embedding_dropout", "classifier_dropout"),
            attention_dropout=("attention_dropout",), no_luke=_BY_ROTATION,
        ),
    )
}  # fmt: skip
"""model type -> its row."""


def family_of(config: Any) -> EncoderFamily | None:
    """Row of a configuration of transformers, or of the content of a `config.json`; None if there is none."""
    kind = config.get("model_type") if isinstance(config, Mapping) else getattr(config, "model_type", None)
    return FAMILIES.get(str(kind))


def luke_families() -> list[str]:
    """Model types that a LUKE can be made from."""
    return [name for name, family in FAMILIES.items() if not family.no_luke]


@dataclass(frozen=True, kw_only=True)
class SubwordKind:
    """Form of sub-words in a tokenizer's algorithm.

    Attributes:
        algorithm: class of the model in a `tokenizer.json`.
        mark: prefix of marked tokens.
        marks: whether a marked token `begins` a word, or is `inside` it.
        names: special tokens of the encoders that introduced it, for files that do not name them.
        double_separator: whether these encoders have two separators between a pair of texts.
        reader: the class of transformers that reads a LUKE's tokenizer of this kind with those separators.
    """

    algorithm: str
    mark: str
    marks: Literal["begins", "inside"]
    names: Mapping[str, str]
    double_separator: bool
    reader: str


_ROBERTA_NAMES = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": "<mask>",
}
_BERT_NAMES = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}

WORDPIECE = SubwordKind(
    algorithm="WordPiece", mark="##", marks="inside", names=_BERT_NAMES, double_separator=False, reader="BertTokenizer"
)
BYTE_LEVEL_BPE = SubwordKind(
    algorithm="BPE", mark="Ġ", marks="begins", names=_ROBERTA_NAMES, double_separator=True, reader="LukeTokenizer"
)
SENTENCEPIECE = SubwordKind(
    algorithm="Unigram", mark="▁", marks="begins", names=_ROBERTA_NAMES, double_separator=True, reader="MLukeTokenizer"
)
SUBWORD_KINDS = {kind.algorithm: kind for kind in (WORDPIECE, BYTE_LEVEL_BPE, SENTENCEPIECE)}
"""algorithm -> its row."""

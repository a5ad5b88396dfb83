"""Converts the original LUKE state dict to the Hugging Face one, and back.

Shared by the formats that store it: archives, DeepSpeed checkpoints, legacy fine-tuned models.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from loreweave.checkpoints.fitting import build, fit_state_dict, untrained_modules
from loreweave.checkpoints.formats import original_rows as rows
from loreweave.checkpoints.inference import ENCODER_SETTINGS, SHAPE_SETTINGS, config_from, is_roberta
from loreweave.checkpoints.loading import LoadedCheckpoint, LoadOptions, LoadReport
from loreweave.checkpoints.word_tokenizers import add_marker_rows, find_word_tokenizer
from loreweave.corpus.counts import counted
from loreweave.corpus.entity_vocabulary import MASK2, EntityVocabulary
from loreweave.corpus.files.reading import Pathname, read_json
from loreweave.encoding import MARKER_TOKENS, EntityTokenizer
from loreweave.errors import CheckpointError
from loreweave.models import LukeForMaskedLM

MAX_MENTION_LENGTH, MAX_ENTITY_LENGTH = 30, 128


def read_metadata(path: Path) -> dict[str, Any]:
    """Read `metadata.json`: `model_config` and the maximum lengths.

    Raises:
        CheckpointError: it has no `model_config`.
    """
    metadata = read_json(path)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("model_config"), dict):
        raise CheckpointError(f"{path}: found no model_config, expected the metadata of a LUKE archive")
    return metadata


def checkpoint_from_original(
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, Any] | None,
    vocabulary: EntityVocabulary | None,
    path: Path,
    options: LoadOptions,
    report: LoadReport,
    beside: Path | None = None,
) -> LoadedCheckpoint:
    """Convert a pre-training state dict (names without prefix) to a model with tokenizer and vocabulary.

    Args:
        metadata: content of `metadata.json`; None if there is none.
        beside: folder of the checkpoint, which may contain a word tokenizer.
    """
    state = dict(tensors)
    said = None if metadata is None else metadata["model_config"]
    words_like = _bring_to_roberta(state, said or {}, report)
    tokenizer = find_word_tokenizer(options.base, said, report, beside)
    if tokenizer is not None:
        add_marker_rows(state, tokenizer, report)
    vocabulary = add_mask2_row(state, vocabulary, path, report)
    config = config_from(
        state, said, path, report, base_model_type=words_like,
        use_entity_aware_attention=entity_aware(state, vocabulary, options),
        **{name: said[name] for name in ("untrained_modules",) if said is not None and said.get(name)},
    )  # fmt: skip
    model = build(options.cls or LukeForMaskedLM, config, options.seed)
    fit_state_dict(model, state, path, report)
    entity_tokenizer = None
    if tokenizer is not None and vocabulary is not None:
        entity_tokenizer = EntityTokenizer(
            tokenizer,
            vocabulary,
            max_mention_length=int((metadata or {}).get("max_mention_length") or MAX_MENTION_LENGTH),
            max_entity_length=int((metadata or {}).get("max_entity_length") or MAX_ENTITY_LENGTH),
        )
    return LoadedCheckpoint(model, entity_tokenizer, vocabulary, report.format, report)


def _bring_to_roberta(state: rows.Tensors, said: Mapping[str, Any], report: LoadReport) -> str:
    """Convert positions and masked-word head of a BERT-based model to LUKE's; returns the kind of encoder."""
    position_rows = {"max_position_embeddings": len(state[rows.POSITIONS])} if rows.POSITIONS in state else None
    if is_roberta(said, position_rows):
        return "roberta"
    shift_positions(state, said, report)
    if said.get("hidden_act", "gelu") == "gelu":
        rows.bert_head_to_roberta(state)
    return "bert"


def shift_positions(state: rows.Tensors, said: Mapping[str, Any], report: LoadReport) -> None:
    """Convert the word positions of a BERT-based model to LUKE's, which begin after that of padding."""
    pad_id = int(said.get("pad_token_id") or 0)
    rows.positions_from_padding(state, pad_id)
    report.notes.append(f"BERT-based: word positions were shifted by {pad_id + 1}, as LUKE counts them")


def add_mask2_row(
    state: rows.Tensors, vocabulary: EntityVocabulary | None, path: Pathname, report: LoadReport
) -> EntityVocabulary | None:
    """Add a `[MASK2]` row, a copy of `[MASK]`, to entity tables without one; returns the new vocabulary.

    Raises:
        CheckpointError: the vocabulary has more ids than the table has rows.
    """
    if vocabulary is None:
        report.notes.append(
            "no entity vocabulary with the file: entities can be given by id only, and no [MASK2] row was added"
        )
        return None
    extended = vocabulary.with_mask2()
    assert extended.mask2_id is not None
    row_is_missing = extended.mask2_id == len(extended) - 1 == len(state[rows.ENTITIES])
    if not row_is_missing:
        check_rows(state, vocabulary, path)
    if vocabulary.mask2_id is not None and not row_is_missing:
        return vocabulary
    rows.set_rows(state, rows.ENTITY_TABLES, [extended.mask2_id], [vocabulary.mask_id])
    report.added.append(f"entity row {extended.mask2_id} [MASK2] from [MASK]")
    return extended


def check_rows(state: Mapping[str, Tensor], vocabulary: EntityVocabulary, path: Pathname) -> None:
    """Raise CheckpointError if the entity table has fewer rows than the vocabulary has ids."""
    table = state.get(rows.ENTITIES)
    if table is not None and len(table) < len(vocabulary):
        raise CheckpointError(
            f"{path}: the entity table has {counted(len(table), 'row')}, the vocabulary has ids up to {len(vocabulary) - 1}"
        )


def entity_aware(state: Mapping[str, Tensor], vocabulary: EntityVocabulary | None, options: LoadOptions) -> bool:
    """Whether to have type-specific queries: as requested, as in the file, or as the official converter decides."""
    if options.entity_aware_attention is not None:
        return options.entity_aware_attention
    if any(f".{query}." in name for name in state for query in rows.EXTRA_QUERIES):
        return True
    return vocabulary is None or len(vocabulary.languages) < 2


def original_from_model(
    model: PreTrainedModel, tokenizer: EntityTokenizer | None, vocabulary: EntityVocabulary | None
) -> tuple[rows.Tensors, EntityVocabulary | None, list[str]]:
    """State dict, vocabulary and notes, which `checkpoint_from_original` converts back to the same model.

    Raises:
        CheckpointError: the model is not a LukeForMaskedLM.
    """
    if type(model).__name__ != "LukeForMaskedLM":
        raise CheckpointError(f"found a {type(model).__name__}, the original format holds LukeForMaskedLM only")
    state = {name.removeprefix("luke."): tensor for name, tensor in model.state_dict().items()}
    notes: list[str] = []
    if changed := rows.extra_queries_that_differ(state):
        notes.append(
            f"kept {counted(len(changed), 'extra query tensor')}, which training changed and pre-training files do not have"
        )
    else:
        rows.drop_extra_queries(state)
    _drop_marker_rows(state, tokenizer, notes)
    vocabulary = _drop_mask2_row(state, vocabulary, notes)
    if counts_from_zero(model.config):
        rows.positions_from_zero(state, model.config.pad_token_id)
        rows.roberta_head_to_bert(state)
    return state, vocabulary, notes


def counts_from_zero(config: PreTrainedConfig) -> bool:
    """Whether the original code counts this model's word positions from 0 (a BERT base)."""
    return getattr(config, "base_model_type", None) == "bert"


def _drop_marker_rows(state: rows.Tensors, tokenizer: EntityTokenizer | None, notes: list[str]) -> None:
    size = len(state[rows.WORDS])
    ids = [] if tokenizer is None else [tokenizer.words.id_of(token) for token in MARKER_TOKENS]
    if ids != [size - 2, size - 1]:
        notes.append("kept all word rows: <ent> and <ent2> are not known to be the last two")
        return
    sources = [None if tokenizer is None else tokenizer.words.id_of(token) for token in "@#"]
    table = state[rows.WORDS]
    if any(
        source is None or not table[source].equal(table[id]) for id, source in zip((size - 2, size - 1), sources, strict=True)
    ):
        notes.append('left out the rows of <ent> and <ent2>, which differ from those of "@" and "#"')
    rows.drop_last_rows(state, rows.WORD_TABLES, 2)


def _drop_mask2_row(state: rows.Tensors, vocabulary: EntityVocabulary | None, notes: list[str]) -> EntityVocabulary | None:
    table = state[rows.ENTITIES]
    if vocabulary is None or vocabulary.mask2_id is None:
        return vocabulary
    if vocabulary.mask2_id != len(table) - 1:
        notes.append("kept the [MASK2] row: it is not the last one")
        return vocabulary
    if not table[vocabulary.mask2_id].equal(table[vocabulary.mask_id]):
        notes.append("left out the [MASK2] row, which differs from that of [MASK]")
    rows.drop_last_rows(state, rows.ENTITY_TABLES, 1)
    ids = {key: id for key, id in vocabulary.to_hugging_face().items() if key != MASK2}
    counts = None if vocabulary.counts is None else vocabulary.counts[:-1]
    return EntityVocabulary(ids, counts, vocabulary.languages)


def original_config(config: PreTrainedConfig, state: Mapping[str, Tensor], base: Path | None) -> dict[str, Any]:
    """The `model_config` dictionary of `metadata.json`.

    Raises:
        CheckpointError: the name of the base model, by which the original code chooses tokenizer and embeddings, is not
            known.
    """
    others = ("type_vocab_size", "layer_norm_eps", "pad_token_id", "entity_emb_size")
    kept = (*SHAPE_SETTINGS, *ENCODER_SETTINGS, *others)
    untrained = untrained_modules(config)
    return {
        **{name: getattr(config, name) for name in kept},
        "vocab_size": len(state[rows.WORDS]),
        "entity_vocab_size": len(state[rows.ENTITIES]),
        "max_position_embeddings": len(state[rows.POSITIONS]),
        "bert_model_name": _base_model_name(config, state, base),
        "base_model_type": "bert" if counts_from_zero(config) else "roberta",  # not every name of a base tells it
        "cls_entity_prediction": False,
        **({"untrained_modules": untrained} if untrained else {}),  # known to loreweave alone
    }


_PUBLISHED_BASES = {
    (50265, 768): "roberta-base",
    (50265, 1024): "roberta-large",
    (250002, 768): "xlm-roberta-base",
    (250002, 1024): "xlm-roberta-large",
}


def _base_model_name(config: PreTrainedConfig, state: Mapping[str, Tensor], base: Path | None) -> str:
    bert = counts_from_zero(config)
    shape = (len(state[rows.WORDS]), config.hidden_size)
    names = [
        str(getattr(config, "bert_model_name", "") or ""),
        base.name if base else "",
        "" if bert else _PUBLISHED_BASES.get(shape, ""),
    ]
    found = next((name for name in names if name and ("roberta" not in name.lower()) == bert), None)
    if found is None:
        kind = "a name without" if bert else "a name with"
        raise CheckpointError(
            "the name of the base model is not known, and the original code chooses its embeddings by it "
            f"({kind} 'roberta'); give --base, the folder of the base model"
        )
    return found

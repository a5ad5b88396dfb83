"""Rows and names that differ between the original LUKE state dict and the Hugging Face one.

All functions modify the given dictionary; names of the encoder have no `luke.` here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from loreweave.encoding.families import BERT_HEAD_NAMES

Tensors = dict[str, Tensor]

WORDS = "embeddings.word_embeddings.weight"
POSITIONS = "embeddings.position_embeddings.weight"
ENTITIES = "entity_embeddings.entity_embeddings.weight"
ENTITY_POSITIONS = "entity_embeddings.position_embeddings.weight"

WORD_TABLES = (WORDS, "lm_head.decoder.weight", "lm_head.bias", "lm_head.decoder.bias")
ENTITY_TABLES = (ENTITIES, "entity_predictions.decoder.weight", "entity_predictions.bias")
EXTRA_QUERIES = ("w2e_query", "e2w_query", "e2e_query")


def set_rows(tensors: Tensors, tables: Sequence[str], ids: Sequence[int], sources: Sequence[int]) -> None:
    """Copy row `sources[k]` to row `ids[k]` in each existing table; tables are extended as needed (with zeros)."""
    for name in tables:
        if name in tensors:
            old = tensors[name]
            new = old.new_zeros(max(len(old), max(ids) + 1), *old.shape[1:])
            new[: len(old)] = old
            new[list(ids)] = old[list(sources)]
            tensors[name] = new


def keep_rows(tensors: Tensors, tables: Sequence[str], rows: Sequence[int]) -> None:
    """Keep only `rows` of each existing table, in this order."""
    for name in tables:
        if name in tensors:
            tensors[name] = tensors[name][list(rows)]


def drop_last_rows(tensors: Tensors, tables: Sequence[str], count: int) -> None:
    """Remove the last `count` rows of each existing table."""
    for name in tables:
        if name in tensors and count:
            tensors[name] = tensors[name][:-count]


def positions_from_padding(tensors: Tensors, pad_id: int) -> None:
    """A BERT position table (first word = row 0) in RoBERTa's counting (first word = row `pad_id + 1`).

    The entities' own position table is not shifted, but a LukeConfig has one size for both, so it gets zero rows at the
    end.
    """
    words = tensors[POSITIONS]
    tensors[POSITIONS] = torch.cat([words.new_zeros(pad_id + 1, words.shape[1]), words])
    if ENTITY_POSITIONS in tensors:
        entity = tensors[ENTITY_POSITIONS]
        tensors[ENTITY_POSITIONS] = torch.cat([entity, entity.new_zeros(pad_id + 1, entity.shape[1])])


def positions_from_zero(tensors: Tensors, pad_id: int) -> None:
    """The inverse of `positions_from_padding`."""
    tensors[POSITIONS] = tensors[POSITIONS][pad_id + 1 :]
    tensors[ENTITY_POSITIONS] = tensors[ENTITY_POSITIONS][: -(pad_id + 1)]


def bert_head_to_roberta(tensors: Tensors) -> None:
    """Rename BERT's masked-word head, if there is one."""
    rename(tensors, BERT_HEAD_NAMES)


def roberta_head_to_bert(tensors: Tensors) -> None:
    """The inverse of `bert_head_to_roberta`."""
    rename(tensors, {roberta: bert for bert, roberta in BERT_HEAD_NAMES.items()})


def rename(tensors: Tensors, names: Mapping[str, str]) -> None:
    """Give the tensors that are there other names."""
    for old, new in names.items():
        if old in tensors:
            tensors[new] = tensors.pop(old)


def extra_queries_that_differ(tensors: Tensors) -> list[str]:
    """Names of extra query tensors that differ from `query`: those that training changed."""
    return [
        name
        for name, tensor in tensors.items()
        for extra in EXTRA_QUERIES
        if f".{extra}." in name and not torch.equal(tensor, tensors[name.replace(extra, "query")])
    ]


def drop_extra_queries(tensors: Tensors) -> None:
    """Remove the three extra queries of every layer."""
    for name in [name for name in tensors if any(f".{extra}." in name for extra in EXTRA_QUERIES)]:
        del tensors[name]

"""KEPLER's heads over knowledge graphs in a fairseq file, and their counterparts here.

The released code scores with TransE and the L2 norm, truncates the end of sequences, and does not store ids of relations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from loreweave.checkpoints import knowledge_embedding as side_files
from loreweave.checkpoints.loading import LoadReport
from loreweave.encoding.entity_texts import EntityTextConfig
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead

VERSION = "0.8"
"""Version of fairseq that KEPLER is a fork of."""
SCORER, DEFAULT_NAME = "transe_l2", "wikiData"
_RANGE_MARGIN = 2.0  # `emb_range` is (gamma + 2) / size
_SHORTEST, _SHORTEST_RELATION = 8, 3  # minimum lengths of EntityTextConfig


def texts_of(settings: Mapping[str, Any], length: int) -> tuple[side_files.Variant, EntityTextConfig]:
    """KEPLER's composition of texts: `--relation_desc` is Cond in the paper, `--relemb_from_desc` is Rel.

    Args:
        settings: `args` of the file.
        length: maximum number of tokens of the encoder.
    """
    variant: side_files.Variant = "wiki"
    if settings.get("relation_desc"):
        variant = "cond"
    elif settings.get("relemb_from_desc"):
        variant = "rel"
    most = max(_SHORTEST, min(length, int(settings.get("tokens_per_sample") or length)))
    relations = max(_SHORTEST_RELATION, most // 8)
    return variant, EntityTextConfig(max_length=most, relation_max_length=relations, truncation="sequence")


def read_head(
    name: str, tensors: Mapping[str, Tensor], variant: side_files.Variant, report: LoadReport
) -> KnowledgeEmbeddingHead:
    """Head made from the tensors `relation_emb.weight`, `gamma` and `emb_range`."""
    table, gamma, limit = tensors["relation_emb.weight"].float(), float(tensors["gamma"]), float(tensors["emb_range"])
    relations, size = table.shape
    if variant == "rel":
        report.dropped[f"ke_heads.{name}.relation_emb.weight"] = "relations were encoded from their texts"
    head = KnowledgeEmbeddingHead(SCORER, size, 0 if variant == "rel" else relations, gamma)
    if head.relation_embeddings is not None:
        head.relation_embeddings.weight.data.copy_(table)
    expected = (gamma + _RANGE_MARGIN) / size
    if abs(limit - expected) > 1e-2 * expected:  # half precision differs less
        report.notes.append(f"left out ke_heads.{name}.emb_range {limit:.4g}, which is not (gamma + 2) / {size}")
    report.notes.append(
        f"head {name}: {relations} relations, variant {variant}, gamma {gamma:g}, TransE with the L2 norm as KEPLER's code "
        "computes it (its paper has L1); the file has no relation ids, so they are not known"
    )
    return head.eval()


def name_there(name: str) -> str:
    """Name of one of our heads in KEPLER's code."""
    return DEFAULT_NAME if name == side_files.STEM else name


def heads_that_fit(
    heads: Mapping[str, KnowledgeEmbeddingHead], version: str, notes: list[str]
) -> dict[str, KnowledgeEmbeddingHead]:
    """Heads that KEPLER's code supports, under its names; notes explain why others are left out."""
    kept = {}
    for name, head in heads.items():
        if version != VERSION:
            notes.append(f"left out the head {name}: only KEPLER's fork of fairseq {VERSION} supports it")
        elif head.scorer.name != SCORER or head.relation_embeddings is None:
            notes.append(f"left out the head {name} ({head.scorer.name}): KEPLER's code has {SCORER} over a relation table")
        else:
            kept[name_there(name)] = head
    if kept:
        notes.append("fairseq itself refuses a file with ke_heads; load it with KEPLER's fork")
    return kept


def tensors_of(name: str, head: KnowledgeEmbeddingHead) -> dict[str, Tensor]:
    """A head as `ke_heads.<name>.*`."""
    assert head.relation_embeddings is not None
    return {
        f"ke_heads.{name}.relation_emb.weight": head.relation_embeddings.weight,
        f"ke_heads.{name}.gamma": torch.tensor([head.gamma]),
        f"ke_heads.{name}.emb_range": torch.tensor([(head.gamma + _RANGE_MARGIN) / head.size]),
    }


def args_of(heads: Mapping[str, KnowledgeEmbeddingHead], variant: side_files.Variant) -> dict[str, Any]:
    """Fields of `args` from which KEPLER's task builds the heads (all have the size and margin of the first one)."""
    if not heads:
        return {}
    first, *second = heads
    table = heads[first].relation_embeddings
    assert table is not None
    return {
        "task": "MLMetKE",
        "criterion": "MLMetKE",
        "KEdata": ".",
        "ke_model": "TransE",
        "ke_head_name": first,
        "double_ke": bool(second),
        "gamma": heads[first].gamma,
        "nrelation": table.num_embeddings,
        "negative_sample_size": 1,
        "init_token": 0,
        "separator_token": 2,
        "relation_desc": variant == "cond",
        "relemb_from_desc": variant == "rel",
        **({"ke_head_name2": second[0], "KEdata2": "."} if second else {}),
    }

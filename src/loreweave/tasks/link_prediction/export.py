"""Embeddings of a graph as files for other tools.

    entities.npy, entity_ids.txt      float32 [entities, d], and the id of each row
    relations.npy, relation_ids.txt   float32 [relations, relation size]; for a contrastive checkpoint, which encodes relations
                                      together with entities, the vectors of their texts alone
    embeddings.safetensors            both under `entities` and `relations`
    manifest.json                     scorer, similarity and margin, checkpoint and graph

Rows are written as they are computed: a graph may be larger than the memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.files.manifests import MANIFEST
from loreweave.corpus.files.replacing import check_overwritable
from loreweave.corpus.files.writing import atomic_folder, check_free, check_replaceable, write_json, write_lines
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.tasks.contract import Execution
from loreweave.tasks.link_prediction.encoding import open_checkpoint, open_encoder
from loreweave.tasks.link_prediction.model import Checkpoint
from loreweave.tasks.link_prediction.settings import ModelSettings

_BLOCK = 65_536
"""Number of vectors in memory at a time."""


def export(
    model: Path, data: Path, output: Path, settings: ModelSettings, execution: Execution, *, overwrite: bool = False
) -> dict[str, Any]:
    """Write the embeddings of a graph's entities and relations to a folder, atomically.

    Returns:
        The manifest; only an empty part of it in processes other than the first, which write nothing.

    Raises:
        ConfigurationError: the folder is not empty, and `overwrite` is false; or it cannot be replaced.
        LoreweaveError: the graph or the checkpoint cannot be read or do not match.
    """
    check_replaceable(output)
    check_free(output, overwrite)
    check_overwritable(output, MANIFEST)
    graph, checkpoint, processes = open_checkpoint(model, data, settings, execution)
    encoder = open_encoder(checkpoint, graph, settings, execution, processes)
    vectors = encoder.entities()
    rows = np.arange(graph.num_relations)
    alone = checkpoint.variant == "contrastive"
    tables = {"relations": (encoder.relation_texts(rows) if alone else encoder.relations(rows)).numpy()}
    if alone:
        execution.report(
            "this checkpoint encodes a relation together with an entity: the vectors of relations are those of their texts "
            "alone, and are not used in scores"
        )
    manifest = _manifest(checkpoint, graph, {name: list(table.shape) for name, table in tables.items()})
    manifest["shapes"]["entities"] = [graph.num_entities, vectors.vectors.size]
    if processes.is_first:
        with atomic_folder(output, overwrite, MANIFEST) as folder:
            entities = np.lib.format.open_memmap(
                folder / "entities.npy", mode="w+", dtype="<f4", shape=tuple(manifest["shapes"]["entities"])
            )
            start = 0
            for block in vectors.blocks(settings.block_size or _BLOCK):
                entities[start : start + len(block)] = block.numpy()
                start += len(block)
            entities.flush()
            for name, table in tables.items():
                np.save(folder / f"{name}.npy", table.astype("<f4"))
            write_safetensors_in_pieces(folder / "embeddings.safetensors", {"entities": entities, **tables})
            write_lines(folder / "entity_ids.txt", graph.entity_ids)
            write_lines(folder / "relation_ids.txt", graph.relation_ids)
            write_json(folder / MANIFEST, manifest)
    return manifest


_RELATIONS_FROM = {"rel": "text", "contrastive": "text alone, not part of a score"}
"""Source of the vectors of relations, by variant; the others have a table."""


def _manifest(checkpoint: Checkpoint, graph: KnowledgeGraph, shapes: dict[str, list[int]]) -> dict[str, Any]:
    head = checkpoint.model.head
    return {
        "format": "loreweave embeddings",
        "version": 1,
        "checkpoint": checkpoint.describe(),
        "similarity": checkpoint.similarity,
        "gamma": head.gamma if checkpoint.variant != "contrastive" and head.scorer.has_margin else None,
        "graph": graph.identity(),
        "relations_from": _RELATIONS_FROM.get(checkpoint.variant, "table"),
        "shapes": shapes,
    }


def write_safetensors_in_pieces(path: Path, tables: Mapping[str, np.ndarray]) -> None:
    """Write float32 tables [rows, columns] as one safetensors file, without a copy of a memory-mapped one in memory.

    The format: the header's length in 8 bytes, a JSON header padded to 8 bytes, then the tables' bytes.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, table in tables.items():
        start, end = end, end + 4 * table.size
        header[name] = {"dtype": "F32", "shape": list(table.shape), "data_offsets": [start, end]}
    written = json.dumps(header).encode()
    written += b" " * (-len(written) % 8)
    with open(path, "wb") as file:
        file.write(len(written).to_bytes(8, "little") + written)
        for table in tables.values():
            for first in range(0, len(table), _BLOCK):
                file.write(np.ascontiguousarray(table[first : first + _BLOCK], dtype="<f4").tobytes())

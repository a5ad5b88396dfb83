"""Embeddings as files that other tools read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tiny_graphs import Oracle

from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.errors import ConfigurationError
from loreweave.tasks.contract import Execution
from loreweave.tasks.link_prediction import export as module
from loreweave.tasks.link_prediction.export import export
from loreweave.tasks.link_prediction.settings import ModelSettings

HOW = Execution(device="cpu", report=lambda line: None)


@pytest.mark.parametrize("variant", ["wiki", "rel", "contrastive", "table"])
def test_files_hold_the_vectors_and_the_ids(
    variant: str, graph: KnowledgeGraph, graph_folder: Path, checkpoints: dict[str, Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "_BLOCK", 7)
    manifest = export(checkpoints[variant], graph_folder, tmp_path / "out", ModelSettings(), HOW)
    out, oracle = tmp_path / "out", Oracle(checkpoints[variant], graph, variant)
    entities = np.load(out / "entities.npy")
    np.testing.assert_allclose(entities, [oracle.entity(row).numpy() for row in range(20)], rtol=1e-5, atol=1e-5)
    assert (out / "entity_ids.txt").read_text().splitlines() == list(graph.entity_ids)
    assert (out / "relation_ids.txt").read_text().splitlines() == graph.relation_ids
    tables = load_file(out / "embeddings.safetensors")
    assert np.array_equal(tables["entities"], entities)
    assert json.loads((out / "manifest.json").read_text()) == manifest
    assert manifest["graph"]["fingerprint"] == graph.fingerprint
    assert manifest["shapes"] == {name: list(table.shape) for name, table in tables.items()}
    relations = np.load(out / "relations.npy")
    assert np.array_equal(tables["relations"], relations)
    if variant == "contrastive":  # which reads no relation alone: their texts read so
        texts = [relation.description for relation in graph.relations]
        wanted = [oracle.vector(text, max_length=oracle.relation_length).numpy() for text in texts]
    else:
        wanted = [oracle.relation(row).numpy() for row in range(3)]
    np.testing.assert_allclose(relations, wanted, rtol=1e-5, atol=1e-5)
    assert manifest["gamma"] == (None if variant == "contrastive" else 4)
    froms = {"rel": "text", "contrastive": "text alone, not part of a score"}
    assert manifest["relations_from"] == froms.get(variant, "table")


def test_what_is_there_is_kept_unless_told(graph_folder: Path, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="not empty"):
        export(checkpoints["table"], graph_folder, tmp_path, ModelSettings(), HOW)
    with pytest.raises(ConfigurationError, match="no manifest.json"):
        export(Path("no model"), Path("no graph"), tmp_path, ModelSettings(), HOW, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    for _ in range(2):
        export(checkpoints["table"], graph_folder, tmp_path / "out", ModelSettings(), HOW, overwrite=True)
    assert (tmp_path / "out" / "entities.npy").exists()


def test_the_working_folder_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="the working folder"):
        export(Path("no model"), Path("no graph"), Path(), ModelSettings(), HOW, overwrite=True)

"""Heads over knowledge graphs, in two files next to an encoder's own, which stay a plain Hugging Face folder.

    knowledge_embedding.json          description of the head, its texts, relation ids, fingerprint of the graph
    knowledge_embedding.safetensors   relation table, entity table if there is one, temperature,
                                      map of questions, attention to neighbours

A second head in the folder has its name in the middle: `knowledge_embedding.<name>.json`. Tables are stored with the ids of
their rows (relations as text, entities as hashes), so that a graph with the same ids in another order, or with some of them,
gets its own rows, and any other graph gives an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from loreweave.checkpoints.encoders import load_encoder
from loreweave.checkpoints.head_files import HeadFiles, filled
from loreweave.checkpoints.tensor_files import read_tensors
from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.encoding.graph_texts import EntityTextConfig
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead, KnowledgeEmbeddingModel, Pooling
from loreweave.models.knowledge_scorers import SCORERS

STEM = "knowledge_embedding"
FILES = HeadFiles(STEM, "loreweave knowledge embedding")

Variant = Literal["wiki", "rel", "cond", "contrastive"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)

_RELATIONS, _ENTITIES, _HASHES = "relation_embeddings.weight", "entity_embeddings.weight", "entity_id_hashes"
_MAP = "question_map.weight"
_NEIGHBOURS = "neighbours.relations.weight"


@dataclass(frozen=True, kw_only=True)
class Description:
    """Content of `knowledge_embedding.json`.

    Attributes:
        name: name of the head: that of its objective.
        variant: composition of questions (Wang et al. 2021): `wiki` from an entity's text or table row and the relation
            table, `rel` with relations encoded from their texts, `cond` like `wiki`, but with the entity
            encoded together with the relation, `contrastive` from entity and relation encoded together only (SimKGC).
        scorer, size, gamma: see `KnowledgeEmbeddingHead`.
        pooling, normalize: see `KnowledgeEmbeddingModel`.
        mask_entity_id: see `KnowledgeEmbeddingModel`.
        text: settings of the texts of entities and relations.
        num_entities: rows of the entity table; 0 if entities are encoded from texts.
        relation_ids: ids of the graph's relations, in the order of the relation table; None if they are not known.
        graph: fingerprint and numbers of entities and relations of the graph; None if it is not known.
        neighbours: maximum number of neighbours that are added to the vector of a text about an entity; 0 for none. Older files
            do not have this field.
    """

    name: str
    variant: Variant
    scorer: str
    size: int
    gamma: float
    pooling: Pooling
    normalize: bool
    mask_entity_id: int | None
    text: EntityTextConfig
    num_entities: int
    relation_ids: list[str] | None
    graph: dict[str, Any] | None
    neighbours: int = 0


def save(
    folder: Pathname,
    head: KnowledgeEmbeddingHead,
    graph: KnowledgeGraph | None,
    *,
    variant: Variant,
    pooling: Pooling,
    text: EntityTextConfig,
    name: str = STEM,
    normalize: bool = False,
    mask_entity_id: int | None = None,
    relation_ids: Sequence[str] | None = None,
    neighbours: int = 0,
) -> None:
    """Write the two files of a head to a model folder, each atomically.

    Args:
        graph: graph of the tables' rows; None for weights without a graph.
        relation_ids: ids of the relation table's rows, if they are known without a graph.
        neighbours: see `Description`.

    Raises:
        ConfigurationError: the tables do not have the graph's numbers of rows, or the variant is unknown.
    """
    if variant not in VARIANTS:
        raise ConfigurationError(f"found the variant {variant!r}, expected one of {', '.join(VARIANTS)}")
    ids = list(graph.relation_ids if graph is not None else relation_ids or []) or None
    tensors: dict[str, Tensor] = dict(head.named_parameters())
    _check_rows(tensors, ids, None if graph is None else graph.num_entities)
    of_graph = None
    if graph is not None:
        of_graph = graph.identity()
        if _ENTITIES in tensors:
            tensors[_HASHES] = torch.from_numpy(_hashes(graph))
    described = Description(
        name=name, variant=variant, scorer=head.scorer.name, size=head.size, gamma=head.gamma, pooling=pooling,
        normalize=normalize, mask_entity_id=mask_entity_id, text=text,
        num_entities=0 if head.entity_embeddings is None else len(tensors[_ENTITIES]),
        relation_ids=ids, graph=of_graph, neighbours=neighbours,
    )  # fmt: skip
    FILES.save(Path(folder), tensors, asdict(described), _second(name))


def names(folder: Pathname) -> list[str]:
    """Names of the heads in a folder."""
    place = Path(folder)
    others = (path.name.removeprefix(f"{STEM}.").removesuffix(".json") for path in place.glob(f"{STEM}.*.json"))
    return [STEM] * (place / f"{STEM}.json").is_file() + sorted(others)


def describe(folder: Pathname, name: str | None = None) -> Description:
    """Description of a folder's head (`name` if it has several). Reads no weights.

    Raises:
        CheckpointError: there is no head or none of this name, there are several and no name, or the file is not ours.
    """
    place, known = Path(folder), names(folder)
    if not known:
        raise CheckpointError(f"{place}: found no {STEM}.json, expected the folder of a model with a head over a graph")
    if name is None and len(known) > 1:
        raise CheckpointError(f"{place}: found the heads {', '.join(known)}; name one of them")
    if name is not None and name not in known:
        raise CheckpointError(f"{place}: found no head {name!r}, but {', '.join(known)}")
    own_name = _second(name or known[0])
    path, content = FILES.description(place, own_name), FILES.read(place, own_name)
    content.setdefault("neighbours", 0)
    if differing := {item.name for item in fields(Description)} ^ set(content):
        raise CheckpointError(f"{path}: the fields {', '.join(sorted(differing))} are missing or unknown")
    for field, choices in (("scorer", SCORERS), ("variant", VARIANTS)):
        if content[field] not in choices:
            raise CheckpointError(f"{path}: found the {field} {content[field]!r}, expected one of {', '.join(choices)}")
    try:
        content["text"] = EntityTextConfig(**content["text"])
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}, field 'text': {error}") from None
    return Description(**content)


def load(folder: Pathname, graph: KnowledgeGraph | None = None, name: str | None = None) -> KnowledgeEmbeddingModel:
    """Load encoder and head: in evaluation mode, float32, on the CPU.

    Args:
        graph: graph whose rows the tables shall have; None keeps the stored order.
        name: name of the head, if the folder has several.

    Raises:
        CheckpointError: files are missing or do not match, or the graph has relations (or, with an entity table,
            entities) that are not in the checkpoint.
    """
    described = describe(folder, name)
    head = load_head(folder, graph, name)
    encoder = None if described.num_entities else load_encoder(folder)
    options = (described.pooling, described.normalize, described.mask_entity_id)
    return KnowledgeEmbeddingModel(encoder, head, *options).eval()


def load_head(folder: Pathname, graph: KnowledgeGraph | None = None, name: str | None = None) -> KnowledgeEmbeddingHead:
    """The head only; arguments and errors as for `load`."""
    described, place = describe(folder, name), Path(folder)
    path = FILES.weights(place, _second(described.name))
    if not path.is_file():
        raise CheckpointError(f"{path}: file not found")
    tensors = read_tensors(path)
    hashes = tensors.pop(_HASHES, None)
    _check_file(tensors, described, path)
    if graph is not None and not _is_graph(described, graph):
        if _RELATIONS in tensors:
            tensors[_RELATIONS] = tensors[_RELATIONS][_relation_rows(described, graph, path)]
        if _ENTITIES in tensors:
            tensors[_ENTITIES] = tensors[_ENTITIES][_entity_rows(hashes, described, graph, path)]
        if _NEIGHBOURS in tensors:  # the relations, then the same in the other direction
            forward, backward = tensors[_NEIGHBOURS].chunk(2)
            rows = _relation_rows(described, graph, path)
            tensors[_NEIGHBOURS] = torch.cat([forward[rows], backward[rows]])
    sizes = [len(tensors[table]) if table in tensors else 0 for table in (_RELATIONS, _ENTITIES)]
    with torch.device("meta"):
        temperature = 1.0 if "log_inverse_temperature" in tensors else None
        head = KnowledgeEmbeddingHead(
            described.scorer, described.size, sizes[0], described.gamma, sizes[1], temperature, _MAP in tensors,
            len(tensors[_NEIGHBOURS]) // 2 if _NEIGHBOURS in tensors else 0,
        )  # fmt: skip
    return filled(head, tensors, path)


def _second(name: str) -> str | None:
    """The name of a second head in its files; None for the first."""
    return None if name == STEM else name


def _check_rows(tensors: dict[str, Tensor], relation_ids: list[str] | None, entities: int | None) -> None:
    wanted = {_RELATIONS: None if relation_ids is None else len(relation_ids), _ENTITIES: entities}
    for table, rows in wanted.items():
        if table in tensors and rows is not None and len(tensors[table]) != rows:
            found = counted(len(tensors[table]), "row")
            raise ConfigurationError(f"found {found} of {table}, expected {rows}, as the graph has")


def _check_file(tensors: dict[str, Tensor], described: Description, path: Path) -> None:
    try:
        _check_rows(tensors, described.relation_ids, described.num_entities)
    except ConfigurationError as error:
        raise CheckpointError(f"{path}: {error}") from None
    if bool(described.neighbours) != (_NEIGHBOURS in tensors):
        found = f"{'a' if _NEIGHBOURS in tensors else 'no'} tensor {_NEIGHBOURS}"
        raise CheckpointError(f"{path}: found {found}, and neighbours: {described.neighbours} in the description")
    if described.num_entities and _ENTITIES not in tensors:
        raise CheckpointError(f"{path}: found no {_ENTITIES}, expected a table of {described.num_entities} entities")


# ---- rows for a graph ------------------------------------------------------------------------------------------------


def _is_graph(described: Description, graph: KnowledgeGraph) -> bool:
    return described.graph is not None and described.graph["fingerprint"] == graph.fingerprint


def _relation_rows(described: Description, graph: KnowledgeGraph, path: Path) -> Tensor:
    """Row of the table for each relation of the graph."""
    if described.relation_ids is None:
        raise CheckpointError(f"{path}: the ids of the relation table's rows are not known; {_graphs(described, graph)}")
    rows = {id: row for row, id in enumerate(described.relation_ids)}
    unknown = [id for id in graph.relation_ids if id not in rows]
    if unknown:
        raise _unknown("relation", unknown[0], len(unknown), described, graph, path)
    return torch.tensor([rows[id] for id in graph.relation_ids], dtype=torch.long)


def _entity_rows(hashes: Tensor | None, described: Description, graph: KnowledgeGraph, path: Path) -> Tensor:
    """Row of the table for each entity of the graph."""
    if hashes is None:
        raise CheckpointError(f"{path}: the ids of the entity table's rows are not known; {_graphs(described, graph)}")
    own, wanted = hashes.numpy(), _hashes(graph)
    order = np.argsort(own)
    rows = order[np.minimum(np.searchsorted(own, wanted, sorter=order), len(own) - 1)]
    unknown = np.flatnonzero(own[rows] != wanted)
    if len(unknown):
        raise _unknown("entity", graph.entity_ids[int(unknown[0])], len(unknown), described, graph, path)
    return torch.from_numpy(rows)


def _hashes(graph: KnowledgeGraph) -> np.ndarray:
    """A hash of 64 bits per entity id: two of five million ids agree with probability 1e-6.  # [entities], int64"""
    digests = (hashlib.blake2b(id.encode(), digest_size=8).digest() for id in graph.entity_ids)
    return np.frombuffer(bytearray().join(digests), "<i8")


def _unknown(kind: str, first: str, count: int, described: Description, graph: KnowledgeGraph, path: Path) -> CheckpointError:
    many = f"{count} of the graph's {graph.num_relations if kind == 'relation' else graph.num_entities} have none"
    return CheckpointError(f"{path}: found no row for the {kind} {first!r} ({many}); {_graphs(described, graph)}")


def _graphs(described: Description, graph: KnowledgeGraph) -> str:
    """Both graphs, for a message."""
    trained = "an unknown graph" if described.graph is None else _in_words(described.graph)
    return f"the checkpoint was trained on {trained}, the given graph is {_in_words(graph.identity())}"


def _in_words(graph: dict[str, Any]) -> str:
    return f"{graph['fingerprint'][:12]} ({graph['entities']} entities, {graph['relations']} relations)"

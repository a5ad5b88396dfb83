"""Builds the folder of a knowledge graph from published files: streamed, with every omitted row counted."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, get_args

import numpy as np

from loreweave.corpus.counts import counted, listed, tallied
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.manifests import MANIFEST, describe_files
from loreweave.corpus.files.reading import Pathname, read_json
from loreweave.corpus.files.surrogates import has_half, replace_halves
from loreweave.corpus.files.writing import atomic_folder
from loreweave.corpus.graphs.columns import Columns, has_columns, read_triple_table
from loreweave.corpus.graphs.entities import EntityWriter, GraphEntities, GraphEntity, GraphRelation
from loreweave.corpus.graphs.ids import spaced_alike
from loreweave.corpus.graphs.knowledge_graph import ENTITIES, write_graph_files
from loreweave.corpus.graphs.lines import Ids, LeftOut
from loreweave.corpus.graphs.source import GraphSource, ReadIds
from loreweave.corpus.graphs.splitting import Splitting, split_triples
from loreweave.corpus.graphs.statistics import split_statistics
from loreweave.corpus.graphs.texts import OUTSIDE
from loreweave.corpus.knowledge.vocabulary_rows import NONE, SHARED, vocabulary_ids
from loreweave.errors import ConfigurationError, DataError

LEFT_OUT = "left_out.jsonl"
WithoutText = Literal["keep", "leave-out", "error"]
WITHOUT_TEXT: tuple[str, ...] = get_args(WithoutText)
T = TypeVar("T")
_STEP = 10_000
_SHOWN_IDS = 20
_SHOWN_ALIKE = 3
_ENOUGH = 10
"""Number of triples from which more relations than tails are unlikely to be a coincidence."""


@dataclass(frozen=True)
class GraphPolicy:
    """Treatment of wrong, missing or unwanted data.

    Attributes:
        without_text: an entity without label, description and alias is kept, left out with its triples, or an error. (The
            replacement of a missing description is chosen when texts are read: `encoding.entity_texts`.)
        skip_bad: skip, count and list wrong rows, instead of raising an error at the first.
        exclude_triples: file of triples that training must not see, in the columns of the training file, or with head, relation
            and tail; their entities stay, so that ranks stay comparable.
        within_vocabulary: entity vocabulary. An entity that is not in it is left out with its triples, and so are
            several entities with one title (see `knowledge.vocabulary_rows`).
        splitting: settings for dividing the triples of one split into three; None keeps the splits of the source.
    """

    without_text: WithoutText = "keep"
    skip_bad: bool = False
    exclude_triples: Path | None = None
    within_vocabulary: Path | None = None
    splitting: Splitting | None = None

    def __post_init__(self) -> None:
        """Refuse an unknown value of `without_text`."""
        if self.without_text not in WITHOUT_TEXT:
            raise ConfigurationError(f"--without-text: found {self.without_text!r}, expected one of {', '.join(WITHOUT_TEXT)}")


class Steps(Protocol):
    """Advances a progress bar."""

    def __call__(self, steps: int = 1) -> None: ...


class Progress(Protocol):
    """Opens a progress bar."""

    def __call__(self, description: str) -> AbstractContextManager[Steps]: ...


def _silent(description: str) -> AbstractContextManager[Steps]:
    return nullcontext(lambda steps=1: None)


def build_graph(
    source: GraphSource,
    output: Pathname,
    policy: GraphPolicy | None = None,
    *,
    overwrite: bool = False,
    progress: Progress = _silent,
) -> dict[str, Any]:
    """Write the graph of a source to a folder for `KnowledgeGraph.load`; return its manifest.

    Entities are those that occur in triples (or that the format lists): first those with text, in the order of the text
    file, as KEPLER numbers them, then the others. Relations are numbered in the order of their first occurrence in train,
    valid, test.

    Raises:
        DataError: a file is wrong (names the file and the line), or no triple is left.
        ConfigurationError: `output` exists, and `overwrite` is false.
    """
    policy = policy or GraphPolicy()
    with atomic_folder(output, overwrite, MANIFEST) as folder, LeftOut(folder / LEFT_OUT, policy.skip_bad) as left_out:
        entity_ids, relation_ids, triples = _read_triples(source, policy, left_out, progress)
        rows = _write_entities(folder / ENTITIES, source, entity_ids, policy, left_out, progress)
        relations = _read_relations(source, relation_ids, left_out)
        arrays = {split: _renumbered(numbers, rows, left_out) for split, numbers in triples.items()}
        arrays, splitting = _split(arrays, len(entity_ids), len(relation_ids), policy.splitting)
        if not any(map(len, arrays.values())):
            why = tallied(left_out.counts)
            said = f"left out: {why}" if why else "the files have none"
            first = next(iter(source.triples.values()), None)
            raise DataError(f"no triple is left, so nothing was written; {said}", path=first)
        _warn_of_other_order(arrays, left_out)
        entities = GraphEntities.open(folder / ENTITIES)
        with progress("counting triples") as advance:
            splits = split_statistics(arrays, len(entities), [relation.id for relation in relations])
            advance(sum(map(len, arrays.values())))
        details = {
            "source": {"format": source.format, **source.details, "files": _hashes(source, policy)},
            "policy": {name: value.name if isinstance(value, Path) else value for name, value in asdict(policy).items()},
            "splitting": splitting,
            "text": {"entities": _entity_text(entities), "relations": _relation_text(relations)},
            "splits": {split: asdict(counts) for split, counts in splits.items()},
            "relations_that_are_entities": sum(id in entity_ids for id in relation_ids),
            "left_out": dict(left_out.counts),
            "changed": dict(left_out.changes),
            "ids": _id_facts(entity_ids, relation_ids, left_out),
            "warnings": left_out.warnings,
            "published": dict(source.published),
        }
        write_graph_files(folder, relations, arrays, details)
    manifest: dict[str, Any] = read_json(Path(output) / MANIFEST)
    return manifest


def differences_from_published(manifest: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Name of a count -> (found, published), if they differ."""
    found = {"entities": manifest["entities"], "relations": manifest["relations"], **manifest["triples"]}
    said: Mapping[str, int] = manifest["published"]
    return {name: (found.get(name, 0), count) for name, count in said.items() if found.get(name, 0) != count}


# ---- triples ---------------------------------------------------------------------------------------------------------


def _read_triples(
    source: GraphSource, policy: GraphPolicy, left_out: LeftOut, progress: Progress
) -> tuple[Ids, Ids, dict[str, array[int]]]:
    """Entity ids, relation ids, and for each split the three row numbers of every triple, concatenated."""
    entities = _listed(source.entity_ids, left_out)
    relations = _listed(source.relation_ids, left_out)
    left_out.ids.known += [entities, relations]
    excluded = _Excluded(policy.exclude_triples, source.columns)
    triples = {}
    for split, path in source.triples.items():
        numbers = array("i")
        lines = source.read_triples(split, path, left_out)
        for line, head, relation, tail in _counted(lines, f"reading triples of {split}", progress):
            try:
                row = (entities[head], relations[relation], entities[tail])
            except KeyError:
                kind, id = _unknown(head, relation, tail, entities, relations)
                left_out.bad(f"triples of an unknown {kind}", f"found the {kind} {id!r}, which is not listed", path, line)
                continue
            if split == "train" and excluded.has((head, relation, tail)):
                left_out.note("excluded triples of train")
            else:
                numbers.extend(row)
        triples[split] = numbers
    left_out.note("excluded triples that train does not have", excluded.unmet())
    return entities, relations, triples


def _warn_of_other_order(triples: Mapping[str, np.ndarray], left_out: LeftOut) -> None:
    """Warn if there are more relations than tails: such files have the relation last, like OpenKE's."""
    rows = np.concatenate(list(triples.values()))
    relations, tails = (len(np.unique(rows[:, column])) for column in (1, 2))
    if len(rows) >= _ENOUGH and relations > tails:
        left_out.warnings.append(
            f"there are more relations ({relations}) than tails ({tails}); is the order head, tail, relation? "
            "If not, use --format triples --columns head=1,relation=3,tail=2"
        )


def _listed(read_ids: ReadIds | None, left_out: LeftOut) -> Ids:
    if read_ids is None:
        return Ids()
    ids: dict[str, int] = {}
    for path, line, id in read_ids(left_out):
        if id in ids:
            left_out.bad("second listing of an id", f"found the id {id!r} a second time", path, line)
        ids.setdefault(id, len(ids))
    return Ids(ids)


def _unknown(head: str, relation: str, tail: str, entities: Ids, relations: Ids) -> tuple[str, str]:
    """Kind and id of the first of the three that is not listed."""
    for kind, id, known in (("entity", head, entities), ("relation", relation, relations), ("entity", tail, entities)):
        if not known.open and id not in known:
            return kind, id
    raise AssertionError("one of them is unknown")


class _Excluded:
    """Triples that training must not see, and those of them that it contained.

    Their file has the columns that the user names for the training file, or head, relation and tail.
    """

    def __init__(self, path: Path | None, columns: Columns) -> None:
        given = columns if path is not None and has_columns(path, columns) else None
        rows = () if path is None else read_triple_table(path, LeftOut(), given)
        self._triples = {(head, relation, tail) for _, head, relation, tail in rows}
        self._met: set[tuple[str, str, str]] = set()

    def has(self, triple: tuple[str, str, str]) -> bool:
        if triple not in self._triples:
            return False
        self._met.add(triple)
        return True

    def unmet(self) -> int:
        return len(self._triples) - len(self._met)


def _split(
    triples: dict[str, np.ndarray], num_entities: int, num_relations: int, how: Splitting | None
) -> tuple[dict[str, np.ndarray], dict[str, Any] | None]:
    """Divide the triples of one split into three, and report what was done.

    Raises:
        ConfigurationError: there are several splits already.
    """
    if how is None:
        return triples, None
    if len(triples) > 1:
        raise ConfigurationError(f"--split: found the splits {', '.join(triples)} already, expected one file of triples")
    (rows,) = triples.values()
    return split_triples(rows, num_entities, num_relations, how)


def _id_facts(entities: Ids, relations: Ids, left_out: LeftOut) -> dict[str, Any]:
    """Report trimmed ids, and ids that differ by inner white space and stay separate."""
    alike = spaced_alike([*entities, *relations])
    return {**left_out.ids.facts(), "spaced_alike": len(alike), "first_spaced_alike": alike[:_SHOWN_ALIKE]}


def _renumbered(numbers: array[int], rows: np.ndarray, left_out: LeftOut) -> np.ndarray:
    """Triples as rows of the written entities, without those of entities that were left out.  # [triples, 3]"""
    triples = np.frombuffer(numbers, np.int32).reshape(-1, 3) if numbers else np.zeros((0, 3), np.int32)
    for column in (0, 2):
        triples[:, column] = rows[triples[:, column]]
    whole = (triples[:, (0, 2)] >= 0).all(1)
    if whole.all():
        return triples
    left_out.note("triples of an entity that is left out", int((~whole).sum()))
    return triples[whole]


# ---- texts -----------------------------------------------------------------------------------------------------------


def _write_entities(
    path: Path, source: GraphSource, ids: Ids, policy: GraphPolicy, left_out: LeftOut, progress: Progress
) -> np.ndarray:
    """Write the entities of `ids`; number in `ids` -> row, -1 if it was left out.  # [ids]"""
    rows = array("i", [-1]) * len(ids)
    done = bytearray(len(ids))
    without_text: list[str] = []
    outside = _outside_vocabulary(source, ids, policy)
    with EntityWriter(path) as writer:

        def write(number: int, entity: GraphEntity) -> None:
            done[number] = True
            if number in outside:
                left_out.note(outside[number])
            elif policy.without_text != "keep" and not (entity.label or entity.description or entity.aliases):
                without_text.append(entity.id)
            else:
                rows[number] = writer.rows
                writer.add(_whole(entity, left_out))

        for place, line, entity in _counted(source.read_entities(ids, left_out), "writing entities", progress):
            number = ids.get(entity.id)
            if number is None:
                left_out.note(OUTSIDE)
            elif done[number]:
                left_out.bad("second row of an entity", f"found the entity {entity.id!r} a second time", place, line)
            else:
                write(number, entity)
        for id, number in ids.items():
            if not done[number]:
                write(number, GraphEntity(id))
    if without_text and policy.without_text == "error":
        count = counted(len(without_text), "entity", "entities")
        raise DataError(f"found {count} without label, description and alias: {listed(without_text)}")
    left_out.note("entities without text", len(without_text))
    return np.frombuffer(rows, np.int32) if rows else np.zeros(0, np.int32)


def _outside_vocabulary(source: GraphSource, ids: Ids, policy: GraphPolicy) -> dict[int, str]:
    """Number in `ids` -> reason why `policy.within_vocabulary` excludes it."""
    if policy.within_vocabulary is None:
        return {}
    names: dict[str, tuple[str, str]] = {}  # not descriptions, which would fill the memory; of two rows the first, as written
    for _, _, entity in source.read_entities(ids, LeftOut(skip_bad=True)):
        if entity.id in ids:
            names.setdefault(entity.id, (entity.label, entity.title))
    given = ((id, *names.get(id, ("", ""))) for id in ids)
    named = (GraphEntity(id, label, title=title) for id, label, title in given)
    found = vocabulary_ids(named, EntityVocabulary.load(policy.within_vocabulary), source.details.get("language"))
    why = {NONE: "entities outside the vocabulary", SHARED: "entities that share a title of the vocabulary"}
    return {number: why[id] for number, id in enumerate(found.tolist()) if id < 0}


def _read_relations(source: GraphSource, ids: Ids, left_out: LeftOut) -> list[GraphRelation]:
    """Relations in the order of `ids`; relations without text are kept (KEPLER learns a table of them)."""
    found: dict[str, GraphRelation] = {}
    for place, line, relation in source.read_relations(ids, left_out):
        if relation.id not in ids:
            left_out.note(OUTSIDE)
        elif relation.id in found:
            left_out.bad("second row of a relation", f"found the relation {relation.id!r} a second time", place, line)
        else:
            whole = _whole(relation, left_out)
            found[relation.id] = GraphRelation(whole.id, whole.label, whole.description)
    return [found.get(id, GraphRelation(id)) for id in ids]


def _whole(entity: GraphEntity, left_out: LeftOut) -> GraphEntity:
    """The entity (or relation) with unpaired surrogates replaced, since no file can store them; counted."""
    texts = (entity.label, entity.description, entity.title, *entity.aliases, *entity.types)
    if not any(map(has_half, texts)):
        return entity
    (label, description, title, *names), numbers = zip(*map(replace_halves, texts), strict=True)
    left_out.note("characters replaced", sum(numbers))
    aliases = len(entity.aliases)
    return GraphEntity(entity.id, label, description, tuple(names[:aliases]), tuple(names[aliases:]), title)


def _entity_text(entities: GraphEntities) -> dict[str, Any]:
    """Number of entities with each field, and the first ones without text."""
    without = ~entities.have_text()
    first = entities.strings("id").take(np.flatnonzero(without)[:_SHOWN_IDS])
    return {
        **{name: int(entities.given(name).sum()) for name in ("label", "description", "aliases", "types", "title")},
        "without_text": int(without.sum()),
        "first_without_text": first,
    }


def _relation_text(relations: Sequence[GraphRelation]) -> dict[str, Any]:
    without = [relation.id for relation in relations if not (relation.label or relation.description)]
    return {
        "label": sum(bool(relation.label) for relation in relations),
        "description": sum(bool(relation.description) for relation in relations),
        "without_text": len(without),
        "first_without_text": without[:_SHOWN_IDS],
    }


# ---- the rest --------------------------------------------------------------------------------------------------------


def _counted(rows: Iterable[T], description: str, progress: Progress) -> Iterator[T]:
    """Iterate over `rows` with a progress bar that advances in large steps."""
    number = 0
    with progress(description) as advance:
        for number, row in enumerate(rows, 1):
            yield row
            if number % _STEP == 0:
                advance(_STEP)
        advance(number % _STEP)


def _hashes(source: GraphSource, policy: GraphPolicy) -> dict[str, Any]:
    """Folder and name -> size and SHA-256 of every file that was read; longer paths if two would have the same name."""
    splits = [path for path in source.triples.values() if path.is_file()]
    given = [*splits, *source.text_files, *(path for path in (policy.exclude_triples, policy.within_vocabulary) if path)]
    paths = list(dict.fromkeys(path.absolute() for path in given))
    depth = next(depth for depth in count(2) if len({path.parts[-depth:] for path in paths}) == len(paths))
    return describe_files({"/".join(path.parts[-depth:]): path for path in paths})

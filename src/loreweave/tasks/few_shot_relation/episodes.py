"""Few-shot episodes of relations, from a file or drawn from annotated sentences.

Our layout is one JSON object per line: `{"support": [...], "query": [...]}`, both lists of `{"text", "head": {"start", "end"},
"tail": {...}, "label"}`. The label of a query is one of the support's, `none_of_the_above`, or missing. FewRel's test files
are a list of `{"meta_train": [[instance, ...], ...], "meta_test": instance}`, with relations without names and a query
without a label; their answers are a list of numbers, one for each episode.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loreweave.build.relation_episodes import Draw, EpisodeDraws, EpisodeShape
from loreweave.corpus.counts import counted
from loreweave.corpus.episodes import check_known, parsed_episodes
from loreweave.corpus.files.json_rows import first_character, json_rows
from loreweave.corpus.files.reading import open_text, read_json
from loreweave.corpus.files.rows import LeftOut, Row, as_row, field, objects
from loreweave.corpus.files.strict_json import in_json, kind_of
from loreweave.corpus.files.writing import write_json_lines
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.relations import layouts
from loreweave.tasks.relations.files import labels_of
from loreweave.tasks.relations.record import RelationRecord

NONE = "none_of_the_above"
"""Label of a query that has none of the episode's relations."""

_SIGNS = {"support": "episodes", "meta_train": "fewrel"}


@dataclass(frozen=True, slots=True)
class RelationEpisode:
    """One N-way K-shot episode.

    Attributes:
        id: number in the file, from 0.
        relations: names of the N relations.
        support: sentences of each relation.
        query: sentences to be labelled with one of the relations.
        gold: number of each query's relation; N for none of them; None if it is not known.
        named: whether the file names the relations; otherwise they have numbers, which differ from episode to episode.
    """

    id: str
    relations: tuple[str, ...]
    support: tuple[tuple[RelationRecord, ...], ...]
    query: tuple[RelationRecord, ...]
    gold: tuple[int | None, ...]
    named: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Names by number, including that of none."""
        return (*self.relations, NONE)

    @property
    def asks_for_none(self) -> bool:
        """Whether a query has none of the relations."""
        return len(self.relations) in self.gold


def draws_of(
    records: Sequence[RelationRecord], shape: EpisodeShape, seed: int, relations: Sequence[str] | None, data: Path
) -> EpisodeDraws:
    """Draws from the records of these relations. Default: all.

    Raises:
        ConfigurationError: no record has one of the relations.
        DataError: too few relations have enough sentences.
    """
    names = labels_of(records)
    if unknown := sorted(set(relations or ()) - set(names)):
        raise ConfigurationError(f"setting 'relations': {data} lacks {', '.join(unknown)}; it has {', '.join(names)}")
    labels = [record.label if relations is None or record.label in relations else None for record in records]
    try:
        return EpisodeDraws(labels, shape, seed)
    except DataError as error:
        raise DataError(error.message, path=data) from None


def episode_of(draw: Draw, records: Sequence[RelationRecord], id: str) -> RelationEpisode:
    """A drawn episode of these records."""
    support = tuple(tuple(records[index] for index in row) for row in draw.support.tolist())
    query = tuple(records[index] for index in draw.query.tolist())
    return RelationEpisode(id, draw.classes, support, query, tuple(draw.targets.tolist()))


def holds_episodes(path: Path) -> bool:
    """Whether a file has episodes rather than annotated sentences."""
    row = _first_row(path)
    return isinstance(row, dict) and bool(_SIGNS.keys() & row.keys())


def read_episodes(path: Path, skipped: Counter[str] | None = None) -> Iterator[RelationEpisode]:
    """Stream the episodes of a file in our layout or in FewRel's.

    Args:
        path: the file.
        skipped: if given, bad episodes are left out and counted here by reason.

    Raises:
        DataError: names the file, the episode and the field: an empty part, a query whose label is not in the support set, a
            head that equals its tail.
    """
    yield from parsed_episodes(json_rows(path), _parsed, path, skipped)


def _parsed(row: Any, id: str) -> RelationEpisode:
    return _fewrel(as_row(row), id) if "meta_train" in as_row(row) else _ours(row, id)


def read_answers(path: Path, episodes: Sequence[RelationEpisode]) -> list[RelationEpisode]:
    """The episodes with the gold numbers of a JSON list, one for each episode of the file, which has one query.

    Args:
        episodes: some or all of the file's episodes, each with its number there.

    Raises:
        DataError: too few answers, or an answer that is not the number of a relation.
    """
    answers = read_json(path)
    needed = max(int(episode.id) for episode in episodes) + 1
    if not isinstance(answers, list) or len(answers) < needed:
        found = counted(len(answers), "answer") if isinstance(answers, list) else kind_of(answers)
        raise DataError(f"found {found}, expected a list of at least {counted(needed, 'number')}", path=path)
    known = []
    for episode in episodes:
        answer = answers[int(episode.id)]
        if type(answer) is not int or not 0 <= answer <= len(episode.relations) or len(episode.query) != 1:
            wanted = f"a number from 0 to {len(episode.relations)} for the one query of episode {episode.id}"
            raise DataError(
                f"found {in_json(answer)} for {counted(len(episode.query), 'query', 'queries')}, expected {wanted}", path=path
            )
        known.append(replace(episode, gold=(answer,)))
    return known


def write_episodes(path: Path, episodes: Iterable[RelationEpisode]) -> int:
    """Write our layout and return the number of episodes."""
    return write_json_lines(path, map(_row, episodes))


def _row(episode: RelationEpisode) -> dict[str, Any]:
    support = zip(episode.relations, episode.support, strict=True)
    query = zip(episode.query, episode.gold, strict=True)
    return {
        "support": [_plain(record, relation) for relation, records in support for record in records],
        "query": [_plain(record, None if gold is None else episode.names[gold]) for record, gold in query],
    }


def _plain(record: RelationRecord, label: str | None) -> dict[str, Any]:
    ends = {name: {"start": start, "end": end} for name, (start, end) in (("head", record.head), ("tail", record.tail))}
    return {"id": record.id, "text": record.text, **ends} | ({} if label is None else {"label": label})


def _ours(row: Row, id: str) -> RelationEpisode:
    support, query = (_half(row, id, name) for name in ("support", "query"))
    by_relation: dict[str, list[RelationRecord]] = {}
    for record in support:
        if record.label is None or record.label == NONE:
            raise DataError(
                f"found {in_json(record.label)} in sentence {record.id}, expected a relation", field="support.label"
            )
        by_relation.setdefault(record.label, []).append(record)
    relations = tuple(by_relation)
    numbers = {name: number for number, name in enumerate((*relations, NONE))}
    check_known((record.label for record in query if record.label != NONE), relations)
    gold = tuple(None if record.label is None else numbers[record.label] for record in query)
    return _whole(RelationEpisode(id, relations, tuple(map(tuple, by_relation.values())), tuple(query), gold))


def _half(row: Row, id: str, name: str) -> list[RelationRecord]:
    records = [_pair(each, f"{id}.{number}", name) for number, each in enumerate(objects(row, name))]
    if not records:
        raise DataError("found no sentence, expected at least one", field=name)
    return records


def _pair(row: Row, id: str, half: str) -> RelationRecord:
    return _only(layouts.pairs({"id": id, **row}, id, needs_label=False), half)


def _only(converted: layouts.Converted, half: str) -> RelationRecord:
    """The single record of a row, even if minor parts of it are left out."""
    try:
        (record,) = [item for item in converted if not isinstance(item, LeftOut)]
    except DataError as error:
        raise DataError(error.message, field=f"{half}.{error.field}" if error.field else half) from None
    return record


def _fewrel(row: Row, id: str) -> RelationEpisode:
    classes = field(row, "meta_train", list)
    if not all(isinstance(each, list) and each for each in classes):
        raise DataError("found an empty class or none, expected a list of lists of instances", field="meta_train")
    relations = tuple(str(number) for number in range(len(classes)))
    support = [
        [_instance(instance, name, number, "meta_train") for number, instance in enumerate(instances)]
        for name, instances in zip(relations, classes, strict=True)
    ]
    query = _instance(field(row, "meta_test", dict), "query", 0, "meta_test")
    return _whole(RelationEpisode(id, relations, tuple(map(tuple, support)), (query,), (None,), named=False))


def _instance(row: Any, relation: str, number: int, half: str) -> RelationRecord:
    return _only(layouts.fewrel((relation, number, row), relation), half)


def _whole(episode: RelationEpisode) -> RelationEpisode:
    if len(episode.relations) < 2:
        raise DataError(
            f"found {counted(len(episode.relations), 'relation')}, expected two or more to choose from", field="support"
        )
    return episode


def _first_row(path: Path) -> Any:
    """The first row of a list or of lines; None if the first line is part of an object."""
    first = first_character(path)
    if first == "":
        raise DataError("found an empty file, expected episodes or annotated sentences", path=path)
    if first == "[":
        return next((row for _, row in json_rows(path)), None)
    with open_text(path) as file:
        line = next(line for line in file if line.strip())
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None

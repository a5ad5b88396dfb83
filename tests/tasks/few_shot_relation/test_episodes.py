"""Files of episodes: ours and FewRel's, and what is wrong with bad ones."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from loreweave.build.relation_episodes import EpisodeShape
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.few_shot_relation.episodes import (
    NONE,
    RelationEpisode,
    draws_of,
    episode_of,
    holds_episodes,
    read_answers,
    read_episodes,
    write_episodes,
)
from loreweave.tasks.relations.record import RelationRecord

SENTENCE = {"text": "Ann lives in Oslo", "head": {"start": 0, "end": 3}, "tail": {"start": 13, "end": 17}}


def sentence(label: str | None = None, **changes: Any) -> dict[str, Any]:
    return SENTENCE | changes | ({} if label is None else {"label": label})


def write(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_episodes_come_back_from_a_file(tmp_path: Path, episodes: list[RelationEpisode]) -> None:
    path = tmp_path / "episodes.jsonl"
    assert write_episodes(path, episodes) == 2 and holds_episodes(path)
    for found, written in zip(read_episodes(path), episodes, strict=True):
        assert (found.id, found.relations, found.gold) == (written.id, written.relations, written.gold)
        for one, two in zip(found.query, written.query, strict=True):
            assert (one.id, one.text, one.head, one.tail) == (two.id, two.text, two.head, two.tail)
        assert [len(shots) for shots in found.support] == [len(shots) for shots in written.support]


def test_none_of_the_above_is_a_class_of_its_own(tmp_path: Path) -> None:
    row = {"support": [sentence("a"), sentence("b")], "query": [sentence(NONE), sentence("b"), sentence()]}
    (episode,) = read_episodes(write(tmp_path / "e.jsonl", row))
    assert episode.gold == (2, 1, None) and episode.asks_for_none and episode.names[2] == NONE


def test_the_layout_of_fewrels_test_files(tmp_path: Path, fewrel_file: Path) -> None:
    rows = json.loads(fewrel_file.read_text())
    tests = [{"meta_train": [rows["lives"][:2], rows["works"][:2]], "meta_test": rows["works"][3]}] * 2
    path = tmp_path / "test_wiki_input-2-2.json"
    path.write_text(json.dumps(tests))
    assert holds_episodes(path) and not holds_episodes(fewrel_file)
    found = list(read_episodes(path))
    assert [episode.gold for episode in found] == [(None,), (None,)] and found[0].relations == ("0", "1")
    assert found[0].support[1][0].text == "ann works at oslo ." and found[0].query[0].surface(found[0].query[0].head) == "he"
    assert [episode.gold for episode in read_answers(write(tmp_path / "answers.json", [1, 0]), found)] == [(1,), (0,)]
    for wrong, message in (([1], "found 1 answer, expected a list of at least 2"), ([1, 7], "found 7 .* a number from 0 to 2")):
        with pytest.raises(DataError, match=message):
            read_answers(write(tmp_path / "answers.json", wrong), found)


def test_an_annotated_object_over_several_lines_holds_no_episodes(tmp_path: Path, fewrel_file: Path) -> None:
    path = tmp_path / "indented.json"
    path.write_text(json.dumps(json.loads(fewrel_file.read_text()), indent=2))
    assert not holds_episodes(path)
    (tmp_path / "empty.json").write_text("\n")
    with pytest.raises(DataError, match="empty.json: found an empty file, expected episodes or annotated sentences"):
        holds_episodes(tmp_path / "empty.json")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"support": [sentence("a"), sentence("b")], "query": [sentence("c")]},
         r"'query.label': found the label 'c', .* \(it has a, b\)"),
        ({"support": [sentence("a"), sentence()], "query": [sentence("a")]}, "'support.label': found null in sentence 1.1"),
        ({"support": [sentence("a"), sentence("a")], "query": [sentence("a")]}, "'support': found 1 relation, expected two"),
        ({"support": [], "query": [sentence("a")]}, "'support': found no sentence"),
        ({"support": [sentence("a"), sentence("b")]}, "'query': found nothing, expected a list"),
        ({"support": [sentence("a"), sentence("b", tail={"start": 0, "end": 3})], "query": [sentence("a")]},
         "'support.tail': found 'Ann' at .0, 3. as head and as tail"),
        ({"meta_train": [[], []], "meta_test": {}}, "'meta_train': found an empty class"),
        ({"meta_train": [[{"tokens": ["a"]}]], "meta_test": {}}, "'meta_train.h': found nothing"),
    ],
)  # fmt: skip
def test_a_bad_episode_is_named_or_counted(tmp_path: Path, row: Any, message: str) -> None:
    good = {"support": [sentence("a"), sentence("b")], "query": [sentence("a")]}
    path = write(tmp_path / "e.jsonl", good, row)
    with pytest.raises(DataError, match=f"e.jsonl, line 2, field {message}"):
        list(read_episodes(path))
    skipped = Counter[str]()
    assert len(list(read_episodes(path, skipped))) == 1 and skipped.total() == 1


def test_relations_can_be_chosen(records: list[RelationRecord]) -> None:
    draws = draws_of(records, EpisodeShape(way=2), 0, ["lives", "river"], Path("x.json"))
    drawn = [episode_of(draws.draw(number), records, str(number)) for number in range(5)]
    assert {relation for episode in drawn for relation in episode.relations} == {"lives", "river"}
    for episode in drawn:
        for record, gold in zip(episode.query, episode.gold, strict=True):
            assert gold is not None and episode.names[gold] == record.label
    with pytest.raises(ConfigurationError, match="x.json lacks rivers; it has and, lives, river, works"):
        draws_of(records, EpisodeShape(), 0, ["rivers"], Path("x.json"))
    with pytest.raises(DataError, match="x.json: found 4 relations with 2 or more sentences"):
        draws_of(records, EpisodeShape(), 0, None, Path("x.json"))

"""Episode files of both published layouts, and every broken one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from loreweave.corpus.column_formats.tag_schemes import TokenSpan, spans_of_tags
from loreweave.corpus.episodes import Episode, describe_types, episode_of, read_episodes, write_episodes
from loreweave.corpus.files.reading import read_json_lines
from loreweave.corpus.tokens import TaggedSentence
from loreweave.errors import DataError

SUPPORT = {"word": [["ann", "hill", "sang"], ["oslo"]], "label": [["person-artist", "person-artist", "O"], ["location-GPE"]]}
QUERY = {"word": [["bo", "left", "rome"]], "label": [["person-artist", "O", "location-GPE"]]}
ROW: dict[str, Any] = {"support": SUPPORT, "query": QUERY, "types": ["person-artist", "location-GPE"]}


def write(folder: Path, *rows: object) -> Path:
    path = folder / "test_5_1.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_the_published_layout(tmp_path: Path) -> None:
    first, second = read_episodes(write(tmp_path, ROW, ROW))
    assert (first.id, second.id) == ("0", "1") and first.types == ("person-artist", "location-GPE")
    assert first.support[0] == TaggedSentence(("ann", "hill", "sang"), (TokenSpan(0, 2, "person-artist"),))
    assert first.query[0].labels() == ["person-artist", "O", "location-GPE"] and first.scheme == "io"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    episode = episode_of(ROW, "0")
    assert write_episodes(tmp_path / "a.jsonl", [episode]) == 1
    assert json.loads((tmp_path / "a.jsonl").read_text()) == ROW
    touching = (TaggedSentence(("a", "b"), (TokenSpan(0, 1, "x"), TokenSpan(1, 2, "x"))),)
    write_episodes(tmp_path / "b.jsonl", [Episode("0", touching, touching, ("x",), "prefixed")], "iob2")
    assert list(read_episodes(tmp_path / "b.jsonl")) == [Episode("0", touching, touching, ("x",), "prefixed")]


def test_the_folders_of_container(tmp_path: Path) -> None:
    for name, half in (("support_test_5_1", SUPPORT), ("query_test_5_1", QUERY)):
        (tmp_path / name).mkdir()
        sentences = zip(half["word"], half["label"], strict=True)
        lines = ["".join(f"{w} {t}\n" for w, t in zip(words, tags, strict=True)) for words, tags in sentences]
        for number in ("0", "10", "9"):
            (tmp_path / name / f"{number}.txt").write_text("\n".join(lines))
    episodes = list(read_episodes(tmp_path))
    assert len(episodes) == 3 and episodes == list(read_episodes(tmp_path / "support_test_5_1"))
    expected = episode_of(ROW, "0")
    assert (episodes[0].support, episodes[0].query) == (expected.support, expected.query)
    assert set(episodes[0].types) == set(expected.types)
    (tmp_path / "query_test_5_1" / "9.txt").write_text("bo I-unknown\n")
    with pytest.raises(DataError, match=r"9\.txt: .*'I-unknown'|9\.txt.*I-unknown"):
        list(read_episodes(tmp_path))
    (tmp_path / "support_x").mkdir()
    with pytest.raises(DataError, match="expected one folder support"):
        list(read_episodes(tmp_path))


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"query": {"word": [["x"]], "label": [["event-war"]]}}, "query.label", "found the label 'event-war', which no"),
        ({"support": None}, "support", "expected an object with 'word' and 'label'"),
        ({"query": {"word": [], "label": []}}, "query", "found no sentence"),
        ({"query": {"word": [["x"]], "label": [["O", "O"]]}}, "query.label", "different numbers of words and labels"),
        ({"query": {"word": "x", "label": []}}, "query", "expected two lists of lists of strings"),
        ({"types": ["person-artist"]}, "types", "found person-artist, expected those of the support"),
        ({"types": ["person-artist"] * 2 + ["location-GPE"]}, "types", "found person-artist, person-artist, location-GPE, exp"),
        ({"types": "x"}, "types", "expected a list of labels"),
    ],
)
def test_a_bad_episode_is_named_or_counted(tmp_path: Path, change: dict[str, object], field: str, message: str) -> None:
    path = write(tmp_path, ROW, ROW | change)
    with pytest.raises(DataError) as caught:
        list(read_episodes(path))
    assert message in str(caught.value) and f"test_5_1.jsonl, line 2, field '{field}'" in str(caught.value)
    skipped = Counter[str]()
    assert len(list(read_episodes(path, skipped))) == 1 and skipped == {f"bad {field}": 1}


@pytest.mark.parametrize("content", ["Ann\tB-PER\nleft\tO\n", '{"id": "a", "text": "Ann left."}\n'])
def test_sentences_in_the_place_of_episodes(content: str, tmp_path: Path) -> None:
    (tmp_path / "dev.txt").write_text(content)
    with pytest.raises(DataError, match=r"dev.txt.*expected .*episode.*; 'loreweave build episodes' makes .* sentences"):
        list(read_episodes(tmp_path / "dev.txt"))


def test_real_query_sets_have_no_support(shared_data: Path) -> None:
    path = shared_data / "ner_fewnerd_sample" / "inter_test_query_sets.jsonl.gz"
    with pytest.raises(DataError, match="line 1, field 'support'"):
        list(read_episodes(path))
    rows = [row for _, row in read_json_lines(path)]
    half = rows[0]["query"]
    episode = episode_of({"support": half, "query": half, "types": rows[0]["types"]}, "0")
    assert len(rows) == 24 and set(episode.types) == set(rows[0]["types"])
    assert [list(s.spans) for s in episode.query] == [spans_of_tags(tags, "io") for tags in half["label"]]


def labels(*rows: list[str]) -> dict[str, Any]:
    return {"word": [["w"] * len(tags) for tags in rows], "label": list(rows)}


@pytest.mark.parametrize(
    ("support", "types", "expected", "scheme"),
    [
        (labels(["B-cell", "O"], ["location"]), ["B-cell", "location"], ["B-cell", "location"], "io"),
        (labels(["B-cell", "B-cell"], ["E-town"]), ["B-cell", "E-town"], ["B-cell", "E-town"], "io"),
        (labels(["L", "O"], ["S"]), ["L", "S"], ["L", "S"], "io"),
        (labels(["B-cell", "I-cell"], ["O", "B-town"]), ["cell", "town"], ["cell", "town"], "prefixed"),
        (labels(["B-cell", "I-cell"], ["O", "B-town"]), None, ["cell", "town"], "prefixed"),
        (labels(["I-cell", "E-cell"], ["E-town"]), None, ["cell", "town"], "prefixed"),
        (labels(["S-cell", "O"], ["B-town", "E-town"]), None, ["cell", "town"], "prefixed"),
        (labels(["U-cell", "O"], ["B-town", "L-town"]), None, ["cell", "town"], "prefixed"),
    ],
)
def test_types_say_whether_labels_have_prefixes(
    support: dict[str, Any], types: list[str] | None, expected: list[str], scheme: str
) -> None:
    row = {"support": support, "query": support} | ({} if types is None else {"types": types})
    episode = episode_of(row, "0")
    assert (sorted(episode.types), episode.scheme) == (expected, scheme)
    assert sorted({span.label for sentence in episode.query for span in sentence.spans}) == expected


@pytest.mark.parametrize(
    ("support", "found"),
    [
        (labels(["B-cell", "O"], ["location"]), "'B-cell' and 'location'"),
        (labels(["B-cell", "O", "B-cell"], ["O", "E-town"]), "'E-town' in a place that no tag scheme"),
        (labels(["L", "O"], ["S"]), "'L' in a place that no tag scheme"),
        (labels(["S-cell", "E-cell"]), "'E-cell' in a place that no tag scheme"),
    ],
)
def test_a_guess_about_prefixes_is_checked(support: dict[str, Any], found: str) -> None:
    with pytest.raises(DataError, match=f"field 'label': found the tags? {found}.*list them in 'types'"):
        episode_of({"support": support, "query": support}, "0")


def test_types_that_look_like_o_are_named() -> None:
    support = labels(["o", "person", "0"])
    assert episode_of({"support": support, "query": support}, "0").types == ("0", "o", "person")
    assert [note.split(" looks")[0] for note in describe_types(("0", "o", "person"))] == ["the type '0'", "the type 'o'"]
    with pytest.raises(DataError, match="found person, expected those of the support: 0, o, person; '0' must be O where"):
        episode_of({"support": support, "query": support, "types": ["person"]}, "0")
    (note,) = describe_types(("Person", "person ", "place"))
    assert note.startswith("the types 'Person', 'person ' differ only by case, blanks or punctuation")
    assert len(describe_types(("art-film", "art_film"))) == 1
    assert describe_types(("person", "place", "O")) == []


def test_prefixes_in_another_spelling(tmp_path: Path) -> None:
    half = {"word": [["Mia", "Li", "ran"]], "label": [["B_PER", "I_PER", "O"]]}
    episode = episode_of({"support": half, "query": half}, "0")
    assert episode.types == ("PER",) and episode.query[0].spans == ((0, 2, "PER"),)
    assert episode_of({"support": half, "query": half, "types": ["PER"]}, "0") == episode
    whole = episode_of({"support": half, "query": half, "types": ["B_PER", "I_PER"]}, "0")
    assert whole.types == ("B_PER", "I_PER")

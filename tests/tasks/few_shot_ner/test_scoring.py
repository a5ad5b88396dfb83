"""Three readings of F1, hand-counted, and what else is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loreweave.corpus.column_formats.tag_schemes import Scheme, TokenSpan, spans_of_tags
from loreweave.corpus.episodes import Episode
from loreweave.corpus.tokens import TaggedSentence
from loreweave.errors import DataError
from loreweave.metrics.resampling import INTERVALS
from loreweave.tasks.contract import Execution, NoSettings, Reading
from loreweave.tasks.few_shot_ner.scoring import METRICS, Labelled, score, score_predictions
from loreweave.training.evaluation import Evaluation

TYPES = ("location-other", "organization-other", "location-GPE")


def scored(gold: Path, predictions: Path, *, skip_bad: bool = False) -> tuple[Evaluation, dict[str, Any]]:
    """`score_predictions` that tells nobody."""
    execution = Execution(reading=Reading(skip_bad=skip_bad), report=lambda line: None)
    return score_predictions(gold, predictions, NoSettings(), execution)


def labelled(gold: list[str], predicted: list[str], *, seen: list[int] | None = None, scheme: Scheme = "io") -> Labelled:
    spans = tuple(spans_of_tags(gold, "io"))
    sentence = TaggedSentence(tuple(f"w{place}" for place in range(len(gold))), spans)
    episode = Episode("0", (sentence,), (sentence,), TYPES, scheme)
    words = list(range(len(gold))) if seen is None else seen
    return Labelled(episode, [words], [predicted])


def test_the_published_scorer_takes_types_of_one_ending_for_one() -> None:
    found = score([labelled(["location-other", "O"], ["organization-other", "O"])])
    assert found.metrics["published_micro_f1"] == 1.0 and found.metrics["micro_f1"] == 0.0
    assert found.tables["types_that_the_published_scorer_merges"] == [
        {"published_type": "other", "types": "location-other, organization-other"}
    ]
    prefixed = score([labelled(["location-other", "O"], ["organization-other", "O"], scheme="prefixed")])
    assert prefixed.metrics["published_micro_f1"] == 0.0 and set(found.metrics) == set(METRICS)


def test_a_word_that_is_not_seen_is_missed_but_not_by_the_published_scorer() -> None:
    found = score([labelled(["location-GPE", "O", "location-GPE"], ["location-GPE", "O"], seen=[0, 1])])
    assert found.metrics["micro_recall"] == 0.5 and found.metrics["micro_precision"] == 1.0
    assert found.metrics["published_micro_f1"] == 1.0
    assert found.predictions[0]["gold"][1] == {"start": 2, "end": 3, "label": "location-GPE"}


def test_flattened_spans_reach_over_borders() -> None:
    sentences = (TaggedSentence(("a",), (TokenSpan(0, 1, "x"),)), TaggedSentence(("b",), (TokenSpan(0, 1, "x"),)))
    episode = Episode("0", sentences, sentences, ("x",))
    found = score([Labelled(episode, [[0], [0]], [["x"], ["x"]])])
    assert found.arrays["flattened_micro_counts"].tolist() == [[1, 1, 1]]
    assert found.arrays["micro_counts"].tolist() == [[2, 2, 2]]


def test_counts_are_summed_over_episodes_before_f1() -> None:
    good = labelled(["location-GPE"], ["location-GPE"])
    bad = labelled(["location-GPE", "O", "location-GPE"], ["O", "location-GPE", "O"])
    found = score([good, bad, bad], bootstrap=50)
    assert found.metrics["micro_precision"] == pytest.approx(1 / 3) and found.metrics["micro_recall"] == pytest.approx(1 / 5)
    assert found.metrics["micro_f1"] == pytest.approx(2 / 8)  # the mean over episodes would be 1/3
    np.testing.assert_array_equal(found.arrays["micro_counts"], [[1, 1, 1], [2, 1, 0], [2, 1, 0]])
    interval = found.tables[INTERVALS][0]
    assert interval["metric"] == "micro_f1" and 0 <= interval["low"] <= 0.25 <= interval["high"] <= 1
    assert found.tables == score([good, bad, bad], bootstrap=50).tables


def test_errors_are_those_of_spans_with_right_ends() -> None:
    rows = [
        labelled(["location-GPE"], ["location-other"]),
        labelled(["location-GPE"], ["organization-other"]),
        labelled(["location-GPE"], ["location-GPE"]),
        labelled(["location-GPE", "O"], ["location-GPE", "location-GPE"]),
    ]
    metrics = score(rows, bootstrap=0).metrics
    assert metrics["within_error"] == pytest.approx(1 / 3) and metrics["outer_error"] == pytest.approx(1 / 3)


def test_nothing_predicted_is_no_error() -> None:
    found = score([labelled(["location-GPE"], ["O"])])
    assert found.metrics["micro_f1"] == 0 and found.metrics["within_error"] == 0


HALF = {"word": [["ann", "lives", "in", "oslo"], ["bob"]], "label": [["person", "O", "O", "place"], ["person"]]}


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "episodes.jsonl"
    path.write_text("\n".join(json.dumps({"support": HALF, "query": HALF, "types": ["person", "place"]}) for _ in range(2)))
    return path


def given(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "answers"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def spans(*found: tuple[int, int, str]) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "label": label} for start, end, label in found]


def test_predicted_spans_of_any_system(gold: Path, tmp_path: Path) -> None:
    """Two of six gold spans are among three predicted ones, which are given by episode and sentence, in any order."""
    rows = [
        {"episode": 1, "sentence": 1, "predictions": spans((0, 1, "person"))},
        {"episode": "0", "predictions": spans((3, 4, "person"), (0, 1, "person"))},
        {"episode": 0, "sentence": 1, "predictions": []},
    ]
    evaluation, facts = scored(gold, given(tmp_path, rows))
    assert evaluation.metrics["micro_precision"] == 2 / 3 and evaluation.metrics["micro_recall"] == 2 / 6
    assert evaluation.notes[-1] == "no prediction for 1 of 4 records, counted as wrong: 1/0"
    assert (facts["records"], facts["sentences"]) == (2, 4)
    without = [{"predicted": row["predictions"]} for row in (rows[1], rows[2], rows[2], rows[0])]
    assert scored(gold, given(tmp_path, without))[0].metrics == evaluation.metrics
    again, _ = scored(gold, given(tmp_path, evaluation.predictions))
    assert again.metrics == evaluation.metrics and again.predictions == evaluation.predictions


@pytest.mark.parametrize("prefix", ["", "B-", "B_", "I_"])
def test_episodes_with_predicted_tags(prefix: str, gold: Path, tmp_path: Path) -> None:
    tags = [[prefix + "person", "O", "O", "O"], [prefix + "place"]]
    evaluation, _ = scored(gold, given(tmp_path, [{"query": {"word": HALF["word"], "label": tags}}] * 2))
    assert evaluation.metrics["micro_precision"] == 1 / 2 and evaluation.metrics["micro_recall"] == 1 / 3


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"episode": 0, "predictions": spans((3, 5, "person"))}], r"answers, line 1: found the span \(3, 5\) of person"),
        ([{"episode": 0, "predictions": spans((0, 2, "person"), (1, 3, "place"))}], r"the span \(1, 3\) .* no overlap"),
        ([{"episode": 0, "predictions": [{"start": 0}]}], "line 1, field 'end': found nothing"),
        ([{"query": {"label": [["O"], ["O"]]}}], "line 1: found 1 tag for 4 words of episode 0"),
        ([{"query": {"label": [["O", 3], ["O"]]}}], "line 1, field 'query.label'"),
        ([{"episode": 2, "predictions": []}], "no prediction for any of 4 records; the ids are 2/0, expected"),
        ([{"episode": 0, "predictions": spans((0, 1, "persn"))}], "line 1: found 'persn' for episode 0, expected one"),
        ([{"episode": 0, "predictions": spans((0, 1, "O"))}], "line 1: found 'O' for episode 0"),
        ([{"query": {"label": [["B-person", "place", "O", "O"], ["O"]]}}], "answers, field 'query.label': found the tags"),
        ([{"predictions": []}, {"episode": 0, "predictions": []}], "line 1, field 'episode/sentence': found no"),
    ],
)
def test_wrong_predictions_are_named(rows: list[dict[str, Any]], message: str, gold: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        scored(gold, given(tmp_path, rows))


def test_touching_spans_of_one_type_stay_apart(tmp_path: Path) -> None:
    """Prefixed gold and the same as predictions, spans or tags: all is right."""
    half = {"word": [["ann", "bob", "works"]], "label": [["B-person", "B-person", "O"]]}
    (tmp_path / "gold.jsonl").write_text(json.dumps({"support": half, "query": half}))
    for rows in ([{"episode": 0, "predictions": spans((1, 2, "person"), (0, 1, "person"))}], [{"query": half}]):
        evaluation, _ = scored(tmp_path / "gold.jsonl", given(tmp_path, rows))
        assert evaluation.metrics["micro_f1"] == 1.0 and len(evaluation.predictions[0]["predicted"]) == 2


def test_bad_episodes_and_empty_predictions(gold: Path, tmp_path: Path) -> None:
    gold.write_text(gold.read_text().splitlines()[0] + "\n{broken\n")
    with pytest.raises(DataError, match="line 2: found broken JSON"):
        scored(gold, given(tmp_path, [{"episode": 0, "predictions": []}]))
    rows = [{"episode": 0, "sentence": place, "predictions": []} for place in (0, 1)]
    assert scored(gold, given(tmp_path, rows), skip_bad=True)[1]["skipped"] == {"bad episode": 1}
    (tmp_path / "answers").write_text("")
    with pytest.raises(DataError, match="answers: found no prediction"):
        scored(gold, tmp_path / "answers", skip_bad=True)


def test_queries_that_copy_their_support_are_named() -> None:
    copied = labelled(["location-GPE"], ["location-GPE"])
    sentence = TaggedSentence(("other", "words"), (TokenSpan(0, 1, "location-GPE"),))
    fresh = Episode("1", copied.episode.support, (sentence, *copied.episode.query), TYPES)
    found = score([copied, Labelled(fresh, [[0, 1], [0]], [["O", "O"], ["O"]])])
    (note,) = found.notes
    assert note.startswith("2 of 3 queries, in 2 episodes: the text is also in the support set")
    assert "(episode/query 0/0, 1/1)" in note
    assert score([Labelled(Episode("0", (sentence,), copied.episode.query, TYPES), [[0]], [["O"]])]).notes == []


def test_predicted_tags_keep_what_looks_like_a_prefix_where_the_types_have_it(tmp_path: Path) -> None:
    words = {"word": [["T", "cell"]], "label": [["B-cell", "O"]]}
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps({"support": words, "query": words, "types": ["B-cell"]}))
    evaluation, _ = scored(path, given(tmp_path, [{"query": words}]))
    assert evaluation.metrics["micro_f1"] == 1.0 and "B-cell" in str(evaluation.tables["per_type"][0])

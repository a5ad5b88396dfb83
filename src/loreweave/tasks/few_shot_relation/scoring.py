"""Accuracy with its interval, and a table of relations, from answers to episodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.files.json_rows import first_character
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.rows import field
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import DataError
from loreweave.metrics.probabilities import rounded, softmax
from loreweave.metrics.relations import accuracy
from loreweave.metrics.resampling import INTERVALS, interval, resampled_sums
from loreweave.tasks.contract import Execution, NoSettings
from loreweave.tasks.episodes.copies import Texts, copies_in, describe_copies
from loreweave.tasks.episodes.gold import gold_episodes
from loreweave.tasks.few_shot_relation.episodes import RelationEpisode, read_episodes
from loreweave.tasks.files.predictions import (
    Prediction,
    align,
    json_predictions,
    place_in_episode,
    predicted_name,
    with_places,
)
from loreweave.training.evaluation import Evaluation

METRICS = ("accuracy",)


@dataclass(frozen=True)
class Answered:
    """An episode with its predictions.

    Attributes:
        predicted: number of each query's relation, way for none of them; None if there is no prediction.
        logits: logits of these numbers [queries, way], or [queries, way + 1] if the answer may be none of the relations;
            None if they are not known.
    """

    episode: RelationEpisode
    predicted: Sequence[int | None]
    logits: np.ndarray | None = None

    @classmethod
    def by_logits(cls, episode: RelationEpisode, logits: np.ndarray) -> Answered:
        """Most likely relation of each query."""
        return cls(episode, logits.argmax(-1).tolist(), logits)

    def probabilities(self) -> np.ndarray | None:
        """Softmax of the logits, if they are known."""
        return None if self.logits is None else softmax(self.logits)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Predicted (empty if missing) and gold name of each query with a gold relation."""
        names = self.episode.names
        for guess, gold in zip(self.predicted, self.episode.gold, strict=True):
            if gold is not None:
                yield "" if guess is None else names[guess], names[gold]


def score(answered: Sequence[Answered], *, bootstrap: int = 1000, seed: int = 0) -> Evaluation:
    """Accuracy over all queries with gold relation, its 95 % interval over episodes, and the accuracy of each
    relation if they have names.

    The interval describes the draw of episodes from these relations, not other relations.
    """
    pairs = [list(each.pairs()) for each in answered]
    known = [pair for each in pairs for pair in each]
    rows = list(_rows(answered))
    notes = describe_copies(
        copies_in(texts_of([each.episode for each in answered])), sum(len(each.episode.query) for each in answered)
    )
    if not known:
        return Evaluation({}, rows, notes=["no query has a known relation: nothing is scored", *notes])
    counts = np.array([[sum(guess == gold for guess, gold in each), len(each)] for each in pairs], np.int64)
    tables = {"per_relation": _per_relation(known)} if all(each.episode.named for each in answered) else {}
    if bootstrap:
        tables[INTERVALS] = [{"metric": "accuracy"} | _interval(counts, bootstrap, seed)]
    guesses, golds = zip(*known, strict=True)
    return Evaluation({"accuracy": accuracy(guesses, golds)}, rows, {"accuracy_counts": counts}, tables, notes)


def texts_of(episodes: Sequence[RelationEpisode]) -> list[tuple[str, Texts, Texts]]:
    """Id, texts of the support set and texts of the queries of each episode, for `copies_in`, whatever their mentions are."""
    return [
        (each.id, [record.text for records in each.support for record in records], [record.text for record in each.query])
        for each in episodes
    ]


def score_predictions(
    gold: Path, predictions: Path, settings: NoSettings, execution: Execution
) -> tuple[Evaluation, dict[str, Any]]:
    """Predictions of any system for a file of episodes: a JSON list of the numbers of relations, one for each query
    (FewRel's), or JSON Lines with `episode`, `query` (0 where it is missing) and `predicted` (`prediction` in older
    files), a relation's name, or `number`. Rows without `episode` go by order.

    Raises:
        ConfigurationError: a format is given.
        DataError: names the line; see `files.predictions.align`. Or no query has a known relation.
    """
    episodes, skipped = gold_episodes(gold, execution, read_episodes)
    if not any(number is not None for episode in episodes for number in episode.gold):
        raise DataError("found no query with a known relation, nothing can be scored", path=gold)
    ids = [f"{episode.id}/{place}" for episode in episodes for place in range(len(episode.query))]
    found, notes = align(_given(predictions), ids, predictions, "episode/query")
    answers = iter(found)
    answered = [Answered(each, [_number(next(answers), each, predictions) for _ in each.query]) for each in episodes]
    evaluation = score(answered)
    evaluation.notes.extend(notes)
    return evaluation, {"records": len(episodes), "queries": len(ids), "skipped": dict(skipped)}


def _given(path: Path) -> list[Prediction[tuple[str, int | str]]]:
    """Prediction for each query, with its place in the file: a number or a name."""
    if first_character(path) != "[":
        return with_places(json_predictions(path, _answer, partial(place_in_episode, part="query")))
    return with_places([Prediction(place, None, number, "number") for place, number in enumerate(read_json(path), 1)])


def _answer(row: Mapping[str, Any]) -> int | str:
    name = predicted_name(row, "prediction")
    answer: int | str = field(row, "number", int) if "number" in row and name not in row else field(row, name, str)
    return answer


def _number(given: tuple[str, int | str] | None, episode: RelationEpisode, path: Path) -> int | None:
    """Number of a predicted relation in its episode."""
    if given is None:
        return None
    place, answer = given
    if isinstance(answer, str) and answer in episode.names:
        return episode.names.index(answer)
    if type(answer) is int and 0 <= answer < len(episode.names):
        return answer
    expected = f"one of {', '.join(episode.names)}, or a number from 0 to {len(episode.relations)}"
    raise DataError(f"found {in_json(answer)} for episode {episode.id}, expected {expected}", path=path, record=place)


def _per_relation(pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """A row per gold relation: number of queries, accuracy, and the most frequent wrong prediction."""
    rows = []
    for relation in sorted({gold for _, gold in pairs}):
        guesses = Counter(guess for guess, gold in pairs if gold == relation)
        total, right = guesses.total(), guesses.pop(relation, 0)
        wrong = min(guesses, key=lambda name: (-guesses[name], name)) if guesses else None
        rows.append({"relation": relation, "queries": total, "accuracy": right / total, "most_often_taken_for": wrong})
    return rows


def _interval(counts: np.ndarray, samples: int, seed: int) -> dict[str, float]:
    """Bootstrap interval of accuracy over episodes; `counts` is [episodes, 2]: right, all."""
    right, total = resampled_sums(counts, samples, seed).T
    return interval(np.divide(right, total, out=np.zeros(samples), where=total > 0))


def _rows(answered: Sequence[Answered]) -> Iterator[dict[str, Any]]:
    """A row for each query with a prediction; `number` is that of the predicted relation in its episode."""
    for each in answered:
        episode, shares = each.episode, each.probabilities()
        for place, (record, number, gold) in enumerate(zip(episode.query, each.predicted, episode.gold, strict=True)):
            if number is None:
                continue
            sure = {} if shares is None else {"probability": rounded(shares[place, number])}
            yield {
                "episode": episode.id, "query": place, "id": record.id, "number": number,
                "predicted": episode.names[number], **sure,
                "gold": None if gold is None else episode.names[gold], "relations": list(episode.relations),
            }  # fmt: skip

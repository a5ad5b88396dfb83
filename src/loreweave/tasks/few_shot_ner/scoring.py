"""Metrics, predictions and tables from the predicted labels and gold spans of episodes.

Three versions of F1, all micro averages over the spans of all episodes:

- `micro_f1`, the corrected version: whole labels, separate sentences, and every gold span counts, including words that the
  encoder cannot see;
- `published_micro_f1`: CONTaiNER's scorer (seqeval on bare labels), for which `location-other` and `organization-other`
  are one type, over the words that the encoder sees. Apart from unseen words, the two differ in Few-NERD INTRA only;
- `flattened_micro_f1`: Few-NERD's own, with whole labels, and with the sentences of a query joined, so that spans may cross
  their borders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.column_formats.tag_schemes import (
    OUTSIDE,
    Scheme,
    TokenSpan,
    find_scheme,
    legacy_spans,
    legacy_type,
    spans_of_tags,
)
from loreweave.corpus.column_formats.tag_spellings import PLAIN, find_spelling
from loreweave.corpus.counts import counted
from loreweave.corpus.episodes import Episode, describe_types, read_episodes
from loreweave.corpus.files.reading import read_json_lines
from loreweave.corpus.files.rows import field, objects
from loreweave.corpus.files.rows import words as strings
from loreweave.corpus.tokens import TaggedSentence
from loreweave.errors import DataError
from loreweave.metrics.resampling import INTERVALS, interval, resampled_sums
from loreweave.metrics.spans import SpanCounts, count_spans, precision_recall
from loreweave.tasks.contract import Execution, NoSettings
from loreweave.tasks.episodes.copies import Texts, copies_in, describe_copies
from loreweave.tasks.episodes.gold import check_any, gold_episodes
from loreweave.tasks.files.predictions import (
    Prediction,
    align,
    json_predictions,
    place_in_episode,
    predicted_name,
    with_places,
)
from loreweave.training.evaluation import Evaluation

READINGS = {"": "micro", "published": "published_micro", "flattened": "flattened_micro"}
_ERRORS = ("within_error", "outer_error")
METRICS = (*(f"{name}_{part}" for name in READINGS.values() for part in ("f1", "precision", "recall")), *_ERRORS)


@dataclass(frozen=True)
class Labelled:
    """An episode's query with the predictions.

    Attributes:
        seen: words of each sentence that the encoder saw.
        labels: predicted label of each of these words, by sentence.
        spans: predicted spans of each sentence, if they are known rather than only the labels of words, in which
            adjacent spans of one type are one.
    """

    episode: Episode
    seen: list[list[int]]
    labels: list[list[str]]
    spans: Sequence[Sequence[TokenSpan]] | None = None

    def whole_labels(self) -> list[list[str]]:
        """Label of every word of each sentence; O for words that were not seen."""
        rows = []
        for sentence, words, labels in zip(self.episode.query, self.seen, self.labels, strict=True):
            row = [OUTSIDE] * len(sentence.tokens)
            for word, label in zip(words, labels, strict=True):
                row[word] = label
            rows.append(row)
        return rows

    def predicted(self) -> list[list[TokenSpan]]:
        """Predicted spans of each sentence."""
        if self.spans is not None:
            return [list(spans) for spans in self.spans]
        return [spans_of_tags(row, "io") for row in self.whole_labels()]


def score(labelled: Sequence[Labelled], *, bootstrap: int = 1000, seed: int = 0) -> Evaluation:
    """All metrics, bootstrap intervals over episodes, a table of types, and the spans of every query sentence."""
    counts = {name: [count(each) for each in labelled] for name, count in _COUNTS.items()}
    metrics: dict[str, float] = {}
    for reading, name in READINGS.items():
        value = _total(counts[reading]).micro()
        metrics |= {f"{name}_f1": value.f1, f"{name}_precision": value.precision, f"{name}_recall": value.recall}
    metrics |= _error_rates(labelled)
    arrays = {
        f"{name}_counts": np.array([each.totals for each in counts[reading]], np.int64) for reading, name in READINGS.items()
    }
    tables = {"per_type": _total(counts[""]).per_type(), "types_that_the_published_scorer_merges": _merged_types(labelled)}
    if bootstrap and labelled:
        tables[INTERVALS] = [
            {"metric": f"{name}_f1"} | _interval(arrays[f"{name}_counts"], bootstrap, seed) for name in READINGS.values()
        ]
    episodes = [each.episode for each in labelled]
    notes = describe_types(label for episode in episodes for label in episode.types)
    notes += describe_copies(copies_in(texts_of(episodes)), sum(len(episode.query) for episode in episodes))
    return Evaluation(metrics, list(_rows(labelled)), arrays, {name: rows for name, rows in tables.items() if rows}, notes)


def texts_of(episodes: Sequence[Episode]) -> list[tuple[str, Texts, Texts]]:
    """Id, tokens of the support set and tokens of the queries of each episode, for `copies_in`."""
    return [(each.id, [s.tokens for s in each.support], [s.tokens for s in each.query]) for each in episodes]


def score_predictions(
    gold: Path, predictions: Path, settings: NoSettings, execution: Execution
) -> tuple[Evaluation, dict[str, Any]]:
    """Predictions of any system for a file of episodes: JSON Lines with `episode`, `sentence` and `predicted`
    (`predictions` in older files), spans of tokens with `start`, `end` (exclusive) and `label`; or the episodes again,
    one per line, with predicted labels in `query.label`.

    Raises:
        ConfigurationError: a format is given.
        DataError: names the line; see `files.predictions.align`.
    """
    episodes, skipped = gold_episodes(gold, execution, read_episodes)
    check_any(episodes, skipped, gold)
    ids = [f"{episode.id}/{place}" for episode in episodes for place in range(len(episode.query))]
    types = {label for episode in episodes for label in episode.types}
    found, notes = align(_given(predictions, types), ids, predictions, "episode/sentence")
    answers = iter(found)
    evaluation = score([_labelled(episode, answers, predictions) for episode in episodes])
    evaluation.notes.extend(notes)
    return evaluation, {"records": len(episodes), "sentences": len(ids), "skipped": dict(skipped)}


@dataclass(frozen=True)
class _Given:
    """Predictions for a sentence: spans, and the number of words if the file has it."""

    spans: Sequence[TokenSpan]
    words: int | None = None


def _given(path: Path, types: Set[str]) -> list[Prediction[tuple[str, _Given]]]:
    first = next((row for _, row in read_json_lines(path)), {})
    if "query" in first:
        return with_places(_tagged_episodes(path, types))
    return with_places(json_predictions(path, _spans, partial(place_in_episode, part="sentence")))


def _spans(row: Mapping[str, Any]) -> _Given:
    rows = objects(row, predicted_name(row, "predictions"))
    return _Given([TokenSpan(field(s, "start", int), field(s, "end", int), field(s, "label", str)) for s in rows])


def _tagged_episodes(path: Path, types: Set[str]) -> list[Prediction[_Given]]:
    """Rows with `query: {label: [[tag, ...], ...]}`, one per episode; tags that are gold types have no prefix."""
    rows = json_predictions(path, _tags_of_query)
    counts = Counter(tag for row in rows for tags in row.value for tag in tags)
    spelling = PLAIN
    try:
        if counts.keys() - {OUTSIDE} <= types:
            scheme: Scheme = "io"
        else:
            spelling = find_spelling(counts, types)
            scheme = find_scheme(map(spelling.plain, counts))
    except DataError as error:
        raise DataError(error.message, path=path, field="query.label") from None

    def given(tags: Sequence[str]) -> _Given:
        return _Given(spans_of_tags([spelling.plain(tag) for tag in tags], scheme), len(tags))

    return [
        Prediction(row.line, f"{number}/{place}", given(tags), row.kind)
        for number, row in enumerate(rows)
        for place, tags in enumerate(row.value)
    ]


def _tags_of_query(row: Mapping[str, Any]) -> list[list[str]]:
    rows = field(field(row, "query", dict), "label", list)
    return [strings({"query.label": tags}, "query.label") for tags in rows]


def _labelled(episode: Episode, answers: Iterator[tuple[str, _Given] | None], path: Path) -> Labelled:
    """An episode with the next answers; a sentence without an answer has no span."""
    labels, spans = [], []
    for sentence in episode.query:
        size = len(sentence.tokens)
        place, given = next(answers) or (None, _Given(()))
        if given.words not in (None, size):
            raise DataError(
                f"found {counted(given.words, 'tag')} for {counted(size, 'word')} of episode {episode.id}",
                path=path,
                record=place,
            )
        free = 0
        for start, end, label in sorted(given.spans):
            if not free <= start < end <= size:
                found = f"found the span ({start}, {end}) of {label} in {counted(size, 'word')} of episode {episode.id}"
                raise DataError(f"{found}, expected {free} <= start < end <= {size}, and no overlap", path=path, record=place)
            if label not in episode.types:
                expected = f"one of its types: {', '.join(episode.types)}"
                raise DataError(f"found {label!r} for episode {episode.id}, expected {expected}", path=path, record=place)
            free = end
        spans.append(sorted(given.spans))
        labels.append(TaggedSentence(sentence.tokens, tuple(spans[-1])).labels())
    return Labelled(episode, [list(range(len(row))) for row in labels], labels, spans)


def _corrected(labelled: Labelled) -> SpanCounts:
    return count_spans([sentence.spans for sentence in labelled.episode.query], labelled.predicted())


def _published(labelled: Labelled) -> SpanCounts:
    """seqeval over the words that the encoder saw; labels with prefixes become I-."""
    gold, predicted = [], []
    for sentence, words, labels in zip(labelled.episode.query, labelled.seen, labelled.labels, strict=True):
        truth = sentence.labels()
        gold.append(legacy_spans(_tags([truth[word] for word in words], labelled.episode.scheme)))
        predicted.append(legacy_spans(_tags(labels, labelled.episode.scheme)))
    return count_spans(gold, predicted)


def _tags(labels: Sequence[str], scheme: Scheme) -> list[str]:
    return [label if scheme == "io" or label == OUTSIDE else f"I-{label}" for label in labels]


def _flattened(labelled: Labelled) -> SpanCounts:
    truth = [label for sentence in labelled.episode.query for label in sentence.labels()]
    guess = [label for row in labelled.whole_labels() for label in row]
    return count_spans([spans_of_tags(truth, "io")], [spans_of_tags(guess, "io")])


_COUNTS = {"": _corrected, "published": _published, "flattened": _flattened}


def _total(counts: Sequence[SpanCounts]) -> SpanCounts:
    total = SpanCounts()
    for each in counts:
        for whole, part in ((total.gold, each.gold), (total.predicted, each.predicted), (total.correct, each.correct)):
            whole.update(part)
    return total


def _error_rates(labelled: Sequence[Labelled]) -> dict[str, float]:
    """Share of the predicted spans with correct ends whose type is wrong but of the right kind, and of a wrong kind.

    The kind is the part before the first hyphen (`location` for `location-GPE`); a type without a hyphen is its own kind.
    """
    counts = Counter[str]()
    for each in labelled:
        for sentence, spans in zip(each.episode.query, each.predicted(), strict=True):
            gold = {(start, end): label for start, end, label in sentence.spans}
            for start, end, label in spans:
                truth = gold.get((start, end))
                if truth is not None:
                    counts["all"] += 1
                    same = truth.partition("-")[0] == label.partition("-")[0]
                    counts["right" if truth == label else "within_error" if same else "outer_error"] += 1
    return {name: counts[name] / counts["all"] if counts["all"] else 0.0 for name in _ERRORS}


def _interval(counts: np.ndarray, samples: int, seed: int) -> dict[str, float]:
    """Bootstrap interval of F1 over episodes; `counts` is [episodes, 3]: gold, predicted, correct."""
    sums = resampled_sums(counts, samples, seed)
    return interval(np.array([precision_recall(*row).f1 for row in sums.tolist()]))


def _merged_types(labelled: Sequence[Labelled]) -> list[dict[str, Any]]:
    """A note on types that the published scorer treats as one, if there are any."""
    groups: dict[str, set[str]] = {}
    for label in {label for each in labelled if each.episode.scheme == "io" for label in each.episode.types}:
        groups.setdefault(legacy_type(label), set()).add(label)
    return [
        {"published_type": name, "types": ", ".join(sorted(types))} for name, types in sorted(groups.items()) if len(types) > 1
    ]


def _rows(labelled: Sequence[Labelled]) -> Iterator[dict[str, Any]]:
    """A row for each query sentence; spans in tokens, `end` exclusive."""
    for each in labelled:
        for number, (sentence, spans) in enumerate(zip(each.episode.query, each.predicted(), strict=True)):
            row: dict[str, Any] = {"episode": each.episode.id, "sentence": number, "tokens": list(sentence.tokens)}
            yield row | {"gold": _plain(sentence.spans), "predicted": _plain(spans)}


def _plain(spans: Sequence[TokenSpan]) -> list[dict[str, Any]]:
    return [span._asdict() for span in spans]

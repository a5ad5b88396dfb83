"""`loreweave evaluate few-shot-relation`: a checkpoint or plain encoder, and episodes -> logits -> accuracy."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from loreweave.build.relation_episodes import EpisodeShape
from loreweave.corpus.counts import counted, tallied
from loreweave.corpus.files.reading import sha256_of
from loreweave.corpus.files.records import describe_skipped
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError
from loreweave.tasks.contract import Execution
from loreweave.tasks.episodes.copies import copies_in
from loreweave.tasks.episodes.gold import check_any
from loreweave.tasks.few_shot_relation import reader
from loreweave.tasks.few_shot_relation.encoding import EpisodeEncoding
from loreweave.tasks.few_shot_relation.episodes import (
    RelationEpisode,
    draws_of,
    episode_of,
    holds_episodes,
    read_answers,
    read_episodes,
)
from loreweave.tasks.few_shot_relation.matching import Distance, pair_logits, prototype_logits
from loreweave.tasks.few_shot_relation.model import load_any
from loreweave.tasks.few_shot_relation.scoring import Answered, score, texts_of
from loreweave.tasks.few_shot_relation.settings import EvaluationSettings, MethodSettings
from loreweave.tasks.jobs.checkpoints import task_of
from loreweave.tasks.mentions.inputs import MentionExample
from loreweave.tasks.model_folders import config_of
from loreweave.tasks.registry import trained_task_names
from loreweave.tasks.relations.record import RelationRecord
from loreweave.training.class_names import label_names
from loreweave.training.devices import choose_device
from loreweave.training.evaluation import Evaluation
from loreweave.training.finite import require_finite
from loreweave.training.inference import move, run_model
from loreweave.training.settings.conditions import check_read
from loreweave.training.task_model import TaskModel

_DRAWN = 1000
"""Episodes of a file with annotated sentences."""
_BLOCK = 64
"""Number of episodes whose pairs are encoded at once."""


def evaluate(model: Path, data: Path, settings: EvaluationSettings, execution: Execution) -> tuple[Evaluation, dict[str, Any]]:
    """See `contract.Task.evaluate`.

    Raises:
        LoreweaveError: the data or the model cannot be read, or there is no episode to score.
    """
    started = time.monotonic()
    skipped = Counter[str]()
    episodes = (_read if holds_episodes(data) else _draw)(data, settings, skipped, execution)
    matcher = Matcher.open(model, settings, execution)
    asked = sorted({relation for episode in episodes if episode.named for relation in episode.relations})
    seen = sorted(set(asked) & set(matcher.source_relations))
    _report(episodes, asked, seen, matcher, execution.report)
    answered = matcher.answer(episodes)
    evaluation = score(answered, bootstrap=settings.bootstrap, seed=settings.seed)
    facts = {
        "name": data.name.partition(".")[0],
        "records": len(episodes),
        "queries": sum(len(episode.query) for episode in episodes),
        "skipped": dict(skipped),
        "data_sha256": sha256_of(data),
        "trained": matcher.trained,
        "method": matcher.encoding.method,
        "relations": asked,
        "relations_seen_in_training": seen,
        "distinct_inputs": matcher.inputs,
        "encoding": matcher.encoding.report(),
        "queries_with_a_text_of_the_support": len(copies_in(texts_of(episodes))),
        "seconds": round(time.monotonic() - started, 3),
    }
    return evaluation, facts


@dataclass
class Matcher:
    """A model that predicts the relations of episodes.

    Attributes:
        trained: whether the model is a checkpoint of this task.
        source_relations: relations that it was trained on, in episodes or as the classes of another task.
        other_task: other task that it was trained for, if any.
        inputs: number of sentences or pairs encoded so far.
    """

    model: Any
    encoding: EpisodeEncoding
    distance: Distance
    execution: Execution
    trained: bool
    source_relations: Sequence[str]
    other_task: str | None = None
    inputs: int = 0
    _support: dict[tuple[Any, ...], torch.Tensor] = field(default_factory=dict)
    """Support vectors of the last call, by sentence: a stream of queries needs them again."""

    @classmethod
    def open(cls, path: Path, settings: MethodSettings, execution: Execution) -> Matcher:
        """Load a model.

        Raises:
            LoreweaveError: see `model.load_any`.
        """
        loaded: TaskModel
        loaded, trained = load_any(path, settings)
        encoding: Any = loaded.encoding
        check_read(settings, method=encoding.method)
        distance = settings.distance or loaded.model.config.loreweave["distance"]
        model = move(loaded.model, choose_device(execution.device))
        if trained:
            return cls(model, encoding, distance, execution, True, encoding.source_relations or loaded.labels)
        folder = resolve(path)
        other = task_of(folder)
        labels = label_names(config_of(str(folder))) if other in trained_task_names() else ()
        return cls(model, encoding, distance, execution, False, labels, other)

    def answer(self, episodes: Sequence[RelationEpisode]) -> list[Answered]:
        """Logits of all queries; every distinct sentence, or pair of a few episodes, is encoded once.

        Raises:
            CheckpointError: a logit is not finite.
        """
        answered = []
        logits = self._pair(episodes) if self.encoding.method == "pair" else self._proto(episodes)
        for episode, found in zip(episodes, logits, strict=True):
            require_finite(found, "the scores of relations")
            answered.append(Answered.by_logits(episode, found))
        return answered

    def _run(self, examples: list[MentionExample]) -> torch.Tensor:
        self.inputs += len(examples)
        how = self.execution
        outputs = run_model(
            self.model, examples, self.encoding.inputs, self.encoding.unpack,
            batch_size=how.batch_size, precision=how.precision, advance=how.advance,
        )  # fmt: skip
        return torch.from_numpy(np.stack(outputs))

    def _proto(self, episodes: Sequence[RelationEpisode]) -> Iterator[np.ndarray]:
        bank = _Bank(episodes)
        vectors = self._vectors(bank.records)
        self._support = {
            _key(record): vectors[bank.number(record)]
            for episode in episodes
            for records in episode.support
            for record in records
        }
        for episode in episodes:
            query = vectors[[bank.number(record) for record in episode.query]]
            # Relations of a file may have different numbers of sentences, so each has its own mean.
            support = [vectors[[bank.number(record) for record in records]].mean(0) for records in episode.support]
            yield prototype_logits(torch.stack(support)[:, None], query, self.distance).numpy()

    def _vectors(self, records: Sequence[RelationRecord]) -> torch.Tensor:
        """Vectors of sentences [sentences, size]."""
        new = [record for record in records if _key(record) not in self._support]
        fresh = iter(self._run(self.encoding.sentences.encode(new))) if new else iter(())
        return torch.stack([self._support[_key(r)] if _key(r) in self._support else next(fresh) for r in records])

    @property
    def answers_none(self) -> bool:
        """Whether the answer may be none of the relations: a classifier of pairs that was trained so, or a new one."""
        return self.encoding.method == "pair" and (not self.trained or self.model.config.loreweave["none_of_the_above"])

    def _pair(self, episodes: Sequence[RelationEpisode]) -> Iterator[np.ndarray]:
        bank = _Bank(episodes)
        examples = self.encoding.sentences.encode(bank.records)
        with_none = self.answers_none and (self.trained or any(episode.asks_for_none for episode in episodes))
        for start in range(0, len(episodes), _BLOCK):
            block = episodes[start : start + _BLOCK]
            pairs = {
                (bank.number(record), bank.number(query)): None
                for episode in block
                for query in episode.query
                for records in episode.support
                for record in records
            }
            numbers = {pair: number for number, pair in enumerate(pairs)}
            scores = self._run([self.encoding.pair(examples[support], examples[query]) for support, query in pairs])
            for episode in block:
                rows = []
                for asked in map(bank.number, episode.query):
                    of_query = [[numbers[bank.number(record), asked] for record in records] for records in episode.support]
                    means = torch.stack([scores[shots].mean(0) for shots in of_query])  # [way, 2]
                    rows.append(pair_logits(means[:, None]))
                logits = torch.stack(rows)
                yield (logits if with_none else logits[:, :-1]).numpy()


class _Bank:
    """The distinct sentences of episodes, by number."""

    def __init__(self, episodes: Sequence[RelationEpisode]) -> None:
        self._numbers: dict[tuple[Any, ...], int] = {}
        self.records: list[RelationRecord] = []
        for episode in episodes:
            for record in (*(record for records in episode.support for record in records), *episode.query):
                if self._numbers.setdefault(_key(record), len(self.records)) == len(self.records):
                    self.records.append(record)

    def number(self, record: RelationRecord) -> int:
        """Number of a sentence with these mentions."""
        return self._numbers[_key(record)]


def _key(record: RelationRecord) -> tuple[Any, ...]:
    return record.text, record.head, record.tail


def _read(data: Path, settings: EvaluationSettings, skipped: Counter[str], execution: Execution) -> list[RelationEpisode]:
    """The episodes of a file."""
    given = {name: getattr(settings, name) for name in ("way", "shot", "queries", "na_rate", "relations")}
    for name, value in {**given, "--format": execution.reading.format}.items():
        if value is not None:
            raise ConfigurationError(f"{name}: {data} has episodes of its own; leave it out")
    episodes = list(islice(read_episodes(data, skipped if execution.reading.skip_bad else None), settings.episodes))
    check_any(episodes, skipped, data)
    if skipped:
        execution.report(f"{data}: skipped {counted(skipped.total(), 'episode')}: {tallied(skipped)}")
    return episodes if settings.answers is None else read_answers(settings.answers, episodes)


def _draw(data: Path, settings: EvaluationSettings, skipped: Counter[str], execution: Execution) -> list[RelationEpisode]:
    """Episodes of a file with annotated sentences."""
    if settings.answers is not None:
        raise ConfigurationError(f"setting 'answers': {data} has annotated sentences, which have their relations; leave it out")
    asked: dict[str, Any] = {name: getattr(settings, name) for name in ("way", "shot", "queries", "na_rate")}
    shape = EpisodeShape(**{name: value for name, value in asked.items() if value is not None})
    found = reader.read(data, execution.reading.format, execution.reading.skip_bad)
    for line in describe_skipped(found, data):
        execution.report(line)
    skipped.update(found.skipped)
    draws = draws_of(found.records, shape, settings.seed, settings.relations, data)
    if draws.left_out:
        skipped["relations with too few sentences"] = len(draws.left_out)
        number = counted(len(draws.left_out), "relation")
        execution.report(f"{data}: left out {number} with too few sentences: {', '.join(draws.left_out)}")
    return [episode_of(draws.draw(number), found.records, str(number)) for number in range(settings.episodes or _DRAWN)]


def _report(
    episodes: Sequence[RelationEpisode],
    asked: Sequence[str],
    seen: Sequence[str],
    matcher: Matcher,
    report: Callable[[str], None],
) -> None:
    queries = sum(len(episode.query) for episode in episodes)
    about = f"about {counted(len(asked), 'relation')}" if asked else "about relations that the file does not name"
    report(f"{counted(len(episodes), 'episode')} with {counted(queries, 'query', 'queries')} {about}")
    if not matcher.trained:
        extra = "; the classifier of its pairs is new and untrained" if matcher.encoding.method == "pair" else ""
        kind = f"was trained for {matcher.other_task}" if matcher.other_task else "is a plain encoder"
        report(f"the model {kind}, not in episodes of a source{extra}")
    if seen:
        many = counted(len(seen), "of these relations was", "of these relations were")
        report(f"{many} in the source too, so this is not a few-shot test: {', '.join(seen)}")
    elif matcher.trained and asked:
        report("none of these relations was in the source")
    elif matcher.trained:
        report("so it is not known whether they were in the source")
    if any(episode.asks_for_none for episode in episodes) and not matcher.answers_none:
        why = "proto" if matcher.encoding.method == "proto" else "a model that was trained with na_rate=0"
        report(f"{why} never predicts none_of_the_above: such queries are counted as wrong")

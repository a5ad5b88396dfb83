"""`loreweave evaluate few-shot-ner`: a checkpoint or plain encoder, and episodes -> labels -> metrics."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted, tallied
from loreweave.corpus.episodes import Episode, Sentences, read_episodes
from loreweave.corpus.files.reading import sha256_of_data
from loreweave.corpus.files.records import describe_skipped
from loreweave.errors import ConfigurationError
from loreweave.tasks.contract import Execution
from loreweave.tasks.episodes.copies import copies_in
from loreweave.tasks.episodes.gold import check_any
from loreweave.tasks.few_shot_ner import reader
from loreweave.tasks.few_shot_ner.labelling import Labeller, Question, question_of, together
from loreweave.tasks.few_shot_ner.model import load_any
from loreweave.tasks.few_shot_ner.network import GaussianWordEncoder
from loreweave.tasks.few_shot_ner.scoring import Labelled, score, texts_of
from loreweave.tasks.few_shot_ner.settings import EvaluationSettings, MethodSettings
from loreweave.tasks.few_shot_ner.support_tuning import SupportTuner
from loreweave.tasks.few_shot_ner.transitions import TransitionCounts, count_transitions
from loreweave.tasks.few_shot_ner.word_vectors import Embedder, SentenceBank, similarity_of
from loreweave.training.devices import choose_device
from loreweave.training.evaluation import Evaluation
from loreweave.training.inference import move
from loreweave.training.task_model import TaskModel

_WITHOUT_PIECES = "sentences with a word that has no piece"


def evaluate(model: Path, data: Path, settings: EvaluationSettings, execution: Execution) -> tuple[Evaluation, dict[str, Any]]:
    """See `contract.Task.evaluate`.

    Raises:
        LoreweaveError: the episodes or the model cannot be read, or there is nothing to score.
    """
    started = time.monotonic()
    skipped = Counter[str]()
    episodes = list(islice(read_episodes(data, skipped if execution.reading.skip_bad else None), settings.episodes))
    tagger = Tagger.open(model, settings, execution)
    bank = SentenceBank((s for episode in episodes for s in episode.support + episode.query), tagger.encoding)
    if settings.legacy:
        episodes = _without_unseen_sentences(episodes, bank, skipped)
    check_any(episodes, skipped, data)
    if settings.legacy:
        types = {label for episode in episodes for label in episode.types}
        tagger.labeller = replace(tagger.labeller, shared_by=len(types))
    _report(episodes, bank, tagger, skipped, execution.report)
    labelled = tagger.label(episodes, bank)
    evaluation = score(labelled, bootstrap=settings.bootstrap, seed=settings.seed)
    if tagger.encoding.report():
        evaluation.notes.append("words that are not encoded are missed in micro_f1, and left out of published_micro_f1")
    facts = {
        "name": data.name.partition(".")[0],
        "records": len(episodes),
        "skipped": dict(skipped),
        "data_sha256": sha256_of_data(data),
        "trained": tagger.trained,
        "sentences": sum(len(episode.support) + len(episode.query) for episode in episodes),
        "distinct_sentences": len(bank),
        "encoding": tagger.encoding.report(),
        "fine_tuning": tagger.tuning(),
        "queries_with_a_text_of_the_support": len(copies_in(texts_of(episodes))),
        "seconds": round(time.monotonic() - started, 3),
    }
    return evaluation, facts


@dataclass
class Tagger:
    """A model with a method, for labelling the queries of episodes.

    Attributes:
        trained: whether the model is a checkpoint of this task.
        tuner: fine-tunes on each support set, if requested.
    """

    model: GaussianWordEncoder
    encoding: Any
    embedder: Embedder
    labeller: Labeller
    trained: bool
    tuner: SupportTuner | None = None
    steps: list[int] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    _tuned_on: Sentences | None = None
    """Support set that the model is fine-tuned on now: a stream of queries has the same one again and again."""

    @classmethod
    def open(cls, path: Path, settings: MethodSettings, execution: Execution) -> Tagger:
        """Load a model for a method.

        Raises:
            CheckpointError: there is no readable encoder.
            ConfigurationError: decoding is requested, but there are no transitions.
        """
        loaded, trained = load_any(path, settings.seed, settings.max_length)
        model: Any = move(loaded.model, choose_device(execution.device))
        encoding: Any = loaded.encoding
        if trained:
            settings = as_trained(settings, model.config.loreweave, execution.report)
        return cls(
            model,
            encoding,
            Embedder(model, encoding, settings, execution.batch_size, execution.precision, execution.advance),
            Labeller(
                similarity_of(settings.space, model.config.loreweave["least_variance"]),
                prototypes=settings.method == "protobert",
                transitions=_transitions(settings, encoding.transitions, path, execution.report) if settings.decodes else None,
                power=settings.power,
            ),
            trained,
            _tuner(loaded, settings, execution) if settings.fine_tune else None,
        )

    def label(self, episodes: Sequence[Episode], bank: SentenceBank) -> list[Labelled]:
        """Labels of the seen words of all query sentences."""
        return [labelled for labelled, _ in self.label_with_probabilities(episodes, bank)]

    def label_with_probabilities(
        self, episodes: Sequence[Episode], bank: SentenceBank
    ) -> list[tuple[Labelled, list[np.ndarray]]]:
        """Labels of the seen words, and the probability of each of these labels among those of the episode."""
        questions = [question_of(episode, bank) for episode in episodes]
        if self.tuner is not None:
            return [self._tuned(question, bank, self.tuner) for question in questions]
        numbers = sorted({number for question in questions for number in (*question.support, *question.query)})
        vectors = self.embedder.embed(bank, numbers)
        found: dict[int, tuple[Labelled, list[np.ndarray]]] = {}
        for batch in together(questions, vectors):
            answers = self.labeller.label([questions[index] for index in batch], vectors)
            for index, (classes, probabilities) in zip(batch, answers, strict=True):
                found[index] = _labelled(questions[index], bank, classes), probabilities
        return [found[index] for index in range(len(questions))]

    def _tuned(self, question: Question, bank: SentenceBank, tuner: SupportTuner) -> tuple[Labelled, list[np.ndarray]]:
        if self._tuned_on is not question.episode.support:
            tuned = tuner.tune(self.encoding.encode_quietly(question.episode.support, question.labels))
            self.steps.append(len(tuned.losses))
            self.ends[tuned.reason] += 1
            self._tuned_on = question.episode.support
        vectors = self.embedder.embed(bank, sorted({*question.support, *question.query}))
        ((classes, probabilities),) = self.labeller.label([question], vectors)
        return _labelled(question, bank, classes), probabilities

    def tuning(self) -> dict[str, Any] | None:
        """Report on fine-tuning so far: mean and maximum number of steps, and how often each reason ended it."""
        if self.tuner is None:
            return None
        return {"mean_steps": float(np.mean(self.steps or [0])), "most_steps": max(self.steps, default=0), **self.ends}


def as_trained(settings: MethodSettings, training: Mapping[str, Any], report: Callable[[str], None]) -> MethodSettings:
    """Settings with the number of layers of the model's training; reports a model that was trained for another method.

    Args:
        training: settings of the training in the checkpoint; older ones have no objective, which was container.
    """
    objective = training.get("objective", "container")
    if objective != ("nnshot" if settings.method == "structshot" else settings.method):
        report(f"the model was trained for {objective}; the method is {settings.method}")
    elif objective != "container" and settings.layers is None:
        return replace(settings, layers=training["layers"])
    return settings


def _labelled(question: Question, bank: SentenceBank, classes: Sequence[np.ndarray]) -> Labelled:
    labels = [[question.labels[index] for index in row] for row in classes]
    return Labelled(question.episode, question.query_words(bank), labels)


def _transitions(
    settings: MethodSettings, kept: TransitionCounts | None, model: Path, report: Callable[[str], object]
) -> TransitionCounts:
    if settings.transitions is not None:
        found = reader.read(settings.transitions)
        for line in describe_skipped(found, settings.transitions):
            report(line)
        return count_transitions(record.labels() for record in found.records)
    if kept is None:
        raise ConfigurationError(
            f"{model}: found no tag transitions for decoding, which 'loreweave finetune few-shot-ner' stores; "
            "give transitions=FILE (annotated sentences), or viterbi=false"
        )
    return kept


def _tuner(loaded: TaskModel, settings: MethodSettings, execution: Execution) -> SupportTuner:
    model: Any = loaded.model
    encoding: Any = loaded.encoding
    return SupportTuner(model, encoding, loaded.loss, settings.fine_tuning, seed=settings.seed, precision=execution.precision)


def _without_unseen_sentences(episodes: Sequence[Episode], bank: SentenceBank, skipped: Counter[str]) -> list[Episode]:
    """Drop sentences with a word that has no piece, and episodes with an empty part."""

    def kept(half: Sentences) -> Sentences:
        whole = tuple(sentence for sentence in half if bank.examples[bank.number(sentence)].complete)
        skipped[_WITHOUT_PIECES] += len(half) - len(whole)
        return whole

    left = [replace(episode, support=kept(episode.support), query=kept(episode.query)) for episode in episodes]
    good = [episode for episode in left if episode.support and episode.query]
    skipped["episodes without a sentence left"] += len(left) - len(good)
    for reason in [reason for reason, count in skipped.items() if not count]:
        del skipped[reason]
    return good


def _report(
    episodes: Sequence[Episode], bank: SentenceBank, tagger: Tagger, skipped: Counter[str], report: Callable[[str], None]
) -> None:
    sentences = sum(len(episode.support) + len(episode.query) for episode in episodes)
    report(f"{counted(len(episodes), 'episode')} of {counted(sentences, 'sentence')}, {len(bank)} of them distinct")
    lost = Counter({reason: count for reason, count in skipped.items() if reason != _WITHOUT_PIECES})
    if lost:
        report(f"skipped {counted(lost.total(), 'episode')}: {tallied(lost)}")
    if skipped[_WITHOUT_PIECES]:
        report(f"left out: {_WITHOUT_PIECES} ({skipped[_WITHOUT_PIECES]:,})")
    if not tagger.trained:
        report("the model is a plain encoder, not trained on a source")

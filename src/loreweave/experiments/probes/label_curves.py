"""Logistic regression over the vectors of a frozen encoder, learned from more and more labels."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from itertools import compress

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from loreweave.corpus.counts import counted
from loreweave.errors import DataError
from loreweave.experiments.probes.examples import Example, ProbeData
from loreweave.experiments.probes.predictions import Learned, label_rows
from loreweave.experiments.probes.scores import Measure, Metric, Outcome
from loreweave.experiments.probes.settings import ProbeConfig
from loreweave.random_streams import stream

_LEAST_DEVIATION = 1e-5
"""Standard deviation of a feature that varies, as a fraction of the largest one."""


def label_curve(data: ProbeData, vectors: np.ndarray, known: np.ndarray, config: ProbeConfig) -> Outcome:
    """Learn from 10, 50, ... and from all labels of the training file, and score the test file.

    The labels of a draw are the first ones of one permutation, so that smaller sets are parts of larger ones. A training
    example without a vector counts as a label but nothing is learned from it; a test example without one is wrong.

    Args:
        vectors: vectors of the training and then the test examples [examples, size].
        known: whether an example has a vector [examples].

    Raises:
        DataError: no training example has one.
    """
    train = len(data.train)
    if not known[:train].any():
        raise DataError("found no training example whose mentions are within max_length", path=data.path)
    scaled = standardised(vectors, vectors[:train][known[:train]])
    inputs = _Inputs(data, scaled[:train], scaled[train:], known[:train], known[train:], config)
    sizes = [size for size in config.labels if size < train]
    if too_many := [size for size in config.labels if size > train]:
        named = f"labels={','.join(map(str, too_many))} {'is' if len(too_many) == 1 else 'are'} left out"
        inputs.notes.append(f"{named}: there are {counted(train, 'training example')}")
    measures = [inputs.measure(f"{size:,} labels", inputs.draws(size)) for size in sizes]
    measures.append(inputs.measure(f"all {train:,} labels", [np.arange(train)]))
    predictions = label_rows(data.test, known[train:], inputs.learned)
    if inputs.unfinished:
        limit = f"max_iterations={config.max_iterations}"
        inputs.notes.append(f"{inputs.unfinished} of {inputs.fitted} regressions stopped at {limit}")
    return Outcome(measures, predictions, inputs.notes)


def standardised(vectors: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Vectors [examples, size] with mean 0 and standard deviation 1 in the reference [others, size].

    A feature that does not vary but for rounding stays near 0. Divided by its deviation, it would be noise.
    """
    mean, deviation = reference.mean(0, dtype=np.float64), reference.std(0, dtype=np.float64)
    varies = deviation > _LEAST_DEVIATION * deviation.max()
    found: np.ndarray = (vectors - mean) / np.where(varies, deviation, 1)
    return found


class _Inputs:
    """Vectors and labels of a data set, and learning from a part of them."""

    def __init__(
        self,
        data: ProbeData,
        train: np.ndarray,
        test: np.ndarray,
        train_known: np.ndarray,
        test_known: np.ndarray,
        config: ProbeConfig,
    ) -> None:
        self.data, self.config = data, config
        self.train, self.test = train, test
        self.train_known, self.test_known = train_known, test_known
        self.notes: list[str] = []
        self.fitted = self.unfinished = 0
        """Number of regressions, and of those that stopped at the maximum number of iterations."""
        self.learned = Learned([], [], np.zeros((len(test), 0)))
        """What was learned from the last draw."""
        self.types, left_out = most_frequent(data.train, config.max_types)
        if data.multi_label and left_out:
            rarest = "the rarest type is" if left_out == 1 else f"the {left_out} rarest types are"
            self.notes.append(f"{rarest} not learned (max_types={config.max_types})")
        unseen = {label for example in data.test for label in example.labels} - _labels(data.train)
        if unseen:
            verb = "is" if len(unseen) == 1 else "are"
            self.notes.append(f"{counted(len(unseen), 'label')} of the test file {verb} not in the training file")

    def draws(self, size: int) -> list[np.ndarray]:
        """Training examples of each draw [size]."""
        orders = (stream(self.config.seed, "labels of a probe", draw) for draw in range(self.config.draws))
        return [order.permutation(len(self.train))[:size] for order in orders]

    def measure(self, what: str, draws: Sequence[np.ndarray]) -> Measure:
        """Scores after learning from each draw."""
        score = self._types if self.data.multi_label else self._classes
        counts = np.stack([score(chosen[self.train_known[chosen]]) for chosen in draws])
        return Measure(self.data.probe, self.data.name, what, len(draws[0]), self.metric, counts, len(self.test))

    @property
    def metric(self) -> Metric:
        """Accuracy, or micro F1 if there are several types or a label for no relation."""
        return "micro_f1" if self.data.multi_label or self.data.no_label is not None else "accuracy"

    def _classes(self, chosen: np.ndarray) -> np.ndarray:
        """Counts of a classifier with one label per example [test, 2]."""
        gold = np.array([example.labels[0] for example in self.data.test])
        labels = np.array([self.data.train[number].labels[0] for number in chosen])
        predicted, names, shares = self._fit(chosen, labels)
        self.learned = Learned([(str(name),) for name in predicted], [str(name) for name in names], shares)
        return class_counts(predicted, gold, self.test_known, self.data.no_label)

    def _types(self, chosen: np.ndarray) -> np.ndarray:
        """Counts of one classifier per type [test, 2]."""
        gold = np.array([[name in example.labels for name in self.types] for example in self.data.test])
        of_train = [set(self.data.train[number].labels) for number in chosen]
        predicted, shares = np.zeros_like(gold), np.zeros(gold.shape)
        for column, name in enumerate(self.types):
            labels = np.array([name in found for found in of_train], bool)
            predicted[:, column], classes, both = self._fit(chosen, labels)
            shares[:, column] = both[:, classes].sum(1)
        self.learned = Learned([tuple(compress(self.types, row)) for row in predicted], self.types, shares)
        predicted &= self.test_known[:, None]
        numbers = np.array([len(example.labels) for example in self.data.test])
        return np.stack([2 * (predicted & gold).sum(1), predicted.sum(1) + numbers], axis=1)

    def _fit(self, chosen: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Predictions for the test [test], the learned labels [labels], and their probabilities [test, labels].

        The only label if there is one, and an empty name or False if nothing is learned.
        """
        if not len(labels):
            nothing = np.zeros(len(self.test), labels.dtype if labels.dtype.kind == "b" else "<U1")
            return nothing, labels, np.zeros((len(self.test), 0))
        if (labels == labels[0]).all():
            return np.full(len(self.test), labels[0]), labels[:1], np.ones((len(self.test), 1))
        model = LogisticRegression(C=self.config.regularisation, max_iter=self.config.max_iterations)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # counted below
            model.fit(self.train[chosen], labels)
        self.fitted += 1
        self.unfinished += int(model.n_iter_.max() >= self.config.max_iterations)
        return model.predict(self.test), model.classes_, model.predict_proba(self.test)


def class_counts(predicted: np.ndarray, gold: np.ndarray, known: np.ndarray, no_label: str | None) -> np.ndarray:
    """Numerator and denominator of accuracy, or of the micro F1 of all labels but `no_label` [examples, 2]."""
    right = (predicted == gold) & known
    if no_label is None:
        return np.stack([right, np.ones_like(right)], axis=1).astype(np.int64)
    of_relation = gold != no_label
    guessed = (predicted != no_label) & known
    return np.stack([2 * (right & of_relation), of_relation.astype(np.int64) + guessed], axis=1)


def most_frequent(examples: Sequence[Example], most: int) -> tuple[list[str], int]:
    """The most frequent labels, and the number of the others."""
    counts = Counter(label for example in examples for label in example.labels)
    ranked = sorted(counts, key=lambda label: (-counts[label], label))
    return ranked[:most], max(0, len(ranked) - most)


def _labels(examples: Sequence[Example]) -> set[str]:
    return {label for example in examples for label in example.labels}

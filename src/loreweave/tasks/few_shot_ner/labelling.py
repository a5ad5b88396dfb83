"""Labels query words from the words of a support set, for many episodes of similar size at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from loreweave.corpus.column_formats.tag_schemes import OUTSIDE
from loreweave.corpus.episodes import Episode
from loreweave.corpus.tokens import TaggedSentence
from loreweave.models.gaussian_embeddings import squared_distances
from loreweave.tasks.few_shot_ner.transitions import TransitionCounts, best_paths, log_transitions
from loreweave.tasks.few_shot_ner.word_vectors import SentenceBank, Similarity, WordVectors
from loreweave.training.finite import require_finite

_MOST_NUMBERS = 2**24
"""Maximum number of similarities, or of vector elements, of the episodes that are labelled together."""


@dataclass(frozen=True)
class Question:
    """An episode as numbers.

    Attributes:
        support, query: numbers of the sentences in the bank.
        classes: classes of the support words that have a vector, sentence by sentence.
        labels: names of the classes, O first.
    """

    episode: Episode
    support: list[int]
    query: list[int]
    classes: np.ndarray
    labels: list[str]

    def query_words(self, bank: SentenceBank) -> list[list[int]]:
        """Words with a vector of each query sentence."""
        return [bank.examples[number].words for number in self.query]


def question_of(episode: Episode, bank: SentenceBank) -> Question:
    """Number the sentences and classes of an episode."""
    labels = [OUTSIDE, *episode.types]
    number_of = {label: index for index, label in enumerate(labels)}
    classes = [number_of[label] for sentence in episode.support for label in seen_labels(sentence, bank)]
    support, query = ([bank.number(sentence) for sentence in half] for half in (episode.support, episode.query))
    return Question(episode, support, query, np.array(classes, np.int64), labels)


def seen_labels(sentence: TaggedSentence, bank: SentenceBank) -> list[str]:
    """Labels of the words of a sentence that have a vector."""
    labels = sentence.labels()
    return [labels[word] for word in bank.examples[bank.number(sentence)].words]


@dataclass(frozen=True)
class Labeller:
    """A method of few-shot labelling.

    Attributes:
        similarity: similarity of query and support words.
        prototypes: compare with the mean of each class instead of its nearest word.
        transitions: tag transitions for decoding; None predicts the best class of each word.
        power: power of the transitions.
        shared_by: number of types among which the transitions are divided; None for those of the episode.
    """

    similarity: Similarity
    prototypes: bool = False
    transitions: TransitionCounts | None = None
    power: float = 1.0
    shared_by: int | None = None

    @torch.inference_mode()
    def label(self, questions: Sequence[Question], vectors: WordVectors) -> list[tuple[list[np.ndarray], list[np.ndarray]]]:
        """For each question the classes of each query sentence's words, and the probability of each of these classes.

        All questions must have the same number of labels.

        Raises:
            CheckpointError: a score is not finite, for example because squares of vectors exceed fp32.
        """
        classes = len(questions[0].labels)
        support, _ = _padded([vectors.rows(question.support) for question in questions])
        query, sizes = _padded([vectors.rows(question.query) for question in questions])
        known, _ = _padded([question.classes for question in questions], fill=classes)
        device = vectors.vectors.device
        scores = self._scores(vectors.vectors, support.to(device), query.to(device), known.to(device), classes)
        require_finite(scores, "the similarities of words")
        emissions = scores.log_softmax(-1)
        answers = []
        for question, size, rows in zip(questions, sizes, emissions, strict=True):
            lengths = [vectors.sizes[number] for number in question.query]
            chosen = self._chosen(rows[:size], lengths, classes)
            probabilities = rows[:size].gather(1, chosen[:, None])[:, 0].exp()
            cuts = np.cumsum(lengths)[:-1]
            answers.append(tuple(np.split(part.cpu().numpy(), cuts) for part in (chosen, probabilities)))
        return answers  # type: ignore[return-value]  # a tuple of two

    def _scores(self, vectors: Tensor, support: Tensor, query: Tensor, known: Tensor, classes: int) -> Tensor:
        """Scores of the classes [episodes, query, classes]; classes without a support word have very low scores."""
        asked, given = vectors[query], vectors[support]
        if self.prototypes:
            member = torch.nn.functional.one_hot(known, classes + 1)[..., :classes].to(given)  # [episodes, support, classes]
            count = member.sum(1)
            means = (member.transpose(1, 2) @ given) / count.clamp_min(1)[..., None]
            return (-squared_distances(asked, means)).masked_fill(count[:, None] == 0, _ABSENT)
        nearest = self.similarity(asked, given)  # [episodes, query, support]
        scores = nearest.new_full((*query.shape, classes + 1), _ABSENT)
        return scores.scatter_reduce(2, known[:, None].expand_as(nearest), nearest, "amax")[..., :classes]

    def _chosen(self, emissions: Tensor, lengths: Sequence[int], classes: int) -> Tensor:
        """Classes of the words of an episode [words]."""
        if self.transitions is None or not len(emissions):
            return emissions.argmax(-1)
        table = log_transitions(self.transitions, classes - 1, self.power, self.shared_by)
        filled = [part for part in emissions.split(list(lengths)) if len(part)]
        padded = torch.nn.utils.rnn.pad_sequence(filled, batch_first=True)
        paths = best_paths(padded, torch.tensor([len(part) for part in filled], device=padded.device), table)
        return torch.cat([path[: len(part)] for path, part in zip(paths, filled, strict=True)])


_ABSENT = torch.finfo(torch.float32).min
"""Score of a class without a support word: below that of any other class, however distant its words are."""


def together(questions: Sequence[Question], vectors: WordVectors) -> Iterator[list[int]]:
    """Indices of questions of similar size and with equally many labels, as many as fit in memory."""
    sizes = [
        (len(question.labels), len(question.classes), sum(vectors.sizes[number] for number in question.query))
        for question in questions
    ]
    width = vectors.vectors.shape[1]
    batch: list[int] = []
    longest = 0, 0  # support and query words of the batch, to which all its episodes are padded
    for index in sorted(range(len(questions)), key=lambda index: sizes[index], reverse=True):
        labels, support, query = sizes[index]
        wider = max(longest[0], support), max(longest[1], query)
        numbers = (len(batch) + 1) * max(wider[0] * wider[1], sum(wider) * width)
        if batch and (labels != sizes[batch[0]][0] or numbers > _MOST_NUMBERS):
            yield batch
            batch, wider = [], (support, query)
        batch.append(index)
        longest = wider
    if batch:
        yield batch


def _padded(rows: Sequence[np.ndarray], fill: int = 0) -> tuple[Tensor, list[int]]:
    """Padded rows [episodes, longest], and their lengths."""
    table = np.full((len(rows), max(map(len, rows), default=0)), fill, np.int64)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return torch.from_numpy(table), [len(row) for row in rows]

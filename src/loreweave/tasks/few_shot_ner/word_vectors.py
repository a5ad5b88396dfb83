"""Vectors of the words of many sentences, each distinct sentence encoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from loreweave.corpus.tokens import TaggedSentence
from loreweave.models.gaussian_embeddings import Gaussians, divergences, squared_distances
from loreweave.tasks.few_shot_ner.encoding import WordEncoding, WordExample
from loreweave.tasks.few_shot_ner.network import GaussianWordEncoder
from loreweave.tasks.few_shot_ner.settings import MethodSettings, Space
from loreweave.training.batches import batches_by_length
from loreweave.training.devices import autocast
from loreweave.training.finite import require_finite

Similarity = Callable[[Tensor, Tensor], Tensor]
"""Vectors [..., query, size] and [..., support, size] -> similarities [..., query, support]."""


class SentenceBank:
    """Distinct sentences by number, and their encodings."""

    def __init__(self, sentences: Iterable[TaggedSentence], encoding: WordEncoding) -> None:
        self._numbers: dict[tuple[str, ...], int] = {}
        for sentence in sentences:
            self._numbers.setdefault(sentence.tokens, len(self._numbers))
        self.examples: list[WordExample] = encoding.encode([TaggedSentence(tokens) for tokens in self._numbers])

    def __len__(self) -> int:
        return len(self.examples)

    def number(self, sentence: TaggedSentence) -> int:
        """Number of a sentence, by its tokens."""
        return self._numbers[sentence.tokens]


@dataclass(frozen=True)
class WordVectors:
    """Vectors of all words, concatenated [words, size]; sentence number `n` has `rows(n)`."""

    vectors: Tensor
    starts: dict[int, int]
    sizes: dict[int, int]

    def rows(self, numbers: Sequence[int]) -> np.ndarray:
        """Rows of the words of these sentences."""
        parts = [np.arange(self.starts[number], self.starts[number] + self.sizes[number]) for number in numbers]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)


@dataclass(frozen=True)
class Embedder:
    """A model that computes the vectors of a method."""

    model: GaussianWordEncoder
    encoding: WordEncoding
    settings: MethodSettings
    batch_size: int = 32
    precision: str = "fp32"
    advance: Callable[[int], object] | None = None

    @torch.inference_mode()
    def embed(self, bank: SentenceBank, numbers: Sequence[int]) -> WordVectors:
        """Vectors of the words of some sentences, in fp32 on the model's device.

        Raises:
            CheckpointError: a vector is not finite.
        """
        device = next(self.model.parameters()).device
        self.model.eval()
        parts: list[Tensor] = []
        starts, sizes, place = dict[int, int](), dict[int, int](), 0
        for batch in batches_by_length([bank.examples[number].length for number in numbers], self.batch_size):
            examples = [bank.examples[numbers[index]] for index in batch]
            inputs = {name: tensor.to(device) for name, tensor in self.encoding.collate(examples).items()}
            with autocast(device, self.precision):
                states = self.model.word_states(**inputs, layers=self.settings.summed_layers)
                parts.append(self._vectors(states))
            for index, example in zip(batch, examples, strict=True):
                starts[numbers[index]], sizes[numbers[index]] = place, len(example.words)
                place += len(example.words)
            if self.advance is not None:
                self.advance(len(batch))
        vectors = torch.cat(parts)
        require_finite(vectors, "the vectors of words")
        return WordVectors(vectors, starts, sizes)

    def _vectors(self, states: Tensor) -> Tensor:
        if self.settings.method != "container":
            return states.float()
        if self.settings.space == "states":
            return F.normalize(states.float(), dim=-1)
        gaussians = self.model.gaussian_head(states)
        if self.settings.space == "means":
            return F.normalize(gaussians.mean.float(), dim=-1)
        return torch.cat([gaussians.mean.float(), gaussians.variance], dim=-1)


def similarity_of(space: Space, least_variance: float) -> Similarity:
    """Minus the divergence of Gaussians stored as one vector each, or minus the squared distance."""
    if space != "gaussians":
        return lambda query, support: -squared_distances(query, support)

    def of_gaussians(query: Tensor, support: Tensor) -> Tensor:
        first, second = (Gaussians(*vectors.chunk(2, dim=-1)) for vectors in (query, support))
        return -divergences(first, second, least_variance)

    return of_gaussians

"""Two models in sequence: the names of a sentence, then the relations between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import permutations
from typing import Any

from loreweave.miniworld.sentence_examples import NO_RELATION
from loreweave.tasks.jobs.predictor import Predictor

LEAST_PROBABILITY = 0.6
"""Minimum probability of a relation that is shown; below it the model is often wrong."""


@dataclass(frozen=True)
class ReadName:
    """Characters of a sentence that are predicted to be a name, and its type."""

    start: int
    end: int
    mention: str
    label: str


@dataclass(frozen=True)
class ReadRelation:
    """A predicted relation between two names."""

    head: str
    label: str
    tail: str
    probability: float


@dataclass
class ReadSentence:
    """A sentence with its names, in order, and the relations between them."""

    text: str
    names: list[ReadName]
    relations: list[ReadRelation] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The sentence as a JSON object."""
        return asdict(self)

    def parts(self) -> list[tuple[str, str | None]]:
        """The text split at its names, each part with the type of the name, or None."""
        cut, done = list[tuple[str, str | None]](), 0
        for name in self.names:
            cut += [(self.text[done : name.start], None), (self.text[name.start : name.end], name.label)]
            done = name.end
        return [(part, label) for part, label in [*cut, (self.text[done:], None)] if part]

    def marked(self) -> str:
        """The text with its names and their types in brackets.

        Example:
            `[Marie Curie: person] was born in [Warsaw: place].`
        """
        return "".join(part if label is None else f"[{part}: {label}]" for part, label in self.parts())


def read_sentences(finder: Predictor, relater: Predictor, sentences: Sequence[str]) -> list[ReadSentence]:
    """The names that `finder` predicts in each sentence, and the relations that `relater` predicts for their ordered pairs."""
    read = []
    for text, found in zip(sentences, finder.predict(sentences), strict=True):
        names = (ReadName(name["start"], name["end"], name["mention"], name["label"]) for name in found)
        read.append(ReadSentence(text, sorted(names, key=lambda name: name.start)))
    pairs = [
        {"id": str(number), "text": sentence.text, "head": _span(head), "tail": _span(tail)}
        for number, sentence in enumerate(read)
        for head, tail in permutations(sentence.names, 2)
    ]
    for answer in relater.predict_rows(pairs):
        label = answer["predicted"]
        if label != NO_RELATION and answer["probability"] >= LEAST_PROBABILITY:
            head, tail = answer["head"]["mention"], answer["tail"]["mention"]
            relation = ReadRelation(head, label, tail, answer["probability"])
            read[int(answer["id"])].relations.append(relation)
    return read


def _span(name: ReadName) -> dict[str, int]:
    return {"start": name.start, "end": name.end}

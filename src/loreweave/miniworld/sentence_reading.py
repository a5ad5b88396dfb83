"""Three models in sequence: the names of a sentence, their entities, and the relations between the names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import permutations
from typing import Any

from loreweave.miniworld.sentence_examples import NO_RELATION
from loreweave.tasks.jobs.predictor import Predictor

LEAST_PROBABILITY = 0.6
"""Minimum probability of a relation that is shown; below it the model is often wrong."""


@dataclass(frozen=True)
class ReadName:
    """Characters of a sentence that are predicted to be a name, its type, and the label of its entity (None: no entity)."""

    start: int
    end: int
    mention: str
    label: str
    entity: str | None = None

    def described(self) -> str:
        """The type, and the label of the entity if it is not the name itself."""
        return self.label if self.entity in (None, self.mention) else f"{self.label}, {self.entity}"


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

    def parts(self) -> list[tuple[str, ReadName | None]]:
        """The text split at its names, each part with the name, or None."""
        cut, done = list[tuple[str, ReadName | None]](), 0
        for name in self.names:
            cut += [(self.text[done : name.start], None), (self.text[name.start : name.end], name)]
            done = name.end
        return [(part, name) for part, name in [*cut, (self.text[done:], None)] if part]

    def marked(self) -> str:
        """The text with its names in brackets, with their types and entities.

        Example:
            `[Mozart: person, Wolfgang Amadeus Mozart] lived in [Vienna: place].`
        """
        return "".join(part if name is None else f"[{part}: {name.described()}]" for part, name in self.parts())


def read_sentences(finder: Predictor, linker: Predictor, relater: Predictor, sentences: Sequence[str]) -> list[ReadSentence]:
    """The names that `finder` predicts in each sentence, the entities of `linker`, and the relations of `relater`.

    Relations are predicted for all ordered pairs of names.
    """
    names = [sorted(found, key=lambda name: int(name["start"])) for found in finder.predict(sentences)]
    rows = [
        {"id": str(number), "text": text, "mentions": [_span(name) for name in found]}
        for number, (text, found) in enumerate(zip(sentences, names, strict=True))
    ]
    entities = {
        (answer["id"], each["start"]): each.get("label") for answer in linker.predict_rows(rows) for each in answer["predicted"]
    }
    read = []
    for number, (text, found) in enumerate(zip(sentences, names, strict=True)):
        named = [
            ReadName(name["start"], name["end"], name["mention"], name["label"], entities[str(number), name["start"]])
            for name in found
        ]
        read.append(ReadSentence(text, named))
    pairs = [
        {"id": str(number), "text": sentence.text, "head": _span(asdict(head)), "tail": _span(asdict(tail))}
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


def _span(name: Mapping[str, Any]) -> dict[str, int]:
    return {"start": name["start"], "end": name["end"]}

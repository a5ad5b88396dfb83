"""Two models one after the other: the names of a sentence, then the relations between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

from loreweave.miniworld.sentence_examples import NO_RELATION
from loreweave.tasks.predictor import Predictor


def describe(finder: Predictor, relater: Predictor, sentences: Sequence[str]) -> list[str]:
    """Each sentence with its names in brackets, and behind it the relations of all ordered pairs of them.

    Example:
        `[Marie Curie: person] was born in [Warsaw: place].  Marie Curie -> place of birth -> Warsaw (0.98)`
    """
    names = finder.predict(sentences)
    pairs = [
        {"id": str(number), "text": text, "head": _span(head), "tail": _span(tail)}
        for number, (text, found) in enumerate(zip(sentences, names, strict=True))
        for head, tail in permutations(found, 2)
    ]
    related: dict[str, list[str]] = {str(number): [] for number in range(len(sentences))}
    for answer in relater.predict_rows(pairs):
        if answer["predicted"] != NO_RELATION:
            head, label, tail = answer["head"]["mention"], answer["predicted"], answer["tail"]["mention"]
            related[answer["id"]].append(f"{head} -> {label} -> {tail} ({answer['probability']:.2f})")
    return [
        "  ".join([marked(text, found), *related[str(number)]])
        for number, (text, found) in enumerate(zip(sentences, names, strict=True))
    ]


def _span(name: dict[str, Any]) -> dict[str, int]:
    return {"start": name["start"], "end": name["end"]}


def marked(text: str, names: Sequence[dict[str, Any]]) -> str:
    """The text with its names and their types in brackets."""
    for name in sorted(names, key=lambda name: -name["start"]):
        text = f"{text[: name['start']]}[{name['mention']}: {name['label']}]{text[name['end'] :]}"
    return text

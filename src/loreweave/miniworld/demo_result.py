"""Results of the demo."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loreweave.miniworld.sentence_reading import ReadSentence

ATTENTION_PAGE = "attention.html"
"""File in the demo's folder."""


@dataclass(frozen=True)
class Answer:
    """The highest-ranked answer to a question about the graph, before and after training.

    Attributes:
        right: whether the answer after training is a fact of the graph (of the test split, since it is not in training).
    """

    head: str
    relation: str
    before: str
    after: str
    right: bool


@dataclass
class DemoResult:
    """Results of the demo.

    Attributes:
        output: folder of all outputs.
        rows: (what, before continued pre-training, after).
        answers: questions about facts that are not in training.
        tests: task -> its score on its test file, for the tasks fine-tuned afterwards: accuracy of entity linking, micro F1 of
            the others.
        sentences: new sentences with the predicted names, their entities, and the predicted relations between the names.
        commands: command lines for the same steps.
        seconds: duration in seconds.
    """

    output: Path
    rows: list[tuple[str, float, float]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    tests: dict[str, float] = field(default_factory=dict)
    sentences: list[ReadSentence] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Content of `demo.json`."""
        measured = {what: {"before": before, "after": after} for what, before, after in self.rows}
        facts: dict[str, Any] = {"tests": self.tests, "answers": [asdict(answer) for answer in self.answers]}
        facts |= {"sentences": [sentence.to_dict() for sentence in self.sentences]}
        facts |= {"commands": self.commands, "seconds": self.seconds}
        return {"output": str(self.output), "measured": measured, **facts}

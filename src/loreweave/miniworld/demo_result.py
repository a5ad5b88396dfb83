"""What the demo measured and made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loreweave.miniworld.sentence_reading import ReadSentence


@dataclass(frozen=True)
class Answer:
    """The best answer to a question about the graph, before and after training.

    Attributes:
        right: whether the answer after training is a fact of the graph (of the test split, because training had others).
    """

    head: str
    relation: str
    before: str
    after: str
    right: bool


@dataclass
class DemoResult:
    """What the demo measured and made.

    Attributes:
        output: folder of everything.
        rows: (what, before continued pre-training, after).
        answers: questions about facts that training never saw.
        tests: task -> micro F1 on its test file, of the tasks that are fine-tuned after it alone.
        sentences: new sentences with the names that were found in them, and the relations between these.
        commands: the command lines that do the same.
        seconds: how long it took.
    """

    output: Path
    rows: list[tuple[str, float, float]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    tests: dict[str, float] = field(default_factory=dict)
    sentences: list[ReadSentence] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The content of `demo.json`."""
        measured = {what: {"before": before, "after": after} for what, before, after in self.rows}
        facts: dict[str, Any] = {"tests": self.tests, "answers": [asdict(answer) for answer in self.answers]}
        facts |= {"sentences": [sentence.to_dict() for sentence in self.sentences]}
        facts |= {"commands": self.commands, "seconds": self.seconds}
        return {"output": str(self.output), "measured": measured, **facts}

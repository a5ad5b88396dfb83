"""What a model does with a name in a sentence: attention from the name to other words, and probabilities of labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from loreweave.attention.bias.design import Design, Span, Template
from loreweave.attention.capture.encoders import TextInput, open_encoder
from loreweave.attention.capture.tasks import TaskCapture
from loreweave.attention.capture.texts import capture
from loreweave.attention.captured import NOWHERE, CapturedAttention
from loreweave.attention.measures import sees, token_to_token
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.jobs.checkpoints import task_of
from loreweave.tasks.jobs.predictor import Predictor
from loreweave.tasks.record_task import mention_rows, text_rows
from loreweave.tasks.registry import load_task
from loreweave.training.devices import choose_device

NAME_TO = "attention: name to "
"""Measure of the attention to a word of interest, before the word."""
Captures = Callable[[str, Span], list[CapturedAttention]]


@dataclass(frozen=True)
class Outcome:
    """One number about one name in one sentence.

    Attributes:
        template, group, rank, name: the sentence and the name.
        pieces: number of sub-words of the name.
        measure: what was measured, such as `attention: name to nurse` or `probability: person`.
        value: the number.
    """

    template: str
    group: str
    rank: int
    name: str
    pieces: int
    measure: str
    value: float


class Observed:
    """A model whose attention and predictions are observed.

    A checkpoint of a task reads its own inputs, and its probabilities are outcomes if it predicts labels of a text or of a
    given mention; any other model is an encoder, and a LUKE reads the name as an entity `[MASK]`.

    Args:
        model: folder, run, bundled or Hub name.
        base: encoder from which a released LUKE in an older format was trained.
        device: device of the model.

    Attributes:
        unseen: words of interest that no name sees, such as those after it in a decoder; they are not measured.
    """

    def __init__(self, model: str, base: str | None = None, device: str | None = None) -> None:
        self.name = model
        self.unseen: set[str] = set()
        self.predictor: Predictor | None = None
        own = task_of(resolve(model))
        rows = None if own is None else load_task(own).rows
        if own is not None and rows in (mention_rows, text_rows) and load_task(own).prediction_data is None:
            opened = TaskCapture(model, explain=0, base=base, device=device)
            self.captures: Captures = lambda text, span: opened.text(text, [span])
            self.predictor = opened.predictor
        else:
            encoder = open_encoder(model, base=base)
            encoder.model.to(choose_device(device))  # type: ignore[arg-type]
            self.captures = lambda text, span: list(capture(encoder, [TextInput(text, [span])]))

    def outcomes(self, design: Design, advance: Callable[[int], object] | None = None) -> Iterator[Outcome | DataError]:
        """Outcomes of all sentences; an error instead of those of a name that the model cannot read.

        Raises:
            ConfigurationError: the model has no such label; or there is nothing to measure.
        """
        for template, group, rank, name in design.cases():
            made = partial(Outcome, template.id, group, rank, name)
            try:
                pieces, found = self._measured(template, name, design.labels)
            except DataError as error:
                yield DataError(f"template {template.id}, {group}, {name}: {error.message}")
            else:
                yield from (made(pieces, measure, value) for measure, value in found.items())
            if advance is not None:
                advance(1)

    def _measured(self, template: Template, name: str, labels: list[str]) -> tuple[int, dict[str, float]]:
        """Number of sub-words of a name, and the outcomes by measure."""
        text, span = template.text(name), template.span(name)
        targets = template.target_spans(name)
        example = _with_all(self.captures(text, span), [span, *targets.values()])
        found = attention_outcomes(example, span, targets)
        self.unseen |= {word for word in targets if f"{NAME_TO}{word}" not in found}
        if self.predictor is not None:
            found |= self._probabilities(text, span, labels)
        if not found:
            way_out = "give the templates targets (before the name for a decoder)"
            raise ConfigurationError(f"{self.name}: found neither targets nor labels to measure; {way_out}")
        return len(pieces_of(example, span)), found

    def _probabilities(self, text: str, span: Span, labels: list[str]) -> dict[str, float]:
        """Probabilities of labels, for a task that gives them."""
        assert self.predictor is not None
        rows = self.predictor.task.rows
        assert rows is not None, "checked when it was opened"
        (answer,) = self.predictor.predict_rows(rows(text, () if rows is text_rows else [span]))
        given = answer.get("probabilities")
        if not isinstance(given, dict):
            return {}
        if lacking := [label for label in labels if label not in given]:
            raise ConfigurationError(f"labels: {self.name} has no {lacking[0]!r}; it has {', '.join(sorted(given))}")
        return {f"probability: {label}": float(given[label]) for label in (labels or sorted(given))}


def attention_outcomes(example: CapturedAttention, span: Span, targets: dict[str, Span]) -> dict[str, float]:
    """Attention from the sub-words of a name, and from its entity if it is one, to each word of interest.

    The mean over the sub-words of the name of the sum over those of the word, averaged over layers and heads, so that names and
    words of several sub-words count as one (Clark et al. 2019). A word that the name does not see in any layer has no outcome.
    """
    found = {}
    words = pieces_of(example, span)
    entities = [entity.row for entity in example.entities if (entity.start, entity.end) == span]
    for word, place in targets.items():
        keys = pieces_of(example, place)
        if not sees(example, words, keys):
            continue
        found[f"{NAME_TO}{word}"] = float(token_to_token(example, words, keys).mean())
        if entities:
            found[f"attention: entity to {word}"] = float(token_to_token(example, entities, keys).mean())
    return found


def pieces_of(example: CapturedAttention, span: Span) -> list[int]:
    """Positions of the sub-words of some characters, without entities."""
    tokens, entities = example.queries, {entity.row for entity in example.entities}
    return [
        place
        for place, (start, end) in enumerate(zip(tokens.starts, tokens.ends, strict=True))
        if start != NOWHERE and start < span[1] and end > span[0] and place not in entities
    ]


def _with_all(examples: list[CapturedAttention], spans: list[Span]) -> CapturedAttention:
    """The attention of the encoder that has all these characters.

    Raises:
        DataError: a model without it, or characters without a sub-word.
    """
    read = [example for example in examples if example.kind in ("self", "encoder")]
    for example in read:
        if all(pieces_of(example, span) for span in spans):
            return example
    if not read:
        raise DataError("found no attention of an encoder")
    lacking = next(span for span in spans if not pieces_of(read[0], span))
    raise DataError(f"found no sub-word in {read[0].text[slice(*lacking)]!r}, expected one")

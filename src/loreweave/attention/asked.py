"""What a user asks to capture: the options of `loreweave attention` about models and texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loreweave.attention.capture.mentions import Given
from loreweave.errors import ConfigurationError

_OF_DATA = ("examples", "format")
_OF_MODELS = ("mentions", "entities", "pair", "target", "task", *_OF_DATA, "explain", "base")
"""Settings that captured attention does not have."""
_OPTIONS = {"mentions": "--mention", "entities": "--entity"}
"""Option of a setting that has another name."""


def _silent(line: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What to capture; the attributes are the options of `loreweave attention`.

    Attributes:
        texts: texts.
        places: file and line of each text, for messages; None or nothing: the text was given itself.
        mentions: mentions of every text.
        entities: title of each mention's entity.
        pair: second text.
        target: text of the decoder.
        task: task of the checkpoint, or of the file.
        data: file of the task.
        examples: maximum number of its records. None: all.
        ids: ids of its records.
        format: format of the file.
        captured: captured attention, instead of a model.
        explain: number of labels to compute gradient x attention for. None: 1 where a model predicts labels.
        base: encoder from which a released LUKE in an older format was trained.
        device: device of the model.
        layers: layers to keep. None: all.
        heads: heads to keep. None: all.
        report: called with messages for the user, one line at a time.
    """

    texts: Sequence[str] = ()
    places: Sequence[str | None] = ()
    mentions: Sequence[Given] = ()
    entities: Sequence[str | None] | None = None
    pair: str | None = None
    target: str | None = None
    task: str | None = None
    data: Path | None = None
    examples: int | None = None
    ids: Sequence[str] = ()
    format: str | None = None
    captured: Path | None = None
    explain: int | None = None
    base: str | None = None
    device: str | None = None
    layers: Sequence[int] | None = None
    heads: Sequence[int] | None = None
    report: Callable[[str], None] = _silent

    def place_of(self, number: int) -> str | None:
        """File and line of a text, counted from 1."""
        return self.places[number - 1] if self.places else None

    @property
    def of_task(self) -> str | None:
        """The option by which the user asked for a task. None: only the checkpoint can name one."""
        return "--task" if self.task is not None else "--data" if self.data is not None else None

    def check(self, models: Sequence[str]) -> None:
        """Refuse options that do not belong together.

        Raises:
            ConfigurationError: names them.
        """
        if self.captured is not None:
            if models or self.texts or self.data:
                raise ConfigurationError("found --from with --model, texts or --data, expected --from alone")
            self._refuse(_OF_MODELS, "--from, whose attention is captured already")
            return
        if not models:
            raise ConfigurationError("found no --model, expected a model, or --from with captured attention")
        if bool(self.texts) == (self.data is not None):
            raise ConfigurationError("give texts, or --data FILE, but not both")
        for name, texts in (("text", self.texts), ("--pair", [self.pair]), ("--target", [self.target])):
            if any(text is not None and not text.strip() for text in texts):
                raise ConfigurationError(f"found an empty {name}, expected some words")
        if self.data is not None and self.mentions:
            raise ConfigurationError("found --mention with --data, whose records have their own mentions; leave it out")
        if self.data is None and self.ids:
            raise ConfigurationError("found --id with texts, expected it with --data or --from; leave it out")
        if self.data is None:
            self._refuse(_OF_DATA, "texts, expected it with --data")
        if self.entities is not None and len(self.entities) != len(self.mentions):
            found = f"found {len(self.entities)} --entity and {len(self.mentions)} --mention"
            raise ConfigurationError(f"{found}, expected one --entity for each --mention ('[MASK]' if it has no title)")

    def _refuse(self, names: Sequence[str], why: str) -> None:
        """Refuse options that have no effect.

        Raises:
            ConfigurationError: names the first of them.
        """
        for name in names:
            if getattr(self, name) not in (None, (), []):
                option = _OPTIONS.get(name, f"--{name}")
                raise ConfigurationError(f"found {option} with {why}; leave it out")

"""Arguments and result of every format's `load`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from transformers import PreTrainedModel

from loreweave.corpus.counts import listed

if TYPE_CHECKING:
    from loreweave.corpus.entity_vocabulary import EntityVocabulary
    from loreweave.encoding import EntityTokenizer


@dataclass(frozen=True)
class LoadOptions:
    """Options of loading a checkpoint.

    Attributes:
        cls: model class. Default: by the file's architecture or head.
        base: folder of the model that the file was made from: source of the word tokenizer and, for formats without a
            configuration, of configuration and entity vocabulary; the vocabulary also for a folder without one.
        entity_aware_attention: switch the type-specific queries on or off; None keeps the file's setting. Formats
            without the setting follow the official converter: on, but off for multilingual vocabularies.
        seed: seed of the parameters that the file does not contain.
    """

    cls: type[PreTrainedModel] | None = None
    base: Path | None = None
    entity_aware_attention: bool | None = None
    seed: int = 0


DEFAULTS = LoadOptions()


@dataclass
class LoadReport:
    """Changes made by loading; nothing else differs from the file.

    Attributes:
        format: name of the recognised format.
        source: the file or folder.
        copied: parameters copied from others (extra queries, tied decoders), with their source.
        added: rows appended to tables, in words.
        dropped: tensors of the file that the model does not have, with the reason.
        new_modules: names of modules that are not in the file and are initialised at random.
        lost: differences between the model's outputs and the file's, in words.
        notes: further information.
    """

    format: str
    source: str
    copied: dict[str, str] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    dropped: dict[str, str] = field(default_factory=dict)
    new_modules: tuple[str, ...] = ()
    lost: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report as lines of text, one per fact; equal facts about several tensors share a line."""
        lines = [f"{self.source}: {self.format}"]
        lines += [f"new, randomly initialised: {name}" for name in self.new_modules]
        lines += [f"added: {row}" for row in self.added]
        for heading, facts in (("copied", self.copied), ("left out", self.dropped)):
            by_reason: dict[str, list[str]] = {}
            for name, reason in facts.items():
                by_reason.setdefault(reason, []).append(name)
            lines += [f"{heading}: {listed(names, shown=3)} ({reason})" for reason, names in by_reason.items()]
        return [*lines, *(f"lost: {what}" for what in self.lost), *(f"note: {note}" for note in self.notes)]


@dataclass
class LoadedCheckpoint:
    """A model with what belongs to it.

    Attributes:
        model: in evaluation mode, float32, on the CPU.
        tokenizer: None if the format has no word tokenizer and none was given.
        vocabulary: None if the format has no entity vocabulary.
    """

    model: PreTrainedModel
    tokenizer: EntityTokenizer | None
    vocabulary: EntityVocabulary | None
    format: str
    report: LoadReport

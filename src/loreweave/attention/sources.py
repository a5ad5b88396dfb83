"""Sources of captured attention: one or more models that read texts or data, or files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loreweave.attention.capture.encoders import TextInput, open_encoder
from loreweave.attention.capture.latent_types import with_latent_types
from loreweave.attention.capture.mentions import Given, find_mentions
from loreweave.attention.capture.tasks import TaskCapture
from loreweave.attention.capture.texts import capture
from loreweave.attention.captured import CapturedAttention
from loreweave.attention.formats.files import read_attention
from loreweave.attention.formats.thesis import read_thesis
from loreweave.checkpoints import latent_typing
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError
from loreweave.tasks.contract import Reading
from loreweave.tasks.jobs.checkpoints import task_of
from loreweave.tasks.registry import load_task
from loreweave.training.devices import choose_device


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What to capture; the attributes are the options of `loreweave attention`.

    Attributes:
        texts: texts.
        mentions: mentions of every text.
        entities: title of each mention's entity.
        pair: second text.
        target: text of the decoder.
        task: task of the checkpoint.
        data: file of the task.
        examples: number of its records.
        ids: ids of its records.
        format: format of the file.
        captured: captured attention, instead of a model.
        explain: number of labels to compute gradient x attention for.
        base: encoder from which a released LUKE in an older format was trained.
        device: device of the model.
        layers: layers to keep. None: all.
        heads: heads to keep. None: all.
    """

    texts: Sequence[str] = ()
    mentions: Sequence[Given] = ()
    entities: Sequence[str | None] | None = None
    pair: str | None = None
    target: str | None = None
    task: str | None = None
    data: Path | None = None
    examples: int = 10
    ids: Sequence[str] = ()
    format: str | None = None
    captured: Path | None = None
    explain: int = 1
    base: str | None = None
    device: str | None = None
    layers: Sequence[int] | None = None
    heads: Sequence[int] | None = None


def captured_attention(models: Sequence[str], asked: Asked) -> Iterator[CapturedAttention]:
    """Attention of what is asked for.

    Raises:
        ConfigurationError: some options cannot be used together.
        LoreweaveError: a model, a file or a text that cannot be read.
    """
    if asked.captured is not None:
        if models or asked.texts or asked.data:
            raise ConfigurationError("found --from with --model, texts or --data, expected --from alone")
        yield from _from_files(asked.captured, asked)
        return
    if not models:
        raise ConfigurationError("found no --model, expected a model, or --from with captured attention")
    if bool(asked.texts) == (asked.data is not None):
        raise ConfigurationError("give texts, or --data FILE, but not both")
    if asked.entities is not None and len(asked.entities) != len(asked.mentions):
        found = f"found {len(asked.entities)} --entity and {len(asked.mentions)} --mention"
        raise ConfigurationError(f"{found}, expected one --entity for each --mention ('[MASK]' if it has no title)")
    names = [name if models.index(name) == place else f"{name} ({place + 1})" for place, name in enumerate(models)]
    for model, name in zip(models, names, strict=True):
        if asked.data is not None or asked.task is not None or _predicts(model, asked):
            yield from _of_task(model, name, asked)
        else:
            yield from _of_encoder(model, name, asked)


def _from_files(path: Path, asked: Asked) -> Iterator[CapturedAttention]:
    if path.is_dir():
        yield from read_attention(path, asked.ids, asked.layers, asked.heads)
        return
    for example in read_thesis(path):
        if not asked.ids or example.id in asked.ids:
            yield example.only(asked.layers, asked.heads)


def _predicts(model: str, asked: Asked) -> bool:
    """Whether a model is a checkpoint of a task that answers texts such as those that are asked about."""
    name = task_of(resolve(model))
    plain = asked.pair is None and asked.target is None and asked.entities is None
    return plain and name is not None and load_task(name).training is not None


def _of_task(model: str, name: str, asked: Asked) -> Iterator[CapturedAttention]:
    given = {"--pair": asked.pair, "--target": asked.target, "--entity": asked.entities}
    for option, value in given.items():
        if value is not None:
            raise ConfigurationError(f"found {option} with a task, which makes its inputs itself; leave it out")
    task = TaskCapture(
        model, asked.task, name=name, layers=asked.layers, heads=asked.heads, explain=asked.explain, base=asked.base,
        device=asked.device,
    )  # fmt: skip
    if asked.data is not None:
        yield from task.file(asked.data, asked.examples, asked.ids, Reading(format=asked.format))
    for number, text in enumerate(asked.texts, 1):
        yield from task.text(text, find_mentions(text, asked.mentions), str(number))


def _of_encoder(model: str, name: str, asked: Asked) -> Iterator[CapturedAttention]:
    encoder = replace(open_encoder(model, base=asked.base), name=name)
    encoder.model.to(choose_device(asked.device))  # type: ignore[arg-type]
    inputs = [
        TextInput(text, find_mentions(text, asked.mentions), asked.entities, asked.pair, asked.target, str(number))
        for number, text in enumerate(asked.texts, 1)
    ]
    found = capture(encoder, inputs, layers=asked.layers, heads=asked.heads)
    yield from with_latent_types(model, found, asked.device) if latent_typing.recognises(resolve(model)) else found

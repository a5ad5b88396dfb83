"""Sources of captured attention: one or more models that read texts or data, or files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from loreweave.attention.asked import Asked
from loreweave.attention.capture.cuts import behind_the_end, told_cuts
from loreweave.attention.capture.encoders import Encoder, TextInput, encode, open_encoder
from loreweave.attention.capture.latent_types import with_latent_types
from loreweave.attention.capture.mentions import mentions_of_texts
from loreweave.attention.capture.records import TextRecord, chosen_records
from loreweave.attention.capture.tasks import TaskCapture
from loreweave.attention.capture.texts import capture
from loreweave.attention.captured import CapturedAttention
from loreweave.attention.formats.files import read_attention
from loreweave.attention.formats.thesis import read_thesis
from loreweave.checkpoints import latent_typing
from loreweave.corpus.counts import counted
from loreweave.encoding.model_names import resolve
from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.tasks.contract import Reading, Task
from loreweave.tasks.jobs.checkpoints import task_of
from loreweave.tasks.registry import load_task
from loreweave.training.devices import choose_device


def captured_attention(models: Sequence[str], asked: Asked) -> Iterator[CapturedAttention]:
    """Attention of what is asked for.

    Raises:
        ConfigurationError: some options cannot be used together.
        LoreweaveError: a model, a file or a text that cannot be read.
    """
    asked.check(models)
    if asked.captured is not None:
        yield from _from_files(asked.captured, asked)
        return
    asked = replace(asked, report=_once(asked.report))
    shared = _shared_task(models, asked)
    names = [name if models.index(name) == place else f"{name} ({place + 1})" for place, name in enumerate(models)]
    for model, name in zip(models, names, strict=True):
        yield from _of_model(model, name, asked, shared)


def _once(report: Callable[[str], None]) -> Callable[[str], None]:
    """`report`, without lines that were reported before: of a file that several models read."""
    said: set[str] = set()

    def tell(line: str) -> None:
        if line not in said:
            said.add(line)
            report(line)

    return tell


def _shared_task(models: Sequence[str], asked: Asked) -> str | None:
    """The task of `--data` for models that name none: that of the other models, if they have one in common."""
    if asked.data is None or asked.task is not None or len(models) == 1:
        return None
    tasks = {task for model in models if (task := task_of(resolve(model))) is not None}
    return tasks.pop() if len(tasks) == 1 else None


def _from_files(path: Path, asked: Asked) -> Iterator[CapturedAttention]:
    if path.is_dir():
        yield from read_attention(path, asked.ids, asked.layers, asked.heads)
        return
    missing = set(asked.ids)
    for example in read_thesis(path):
        if not asked.ids or example.id in asked.ids:
            missing.discard(example.id)
            yield example.only(asked.layers, asked.heads)
    if missing:
        raise DataError(f"found no example {sorted(missing)[0]!r}, expected an id of this file, such as 'sent_0'", path=path)


def _of_model(model: str, name: str, asked: Asked, shared: str | None) -> Iterator[CapturedAttention]:
    """Attention of a model: with the inputs and predictions of its task, or, where there is none to show, of its encoder."""
    own = task_of(resolve(model))
    if own is None and shared is not None:
        asked = replace(asked, task=shared)
    task = _task(model, own, asked)
    if task is None:
        if asked.explain:
            asked.report(f"{model}: --explain has no effect, because no labels are predicted")
        yield from _of_encoder(model, name, asked)
        return
    assert task.training is not None, "checked in _task"
    needs = task.prediction_data or ("an evaluation of its own" if task.training.score is None else None)
    if needs is not None:
        asked.report(f"{model}: {task.name} predicts with {needs}; this is the attention of its encoder without a prediction")
        yield from _of_encoder(model, name, asked, task)
        return
    try:
        capture = TaskCapture(
            model, asked.task, name=name, layers=asked.layers, heads=asked.heads,
            explain=1 if asked.explain is None else asked.explain, report=asked.report, base=asked.base, device=asked.device,
        )  # fmt: skip
    except CheckpointError as error:
        if own is not None or asked.data is None:
            raise
        reason = str(error).replace(str(resolve(model)), model)  # as it was typed: a packaged model lies somewhere else
        asked.report(f"{reason}; this is the attention of the encoder without a prediction")
        yield from _of_encoder(model, name, asked, task)
        return
    if asked.data is not None:
        yield from capture.file(asked.data, asked.examples, asked.ids, Reading(format=asked.format))
    mentions = mentions_of_texts(asked.texts, asked.mentions, asked.report, asked.places)
    for number, (text, spans) in enumerate(zip(asked.texts, mentions, strict=True), 1):
        yield from capture.text(text, spans, str(number), asked.pair, asked.place_of(number))


def _task(model: str, own: str | None, asked: Asked) -> Task | None:
    """The task whose inputs are shown. None: the encoder reads the texts.

    Args:
        model: name of the model.
        own: task that the checkpoint names.
        asked: what to capture.

    Raises:
        ConfigurationError: an option does not fit the task, or files of it are not read.
    """
    option = asked.of_task
    name = asked.task or own
    if name is None:
        if option is None:
            return None
        raise ConfigurationError(
            f"{model}: found --data, but this model has no task; give --task NAME, the task of the file, or texts instead"
        )
    task = load_task(name)
    if task.training is None:
        if option is None:
            return None
        way_out = "leave --task out" if asked.data is None else "give texts instead of --data"
        way_out += " and --task" if asked.task is not None and asked.data is not None else ""
        raise ConfigurationError(f"found {option}, but {name} has no inputs that are shown; {way_out} to see the encoder")
    of_encoder = {"--target": asked.target, "--entity": asked.entities}
    if task.pair_row is None:
        of_encoder["--pair"] = asked.pair
    given = [name for name, value in of_encoder.items() if value is not None]
    if given and option is not None:
        raise ConfigurationError(f"found {given[0]} with {option}: {name} makes its inputs itself; leave {given[0]} out")
    return None if given else task


def _of_encoder(model: str, name: str, asked: Asked, task: Task | None = None) -> Iterator[CapturedAttention]:
    """Attention of an encoder that reads the texts, or those of the records of a task."""
    encoder = replace(open_encoder(model, base=asked.base), name=name)
    encoder.model.to(choose_device(asked.device))  # type: ignore[arg-type]
    if asked.data is not None:
        assert task is not None and task.training is not None, "checked in _task"
        records = chosen_records(
            task.training, asked.data, asked.examples, asked.ids, Reading(format=asked.format), asked.report
        )
        yield from _of_records(encoder, records, asked)
        return
    mentions = mentions_of_texts(asked.texts, asked.mentions, asked.report, asked.places)
    inputs = [
        TextInput(text, spans, asked.entities, asked.pair, asked.target, str(number))
        for number, (text, spans) in enumerate(zip(asked.texts, mentions, strict=True), 1)
    ]
    found = _told(capture(encoder, inputs, layers=asked.layers, heads=asked.heads, cut=True), name, inputs, asked)
    yield from with_latent_types(model, found, asked.device) if latent_typing.recognises(resolve(model)) else found


def _told(
    found: Iterable[CapturedAttention], model: str, inputs: Sequence[TextInput], asked: Asked
) -> Iterator[CapturedAttention]:
    """The attention; of each text that is too long, it is said how much was read, and which mentions were not."""
    for each in found:
        if each.cut:
            place = asked.place_of(int(each.id)) or f"text {each.id}"
            asked.report(told_cuts(model, {place: each.cut}))
            if each.kind in ("self", "encoder") and (lost := behind_the_end(each, inputs[int(each.id) - 1].mentions)):
                asked.report(f"{model}: {place}: mentions that were cut off: {', '.join(lost)}")
        yield each


def _of_records(encoder: Encoder, records: Iterable[TextRecord], asked: Asked) -> Iterator[CapturedAttention]:
    """Attention on each record that the encoder can read; the others are counted by reason."""
    left_out, cuts, lost = Counter[str](), dict[str, str](), 0
    for record in records:
        given = TextInput(record.text, record.mentions, pair=record.pair, id=record.id)
        try:
            encode(encoder, given, cut=True)
        except DataError as error:
            left_out[str(error)] += 1
            continue
        found = list(capture(encoder, [given], layers=asked.layers, heads=asked.heads, cut=True))
        if found[0].cut:
            cuts[f"example {record.id}"] = found[0].cut
            lost += len(behind_the_end(found[0], record.mentions))
        yield from found
    if cuts:
        behind = f"; {counted(lost, 'mention was', 'mentions were')} cut off" if lost else ""
        asked.report(told_cuts(encoder.name, cuts) + behind)
    for reason, count in left_out.items():
        asked.report(f"left out {counted(count, 'record')}: {reason}")

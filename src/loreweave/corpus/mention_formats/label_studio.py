"""Label Studio's exports of text: JSON (tasks with annotations) and JSON-MIN.

Its editor runs in a browser and counts UTF-16 code units. A region also has its text, which is used to place it: if the
characters differ from the text but the code units do not, the offsets are converted and the mention is counted. Regions of
the same task whose text fits both are converted too.

Of several annotations of a task, the one marked as ground truth is read, otherwise the first that was not cancelled. The
others, and relations, choices and predictions, are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.corpus.files.rows import LeftOut, Row, as_row, field, objects
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.mention_formats.marked import (
    UNLABELLED,
    Item,
    Mark,
    Marked,
    MentionFormat,
    as_utf16,
    checked_text,
    label_of,
    text_id,
)  # fmt: skip
from loreweave.corpus.surfaces import from_utf16, surfaces_agree
from loreweave.errors import DataError

_ANNOTATIONS = ("annotations", "completions")
_LABELS = ("labels", "hypertextlabels", "paragraphlabels")
_MINIMAL = ("annotation_id", "annotator", "lead_time", "created_at", "updated_at", "id", "annotation_history")
"""Keys of JSON-MIN that are not part of the task's data."""


def texts(row: Any, number: str, utf16: bool = False) -> Iterator[Item]:
    """A task with its annotations, or a row of JSON-MIN."""
    row = as_row(row)
    yield from _of_task(row, number, utf16) if isinstance(row.get("data"), Mapping) else _of_minimal(row, number, utf16)


def _of_task(row: Row, number: str, utf16: bool) -> Iterator[Item]:
    data = row["data"]
    key = next((name for name in _ANNOTATIONS if row.get(name) is not None), _ANNOTATIONS[0])
    given = objects(row, key) if row.get(key) is not None else []
    kept = [each for each in given if not (each.get("was_cancelled") or each.get("skipped"))]
    yield from (LeftOut("annotations that were cancelled", of_record=bool(kept)) for _ in range(len(given) - len(kept)))
    if not kept:
        yield LeftOut("tasks without an annotation")
        return
    chosen = next((each for each in kept if each.get("ground_truth")), kept[0])
    yield from (LeftOut("further annotations of a task", of_record=True) for _ in kept[1:])
    regions = []
    for result in objects(chosen, "result"):
        value = result.get("value")
        if isinstance(value, Mapping) and "start" in value:
            regions.append(value)
        else:
            yield LeftOut(f"results of the type {result.get('type')}", of_record=True)
    yield from _text(text_id(row, number), data, regions, utf16)


def _of_minimal(row: Row, number: str, utf16: bool) -> Iterator[Item]:
    data = {key: value for key, value in row.items() if key not in _MINIMAL}
    keys = [key for key, value in data.items() if _are_regions(value)]
    yield from _text(text_id(row, number), data, [region for key in keys for region in data[key]], utf16, *keys)


def _text(id: str, data: Row, regions: list[Row], utf16: bool, *used: str) -> Iterator[Item]:
    key = "text" if isinstance(data.get("text"), str) else _text_key(data, regions)
    text = field(data, key, str)
    unlabelled = [isinstance(each.get("start"), int) and not any(each.get(name) for name in _LABELS) for each in regions]
    yield from (LeftOut(UNLABELLED, of_record=True) for _ in range(sum(unlabelled)))
    marks = [_mark(region) for region, bare in zip(regions, unlabelled, strict=True) if not bare]
    placed = marks if utf16 else _in_code_points(text, marks)
    changed = sum(before != after for before, after in zip(marks, placed, strict=True))
    yield from (LeftOut("offsets in UTF-16 code units", converted=True) for _ in range(changed))
    metadata = {name: value for name, value in data.items() if name not in (key, *used)}
    yield from checked_text(Marked(id, text, placed, metadata=metadata), name="label-studio", utf16=utf16)


def _in_code_points(text: str, marks: Sequence[Mark]) -> list[Mark]:
    """The marks of a text; those that count UTF-16 code units are converted.

    One that fits nothing else shows that all count them, if all fit. Otherwise, each is placed by its own text.
    """
    units = [_of_units(text, mark) for mark in marks]
    shown = [unit is not None and not _fits(text, mark) for mark, unit in zip(marks, units, strict=True)]
    all_fit = any(shown) and None not in units
    return [
        unit if unit is not None and (alone or all_fit) else mark for mark, unit, alone in zip(marks, units, shown, strict=True)
    ]


def _of_units(text: str, mark: Mark) -> Mark | None:
    """The mark, if its offsets count UTF-16 code units and are those of its text; None if they are not."""
    start, end = from_utf16(text, mark.start), from_utf16(text, mark.end)
    if start is None or end is None:
        return None
    converted = mark._replace(start=start, end=end)
    return converted if _fits(text, converted) else None


def _fits(text: str, mark: Mark) -> bool:
    """Whether the characters at a mark are its text, if it has one."""
    if mark.surface is None:
        return mark.end <= len(text)
    return mark.end <= len(text) and surfaces_agree(text[mark.start : mark.end], mark.surface)


def _mark(region: Row) -> Mark:
    start, end = (_place(region, name) for name in ("start", "end"))
    key = next((name for name in _LABELS if region.get(name)), _LABELS[0])
    surface = region.get("text")
    # It writes a line break within a region as a backslash and an n.
    surface = surface.replace("\\n", "\n") if isinstance(surface, str) else None
    return Mark(start, end, label_of(region.get(key), key), surface)


def _place(region: Row, name: str) -> int:
    value = region.get(name)
    if isinstance(value, str):
        raise DataError(f"found {in_json(value)}, expected an offset in a plain text, not in HTML or a dialogue", field=name)
    return int(field(region, name, int))


def _text_key(data: Row, regions: list[Row]) -> str:
    """The only string of a task's data, or the only one that contains the marked text.

    Raises:
        DataError: there is none, or there are several.
    """
    strings = {name: value for name, value in data.items() if isinstance(value, str)}
    surfaces = [region["text"] for region in regions if isinstance(region.get("text"), str)]
    fitting = [name for name, value in strings.items() if all(surface in value for surface in surfaces)]
    if len(strings) == 1 or (surfaces and len(fitting) == 1):
        return (fitting or list(strings))[0]
    found = ", ".join(map(str, data)) or "nothing"
    raise DataError(f"found the keys {found}, expected the text under 'text', or a single string", field="data")


def _are_regions(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_region(each) for each in value)


def _is_region(value: Any) -> bool:
    if not isinstance(value, Mapping) or "start" not in value:
        return False
    return any(isinstance(value.get(name), list) for name in _LABELS)


def _recognises(path: Path, row: Any) -> bool:
    if not isinstance(row, Mapping):
        return False
    if isinstance(row.get("data"), Mapping):
        return any(isinstance(row.get(name), list) for name in _ANNOTATIONS)
    if "annotation_id" in row or "lead_time" in row:
        return True
    return not {"tokens", "mentions"} & set(row) and any(map(_are_regions, row.values()))


FORMAT = MentionFormat(
    "Label Studio: JSON of {data: {text}, annotations: [{result: [{value: {start, end, labels}}]}]}, or JSON-MIN",
    '[{"id": 1, "text": "Mia left.", "label": [{"start": 0, "end": 3, "text": "Mia", "labels": ["PER"]}], "annotator": 1}]',
    texts,
    _recognises,
    utf16=as_utf16(texts),
)

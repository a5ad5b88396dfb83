"""Short names of the data of runs, in which runs on different data differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.training.runs.inputs import name_and_content

_PARTS = 4
"""Maximum number of parts of a path."""
_DIGITS = 6
_SCORED = ("dev", "test")
"""Files of fine-tuning that are not trained on."""


def data_names(runs: Sequence[RecordedRun]) -> list[str | None]:
    """A short name of the data of each run, None if a run does not name them.

    It is the name of the training file, or of the evaluated one. Different data of the same name have more of the path, or the
    names of the other files too, or, if all their names are the same, the first digits of a hash of their content.
    """
    return _names_of([(found := _files(run), _content(run, found)) for run in runs])


def training_names(runs: Sequence[RecordedRun]) -> list[str | None]:
    """As `data_names`, of the training files alone; None for runs that are no fine-tuning."""
    known = [_Files(_files(run).main) if run.kind == "finetuning" else _Files() for run in runs]
    return _names_of([(found, _content(run, found, _SCORED)) for run, found in zip(runs, known, strict=True)])


def _names_of(given: Sequence[tuple[_Files, str]]) -> list[str | None]:
    """The names of data by their paths and what tells them apart."""
    files, contents = [found for found, _ in given], [content for _, content in given]
    firsts = dict(zip(reversed(contents), reversed(files), strict=True))  # of equal data, the first run names the place
    alike: dict[str, list[str]] = {}
    for content, found in firsts.items():
        if found.main:
            alike.setdefault(next(_names(found, content)), []).append(content)
    chosen: dict[str, str] = {}
    for same in alike.values():
        for texts in zip(*(_names(firsts[content], content) for content in same), strict=True):
            chosen |= dict(zip(same, texts, strict=True))
            if len(set(texts)) == len(texts):
                break
    return [chosen.get(content) for content in contents]


@dataclass(frozen=True)
class _Files:
    """Paths of data.

    Attributes:
        main: the training files, the evaluated file, or the sets of pre-training.
        others: the dev and test files of fine-tuning.
    """

    main: Sequence[Path] = ()
    others: Sequence[Path] = ()


def _files(run: RecordedRun) -> _Files:
    """Paths of the data of a run; names alone if the paths are not recorded."""
    recorded = run.config.get("data")
    if run.kind == "pretraining":
        return _Files([Path(str(place)) for place in recorded] if isinstance(recorded, list) else [])
    places = {name: str(place) for name, place in _mapping(run.status.get("files")).items()}
    if not places:
        places = {split: name_and_content(str(text))[0] for split, text in _mapping(recorded).items()}
    one = run.results.get("gold") or run.results.get("data")
    if not places and isinstance(one, str):
        places = {"data": one}
    start = Path(str(run.status.get("directory") or ""))
    others = [name for name in _SCORED if name in places]
    main = [start / place for name, place in places.items() if name not in others]
    return _Files(main, [start / places[name] for name in others])


def _content(run: RecordedRun, files: _Files, without: Sequence[str] = ()) -> str:
    """What tells the data of a run apart: hashes as far as they are recorded, and otherwise the paths."""
    recorded = {split: text for split, text in _mapping(run.config.get("data")).items() if split not in without}
    known: Any = {split: name_and_content(str(text))[1] or str(text) for split, text in recorded.items()}
    known = known or list(_mapping(run.inputs.get("data")).values())
    return json.dumps(known or [str(path) for path in (*files.main, *files.others)], sort_keys=True)


def _names(files: _Files, content: str) -> Iterator[str]:
    """Names of the data, the shortest first; as many for any data."""
    for length in range(1, _PARTS + 1):
        yield _joined(files.main, length)
    yield _joined([*files.main, *files.others], 1)
    yield f"{_joined(files.main, 1)} #{hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]}"


def _joined(paths: Sequence[Path], length: int) -> str:
    return ", ".join("/".join(path.parts[-length:]) for path in paths)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

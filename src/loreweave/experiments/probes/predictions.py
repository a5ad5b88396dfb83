"""Predictions of probes in the layout of the tasks, and their files, `predictions/MODEL/PROBE.DATA.jsonl`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.build.relation_episodes import Draw
from loreweave.corpus.files.rows import Span
from loreweave.corpus.files.writing import write_json_lines
from loreweave.experiments.probes.examples import Example
from loreweave.metrics.probabilities import by_name

Row = dict[str, Any]
"""The text, the mention or the pair, `gold` and `predicted` of an example."""
PREDICTIONS = "predictions"
"""Folder in the output folder."""
SAVED_EPISODES = 200
"""Maximum number of episodes whose queries are saved, for each number of shots: 0.4 MB for FewRel."""

_WITHOUT_VECTOR = "a mention was cut off (max_length)"
_NOT_IN_NAMES = re.compile(r"[^\w.-]+")
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Learned:
    """What regressions predict for the test.

    Attributes:
        predicted: labels of each example.
        labels: learned labels.
        shares: their probabilities [examples, labels].
    """

    predicted: Sequence[tuple[str, ...]]
    labels: Sequence[str]
    shares: np.ndarray


def label_rows(examples: Sequence[Example], known: np.ndarray, learned: Learned) -> list[Row]:
    """A row per test example, with the probabilities of its predicted and gold labels.

    An example without a vector has an `error` instead, like a query that `loreweave predict` cannot answer.

    Args:
        known: whether an example has a vector [examples].
    """
    column = {label: number for number, label in enumerate(learned.labels)}
    rows = list[Row]()
    for example, has_vector, guesses, shares in zip(examples, known, learned.predicted, learned.shares, strict=True):
        if not has_vector:
            rows.append({"id": example.id, "error": _WITHOUT_VECTOR})
            continue
        shown = [label for label in dict.fromkeys((*guesses, *example.labels)) if label in column]
        probabilities = by_name(shares[[column[label] for label in shown]], shown)
        row = _place(example) | {"predicted": list(guesses), "gold": list(example.labels)}
        if _is_pair(example):
            row |= {"predicted": guesses[0], "gold": example.labels[0]}
        rows.append(row | {"probabilities": probabilities})
    return rows


def query_rows(
    examples: Sequence[Example], known: np.ndarray, shot: int, episode: int, drawn: Draw, predicted: np.ndarray
) -> Iterator[Row]:
    """A row per query of an episode; one without a vector has an `error` instead of a prediction.

    Args:
        known: whether an example has a vector [examples].
        predicted: number of the predicted relation [queries]; -1 if there is none.
    """
    for place, (number, guess, target) in enumerate(zip(drawn.query, predicted, drawn.targets, strict=True)):
        asked = {"shots": shot, "episode": episode, "query": place}
        if not known[number] or guess < 0:
            yield asked | {"id": examples[number].id, "error": _WITHOUT_VECTOR}
            continue
        answer = {"predicted": drawn.classes[guess], "gold": drawn.classes[target], "relations": list(drawn.classes)}
        yield asked | _place(examples[number]) | answer


def save_predictions(output: Path, predictions: Mapping[str, Mapping[str, Sequence[Row]]]) -> dict[str, str]:
    """Write the rows of each encoder and data set, and return the folder of each encoder, relative to the output folder."""
    folders: dict[str, str] = {}
    if (output / "results.json").exists():  # otherwise the folder is the user's own
        shutil.rmtree(output / PREDICTIONS, ignore_errors=True)  # those of other encoders and data have other names
    for model, of_data in predictions.items():
        folders[model] = _free(f"{PREDICTIONS}/{_file_name(model)}", folders.values())
        files = list[str]()
        for name, rows in of_data.items():
            files.append(_free(_file_name(name), files))
            write_json_lines(output / folders[model] / f"{files[-1]}.jsonl", rows)
    return folders


def _free(name: str, taken: Collection[str]) -> str:
    """The name, with as many `-` behind it as are needed to differ from those that are taken."""
    while name in taken:
        name += "-"
    return name


def _file_name(name: str) -> str:
    """The end of a name, without characters that file names cannot have."""
    return _NOT_IN_NAMES.sub("-", name).strip("-.")[-_LONGEST_NAME:] or "model"


def _is_pair(example: Example) -> bool:
    return len(example.spans) == 2


def _place(example: Example) -> Row:
    """The id, the text, and the mention, or head and tail."""
    spans = [_mention(example.text, span) for span in example.spans]
    ends = dict(zip(("head", "tail"), spans, strict=True)) if _is_pair(example) else spans[0]
    return {"id": example.id, "text": example.text, **ends}


def _mention(text: str, span: Span) -> Row:
    return {"start": span[0], "end": span[1], "mention": text[span[0] : span[1]]}

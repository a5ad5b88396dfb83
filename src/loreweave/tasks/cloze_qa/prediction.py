"""Answers of a model to cloze questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from loreweave.metrics.probabilities import rounded, sigmoid
from loreweave.tasks.cloze_qa.record import ClozeRecord
from loreweave.training.evaluation import Outputs


def answer(records: Sequence[ClozeRecord], outputs: Outputs, labels: Sequence[str]) -> list[dict[str, Any]]:
    """For each record, the text of the best candidate with its characters and probability, and all candidates, best first.

    Args:
        records: the records.
        outputs: number and logit of each candidate that the model has read [candidates, 2]; see `ClozeEncoding.join`.
        labels: the only class.

    Returns:
        One object per record. `predicted` is None if the model has read no candidate.
    """
    return [_answer(record, output) for record, output in zip(records, outputs, strict=True)]


def _answer(record: ClozeRecord, output: np.ndarray) -> dict[str, Any]:
    numbers, logits = output[:, 0].astype(int), output[:, 1]
    chances = sigmoid(logits)
    ranked = [
        {**_place(record, numbers[place]), "probability": rounded(chances[place])}
        for place in np.argsort(-logits, kind="stable")
    ]
    best = ranked[0] if ranked else {"mention": None, "start": None, "end": None, "probability": None}
    return {
        "id": record.id, "text": record.text, "query": record.query, "predicted": best["mention"],
        "start": best["start"], "end": best["end"], "probability": best["probability"], "ranked": ranked,
    }  # fmt: skip


def _place(record: ClozeRecord, candidate: int) -> dict[str, Any]:
    start, end = record.candidates[candidate]
    return {"start": start, "end": end, "mention": record.text[start:end]}

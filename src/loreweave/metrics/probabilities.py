"""Logits of classes as probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of classes that exclude each other, over the last axis, in double precision. [..., classes]"""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True, initial=-np.inf))
    shares: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities of classes that do not exclude each other, each on its own, in double precision. [..., classes]"""
    exact = logits.astype(np.float64)
    powers = np.exp(-np.abs(exact))
    shares: np.ndarray = np.where(exact < 0, powers, 1) / (1 + powers)
    return shares


def logit_matrix(outputs: Sequence[np.ndarray], classes: int) -> np.ndarray:
    """The logits of all records, float32 [records, classes].

    Args:
        outputs: the logits of each record [classes].
        classes: the number of classes, for no records.
    """
    return np.stack(outputs).astype(np.float32) if outputs else np.zeros((0, classes), np.float32)


def by_name(probabilities: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """The probabilities of one record [classes] by the names of the classes, largest first, as predictions have them."""
    order = np.argsort(-probabilities, kind="stable")
    return {names[number]: rounded(probabilities[number]) for number in order}


def rounded(probability: float | np.floating[Any]) -> float:
    """A probability as predictions have it, with six decimals."""
    return round(float(probability), 6)

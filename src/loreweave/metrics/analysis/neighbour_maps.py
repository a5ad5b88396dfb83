"""t-SNE of rows of numbers, for every picture that has one."""

from __future__ import annotations

import numpy as np

FEWEST_ROWS = 4
"""Minimum number of rows: t-SNE needs a perplexity of at least 1, and a third as many neighbours."""
_PERPLEXITY = 30.0


def are_equal(rows: np.ndarray) -> bool:
    """Whether all rows are equal to the precision of 32 bits: then there is no map, and t-SNE would end the process."""
    values = rows.astype(np.float64)
    spread = np.ptp(values, axis=0).max(initial=0.0) if len(values) else 0.0
    return bool(spread <= np.finfo(np.float32).eps * max(1.0, float(np.abs(values).max(initial=0.0))))


def neighbour_map(rows: np.ndarray, seed: int) -> tuple[np.ndarray, float] | None:
    """Places by t-SNE, which starts from the first two principal components.

    The perplexity is 30, or less for few rows: a third of the number of the other rows.

    Args:
        rows: finite numbers. [rows, features]
        seed: of t-SNE.

    Returns:
        Places [rows, 2], and the divergence that was minimised, in nats; None if there are fewer rows than `FEWEST_ROWS`, if
        all are equal, or if they have one feature only.
    """
    from sklearn.manifold import TSNE

    if len(rows) < FEWEST_ROWS or rows.shape[1] < 2 or are_equal(rows):
        return None
    perplexity = min(_PERPLEXITY, (len(rows) - 1) / 3)
    tsne = TSNE(2, perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed)
    places = tsne.fit_transform(rows)
    return places, float(tsne.kl_divergence_)

"""Names of metrics in logs and results: those of an objective begin with its name."""

from __future__ import annotations

from collections.abc import Mapping


def metric_name(objective: str, key: str) -> str:
    """The name of a mean in logs, from the objective's name and that of its sum in a `PretrainingModel`'s output.

    Example:
        >>> metric_name("masked_words", "correct")
        'masked_words_accuracy'
    """
    return f"{objective}_{'accuracy' if key == 'correct' else key}"


def metrics_of(objective: str, logged: Mapping[str, float]) -> dict[str, float]:
    """The metrics of one objective in a log line, without its name."""
    prefix = metric_name(objective, "")
    return {name.removeprefix(prefix): value for name, value in logged.items() if name.startswith(prefix)}

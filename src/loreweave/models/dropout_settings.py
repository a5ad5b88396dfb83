"""The dropout that a configuration of transformers says, under the names that its family has for it."""

from __future__ import annotations

from typing import Any

from loreweave.encoding.families import FAMILIES, family_of
from loreweave.errors import ConfigurationError

_USUAL = 0.1
"""Dropout of a head over an encoder whose configuration has none."""


def hidden_dropout(config: Any) -> float:
    """Dropout of the states between layers, which a new head over the encoder has too."""
    names = _names(config, "hidden_dropout")
    return float(getattr(config, names[0])) if names else _USUAL


def set_hidden_dropout(config: Any, dropout: float | None) -> None:
    """Change the dropout of states, embeddings and the head, but not that of attention, before a model is made.

    Args:
        config: of an encoder.
        dropout: the new one; None leaves all as it is.

    Raises:
        ConfigurationError: the configuration has no such setting.
    """
    _set(config, dropout, "hidden_dropout")


def set_all_dropout(config: Any, dropout: float | None) -> None:
    """The same, and that of attention weights; a family may have one setting for both."""
    _set(config, dropout, "hidden_dropout", "attention_dropout")


def _set(config: Any, dropout: float | None, *columns: str) -> None:
    if dropout is None:
        return
    names = [name for column in columns for name in _names(config, column)]
    if not names:
        known = dict.fromkeys(name for family in FAMILIES.values() for name in family.hidden_dropout)
        raise ConfigurationError(
            f"dropout: found {dropout} for a model of the type {config.model_type}, whose configuration has none of "
            f"{', '.join(known)}; leave dropout out"
        )
    for name in names:
        setattr(config, name, dropout)


def _names(config: Any, column: str) -> list[str]:
    """The settings of a family that are not null; of a family that is not in the table, those of the first one that is and
    whose main setting it has."""
    family = family_of(config)
    rows = FAMILIES.values() if family is None else [family]
    names = next((names for row in rows if _is_set(config, (names := getattr(row, column))[0])), ())
    return [name for name in names if _is_set(config, name)]


def _is_set(config: Any, name: str) -> bool:
    return getattr(config, name, None) is not None

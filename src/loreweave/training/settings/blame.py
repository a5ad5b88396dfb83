"""Where a wrong setting comes from: a file, or the `key=value` on the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from loreweave.errors import ConfigurationError
from loreweave.training.settings.configuration import Override, name_of

T = TypeVar("T")


def blamed(read: Callable[[Sequence[Override]], T], overrides: Sequence[Override], source: str = "") -> T:
    """What `read` makes of a file and the overrides; an error names the one that it is about.

    An override is to blame if the message names it, and is another one or none without it.

    Args:
        read: makes a configuration of the file with some overrides.
        overrides: the overrides.
        source: name of the file. Empty: none.

    Raises:
        ConfigurationError: that of `read`, which begins with `command line (KEY=VALUE): ` or with the name of the file.
    """
    try:
        return read(overrides)
    except ConfigurationError as error:
        message = str(error)
        for number, override in enumerate(overrides):
            others = [*overrides[:number], *overrides[number + 1 :]]
            if isinstance(override, str) and _names(message, override) and _message(read, others) != message:
                raise ConfigurationError(f"command line ({override}): {message}") from None
        if source and _message(read, []) is not None:
            raise ConfigurationError(f"{source}: {message}") from None
        raise


def _names(message: str, override: str) -> bool:
    """Whether a message is about a setting: it has its name, or the last part of it."""
    name = name_of(override)
    return any(re.search(rf"(?<![\w.]){re.escape(part)}(?!\w)", message) for part in (name, name.rpartition(".")[2]))


def _message(read: Callable[[Sequence[Override]], object], overrides: Sequence[Override]) -> str | None:
    """The error of `read`, None if there is none."""
    try:
        read(overrides)
    except ConfigurationError as error:
        return str(error)
    return None

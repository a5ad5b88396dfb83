"""Pickles from other sources, read without running code: every global in them must be one of a given table."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from loreweave.errors import DataError

Globals = Mapping[tuple[str, str], Callable[..., Any]]
"""Module and name of a global -> what is called in its place."""


class RestrictedUnpickler(pickle.Unpickler):
    """Reads a pickle, and refuses any global that is not allowed, by name, before it is called.

    Args:
        stream: the pickle.
        allowed: the globals that a pickle may name.
        expected: what such pickles contain, for the message.
    """

    def __init__(self, stream: BinaryIO, allowed: Globals, expected: str) -> None:
        super().__init__(stream, encoding="latin1")
        self._allowed, self._expected = allowed, expected

    def find_class(self, module: str, name: str) -> Any:
        """The replacement of a global.

        Raises:
            DataError: the global is not allowed.
        """
        try:
            return self._allowed[module, name]
        except KeyError:
            message = f"found {module}.{name} in the pickle, expected only {self._expected}; it was not run"
            raise DataError(message) from None

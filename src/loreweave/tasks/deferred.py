"""Functions that are imported on their first call, so that a task is declared without the imports of its model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Deferred:
    """A function given as `module:name`; calling it imports the module.

    The modules of models import torch and transformers, which takes seconds. Reading, checking and scoring files, and
    describing a task, need neither.

    Example:
        >>> Deferred("os.path:basename")("folder/file")
        'file'
    """

    place: str

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """The function's result."""
        return self.function()(*arguments, **named)

    def function(self) -> Callable[..., Any]:
        """The function itself."""
        module, _, name = self.place.partition(":")
        found: Callable[..., Any] = getattr(import_module(module), name)
        return found

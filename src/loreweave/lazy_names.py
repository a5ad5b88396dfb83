"""Public names of a package that are imported on first use, so that importing the package stays light (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def names_on_first_use(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package with lazy names.

    Args:
        package: name of the package.
        places: public name -> module that defines it.

    Example:
        >>> get = names_on_first_use("a_package", {"basename": "os.path"})
        >>> get("basename")("folder/file")
        'file'
    """

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(places[name]), name)

    return get

"""The extra `search`, without which only this module can be imported."""

from __future__ import annotations

from importlib.util import find_spec

from loreweave.errors import ConfigurationError

_NEEDED = ("optuna",)


def check_extra(*modules: str) -> None:
    """Raise an error if a package of the extra is not installed.

    Raises:
        ConfigurationError: names the package, and the command that installs it.
    """
    for name in modules or _NEEDED:
        if find_spec(name) is None:
            raise ConfigurationError(f"searching needs {name}, which is not installed: pip install 'loreweave[search]'")

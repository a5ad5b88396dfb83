"""Whether a run is resumed or replaced, as the user asked."""

from __future__ import annotations

from loreweave.errors import ConfigurationError


def check_resume(resume: bool, overwrite: bool) -> None:
    """Refuse both at once.

    Raises:
        ConfigurationError: both.
    """
    if resume and overwrite:
        raise ConfigurationError("--resume and --overwrite exclude each other")

"""Choice of a model's head, and check of the settings for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar, get_args

from loreweave.errors import ConfigurationError
from loreweave.tasks.starting_points import is_luke
from loreweave.training.settings.conditions import check_read
from loreweave.training.settings.fields import types_of
from loreweave.training.settings.finetuning import FinetuningConfig

C = TypeVar("C", bound=FinetuningConfig)


def with_head(config: C, source: str, plain: str) -> tuple[C, bool]:
    """The settings with a head instead of `head=auto`, and whether the encoder is a LUKE.

    Args:
        config: settings of a task with several heads, one of them `luke`.
        source: folder, archive or Hub name of the encoder.
        plain: head that `auto` chooses for a plain encoder.

    Raises:
        ConfigurationError: `head=luke` for an encoder that is not a LUKE, or a setting that the head does not read.
    """
    asked: Any = config
    luke = is_luke(source)
    head = asked.head if asked.head != "auto" else "luke" if luke else plain
    if head == "luke" and not luke:
        others = [name for name in get_args(types_of(type(config))["head"]) if name not in ("auto", "luke")]
        raise ConfigurationError(f"{source}: head=luke needs a LUKE; use head={' or '.join(others)} with a plain encoder")
    check_read(config, head=head, encoder="luke" if luke else "plain")
    return replace(asked, head=head), luke

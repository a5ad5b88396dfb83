"""Choice of a model's head, and check of the settings for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar, get_args

from loreweave.errors import ConfigurationError
from loreweave.tasks.model_folders import is_luke
from loreweave.training.settings.conditions import check_read, is_read
from loreweave.training.settings.fields import types_of
from loreweave.training.settings.finetuning import FinetuningConfig

C = TypeVar("C", bound=FinetuningConfig)


def with_head(config: C, source: str) -> tuple[C, bool]:
    """The settings with a head instead of `head=auto`, and whether the encoder is a LUKE.

    Args:
        config: settings of a task with several heads, one of them `luke`. Its `PLAIN_HEAD` is the head that `auto` chooses for
            a plain encoder.
        source: folder, archive or Hub name of the encoder.

    Raises:
        ConfigurationError: see `check_for_encoder`.
    """
    facts = check_for_encoder(config, source)
    asked: Any = config
    return replace(asked, head=facts["head"]), facts["encoder"] == "luke"


def check_for_encoder(config: FinetuningConfig, source: str) -> dict[str, str]:
    """Refuse settings that the encoder, or the head for it, does not read. Returns `encoder`, and `head` if it is read.

    Raises:
        ConfigurationError: `head=luke` for an encoder that is not a LUKE, or a setting that is not read.
    """
    asked: Any = config
    luke = is_luke(source)
    facts = {"encoder": "luke" if luke else "plain"}
    if hasattr(config, "PLAIN_HEAD") and is_read(config, "head") is not False:
        facts["head"] = asked.head if asked.head != "auto" else "luke" if luke else asked.PLAIN_HEAD
        if facts["head"] == "luke" and not luke:
            others = [name for name in get_args(types_of(type(config))["head"]) if name not in ("auto", "luke")]
            raise ConfigurationError(f"{source}: head=luke needs a LUKE; use head={' or '.join(others)} with a plain encoder")
    check_read(config, **facts)
    return facts

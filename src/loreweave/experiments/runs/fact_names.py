"""Names of facts about runs, and what a user may have meant by another name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from loreweave.errors import ConfigurationError
from loreweave.training.settings.configuration import ELSEWHERE

ORIGIN = ("run", "task", "data", "state", "model")
"""Facts that every table of all facts begins with."""
_MOST = 3
_FEWEST_LETTERS = 2
"""Minimum number of letters of a part of a name."""


def check_name(option: str, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise a `ConfigurationError` for a name that no row has."""
    known = list(dict.fromkeys(known for facts in rows for known in facts))
    if rows and name not in known:
        raise ConfigurationError(f"{option}: no run has {name!r}; {_hint(name, known)}")


def _hint(name: str, known: Sequence[str]) -> str:
    """What is meant: a fact of nearly this name, or what facts there are."""
    if meant := [repr(fact) for fact in _meant(name, known)[:_MOST]]:
        return f"did you mean {_joined(meant, 'or')}?"
    setting = next((one for one in ("optimizer.learning_rate", "seed") if one in known), None)
    score = next((one for one in known if one.startswith(("dev.", "test."))), None)
    others = [f"{what} such as {one!r}" for what, one in (("settings", setting), ("scores", score)) if one is not None]
    return f"there are {_joined([*(one for one in ORIGIN if one in known), *others], 'and')} (--json shows all)"


def _meant(name: str, known: Sequence[str]) -> list[str]:
    """Facts that have the name as their last part, as an abbreviation, or as a part of a name; or a similar name."""
    wanted = name.lower()
    while wanted in ELSEWHERE and not any(_last(fact) == wanted for fact in known):
        wanted = ELSEWHERE[wanted]
    if same := [fact for fact in known if wanted in (fact.lower(), _last(fact))]:
        return same
    words = {fact: [word for word in _last(fact).split("_") if word] for fact in known}
    if initials := [fact for fact in known if len(words[fact]) > 1 and "".join(word[0] for word in words[fact]) == wanted]:
        return initials
    long_enough = len(wanted) >= _FEWEST_LETTERS
    if long_enough and (parts := [fact for fact in known if _has_part(fact, wanted)]):
        return parts
    return difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)


def _has_part(fact: str, wanted: str) -> bool:
    return any(word.startswith(wanted) for part in fact.lower().split(".") for word in part.split("_"))


def _last(fact: str) -> str:
    return fact.rpartition(".")[2].lower()


def _joined(words: Sequence[str], last: str) -> str:
    """Words in a sentence: `a, b or c`."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))

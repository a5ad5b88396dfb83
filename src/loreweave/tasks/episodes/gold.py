"""Gold episodes that predictions are scored against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from loreweave.corpus.counts import counted, tallied
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import Execution

E = TypeVar("E")


def gold_episodes(
    gold: Path, execution: Execution, read: Callable[[Path, Counter[str] | None], Iterable[E]]
) -> tuple[list[E], Counter[str]]:
    """The episodes of a file, and what was left out, which is reported.

    Args:
        read: (file, counter of what is left out, or None) -> episodes.

    Raises:
        ConfigurationError: a format is given.
        DataError: names the line.
    """
    if execution.reading.format is not None:
        raise ConfigurationError("--format: files of episodes are recognised; leave it out")
    skipped = Counter[str]()
    episodes = list(read(gold, skipped if execution.reading.skip_bad else None))
    if skipped:
        execution.report(f"{gold}: skipped {counted(skipped.total(), 'episode')}: {tallied(skipped)}")
    return episodes, skipped


def check_any(episodes: Sequence[object], skipped: Counter[str], path: Path) -> None:
    """Refuse a file without episodes to score.

    Raises:
        DataError: there is none; says what was left out.
    """
    if not episodes:
        left_out = f"; left out: {tallied(skipped)}" if skipped else ""
        raise DataError(f"found no episode to score{left_out}", path=path)

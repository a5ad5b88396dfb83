"""Ids of a graph that differ by white space: trimmed at the edges and counted; reported, if they differ inside."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable
from typing import Any

_SHOWN = 5
_SPACE = re.compile(r"\s")


class TrimmedIds:
    """Trims white space from the edges of ids, and remembers which ids have it in the files.

    `Paris`, ` Paris` and `Paris` with a no-break space are one id; the number of ids merged in this way is counted.

    Attributes:
        known: ids that were read before, by kind, in order to find ids whose first form had no white space.
    """

    def __init__(self) -> None:
        self.known: list[Container[str]] = []
        self._forms: dict[str, set[str]] = {}

    def trim(self, raw: str) -> str:
        """The id without white space at its edges."""
        id = raw.strip()
        if len(id) == len(raw):
            if self._forms and id in self._forms:
                self._forms[id].add(raw)
            return id
        if id and id not in self._forms:
            self._forms[id] = {id} if any(id in ids for ids in self.known) else set()
        if id:
            self._forms[id].add(raw)
        return id

    def facts(self) -> dict[str, Any]:
        """Number of trimmed ids, number of those merged from several forms, and the first ones."""
        merged = [id for id, forms in self._forms.items() if len(forms) > 1]
        return {
            "trimmed": len(self._forms),
            "first_trimmed": list(self._forms)[:_SHOWN],
            "merged": len(merged),
            "first_merged": merged[:_SHOWN],
        }


def spaced_alike(ids: Iterable[str]) -> list[list[str]]:
    """Groups of different ids that are equal if every run of white space is one space."""
    groups: dict[str, list[str]] = defaultdict(list)
    for id in ids:
        if _SPACE.search(id):
            groups[" ".join(id.split())].append(id)
    return [group for group in groups.values() if len(group) > 1]

"""Ids of a graph that differ by white space: cut at the edges and counted; told, where they differ inside."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable
from typing import Any

_SHOWN = 5
_SPACE = re.compile(r"\s")


class TrimmedIds:
    """Cuts white space off the edges of ids, and remembers which ids stand in the files with it.

    `Paris`, ` Paris` and `Paris` with a no-break space are one id; how many ids were put together so is counted.

    Attributes:
        known: ids that were read before, by kind; told so that an id which first stands there whole is found.
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
        """How many ids were trimmed, how many of them have several forms in the files and became one, and the first of each."""
        merged = [id for id, forms in self._forms.items() if len(forms) > 1]
        return {
            "trimmed": len(self._forms),
            "first_trimmed": list(self._forms)[:_SHOWN],
            "merged": len(merged),
            "first_merged": merged[:_SHOWN],
        }


def spaced_alike(ids: Iterable[str]) -> list[list[str]]:
    """Groups of different ids that are one when every run of white space in them is a single space."""
    groups: dict[str, list[str]] = defaultdict(list)
    for id in ids:
        if _SPACE.search(id):
            groups[" ".join(id.split())].append(id)
    return [group for group in groups.values() if len(group) > 1]

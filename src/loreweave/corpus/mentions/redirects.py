"""Redirects between titles: a file with two columns, or the pickled dictionary of LUKE's releases."""

from __future__ import annotations

from collections.abc import Mapping

from loreweave.corpus.files.reading import Pathname, open_text
from loreweave.corpus.mentions.released import is_pickle, read_pickled_redirects
from loreweave.errors import DataError


def read_redirects(path: Pathname) -> dict[str, str]:
    """Title -> the title that it redirects to, after all redirects of the target.

    Raises:
        DataError: a line has not two columns, one title has two targets, redirects go in a circle, or the pickle is
            refused.
    """
    found = read_pickled_redirects(path) if is_pickle(path) else _read_lines(path)
    return {title: _end(title, found, path) for title in found}


def _read_lines(path: Pathname) -> dict[str, str]:
    redirects: dict[str, str] = {}
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            title, *rest = (cell.strip() for cell in line.rstrip("\n").split("\t"))
            if len(rest) != 1 or not title or not rest[0]:
                expected = "two titles with a tab between them: the redirect and its target"
                raise DataError(f"found {line.rstrip()!r}, expected {expected}", path=path, line=number)
            if redirects.setdefault(title, rest[0]) != rest[0]:
                raise DataError(
                    f"found a second target of {title!r}: {rest[0]!r} after {redirects[title]!r}", path=path, line=number
                )
    return redirects


def _end(title: str, redirects: Mapping[str, str], path: Pathname) -> str:
    seen, target = [title], redirects[title]
    while target in redirects and target != redirects[target]:
        if target in seen:
            circle = ", ".join(sorted(seen[seen.index(target) :]))
            raise DataError(f"found redirects in a circle: {circle}", path=path)
        seen.append(target)
        target = redirects[target]
    return target

"""A mention dictionary: which entities a name may mean, how often the name is a link, and where names are in a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.mentions.finding import NameFinder
from loreweave.corpus.mentions.normalisation import Normalisation
from loreweave.corpus.mentions.tables import NameCounts, Tables, make_tables, open_tables, write_tables

__all__ = ["Candidate", "DetectedMention", "MentionDictionary", "NameCounts", "PageLink"]


class Candidate(NamedTuple):
    """An entity that a name may mean.

    Attributes:
        entity: title or id, as the links write it.
        prior: part of the links from this name that go to the entity, from 0 to 1; equal parts if no link has the name.
        links: number of these links; 0 if only a graph gives the name to the entity.
    """

    entity: str
    prior: float
    links: int


class DetectedMention(NamedTuple):
    """A name in a text.

    Attributes:
        start, end: the characters `text[start:end]`.
        name: these characters.
        link_probability: part of the texts with this name that link it, from 0 to 1; 1 if no counted text has it.
    """

    start: int
    end: int
    name: str
    link_probability: float


class PageLink(NamedTuple):
    """A link on a page: the name as it is written, the entity, and the link probability of the name."""

    name: str
    entity: str
    link_probability: float


class MentionDictionary:
    """Names with their candidate entities. A saved dictionary is memory-mapped: it opens in milliseconds.

    Attributes:
        normalisation: what is done to names and texts before they are compared.
        manifest: details about the folder (`sources`, `counts`, `settings`); for a dictionary made in memory, the given ones.

    Example:
        >>> counts = {
        ...     "Paris": NameCounts({"Paris": 3, "Paris,_Texas": 1}, texts_linking=4, texts=5),
        ...     "New Paris": NameCounts({"New_Paris": 1}, texts_linking=1, texts=1),
        ... }
        >>> dictionary = MentionDictionary.from_counts(counts)
        >>> dictionary.candidates("PARIS", limit=1)
        [Candidate(entity='Paris', prior=0.75, links=3)]
        >>> [(found.start, found.end, found.name) for found in dictionary.detect("From Paris to New Paris.")]
        [(5, 10, 'Paris'), (14, 23, 'New Paris')]
        >>> dictionary.link_probability("paris"), len(dictionary), "Rome" in dictionary
        (0.8, 2, False)
    """

    def __init__(
        self, tables: Tables, normalisation: Normalisation, manifest: Mapping[str, Any], folder: Path | None = None
    ) -> None:
        self.normalisation = normalisation
        self.manifest = manifest
        self._folder = folder
        self._tables = tables
        self._names, self._entities = tables.tries["names"], tables.tries["entities"]
        self._finder = NameFinder(self._names, tables.tries["first_words"], tables.arrays["longest"], tables.arrays["pairs"])
        self._accepted: dict[float, bytes | None] = {0.0: None}

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, NameCounts],
        normalisation: Normalisation | None = None,
        *,
        redirects: Mapping[str, str] | None = None,
        pages: Mapping[str, Sequence[tuple[str, str]]] | None = None,
        page_redirects: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> Self:
        """Create a dictionary in memory. Names that are equal after normalisation are added up; empty ones are left out.

        Args:
            counts: name -> what is counted of it.
            normalisation: default: `Normalisation()`.
            redirects: title -> the title that it redirects to, for `resolve`.
            pages: title -> (name, entity) of each of its links, for `page_links`; links whose name is not in `counts` are
                left out.
            page_redirects: title -> the title in `pages` that it redirects to, for `page_links`; others are left out.
            details: what the manifest says in addition.
        """
        rule = normalisation or Normalisation()
        names = _added_up(counts, rule)
        links = {
            title: [(name, entity) for name, entity in found if rule.name(name) in names]
            for title, found in (pages or {}).items()
        }
        moved = {title: target for title, target in (page_redirects or {}).items() if target in links}
        return cls(make_tables(names, redirects or {}, links, moved), rule, dict(details or {}))

    @classmethod
    def load(cls, folder: Pathname, verify: bool = False) -> Self:
        """Open a folder of `save` or of `loreweave build mentions`; `verify` compares the hashes of all files.

        Raises:
            DataError: the folder does not exist, has another version, or its files do not match the manifest.
        """
        tables, manifest = open_tables(folder, verify)
        return cls(tables, Normalisation.from_dict(manifest["normalisation"]), manifest, Path(folder).absolute())

    def with_details(self, details: Mapping[str, Any]) -> Self:
        """The same dictionary with other details in its manifest."""
        return type(self)(self._tables, self.normalisation, dict(details))

    def save(self, folder: Pathname, overwrite: bool = False) -> None:
        """Write the folder atomically.

        Raises:
            ConfigurationError: `folder` exists, and `overwrite` is false.
        """
        kept = {name: value for name, value in self.manifest.items() if name not in ("format", "version", "files")}
        sizes = {
            "names": len(self),
            "entities": len(self._entities),
            "candidates": len(self._tables.arrays["candidate_entities"]),
            "redirects": len(self._tables.tries["redirects"]),
            "pages": len(self._tables.tries["pages"]),
            "page_redirects": len(self._tables.tries["page_redirects"]),
        }
        write_tables(folder, self._tables, {"normalisation": self.normalisation.to_dict(), **kept, **sizes}, overwrite)

    def __reduce__(self) -> tuple[Any, ...]:
        """Workers open the folder again instead of receiving a copy."""
        if self._folder is not None:
            return type(self).load, (self._folder,)
        return type(self), (self._tables, self.normalisation, self.manifest)

    def __repr__(self) -> str:
        entities = counted(len(self._entities), "entity", "entities")
        return f"<MentionDictionary: {counted(len(self), 'name')}, {entities}>"

    def __len__(self) -> int:
        """Number of names."""
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        """The normalised names, in the order of the trie."""
        return iter(self._names.iterkeys())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._row(name) is not None

    @property
    def folder(self) -> Path | None:
        """The folder that it was loaded from."""
        return self._folder

    def entities(self) -> Iterator[str]:
        """All entities: candidates, targets of redirects and of links on pages."""
        return iter(self._entities.iterkeys())

    def candidates(self, name: str, limit: int | None = None) -> list[Candidate]:
        """Entities that a name may mean, by decreasing prior; none for an unknown name.

        Args:
            name: a name or the characters of a mention; it is normalised here.
            limit: maximum number of candidates.
        """
        row = self._row(name)
        if row is None:
            return []
        arrays = self._tables.arrays
        start, end = (int(place) for place in arrays["candidate_starts"][row : row + 2])
        end = end if limit is None else min(end, start + limit)
        total = int(arrays["name_links"][row])
        entities, links = arrays["candidate_entities"][start:end].tolist(), arrays["candidate_links"][start:end].tolist()
        equal = 1 / int(np.diff(arrays["candidate_starts"][row : row + 2])[0]) if not total else 0.0
        return [
            Candidate(self._entities.restore_key(entity), min(1.0, count / total) if total else equal, count)
            for entity, count in zip(entities, links, strict=True)
        ]

    def link_probability(self, name: str) -> float:
        """Number of texts that link a name, divided by the number of texts that contain it; 0 for an unknown name.

        Nothing is known of a name that no counted text contains; its link probability is 1, so that it is found in texts.
        """
        row = self._row(name)
        return 0.0 if row is None else self._link_probabilities([row])[0]

    def resolve(self, title: str) -> str:
        """The title that a title redirects to; the title itself if it is no redirect."""
        row = self._tables.tries["redirects"].get(title)
        return title if row is None else self._entities.restore_key(int(self._tables.arrays["redirect_targets"][row]))

    def page_links(self, title: str) -> list[PageLink] | None:
        """Links on the page of a title, or of the page that it redirects to, in their order; None if the page is unknown."""
        tries, arrays = self._tables.tries, self._tables.arrays
        moved = tries["page_redirects"].get(title)
        row = tries["pages"].get(title) if moved is None else int(arrays["page_redirect_targets"][moved])
        return None if row is None else self._page_links(row)

    def detect(self, text: str, *, min_link_probability: float = 0.0) -> list[DetectedMention]:
        """Names in a text: from left to right, the longest one at each word. They begin and end at word boundaries.

        Args:
            text: any text.
            min_link_probability: names that are linked more rarely are passed over, so that a shorter one may count.
        """
        accepted, found = self._accepted_rows(min_link_probability), []
        for piece in self.normalisation.pieces(text):
            names = self._finder.longest_names(piece.text, accepted, piece.inside)
            places = piece.originals([(first, last) for first, last, _ in names])
            probabilities = self._link_probabilities([row for *_, row in names])
            found += [
                DetectedMention(start, end, text[start:end], probability)
                for (start, end), probability in zip(places, probabilities, strict=True)
            ]
        return found

    def names_in(self, text: str) -> set[str]:
        """All names in a text, normalised, also those inside longer ones."""
        rows = {row for piece in self.normalisation.pieces(text) for row in self._finder.all_rows(piece.text)}
        return {self._names.restore_key(row) for row in rows}

    def counts(self) -> Iterator[tuple[str, NameCounts]]:
        """All names with their counts, to be changed or merged."""
        arrays = self._tables.arrays
        for name, row in self._names.iteritems():
            start, end = arrays["candidate_starts"][row : row + 2]
            entities, links = arrays["candidate_entities"][start:end].tolist(), arrays["candidate_links"][start:end].tolist()
            found = {self._entities.restore_key(entity): count for entity, count in zip(entities, links, strict=True)}
            yield name, NameCounts(found, *(int(arrays[key][row]) for key in ("texts_linking", "texts", "name_links")))

    def redirects(self) -> Iterator[tuple[str, str]]:
        """All redirects: title and target."""
        return ((title, self.resolve(title)) for title in self._tables.tries["redirects"].iterkeys())

    def pages(self) -> Iterator[tuple[str, list[PageLink]]]:
        """All titles whose links are known, with the links."""
        return ((title, self._page_links(row)) for title, row in self._tables.tries["pages"].iteritems())

    def page_redirects(self) -> Iterator[tuple[str, str]]:
        """All titles that redirect to a page whose links are known, with the title of that page."""
        tries, targets = self._tables.tries, self._tables.arrays["page_redirect_targets"]
        return ((title, tries["pages"].restore_key(int(targets[row]))) for title, row in tries["page_redirects"].iteritems())

    def _row(self, name: str) -> int | None:
        row: int | None = self._names.get(self.normalisation.name(name))
        return row

    def _page_links(self, row: int) -> list[PageLink]:
        arrays = self._tables.arrays
        start, end = arrays["page_starts"][row : row + 2]
        surfaces, entities = arrays["page_surfaces"][start:end].tolist(), arrays["page_entities"][start:end].tolist()
        written = map(self._tables.tries["surfaces"].restore_key, surfaces)
        linked = map(self._entities.restore_key, entities)
        return [PageLink(name, entity, self.link_probability(name)) for name, entity in zip(written, linked, strict=True)]

    def _link_probabilities(self, rows: Sequence[int] | slice) -> list[float]:
        linking, texts = self._tables.arrays["texts_linking"][rows], self._tables.arrays["texts"][rows]
        probabilities: list[float] = np.where(texts > 0, np.minimum(1.0, linking / np.maximum(texts, 1)), 1.0).tolist()
        return probabilities

    def _accepted_rows(self, least: float) -> bytes | None:
        if least not in self._accepted:
            self._accepted[least] = bytes(probability >= least for probability in self._link_probabilities(slice(None)))
        return self._accepted[least]


def _added_up(counts: Mapping[str, NameCounts], rule: Normalisation) -> dict[str, NameCounts]:
    names: dict[str, NameCounts] = {}
    for written, count in counts.items():
        name = rule.name(written)
        if not name:
            continue
        total = names.setdefault(name, NameCounts())
        for entity, links in count.entities.items():
            total.entities[entity] = total.entities.get(entity, 0) + links
        total.texts_linking += count.texts_linking
        total.texts += count.texts
        total.links += max(count.links, sum(count.entities.values()))
    return names

"""A mention dictionary from the links of annotated texts, the names of a graph's entities, and other dictionaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.counts import counted, listed
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.knowledge.entity_names import without_qualifier
from loreweave.corpus.mentions.boundaries import split_words
from loreweave.corpus.mentions.dictionary import MentionDictionary, NameCounts
from loreweave.corpus.mentions.normalisation import Normalisation
from loreweave.errors import ConfigurationError, DataError

SKIPPED_PREFIXES = ("Category:",)
"""Prefixes of titles of pages that are not entities."""


@dataclass(frozen=True)
class Limits:
    """What is left out of a dictionary.

    Attributes:
        min_links: minimum number of links from a name to an entity; names of graphs and titles are kept with fewer.
        min_link_probability: minimum part of the texts with a name that link it.
        max_candidates: maximum number of entities per name: those with the most links.
        max_words: maximum number of words of a name.
    """

    min_links: int = 1
    min_link_probability: float = 0.0
    max_candidates: int = 100
    max_words: int = 20


@dataclass
class MentionCounter:
    """Counts names: first their links (`add_...`), then the texts that contain them (`count_texts`).

    Attributes:
        normalisation: what is done to names.
        limits: what is left out.
        redirects: title -> the title that it redirects to; targets of links are replaced.
        page_redirects: title -> the title of the page that it redirects to.
        keep_pages: whether the links of each page are kept.
        counts: what was read and left out, by name.
    """

    normalisation: Normalisation = field(default_factory=Normalisation)
    limits: Limits = field(default_factory=Limits)
    redirects: Mapping[str, str] = field(default_factory=dict)
    page_redirects: Mapping[str, str] = field(default_factory=dict)
    keep_pages: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Begin with no names."""
        self._names: dict[str, NameCounts] = {}
        self._given: set[tuple[str, str]] = set()
        """Names of graphs and titles, with their entity."""
        self._pages: dict[str, list[tuple[str, str]]] = {}
        self._spellings: dict[str, str] = {}

    def add_links(self, texts: Iterable[AnnotatedText], *, titles: bool = False, language: str | None = None) -> None:
        """Add the links of texts.

        Args:
            texts: annotated texts.
            titles: whether the title of each text is also a name of its entity, without the part in brackets.
            language: language of the texts to read. Default: all, which must have one.

        Raises:
            DataError: the texts have several languages.
        """
        languages: set[str | None] = set()
        for text in texts:
            if language not in (None, text.language):
                self.counts["texts_of_other_languages"] += 1
                continue
            languages.add(text.language)
            if len(languages) > 1:
                found = listed(sorted("none" if name is None else name for name in languages))
                raise DataError(f"found texts with the languages {found}, expected one; --language NAME selects one")
            self.counts["texts"] += 1
            self._add_text(text)
            if titles:
                self._add_given(without_qualifier(_spaced(text.title)), text.title, "names_from_titles")

    def add_graph(self, graph: KnowledgeGraph, *, ids: bool = False) -> None:
        """Add the labels and aliases of a graph's entities: they make candidates, but count as no link and as no text.

        An entity is called by the title of its article, written as the links write it, or by its id.

        Args:
            graph: the graph.
            ids: whether entities are always called by their id.
        """
        for entity in graph.entities:
            name = entity.title if entity.title and not ids else entity.id
            name = self._spellings.get(_spaced(name), name)
            self.counts["graph_entities"] += 1
            names = dict.fromkeys(filter(None, map(self.normalisation.name, (entity.label, *entity.aliases))))
            self.counts["graph_entities_without_name"] += not names
            for each in names:
                self._add_given(each, name, "names_from_graph", links=0)

    def add_dictionary(self, dictionary: MentionDictionary) -> None:
        """Add the counts, redirects and pages of another dictionary.

        Raises:
            ConfigurationError: its normalisation is another one.
        """
        if dictionary.normalisation != self.normalisation:
            ours, theirs = self.normalisation.to_dict(), dictionary.normalisation.to_dict()
            differs = ", ".join(f"{name} {theirs[name]} and {ours[name]}" for name in ours if ours[name] != theirs[name])
            raise ConfigurationError(f"{dictionary.folder}: its names are normalised in another way ({differs})")
        self.counts["dictionaries"] += 1
        for name, found in dictionary.counts():
            total = self._names.setdefault(name, NameCounts())
            for entity, links in found.entities.items():
                total.entities[entity] = total.entities.get(entity, 0) + links
                if links == 0:  # the name of a graph's entity
                    self._given.add((name, entity))
                self._spellings.setdefault(_spaced(entity), entity)
            total.links += found.links
            total.texts_linking += found.texts_linking
            total.texts += found.texts
        self.redirects = {**dict(dictionary.redirects()), **self.redirects}
        self.page_redirects = {**dict(dictionary.page_redirects()), **self.page_redirects}
        for title, page in dictionary.pages():
            self._pages.setdefault(title, []).extend((link.name, link.entity) for link in page)

    def count_texts(self, texts: Iterable[AnnotatedText], *, language: str | None = None) -> None:
        """Count the texts that contain each name, linked or not: the same texts as for `add_links`, in the same language.

        Raises:
            DataError: there are more or fewer texts.
        """
        finder = MentionDictionary.from_counts({name: NameCounts() for name in self._names}, self.normalisation)
        number = 0
        for text in texts:
            if language not in (None, text.language):
                continue
            number += 1
            linked = {self.normalisation.name(text.surface(mention)) for mention in text.mentions if mention.entity is not None}
            # A link may be inside a word, where names are not searched.
            for name in finder.names_in(text.text) | (linked & self._names.keys()):
                self._names[name].texts += 1
        if self.counts["texts"] not in (0, number):
            found = f"{counted(number, 'text')} at the second reading and {self.counts['texts']:,} at the first"
            raise DataError(f"found {found}, expected equal numbers; a pipe cannot be read twice, so store the texts in a file")

    def dictionary(self) -> MentionDictionary:
        """The dictionary of all that was added.

        Raises:
            DataError: no name is left.
        """
        kept = {name: found for name, counts in self._names.items() if (found := self._kept(name, counts)) is not None}
        if not kept:
            without = self.counts["mentions_without_link"]
            also = f" ({counted(without, 'mention has', 'mentions have')} none)" if without else ""
            raise DataError(f"found no name with a linked entity{also}, so there is no dictionary to build")
        linked = {entity for counts in kept.values() for entity in counts.entities}
        self.counts.update(names=len(kept), entities=len(linked), candidates=sum(len(row.entities) for row in kept.values()))
        self.counts["page_links"] = sum(map(len, self._pages.values()))
        return MentionDictionary.from_counts(
            kept,
            self.normalisation,
            redirects=self.redirects,
            pages=self._pages,
            page_redirects=self.page_redirects,
        )

    def _add_text(self, text: AnnotatedText) -> None:
        linked = set()
        for mention in text.mentions:
            if mention.entity is None:
                self.counts["mentions_without_link"] += 1
                continue
            entity = self.redirects.get(mention.entity, mention.entity)
            self.counts["links"] += 1
            self.counts["links_redirected"] += entity != mention.entity
            name = self.normalisation.name(text.surface(mention))
            if entity.startswith(SKIPPED_PREFIXES):
                self.counts["links_skipped_by_prefix"] += 1
            elif not name:
                self.counts["links_without_name"] += 1
            elif len(split_words(name)[0]) > self.limits.max_words:
                self.counts["links_with_long_name"] += 1
            else:
                self._add_link(name, entity)
                linked.add(name)
                if self.keep_pages:
                    self._pages.setdefault(text.title, []).append((text.surface(mention), entity))
        for name in linked:
            self._names[name].texts_linking += 1

    def _add_link(self, name: str, entity: str, links: int = 1) -> None:
        counts = self._names.setdefault(name, NameCounts())
        counts.entities[entity] = counts.entities.get(entity, 0) + links
        counts.links += links
        self._spellings.setdefault(_spaced(entity), entity)

    def _add_given(self, written: str, entity: str, what: str, links: int = 1) -> None:
        """Add a name that is given with its entity, once: it counts as a number of links (0 or 1), in a text of its own."""
        name = self.normalisation.name(written)
        if not name or (name, entity) in self._given:
            return
        if len(split_words(name)[0]) > self.limits.max_words:
            self.counts[f"{what}_too_long"] += 1
            return
        self._given.add((name, entity))
        self._add_link(name, entity, links)
        self._names[name].texts_linking += links
        self._names[name].texts += links
        self.counts[what] += 1

    def _kept(self, name: str, counts: NameCounts) -> NameCounts | None:
        """The counts of a name without what the limits leave out; None if they leave nothing."""
        limits = self.limits
        if counts.texts and counts.texts_linking / counts.texts < limits.min_link_probability:
            self.counts["names_below_min_link_probability"] += 1
            return None
        enough = {
            entity: links
            for entity, links in counts.entities.items()
            if links >= limits.min_links or (name, entity) in self._given
        }
        self.counts["candidates_below_min_links"] += len(counts.entities) - len(enough)
        order = sorted(enough, key=lambda entity: (-enough[entity], entity))
        self.counts["candidates_over_max_candidates"] += len(order[limits.max_candidates :])
        if not order:
            self.counts["names_without_candidate"] += 1
            return None
        entities = {entity: enough[entity] for entity in order[: limits.max_candidates]}
        return NameCounts(entities, counts.texts_linking, counts.texts, counts.links)


def _spaced(title: str) -> str:
    """A title with spaces, to compare titles that are written with spaces and with underscores."""
    return title.replace("_", " ")

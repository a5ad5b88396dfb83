"""NER and relation examples from the pages: sentences with the names that the graph contains.

A name is a link, or any other occurrence of a title of the graph or of words that only ever link to one entity. Its class is
the coarsest type of the entity in the graph. Two names of a sentence have the relation of their first fact in the graph
(distant supervision: the sentence need not state it), or none.

`python -m loreweave.miniworld.sentence_examples` rewrites `data/ner` and `data/relations` after changes of pages or
graph.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import permutations
from typing import Any

from loreweave.build.sentences import split_sentences
from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.bundled_data import ner_files, relation_files
from loreweave.corpus.files.reading import read_json_lines
from loreweave.corpus.files.writing import write_json_lines
from loreweave.miniworld.typing_examples import SPLITS, entity_types
from loreweave.miniworld.world import load_graph_paths, load_pages

NER_TYPES = ("person", "place", "organisation", "work", "language", "celestial body")
NO_RELATION = "no_relation"
LEAST_PAIRS = 12
"""Minimum number of examples of a relation; rarer relations are left out."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Name:
    """Characters of a sentence that name an entity."""

    start: int
    end: int
    entity: str


@dataclass(frozen=True)
class NamedSentence:
    """A sentence of a page with its names, in order."""

    page: str
    text: str
    names: tuple[Name, ...]


def graph_facts() -> dict[tuple[str, str], str]:
    """(title of the head, title of the tail) -> name of their first relation."""
    paths = load_graph_paths()
    titles = {row["id"]: row["label"] for _, row in read_json_lines(paths.entities)}
    relations = {row["id"]: row["label"] for _, row in read_json_lines(paths.relations)}
    facts: dict[tuple[str, str], str] = {}
    for path in (paths.train, paths.valid, paths.test):
        for line in path.read_text(encoding="utf-8").splitlines():
            head, relation, tail = line.split("\t")
            facts.setdefault((titles[head], titles[tail]), relations[relation])
    return facts


def named_sentences(pages: Sequence[AnnotatedText], titles: Iterable[str]) -> list[NamedSentence]:
    """All sentences of the pages; of overlapping names the longest is used."""
    entity_of = _surfaces(pages, titles)
    longest_first = sorted(entity_of, key=len, reverse=True)
    never = "(?!)"
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first)) or never})\b")
    found = []
    for page in pages:
        links = {(mention.start, mention.end): str(mention.entity) for mention in page.mentions}
        for first, last in split_sentences(page.text, "en", list(links)):
            inside = {span: entity for span, entity in links.items() if first <= span[0] and span[1] <= last}
            for match in pattern.finditer(page.text, first, last):
                if not any(match.start() < end and start < match.end() for start, end in inside):
                    inside[match.span()] = entity_of[match.group()]
            names = tuple(Name(start - first, end - first, inside[start, end]) for start, end in sorted(inside))
            found.append(NamedSentence(page.id, page.text[first:last], names))
    return found


def _surfaces(pages: Sequence[AnnotatedText], titles: Iterable[str]) -> dict[str, str]:
    """Capitalised words that stand for one entity -> its title."""
    meant: defaultdict[str, set[str]] = defaultdict(set)
    for title in titles:
        meant[title].add(title)
    for page in pages:
        for mention in page.mentions:
            meant[page.text[mention.start : mention.end]].add(str(mention.entity))
    return {words: min(entities) for words, entities in meant.items() if len(entities) == 1 and words[0].isupper()}


def ner_records(sentences: Sequence[NamedSentence], types: Mapping[str, Sequence[str]]) -> dict[str, list[Record]]:
    """Records of each split: `id`, `text`, `mentions` [{start, end, label}]."""
    records: dict[str, list[Record]] = {split: [] for split in ("train", "dev", "test")}
    for number, sentence in enumerate(sentences):
        named = [(name, types[name.entity][0]) for name in sentence.names if sentence.text[name.start].isupper()]
        mentions = [{"start": name.start, "end": name.end, "label": label} for name, label in named if label in NER_TYPES]
        records[_split(sentence.page)].append({"id": str(number), "text": sentence.text, "mentions": mentions})
    return records


def relation_records(sentences: Sequence[NamedSentence], facts: Mapping[tuple[str, str], str]) -> dict[str, list[Record]]:
    """Records of each split: `text`, `head` and `tail` {start, end}, `label`; half of them have a relation."""
    labelled, others = [], []
    for sentence in sentences:
        for head, tail in permutations(sentence.names, 2):
            pair = (head.entity, tail.entity)
            if pair in facts:
                labelled.append((sentence, head, tail, facts[pair]))
            elif pair[::-1] not in facts and head.entity != tail.entity:
                others.append((sentence, head, tail, NO_RELATION))
    pairs_of = Counter(label for *_, label in labelled)
    labelled = [each for each in labelled if pairs_of[each[-1]] >= LEAST_PAIRS]
    others.sort(key=lambda each: _hash(f"{each[0].text} {each[1].start} {each[2].start}"))
    records: dict[str, list[Record]] = {split: [] for split in ("train", "dev", "test")}
    for sentence, head, tail, label in [*labelled, *others[: len(labelled)]]:
        spans = {side: {"start": name.start, "end": name.end} for side, name in (("head", head), ("tail", tail))}
        records[_split(sentence.page)].append({"text": sentence.text, **spans, "label": label})
    return records


def _split(page: str) -> str:
    return SPLITS[int(_hash(page), 16) % len(SPLITS)]


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def main() -> None:
    """Write the files of `ner_files()` and `relation_files()`."""
    types = entity_types()
    sentences = named_sentences(load_pages(), list(types))
    made = {ner_files(): ner_records(sentences, types), relation_files(): relation_records(sentences, graph_facts())}
    for folder, records in made.items():
        folder.mkdir(exist_ok=True)
        for split, rows in records.items():
            write_json_lines(folder / f"{split}.jsonl", rows)


if __name__ == "__main__":
    main()

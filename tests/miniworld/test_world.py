"""The mini-world's pages and graph: whole, linked, and without leaks between the splits."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.bundled_data import DATA
from loreweave.errors import DataError
from loreweave.miniworld import GraphPaths, load_graph_paths, load_pages
from loreweave.miniworld.world import parse_links, read_pages

Triple = tuple[str, str, str]
PLAIN = st.text(st.characters(blacklist_characters="[]|", blacklist_categories=["Cs"]))
NAME = PLAIN.filter(bool).filter(lambda name: bool(name.strip()))  # an entity's title has characters


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def triples(path: Path) -> list[Triple]:
    lines = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return [(head, relation, tail) for head, relation, tail in lines]


@pytest.fixture(scope="module")
def graph() -> GraphPaths:
    return load_graph_paths()


@pytest.fixture(scope="module")
def splits(graph: GraphPaths) -> dict[str, list[Triple]]:
    return {name: triples(getattr(graph, name)) for name in ("train", "valid", "test")}


def test_there_are_enough_short_linked_pages() -> None:
    pages = load_pages()
    assert len(pages) >= 110
    assert len({page.id for page in pages}) == len(pages)
    for page in pages:
        assert 55 <= len(page.text.split()) <= 125, page.id
        assert 3 <= len(re.findall(r"[.?!](?:\s|$)", page.text)) <= 14, page.id
        assert len(page.mentions) >= 3, page.id


def test_every_link_leads_to_an_entity_of_the_graph(graph: GraphPaths) -> None:
    labels = {row["label"] for row in rows(graph.entities)}
    for page in load_pages():
        assert page.id in labels
        for mention in page.mentions:
            assert mention.entity in labels, f"{page.id}: {mention.entity}"
            surface = page.surface(mention)
            assert surface == surface.strip() and surface and "[" not in surface, page.id


def test_surfaces_differ_from_titles_now_and_then() -> None:
    links = [(page.surface(mention), mention.entity) for page in load_pages() for mention in page.mentions]
    assert sum(surface != entity for surface, entity in links) > 150
    assert sum(surface == entity for surface, entity in links) > 150


def test_entities_and_relations_are_well_formed(graph: GraphPaths) -> None:
    entities, relations = rows(graph.entities), rows(graph.relations)
    for kind, letter in ((entities, "Q"), (relations, "P")):
        ids, labels = [str(row["id"]) for row in kind], [row["label"] for row in kind]
        assert all(re.fullmatch(rf"{letter}[1-9]\d*", id) for id in ids)
        assert len(set(ids)) == len(ids) and len(set(labels)) == len(labels)
    for row in entities:
        assert set(row) == {"id", "label", "description", "aliases", "types"}
        assert row["label"] and row["description"] and row["types"]
        assert isinstance(row["aliases"], list) and row["label"] not in row["aliases"]


def test_ids_are_those_of_wikidata(graph: GraphPaths, shared_data: Path) -> None:
    """Each id that FB15k-237 knows has a label there which is this entity's (see `plain`)."""
    known: dict[str, set[str]] = {}
    with gzip.open(shared_data / "kg_fb15k237" / "entity2wikidata.json.gz", "rt", encoding="utf-8") as file:
        for row in json.load(file).values():
            names = [row["label"] or "", *(row["alternatives"] or [])]
            known.setdefault(row["wikidata_id"], set()).update(plain(name) for name in names)
    compared = [row for row in rows(graph.entities) if row["id"] in known]
    assert len(compared) > 500
    for row in compared:
        aliases = row["aliases"]
        assert isinstance(aliases, list)
        assert known[str(row["id"])] & {plain(str(name)) for name in (row["label"], *aliases)}, row


def plain(name: str) -> str:
    """A name without case, accents, marks, what stands in brackets, and the article and `language` around it."""
    decomposed = unicodedata.normalize("NFKD", re.sub(r"\(.*?\)", "", name).lower())
    words = " ".join(re.findall(r"[a-z0-9]+", re.sub(r"[\u0300-\u036f]", "", decomposed)))
    return words.removeprefix("the ").removesuffix(" language")


def test_namesakes_are_told_apart(graph: GraphPaths) -> None:
    """Homer the poet is not Homer Simpson (Q7810); Jupiter and Saturn have not changed places."""
    ids = {row["label"]: row["id"] for row in rows(graph.entities)}
    assert (ids["Homer"], ids["Jupiter"], ids["Saturn"]) == ("Q6691", "Q319", "Q193")


def test_facts_are_many_unique_and_between_known_entities(graph: GraphPaths, splits: dict[str, list[Triple]]) -> None:
    facts = [fact for split in splits.values() for fact in split]
    entities = {row["id"] for row in rows(graph.entities)}
    relations = {row["id"] for row in rows(graph.relations)}
    assert len(facts) >= 1000
    assert len(set(facts)) == len(facts)
    assert {end for head, _, tail in facts for end in (head, tail)} == entities
    assert {relation for _, relation, _ in facts} == relations
    assert all(head != tail for head, _, tail in facts)


def test_no_split_gives_away_another(splits: dict[str, list[Triple]]) -> None:
    pairs = {name: {frozenset((head, tail)) for head, _, tail in facts} for name, facts in splits.items()}
    assert not pairs["train"] & pairs["test"] and not pairs["train"] & pairs["valid"]
    assert not pairs["valid"] & pairs["test"]
    trained = {item for fact in splits["train"] for item in fact}
    assert all(set(fact) <= trained for name in ("valid", "test") for fact in splits[name])


def test_borders_have_two_sides_and_capitals_lie_in_their_country(splits: dict[str, list[Triple]]) -> None:
    facts = {fact for split in splits.values() for fact in split}
    for head, relation, tail in facts:
        if relation in ("P47", "P26"):  # shares border with, spouse
            assert (tail, relation, head) in facts
        if relation == "P36":
            assert (tail, "P17", head) in facts


def test_the_data_is_small() -> None:
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 1_000_000


@given(st.lists(st.tuples(PLAIN, NAME, NAME)), PLAIN)
def test_links_are_cut_out_exactly(parts: list[tuple[str, str, str]], end: str) -> None:
    source = "".join(f"{before}[[{title}|{surface}]]" for before, title, surface in parts) + end
    text, mentions = parse_links(source)
    assert text == "".join(before + surface for before, _, surface in parts) + end
    assert [(text[m.start : m.end], m.entity) for m in mentions] == [(surface, title) for _, title, surface in parts]


def test_a_file_of_pages_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pages.txt"
    path.write_text("== A ==\nOne [[B]]\ntwo.\n\nThree.\n\n== B ==\nFour.\n", encoding="utf-8")
    first, second = read_pages(path)
    assert (first.id, first.text, second.id) == ("A", "One B two.\nThree.", "B")
    assert [(first.surface(m), m.entity) for m in first.mentions] == [("B", "B")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Text.\n== A ==\nMore.\n", "before the first"),
        ("== A ==\n\n== B ==\nText.\n", "line 1: found no text on the page 'A'"),
        ("== A ==\nText.\n== B ==\nA [[link.\n", "line 3: found a broken link on the page 'B'"),
    ],
)
def test_a_wrong_file_is_an_error(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "pages.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(message)):
        list(read_pages(path))

"""NER and relation examples: they follow from pages and graph, and the tasks read them."""

from __future__ import annotations

import json

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.bundled_data import ner_files, relation_files
from loreweave.miniworld import load_pages
from loreweave.miniworld.sentence_examples import (
    LEAST_PAIRS,
    NER_TYPES,
    NO_RELATION,
    Name,
    NamedSentence,
    graph_facts,
    named_sentences,
    ner_records,
    relation_records,
)
from loreweave.miniworld.typing_examples import entity_types
from loreweave.miniworld.world import parse_links
from loreweave.tasks.ner.reader import read as read_ner
from loreweave.tasks.relation_classification.reader import read as read_relations

SPLITS = ("train", "dev", "test")


def test_the_files_are_what_the_pages_and_the_graph_give() -> None:
    types = entity_types()
    sentences = named_sentences(load_pages(), list(types))
    made = {ner_files(): ner_records(sentences, types), relation_files(): relation_records(sentences, graph_facts())}
    for folder, records in made.items():
        for split in SPLITS:
            lines = (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
            assert [json.loads(line) for line in lines] == records[split]


def test_the_tasks_read_them() -> None:
    ner = {split: read_ner(ner_files() / f"{split}.jsonl") for split in SPLITS}
    relations = {split: read_relations(relation_files() / f"{split}.jsonl") for split in SPLITS}
    assert sum(len(found.records) for found in ner.values()) > 1000
    assert not any(found.skipped for found in (*ner.values(), *relations.values()))
    labels = {split: {record.label for record in found.records} for split, found in relations.items()}
    assert labels["dev"] | labels["test"] <= labels["train"] and NO_RELATION in labels["test"]


def test_names_of_a_page_by_hand() -> None:
    text, mentions = parse_links("[[Ada Lovelace|Lovelace]] met Ada. Bern is on the [[river]]; Lovelace saw New Bern and bern.")
    page = AnnotatedText("Page", text, tuple(mentions))
    first, second = named_sentences([page], ["Bern", "New Bern", "Ada Lovelace", "river"])
    assert [(first.text[name.start : name.end], name.entity) for name in first.names] == [("Lovelace", "Ada Lovelace")]
    assert [second.text[name.start : name.end] for name in second.names] == ["Bern", "river", "Lovelace", "New Bern"]


def test_words_that_link_to_two_entities_are_no_name_elsewhere() -> None:
    text, mentions = parse_links("[[Paris (city)|Paris]] and [[Paris (myth)|Paris]]. Here is Paris.")
    page = AnnotatedText("Page", text, tuple(mentions))
    first, second = named_sentences([page], [])
    assert [name.entity for name in first.names] == ["Paris (city)", "Paris (myth)"] and second.names == ()


def test_ner_takes_capitalised_names_of_its_types() -> None:
    sentence = NamedSentence("Page", "Ann saw bern and Gold", (Name(0, 3, "Ann"), Name(8, 12, "Bern"), Name(17, 21, "gold")))
    types = {"Ann": ["person", "poet"], "Bern": ["place"], "gold": ["chemical element"]}
    ((record,),) = (rows for rows in ner_records([sentence], types).values() if rows)
    assert record["mentions"] == [{"start": 0, "end": 3, "label": "person"}] and "chemical element" not in NER_TYPES


def test_pairs_get_the_fact_of_the_graph_in_its_direction() -> None:
    pages = [f"Page {number}" for number in range(LEAST_PAIRS)]
    names = (Name(0, 3, "Ann"), Name(7, 11, "Bern"), Name(16, 20, "Oslo"))
    sentences = [NamedSentence(page, "Ann in Bern and Oslo", names) for page in pages]
    facts = {("Ann", "Bern"): "place of birth"}
    records = [record for rows in relation_records(sentences, facts).values() for record in rows]
    related = [record for record in records if record["label"] == "place of birth"]
    assert len(related) == LEAST_PAIRS and len(records) == 2 * LEAST_PAIRS, "as many without a relation"
    assert {(r["head"]["start"], r["tail"]["start"]) for r in related} == {(0, 7)}
    unrelated = {(r["head"]["start"], r["tail"]["start"]) for r in records if r["label"] == NO_RELATION}
    assert (7, 0) not in unrelated, "the other direction of a fact says nothing"
    assert not any(relation_records(sentences[1:], facts).values()), "a rare relation is left out, and so are others"

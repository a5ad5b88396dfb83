"""Labels from ids that are words, and none from codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from graph_files import Build, write

from loreweave.corpus.graphs.id_labels import with_labels_of_ids, words_of_id
from loreweave.corpus.graphs.triple_files import triples


@pytest.mark.parametrize(
    ("id", "label", "type"),
    [
        ("concept:person:mao_zedong", "mao zedong", "person"),
        ("concept_city_new_york", "new york", "city"),
        ("dbr:Marie_Curie", "Marie Curie", ""),
        ("<Marie_Curie>", "Marie Curie", ""),
        ("/c/en/new_york", "new york", ""),
        ("/c/en/dog/n", "dog", ""),
        ("wd:Q42", "", ""),
        ("Marie_Curie", "Marie Curie", ""),
        ("http://dbpedia.org/resource/Marie_Curie", "Marie Curie", ""),
        ("<http://example.org/onto#S%C3%A3o_Paulo>", "São Paulo", ""),
        ("Curie, Marie", "Curie, Marie", ""),
        ("北京", "北京", ""),
        ("Q42", "", ""),
        ("/m/07ssc", "", ""),
        ("08860123", "", ""),
        ("E160", "", ""),
        ("http://www.wikidata.org/entity/Q42", "", ""),
    ],
)
def test_entities(id: str, label: str, type: str) -> None:
    assert words_of_id(id, entity=True) == (label, type)


@pytest.mark.parametrize(
    ("id", "label"),
    [
        ("concept:athleteplaysforteam", "athleteplaysforteam"),
        ("/people/person/place_of_birth", "people person place of birth"),
        ("_derivationally_related_form", "derivationally related form"),
        ("isLocatedIn", "is located in"),
        ("http://dbpedia.org/ontology/birthPlace", "birth place"),
        ("dbo:birthPlace", "birth place"),
        ("/r/IsA", "is a"),
        ("<hasChild>", "has child"),
        ("wdt:P17", ""),
        ("P17", ""),
    ],
)
def test_relations(id: str, label: str) -> None:
    assert words_of_id(id, entity=False) == (label, "")


def test_labels_of_a_graph(build: Build, tmp_path: Path) -> None:
    """What has a label keeps it; what is made and what is not is counted."""
    files = write(
        tmp_path / "files",
        {"train.tsv": "concept:person:mao_zedong\tconcept:bornIn\tQ1\nQ2\tconcept:bornIn\tQ1\n", "names.tsv": "Q1\tShaoshan\n"},
    )
    graph = build(with_labels_of_ids(triples(files, names=files / "names.tsv")))
    found = {entity.id: (entity.label, entity.types) for entity in graph.entities}
    assert found == {"Q1": ("Shaoshan", ()), "concept:person:mao_zedong": ("mao zedong", ("person",)), "Q2": ("", ())}
    assert graph.relations[0].label == "born in"
    assert graph.manifest["changed"] == {
        "labels made from ids of entities": 1,
        "ids of entities that are not words and give no label": 1,
        "labels made from ids of relations": 1,
    }

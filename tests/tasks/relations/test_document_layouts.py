"""Documents of DocRED and of our own: what is kept, what is counted, what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.tokens import BLANK_EDGES
from loreweave.errors import DataError
from loreweave.tasks.relations.document import RelationDocument, named_facts, pair_records
from loreweave.tasks.relations.document_layouts import TOO_FEW, TWICE, UNSEEN, docred, documents, is_document
from loreweave.tasks.relations.record import RelationRecord
from loreweave.tasks.relations.spans import OTHER_NAME

SENTENCES = [
    ["Zeltron", "was", "founded", "by", "Mia", "Brandt", "in", "Oslo", "."],
    ["Brandt", "left", "Zeltron", "for", "Quarvo", "."],
]
ENTITIES: list[Any] = [
    [{"name": "Zeltron", "sent_id": 0, "pos": [0, 1], "type": "ORG"}, {"name": "Zeltron", "sent_id": 1, "pos": [2, 3]}],
    [{"name": "Brandt", "sent_id": 1, "pos": [0, 1], "type": "PER"}, {"name": "Mia Brandt", "sent_id": 0, "pos": [4, 6]}],
    [{"name": "Oslo", "sent_id": 0, "pos": [7, 8]}],
    [{"name": "Quarvo", "sent_id": 1, "pos": [4, 5]}],
]
ROW: dict[str, Any] = {"title": "Zeltron", "sents": SENTENCES, "vertexSet": ENTITIES}


def fact(head: int, tail: int, label: str) -> dict[str, Any]:
    return {"h": head, "t": tail, "r": label, "evidence": [0]}


def read(**changes: Any) -> tuple[RelationDocument, dict[str, int]]:
    """The one document of a row, and what is counted."""
    account: list[str] = []
    found: list[RelationDocument] = []
    for item in docred(ROW | changes, "0"):
        if isinstance(item, LeftOut):
            account.append(item.reason)
        else:
            found.append(item)
    (document,) = found
    return document, {reason: account.count(reason) for reason in account}


def test_labels_as_an_object_of_lists() -> None:
    """So Hugging Face's copy of DocRED has them."""
    labels = {"head": [0, 1], "tail": [2, 3], "relation_id": ["P159", "P108"], "relation_text": ["seat", "employer"]}
    document, account = read(labels=labels | {"evidence": [[0], []]})
    assert [tuple(each) for each in document.facts or ()] == [(0, 2, "P159"), (1, 3, "P108")] and not account
    with pytest.raises(DataError, match="field 'labels': found lists of 1, 2, 2 values, expected as many"):
        read(labels=labels | {"head": [0]})
    with pytest.raises(DataError, match="field 'head': found null, expected an integer"):
        read(labels=labels | {"head": [0, None]})


def test_entities_have_all_their_mentions_and_pairs_all_their_relations() -> None:
    labels = [fact(0, 2, "P159"), fact(1, 3, "P108"), fact(0, 2, "P159"), fact(1, 3, "P1830")]
    document, account = read(labels=labels)
    surfaces = [[document.text[slice(*span)] for span in entity.mentions] for entity in document.entities]
    assert surfaces == [["Zeltron", "Zeltron"], ["Brandt", "Mia Brandt"], ["Oslo"], ["Quarvo"]]
    assert [entity.type for entity in document.entities] == ["ORG", "PER", None, None]
    assert [tuple(each) for each in document.facts or ()] == [(0, 2, "P159"), (1, 3, "P108"), (1, 3, "P1830")]
    assert account == {TWICE: 1} and len(document.pairs) == 12 and (2, 0) in document.pairs
    assert named_facts([document]) == {
        ("Zeltron", "P159", "Oslo"), ("Brandt", "P108", "Quarvo"), ("Mia Brandt", "P108", "Quarvo"),
        ("Brandt", "P1830", "Quarvo"), ("Mia Brandt", "P1830", "Quarvo"),
    }  # fmt: skip


def test_hidden_relations_are_not_no_relations() -> None:
    assert read()[0].facts is None and read(labels=None)[0].facts is None
    assert read(labels=[])[0].facts == ()


def test_two_entities_may_share_a_mention() -> None:
    document, account = read(vertexSet=[*ENTITIES, ENTITIES[2]], labels=[fact(2, 4, "P1")])
    assert len(document.pairs) == 20 and (2, 4) in document.pairs and account == {}


def test_an_entity_without_a_mention_keeps_its_number() -> None:
    labels = [fact(0, 2, "P1"), fact(1, 3, "P2"), fact(1, 1, "P3")]
    document, account = read(vertexSet=[*ENTITIES[:2], [], ENTITIES[3]], labels=labels)
    assert [tuple(each) for each in document.facts or ()] == [(0, 2, "P1"), (1, 3, "P2"), (1, 1, "P3")]
    assert account == {UNSEEN: 2} and len(document.pairs) == 6


def test_labels_of_no_relation_are_no_facts() -> None:
    document, account = read(labels=[fact(0, 2, "NA"), fact(0, 1, "P1")])
    assert [tuple(each) for each in document.facts or ()] == [(0, 1, "P1")]
    assert account == {"pairs of no relation (NA), which are those without any": 1}


def test_blank_tokens_and_other_names_are_counted() -> None:
    sentences = [["Zeltron", "", *SENTENCES[0][2:]], ["Brandt", "\N{NO-BREAK SPACE}", *SENTENCES[1][2:]]]
    entities = [[{"name": "Zeltron", "sent_id": 0, "pos": [0, 2]}], [{"name": "Oslos", "sent_id": 0, "pos": [7, 8]}]]
    document, account = read(sents=sentences, vertexSet=entities, labels=[])
    assert [document.text[slice(*entity.mentions[0])] for entity in document.entities] == ["Zeltron", "Oslo"]
    assert account == {BLANK_EDGES: 1, OTHER_NAME: 1} and document.entities[1].names == ("Oslos",)


@pytest.mark.parametrize(
    ("mention", "message"),
    [
        ({"name": "Oslo", "sent_id": 0, "pos": [8, 8]}, "field 'vertexSet\\[2\\]\\[0\\]': found the tokens 8 to 8"),
        ({"name": "Oslo", "sent_id": 0, "pos": [7, 99]}, "found the tokens 7 to 99"),
        ({"name": "Oslo", "sent_id": 5, "pos": [0, 1]}, "of sentence 5, which are not there"),
        ({"name": "Mia Brandt", "sent_id": 0, "pos": [4, 5]}, "'vertexSet\\[2\\]\\[0\\].name': .*the end is inclusive"),
        ({"name": "Oslo", "sent_id": 0, "pos": [7]}, "'vertexSet\\[2\\]\\[0\\].pos': found \\[7\\]"),
    ],
)
def test_a_bad_mention_is_named_and_left_out_alone(mention: dict[str, Any], message: str) -> None:
    items = list(docred(ROW | {"vertexSet": [*ENTITIES[:2], [mention, *ENTITIES[2]], ENTITIES[3]], "labels": []}, "0"))
    (document,) = [item for item in items if isinstance(item, RelationDocument)]
    (bad,) = [item for item in items if isinstance(item, LeftOut)]
    with pytest.raises(DataError, match=message):
        raise bad.error or AssertionError
    assert bad.reason == "bad mention" and len(document.entities[2].mentions) == 1


def test_a_document_needs_two_entities() -> None:
    items = list(docred(ROW | {"vertexSet": ENTITIES[:1], "labels": []}, "0"))
    assert [item.reason for item in items if isinstance(item, LeftOut)] == [TOO_FEW]


def test_our_own_layout() -> None:
    row = {
        "id": "7", "text": "Ann lives in Oslo. She works.", "relations": [{"head": 0, "tail": 1, "label": "P551"}],
        "entities": [
            {"mentions": [{"start": 0, "end": 3}, {"start": 19, "end": 22}]}, {"mentions": [{"start": 12, "end": 17}]},
        ],
    }  # fmt: skip
    assert is_document(row) and is_document(ROW) and not is_document({"text": "x", "head": {}})
    document, *account = documents(row, "0")
    assert isinstance(document, RelationDocument) and document.entities[0].names == ("Ann", "She")
    assert document.entities[1].mentions == ((13, 17),)
    assert [item.reason for item in account if isinstance(item, LeftOut)] == [BLANK_EDGES]
    asked, *_ = documents({name: value for name, value in row.items() if name != "relations"}, "0")
    assert isinstance(asked, RelationDocument)
    assert asked.facts is None and asked.id == "7"


def test_pairs_with_one_relation_as_texts_with_two_mentions() -> None:
    shared = [*ENTITIES, ENTITIES[2]]
    labels = [fact(0, 1, "P112"), fact(1, 3, "P1"), fact(1, 3, "P2"), fact(2, 4, "P3")]
    document, _ = read(vertexSet=shared, labels=labels)
    items = list(pair_records(document))
    (record,) = [item for item in items if isinstance(item, RelationRecord)]
    assert (record.id, record.label, record.surface(record.head), record.surface(record.tail)) == (
        "Zeltron:0-1", "P112", "Zeltron", "Brandt",
    )  # fmt: skip
    assert record.tail[0] > 40  # the two that are nearest to each other, of the second sentence
    reasons = [item.reason for item in items if isinstance(item, LeftOut)]
    assert reasons == ["pair with several relations", "pair without two mentions that differ"]

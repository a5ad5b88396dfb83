"""Documents to windows: where mentions are read, and that nothing depends on the batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from relation_documents import DOCUMENTS, LABELS, document

from loreweave.tasks.relation_classification.document_encoding import window_ranges
from loreweave.tasks.relation_classification.model import build
from loreweave.tasks.relation_classification.settings import RelationConfig
from loreweave.tasks.relations.document import Entity, RelationDocument
from loreweave.tasks.relations.record import RelationRecord
from loreweave.training.task_model import TaskModel


def made(encoder: Path, **settings: Any) -> TaskModel:
    found = build(str(encoder), LABELS, RelationConfig(multi_label=True, **settings))
    found.model.eval()
    return found


def margins(model: TaskModel, documents: list[Any]) -> list[torch.Tensor]:
    batch = model.encoding.collate(model.encoding.encode(documents))
    with torch.no_grad():
        return [torch.from_numpy(each) for each in model.encoding.unpack(model.model(**batch), batch)]


@given(st.integers(1, 200), st.integers(4, 60))
def test_windows_cover_all_words_and_overlap(words: int, room: int) -> None:
    ranges = list(window_ranges(words, room))
    assert ranges[0][0] == 0 and ranges[-1][1] == words and all(0 < end - start <= room for start, end in ranges)
    for (_, before), (after, _) in zip(ranges, ranges[1:], strict=False):
        assert before - after >= room // 4
    assert len(ranges) == 1 or words > room


@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
def test_a_document_does_not_depend_on_its_batch(encoder: str, request: pytest.FixtureRequest) -> None:
    model = made(request.getfixturevalue(encoder))
    together = margins(model, DOCUMENTS)
    assert [found.shape for found in together] == [(6, 3)] * 4
    for one, found in zip(DOCUMENTS, together, strict=True):
        torch.testing.assert_close(margins(model, [one])[0], found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
def test_every_mention_counts(encoder: str, request: pytest.FixtureRequest) -> None:
    model = made(request.getfixturevalue(encoder))
    whole = DOCUMENTS[0]
    first = Entity(whole.entities[1].mentions[:1], whole.entities[1].names)
    less = RelationDocument("0", whole.text, (whole.entities[0], first, whole.entities[2]))
    (found,), (other,) = margins(model, [whole]), margins(model, [less])
    assert not torch.allclose(found[0], other[0])  # the pair of the first person and the place


def test_targets_are_all_relations_of_a_pair(tiny_bert: Path) -> None:
    model = made(tiny_bert)
    first, *_ = model.encoding.encode(DOCUMENTS, LABELS)
    rows = dict(zip(first.pairs, first.targets.tolist(), strict=True))
    assert rows[0, 1] == [1, 0, 0] and rows[2, 1] == [0, 1, 1] and rows[1, 2] == [0, 0, 0]
    facts = model.encoding.facts  # type: ignore[attr-defined]
    assert ("Bob", "near", "Oslo") in facts and len(facts) == 12


@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
def test_long_documents_are_read_in_windows(encoder: str, request: pytest.FixtureRequest) -> None:
    long = document(0, "Ann", "Oslo", "Bob", "the river is long . " * 20)
    model = made(request.getfixturevalue(encoder), max_length=32)
    (example,) = model.encoding.encode([long])
    assert len(example.windows) == 2 and all(len(window.input_ids) <= 32 for window in example.windows)
    owners = [sorted(entity for entity, _, _ in window.mentions) for window in example.windows]
    assert owners == [[0, 1], [1, 2]]  # windows between, where nothing is read, are left out
    assert model.encoding.report() == "documents in several windows (1)"
    words = model.encoding.tokenizer.words.to_hugging_face()  # type: ignore[attr-defined]
    for window in example.windows:
        for entity, first, last in window.mentions:
            surface = words.convert_ids_to_tokens(window.input_ids[first : last + 1])
            assert surface == [long.entities[entity].names[0].lower()]
    assert margins(model, [long, DOCUMENTS[0]])[0].shape == (6, 3)


@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
@pytest.mark.parametrize(
    ("word", "length", "read", "cut"),
    [
        (8, 6, (1, 6), 0),
        (5, 9, (1, 6), 1),  # the words 5 to 13, of which the second window has 8 to 13 after its start token
        (7, 5, (1, 4), 1),
        (1, 12, (2, 10), 1),
        (3, 20, (1, 10), 1),
    ],
)
def test_a_mention_that_no_window_has_whole_is_cut_to_its_window(
    encoder: str, word: int, length: int, read: tuple[int, int], cut: int, request: pytest.FixtureRequest
) -> None:
    """Windows of the words 0 to 9, 8 to 17 and 14 to 23."""
    spans = [(4 * first, 4 * (first + words) - 1) for first, words in ((word, length), (23, 1))]
    entities = tuple(Entity((span,), (name,)) for span, name in zip(spans, ("a", "b"), strict=True))
    long = RelationDocument("0", " ".join(["the"] * 24), entities)
    model = made(request.getfixturevalue(encoder), max_length=12)  # ten words and two special tokens
    (example,) = model.encoding.encode([long])
    assert example.windows[0].mentions == [(0, *read)]
    assert ("mentions cut at the border of a window (1)" in model.encoding.report()) == cut
    assert margins(model, [long])[0].isfinite().all()


@pytest.mark.parametrize(
    ("encoder", "most", "counted"), [("tiny_luke", 3, 0), ("tiny_luke", 2, 1), ("tiny_luke", 1, 2), ("tiny_bert", 1, 0)]
)
def test_entities_that_lose_sub_words_are_counted(
    encoder: str, most: int, counted: int, request: pytest.FixtureRequest
) -> None:
    """The first entity has three sub-words in two mentions, the second two in one."""
    text = "Ann lives in Oslo . Bob works at a bank ."
    entities = (Entity(((0, 3), (20, 29)), ("Ann",)), Entity(((35, 41),), ("a bank",)))
    settings = {"max_mention_length": most} if encoder == "tiny_luke" else {}
    model = made(request.getfixturevalue(encoder), **settings)
    model.encoding.encode([RelationDocument("0", text, entities)])
    expected = f"entities of more than {most} sub-words in a window ({counted})" if counted else ""
    assert model.encoding.report() == expected


def test_two_entities_may_share_a_mention_and_one_may_have_none(tiny_bert: Path) -> None:
    one = DOCUMENTS[0]
    shared = RelationDocument("0", one.text, (*one.entities, one.entities[1], Entity((), ())))
    (found,) = margins(made(tiny_bert), [shared])
    assert found.shape == (12, 3) and found.isfinite().all()


@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
def test_a_text_with_two_mentions_is_a_document_with_one_pair(encoder: str, request: pytest.FixtureRequest) -> None:
    model = made(request.getfixturevalue(encoder))
    record = RelationRecord("0", "Ann lives in Oslo .", (0, 3), (13, 17))
    (found,) = margins(model, [record])
    assert found.shape == (1, 3)

"""Types of head and tail in the text, by hand: apart, nested, crossing, touching; names of types; records without types."""

from __future__ import annotations

import pytest

from loreweave.errors import DataError
from loreweave.tasks.relations.record import RelationRecord
from loreweave.tasks.relations.typed_markers import (
    markers_of,
    missing_type,
    name_of_type,
    starts_of_markers,
    with_names_of_types,
)

TEXT = "Ann Lee lives in Oslo ."


def record(head: tuple[int, int], tail: tuple[int, int], *types: str | None, text: str = TEXT) -> RelationRecord:
    return RelationRecord("7", text, head, tail, "lives", {}, *types)


def typed(made: RelationRecord) -> tuple[str, list[str]]:
    """The text, and the words of its head and its tail."""
    text, spans = with_names_of_types(made)
    return text, [text[start:end] for start, end in spans]


HEAD, TAIL = "* person * ", "^ big city ^ "


@pytest.mark.parametrize(
    ("head", "tail", "expected", "of_head", "of_tail"),
    [
        ((0, 7), (17, 21), "[H]Ann Lee lives in [T]Oslo .", "[H]Ann Lee", "[T]Oslo"),
        ((17, 21), (0, 7), "[T]Ann Lee lives in [H]Oslo .", "[H]Oslo", "[T]Ann Lee"),
        # one inside the other, at its beginning, in its middle and at its end
        ((0, 7), (0, 3), "[H][T]Ann Lee lives in Oslo .", "[H][T]Ann Lee", "[T]Ann"),
        ((0, 3), (0, 7), "[T][H]Ann Lee lives in Oslo .", "[H]Ann", "[T][H]Ann Lee"),
        ((0, 13), (4, 7), "[H]Ann [T]Lee lives in Oslo .", "[H]Ann [T]Lee lives", "[T]Lee"),
        ((4, 7), (0, 7), "[T]Ann [H]Lee lives in Oslo .", "[H]Lee", "[T]Ann [H]Lee"),
        # the tail begins in the head's words, or where the head ends
        ((0, 7), (4, 13), "[H]Ann [T]Lee lives in Oslo .", "[H]Ann [T]Lee", "[T]Lee lives"),
        ((0, 4), (4, 7), "[H]Ann [T]Lee lives in Oslo .", "[H]Ann ", "[T]Lee"),
    ],
)
def test_the_names_of_types_stand_before_the_mentions(
    head: tuple[int, int], tail: tuple[int, int], expected: str, of_head: str, of_tail: str
) -> None:
    text, mentions = typed(record(head, tail, "PERSON", "BIG_CITY"))
    assert [text, *mentions] == [each.replace("[H]", HEAD).replace("[T]", TAIL) for each in (expected, of_head, of_tail)]


def test_names_of_types_are_words() -> None:
    names = {"PERSON": "person", "STATE_OR_PROVINCE": "state or province", "creative-work": "creative-work", "_": "_"}
    assert {type: name_of_type(type) for type in names} == names


def test_a_record_without_a_type_is_named_with_the_way_out() -> None:
    assert missing_type(record((0, 3), (17, 21), "PER", "LOC")) is None
    for types, name, words in (((None, "LOC"), "head", "Ann"), (("PER", None), "tail", "Oslo"), ((), "head", "Ann")):
        made = record((0, 3), (17, 21), *types)
        with pytest.raises(DataError, match=f"record 7, field '{name}.type': found no type of the {name} '{words}'.*subj_type"):
            with_names_of_types(made)


def test_markers_of_types_and_the_rows_that_they_start_from() -> None:
    assert markers_of(0, "PER") == ("<S:PER>", "</S:PER>") and markers_of(1, "PER") == ("<O:PER>", "</O:PER>")
    assert starts_of_markers(["BIG_CITY"], ["@", "#"]) == {
        "<S:BIG_CITY>": "big city", "</S:BIG_CITY>": "@", "<O:BIG_CITY>": "big city", "</O:BIG_CITY>": "#",
    }  # fmt: skip
    assert starts_of_markers([], ["@", "#"]) == {}

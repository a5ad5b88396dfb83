"""Held-out parts and fractions of training records."""

from __future__ import annotations

import pytest

from loreweave.errors import DataError
from loreweave.tasks.entity_typing.reader import TypingRecord, labels_of
from loreweave.tasks.files.splits import NO_LABEL, hold_out, take_balanced, take_fraction

RECORDS = [TypingRecord(str(n), f"Ann {n // 2}", 0, 3, ("person",), {"doc": f"d{n // 7}"}) for n in range(100)]


def text_of(record: TypingRecord) -> str:
    return record.text


def test_documents_stay_whole() -> None:
    rest, part = hold_out(RECORDS, 0.1, "doc", seed=3, text_of=text_of)
    assert not {r.metadata["doc"] for r in rest} & {r.metadata["doc"] for r in part}
    assert 10 <= len(part) <= 16 and len(rest) + len(part) == 100
    assert [int(r.id) for r in rest] == sorted(int(r.id) for r in rest)


def test_the_split_is_a_function_of_the_seed() -> None:
    assert hold_out(RECORDS, 0.2, None, 1, text_of=text_of) == hold_out(RECORDS, 0.2, None, 1, text_of=text_of)
    assert hold_out(RECORDS, 0.2, None, 1, text_of=text_of) != hold_out(RECORDS, 0.2, None, 2, text_of=text_of)
    rest, part = hold_out(RECORDS, 0.2, None, 1, text_of=text_of)
    assert len(part) == 20 and not {r.text for r in rest} & {r.text for r in part}  # two mentions of a text stay together


def test_impossible_splits() -> None:
    with pytest.raises(DataError, match="'entity' to split by, but doc"):
        hold_out(RECORDS, 0.1, "entity", 0, text_of=text_of)
    unknown = TypingRecord("x", "Bo left", 0, 2, ("person",), {"doc": None, "source": "web"})
    with pytest.raises(DataError, match="record x: found no 'doc' to split by, but source"):
        hold_out([*RECORDS, unknown], 0.1, "doc", 0, text_of=text_of)
    with pytest.raises(DataError, match="1 group"):
        hold_out(RECORDS[:7], 0.1, "doc", 0, text_of=text_of)


@pytest.mark.parametrize(("fraction", "number"), [(0.07, 7), (0.14, 14), (0.075, 8), (0.29, 29)])
def test_a_dev_part_is_that_of_the_decimal_number(fraction: float, number: int) -> None:
    """0.07 x 100 is a little more than 7 in binary numbers."""
    records = [TypingRecord(str(n), f"Ann {n}", 0, 3, ("person",), {}) for n in range(100)]
    assert len(hold_out(records, fraction, None, 0, text_of=text_of)[1]) == number


def test_fractions_are_nested() -> None:
    small, large = ({r.id for r in take_fraction(RECORDS, part, seed=5)} for part in (0.1, 0.4))
    assert len(small) == 10 and len(large) == 40 and small < large
    assert take_fraction(RECORDS, 1.0, 5) == RECORDS
    assert len(take_fraction(RECORDS, 1e-6, 5)) == 1


@pytest.mark.parametrize(("fraction", "number", "taken"), [(0.7, 90, 63), (0.29, 100, 29), (2.3, 50, 115), (0.29, 99, 28)])
def test_a_fraction_is_that_of_the_decimal_number(fraction: float, number: int, taken: int) -> None:
    """0.7 x 90 is a little less than 63 in binary numbers."""
    assert len(take_fraction(RECORDS[:number], fraction, 5)) == taken


def test_more_than_all_is_drawn_with_replacement() -> None:
    drawn = take_fraction(RECORDS, 1.5, seed=5)
    assert len(drawn) == 150 and len({r.id for r in drawn}) < 100


def typed(count: int, *labels: str) -> list[TypingRecord]:
    return [TypingRecord(f"{'-'.join(labels)} {n}", "Ann", 0, 3, labels, {}) for n in range(count)]


# 60 persons, 12 places, 30 events; two of the persons are also events, whose rarer label is place or event
UNEVEN = [*typed(58, "person"), *typed(2, "event", "person"), *typed(12, "place"), *typed(28, "event")]


@pytest.mark.parametrize(
    ("ratio", "fraction", "taken"),
    [
        (1, 1.0, {"person": 12, "event": 12, "place": 12}),
        (2, 1.0, {"person": 24, "event": 24, "place": 12}),
        (2.5, 1.0, {"person": 30, "event": 30, "place": 12}),
        (100, 1.0, {"person": 58, "event": 30, "place": 12}),
        (1, 0.5, {"person": 6, "event": 6, "place": 6}),
        (2, 0.25, {"person": 6, "event": 6, "place": 3}),
        (1, 0.001, {"person": 1, "event": 1, "place": 1}),
        (1.15, 1.0, {"person": 13, "event": 13, "place": 12}),
        (1, 2.0, {"person": 24, "event": 24, "place": 24}),
    ],
)
def test_no_class_has_more_than_a_multiple_of_the_smallest(ratio: float, fraction: float, taken: dict[str, int]) -> None:
    found = take_balanced(UNEVEN, labels_of, ratio, fraction, seed=5)
    assert found.taken == taken and found.of == {"person": 58, "event": 30, "place": 12}
    assert len(found.records) == sum(taken.values())
    order = [UNEVEN.index(record) for record in found.records]
    assert order == sorted(order), "the order of the file"
    assert found == take_balanced(UNEVEN, labels_of, ratio, fraction, seed=5)


def test_balanced_parts_are_nested_and_a_function_of_the_seed() -> None:
    def ids(ratio: float, fraction: float, seed: int = 5) -> set[str]:
        return {record.id for record in take_balanced(UNEVEN, labels_of, ratio, fraction, seed).records}

    assert ids(1, 0.25) < ids(1, 0.5) < ids(1, 1.0) < ids(2, 1.0) < ids(4, 1.0) < {record.id for record in UNEVEN} | {""}
    assert ids(1, 1.0) != ids(1, 1.0, seed=6)


def test_records_without_a_label_are_a_class_of_their_own() -> None:
    found = take_balanced([*typed(5, "person"), *typed(2)], labels_of, 1, 1.0, seed=0)
    assert found.taken == {"person": 2, NO_LABEL: 2}


def test_a_multiple_and_its_fraction_are_those_of_the_decimal_numbers() -> None:
    found = take_balanced([*typed(300, "person"), *typed(100, "place")], labels_of, 2.3, 0.29, seed=0)
    assert found.taken == {"person": 66, "place": 29}, "0.29 x 230 = 66.7, 0.29 x 100 = 29"
    assert take_balanced([*typed(300, "person"), *typed(100, "place")], labels_of, 2.3, 1.0, 0).taken["person"] == 230


def test_one_class_cannot_be_balanced() -> None:
    with pytest.raises(DataError, match=r"'train_balance': found one class \(person\) in the training records, expected two"):
        take_balanced(typed(5, "person"), labels_of, 1, 1.0, seed=0)

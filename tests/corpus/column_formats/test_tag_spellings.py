"""Spellings of tags: which are recognised, what is believed only on good grounds, what is refused."""

from __future__ import annotations

from collections import Counter

import pytest

from loreweave.corpus.column_formats.tag_spellings import find_spelling
from loreweave.errors import DataError

PLAIN = ["B-PER", "I-PER", "O", "O", "B-LOC"]


def plain(tags: list[str], known: tuple[str, ...] = ()) -> list[str]:
    spelling = find_spelling(Counter(tags), known)
    return [spelling.plain(tag) for tag in tags]


@pytest.mark.parametrize(
    "written",
    [
        "B-PER I-PER O O B-LOC", "B_PER I_PER O O B_LOC", "PER-B PER-I O O LOC-B", "PER_B PER_I O O LOC_B",
        "b-PER i-PER o o b-LOC", "B/PER I/PER O O B/LOC", "B:PER I:PER O O B:LOC", "B.PER I.PER O O B.LOC",
        "PER|B PER|I O O LOC|B", "BPER IPER O O BLOC", "B-PER I-PER 0 0 B-LOC", "B-PER I-PER _ _ B-LOC",
        "B-PER I-PER - - B-LOC", "B-PER I-PER O 0 B-LOC", "B-PER M-PER O O B-LOC", "B_PER M_PER NONE NONE B_LOC",
        "Begin-PER Inside-PER Outside Outside Begin-LOC", "B-PER i-PER O O B-LOC",
    ],
)  # fmt: skip
def test_tags_in_another_spelling(written: str) -> None:
    assert plain(written.split()) == PLAIN
    assert bool(find_spelling(Counter(written.split())).notes()) == (written.split() != PLAIN)


def test_bmes_with_and_without_types() -> None:
    assert plain(["B-X", "M-X", "E-X", "S-Y", "W-Y", "O"]) == ["B-X", "I-X", "E-X", "S-Y", "S-Y", "O"]
    assert plain(["B", "M", "E", "S"]) == ["B", "I", "E", "S"]
    assert find_spelling(Counter(["B-X", "M-X"])).notes() == ["tags in another spelling: 'M-X' as 'I-X'"]


@pytest.mark.parametrize(
    "labels",
    [
        "person-actor O location-other", "PER O LOC", "E_coli B_cell O", "BONE O IRON", "vitamin-E vitamin-B6 O", "M F O",
        "B-cell O T-cell", "Vitamin-B O O", "b-cell O b-cell", "E-mail Web O", "none PER PER",
    ],
)  # fmt: skip
def test_bare_labels_stay_what_they_are(labels: str) -> None:
    assert plain(labels.split()) == labels.split()
    assert find_spelling(Counter(labels.split())).notes() == []


def test_outside_in_bare_labels() -> None:
    assert plain(["PER", "0", "0", "LOC", "0"]) == ["PER", "O", "O", "LOC", "O"]
    assert plain(["PER", "o", "O", "LOC"]) == ["PER", "O", "O", "LOC"]
    assert plain(["PER", "_", "O", "LOC"]) == ["PER", "_", "O", "LOC"]


def test_known_types_decide() -> None:
    assert plain(["I_PER", "O"], ("PER", "LOC")) == ["I-PER", "O"]
    assert plain(["B_cell", "O"], ("B_cell",)) == ["B_cell", "O"]


def test_unseen_tags_of_the_spelling_fit() -> None:
    spelling = find_spelling(Counter(["B_PER", "I_PER", "O"]))
    assert spelling.fits("S_NEW") and spelling.fits("O") and not spelling.fits("http://x")


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["0", "1", "2"], r"found numbers as tags \(0, 1, 2\).*write their names .*--tag-names is for JSON and Parquet"),
        (["*", "(ORG*", "*)", "(PERSON)"], r"found tags in brackets .*CoNLL-2012.*convert"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tags: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_spelling(Counter(tags))

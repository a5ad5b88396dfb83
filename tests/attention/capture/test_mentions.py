import pytest

from loreweave.attention.capture.mentions import find_mentions, mentions_of_texts
from loreweave.errors import DataError

TEXT = "Ann met Anna, not ann, in 3-4 Oslo."


def test_mentions_are_words_or_characters() -> None:
    assert find_mentions(TEXT, ["Anna", "Oslo", (0, 3), "18-21"]) == [(8, 12), (30, 34), (0, 3), (18, 21)]


def test_a_whole_word_comes_before_a_part_of_one() -> None:
    assert find_mentions(TEXT, ["Ann"]) == [(0, 3)] and find_mentions(TEXT, ["Osl"]) == [(30, 33)]


def test_what_is_written_in_the_text_is_not_read_as_offsets() -> None:
    assert find_mentions(TEXT, ["3-4"]) == [(26, 29)]


@pytest.mark.parametrize(
    ("mention", "said"),
    [
        ("Bob", "found no 'Bob' in the text"),
        ("", "found no ''"),
        ("n", r"found 'n' \d+ times in the text; give the characters of the one you mean: 1-2 or 2-3"),
        ("30-99", "found the mention 30-99, expected characters from 0 to 35"),
        ((5, 5), "found the mention 5-5"),
    ],
)
def test_other_mentions_are_errors_that_name_the_way_out(mention: str | tuple[int, int], said: str) -> None:
    with pytest.raises(DataError, match=said):
        find_mentions(TEXT, [mention])


def test_mentions_that_occur_twice_are_shown_with_their_places() -> None:
    with pytest.raises(DataError, match="2 times in the text; give the characters of the one you mean: 0-2 or 6-8"):
        find_mentions("It is It.", ["It"])


def test_mentions_that_overlap_are_told() -> None:
    said: list[str] = []
    texts = ["Ann of New York City.", "Ann sees New York City, Oslo."]
    found = mentions_of_texts(texts, ["New York City", "York City", "Ann"], said.append)
    assert found == [[(7, 20), (11, 20), (0, 3)], [(9, 22), (13, 22), (0, 3)]]
    assert said == [f"text {number}: the mentions 'New York City' and 'York City' overlap" for number in (1, 2)]
    with pytest.raises(DataError, match="^text 2: found no 'of'.*each --mention must be in every text"):
        mentions_of_texts(texts, ["of"])
    with pytest.raises(DataError, match="^notes.txt, line 4: found no 'Oslo'.*each --mention must be in every text"):
        mentions_of_texts(["Oslo is long.", "Ann works."], ["Oslo"], places=[None, "notes.txt, line 4"])

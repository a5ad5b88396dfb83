import json
from datetime import date

import numpy as np
import pytest

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files.strict_json import broken_json, in_json, kind_of
from loreweave.errors import DataError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ("Łódź", "'Łódź'"),
        (["Łódź", None], '["Łódź", null]'),
        ({"start": 0, "label": False}, '{"start": 0, "label": false}'),
        (("a",), '["a"]'),
    ],
)
def test_a_value_is_shown_as_its_file_has_it(value, shown):
    assert in_json(value) == shown


INSIDE_ITSELF: list = ["a"]
INSIDE_ITSELF.append(INSIDE_ITSELF)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"place": b"x"}, "{'place': b'x'}"),
        ({("a", 1): 2}, "{('a', 1): 2}"),
        ({date(2020, 1, 2): 1}, "{datetime.date(2020, 1, 2): 1}"),
        (INSIDE_ITSELF, "['a', [...]]"),
        (np.int64(3), "3 (int64)"),
        (np.float32(0.5), "0.5 (float32)"),
        (np.array([1, 2]), "array([1, 2])"),
    ],
)
def test_a_value_that_json_does_not_have_is_shown_in_its_own_words(value, shown):
    assert in_json(value) == shown


def test_a_wrong_field_that_json_does_not_have_is_refused_by_name():
    for value in ({("a", 1): 2}, INSIDE_ITSELF, np.int64(3)):
        with pytest.raises(DataError, match="field 'text': found .*, expected a string"):
            AnnotatedText.from_dict({"id": "1", "text": value})


@pytest.mark.parametrize("value", ["a" * 200, ["a" * 200], {("a",): "a" * 200}, {"a": list(range(200))}])
def test_a_long_value_is_cut(value):
    shown = in_json(value)
    assert len(shown) == 80
    assert shown.endswith("...")


@pytest.mark.parametrize(
    ("value", "kind"), [({}, "an object"), ((), "a list"), ("", "a text"), (0, "a number"), (None, "null")]
)
def test_a_kind_is_named_in_the_words_of_json(value, kind):
    assert kind_of(value) == kind


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a": "b\t"}', "broken JSON (Invalid control character at column 9)"),
        ('{"a": "b', "broken JSON (Unterminated string starting at column 7)"),
        ('{"a": }', "broken JSON (Expecting value, column 7)"),
    ],
)
def test_broken_json_is_a_sentence_with_its_column(text, shown):
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(text)
    assert broken_json(caught.value) == shown

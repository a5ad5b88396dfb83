import pytest

from loreweave.corpus.files.strict_json import in_json, kind_of


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


def test_a_value_that_json_does_not_have_is_shown_in_its_own_words():
    assert in_json({"place": b"x"}) == '{"place": "b\'x\'"}'


@pytest.mark.parametrize("value", ["a" * 200, ["a" * 200], {"a": list(range(200))}])
def test_a_long_value_is_cut(value):
    shown = in_json(value)
    assert len(shown) == 80
    assert shown.endswith("...")


@pytest.mark.parametrize(
    ("value", "kind"), [({}, "an object"), ((), "a list"), ("", "a text"), (0, "a number"), (None, "null")]
)
def test_a_kind_is_named_in_the_words_of_json(value, kind):
    assert kind_of(value) == kind

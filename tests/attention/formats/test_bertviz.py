import json
import re

import pytest
from made_attention import made_attention

from loreweave.attention import Explorer, head_view, model_view
from loreweave.errors import ConfigurationError, DataError

WEIGHTS = [layer[None] for layer in made_attention(layers=3).weights]
NAMES = ["[CLS]", "ann", "lives", ".", "[SEP]", "she"]


def header_of(html: str) -> dict:
    found = re.search(r'id="attention-data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_calls_of_bertviz_open_our_page() -> None:
    page = head_view(WEIGHTS, NAMES, sentence_b_start=5, layer=2, heads=[0, 1])
    assert isinstance(page, Explorer) and "<iframe" in page._repr_html_()
    header = header_of(head_view(WEIGHTS, NAMES, layer=2, heads=[0, 1], html_action="return").data)
    assert header["view"] == {"view": "heads", "layer": 2, "heads": [0, 1]}
    header = header_of(model_view(WEIGHTS, NAMES, display_mode="light", include_heads=[1], html_action="return").data)
    assert header["view"] == {"view": "grid"} and header["examples"][0]["attention"]["heads"] == [1]


def test_arguments_by_place_are_those_of_bertviz() -> None:
    for view in (head_view, model_view):
        page = view(WEIGHTS, NAMES, 3, True)
        assert page.examples[0].sentences == [0, 0, 0, 1, 1, 1]
    page = model_view(WEIGHTS, NAMES, None, True, "light", None, None, None, None, None, [0, 2], [1])
    assert (page.examples[0].layers, page.examples[0].heads) == ([0, 2], [1])
    with pytest.raises(ConfigurationError, match="found html_action='show', expected view or return"):
        model_view(WEIGHTS, NAMES, html_action="show")


def test_chosen_layers_keep_their_numbers() -> None:
    header = header_of(head_view(WEIGHTS, NAMES, include_layers=[0, 2], html_action="return").data)
    assert header["examples"][0]["attention"]["layers"] == [0, 2]


def test_an_encoder_decoder_has_up_to_three_parts() -> None:
    cross = [layer[:, :, :2] for layer in WEIGHTS]
    page = head_view(encoder_attention=WEIGHTS, cross_attention=cross, encoder_tokens=NAMES, decoder_tokens=["<s>", "sie"])
    assert [example.kind for example in page.examples] == ["encoder", "cross"]
    assert page.examples[1].looked_at.text == page.examples[0].queries.text


def test_arguments_that_do_not_belong_together_are_named() -> None:
    with pytest.raises(ConfigurationError, match="give attention and tokens, or"):
        head_view()
    with pytest.raises(ConfigurationError, match="found no tokens"):
        head_view(WEIGHTS)
    with pytest.raises(ConfigurationError, match="html_action"):
        head_view(WEIGHTS, NAMES, html_action="show")
    with pytest.raises(DataError, match="expected"):
        head_view(WEIGHTS, NAMES[:4])

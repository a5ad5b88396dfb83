"""Pages of encoder-decoders: three kinds of attention of one text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attention_pages import (
    VIEWS,
    drawn_pixels,
    encoder_decoder,
    luke_like,
    open_page,
    open_view,
    plain_table,
    rows_of,
    rows_that_sum_to_one,
    said,
    settled,
    state,
    token,
)


def kind(page: Any, name: str) -> Any:
    return page.locator(f"[data-key='kind {name}']")


def choose(page: Any, name: str) -> None:
    kind(page, name).click()
    page.locator(f"[data-key='kind {name}'][aria-pressed=true]").wait_for()


def strips(page: Any) -> list[str]:
    settled(page)
    return [" ".join(strip.locator(".label").all_inner_texts()) for strip in page.locator("#strip [role=listbox]").all()]


def test_the_kinds_of_attention_are_a_switch_beside_the_text(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, encoder_decoder())
    assert kind(page, "cross").get_attribute("aria-pressed") == "true"
    assert page.locator("[data-key=Example]").count() == 0
    assert page.locator("h1").inner_text() == "Attention"
    assert page.locator(".facts").inner_text() == "seq2seq · 3 layers × 2 heads · 4 decoder tokens → 5 encoder tokens"
    assert page.locator(".column-name").all_inner_texts() == ["from decoder (query)", "to encoder (key)"]
    assert page.locator(".summary-row strong").first.inner_text() == "Decoder words attend to"
    assert page.locator(".summary .part.word").get_attribute("title").startswith("encoder words ")
    assert "badges" not in page.locator(".hint").inner_text()
    expected = {"encoder": "2 layers × 2 heads · 5 encoder tokens", "decoder": "3 layers × 2 heads · 4 decoder tokens"}
    for name, facts in expected.items():
        choose(page, name)
        assert page.locator(".facts").inner_text() == f"seq2seq · {facts}"
    page.keyboard.press("k")
    settled(page)
    assert kind(page, "cross").get_attribute("aria-pressed") == "true"


def test_the_title_is_the_text_that_is_shown(page: Any, tmp_path: Path) -> None:
    data = luke_like()
    data.add(rows_that_sum_to_one((1, 1, 2, 2)), plain_table(["Ann", "runs"]), text="Ann  runs")
    open_page(page, tmp_path, data, "example=1", title=data.examples[0]["text"])
    assert page.locator("h1").inner_text() == "Ann runs"
    open_page(page, tmp_path, data, "example=1", title="My page")
    assert page.locator("h1").inner_text() == "My page"


def test_several_texts_are_picked_once_and_keep_the_kind(page: Any, tmp_path: Path) -> None:
    data = encoder_decoder(model="first")
    encoder_decoder(5, "second", data)
    open_page(page, tmp_path, data)
    choices = page.locator("[data-key=Example]")
    assert [text.split(":")[0] for text in choices.locator("option").all_inner_texts()] == ["1 · first", "1 · second"]
    choose(page, "decoder")
    choices.select_option(index=1)
    settled(page)
    assert state(page)["example"] == 4 and kind(page, "decoder").get_attribute("aria-pressed") == "true"


def test_merged_keys_have_the_words_of_their_own_text(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, encoder_decoder(), "merge=1")
    assert page.locator(".tokens.to .label").all_inner_texts() == ["unhappy", "cats", "sleep", "</s>"]


def test_every_kind_in_every_view(page: Any, tmp_path: Path) -> None:
    data = encoder_decoder(model="first")
    encoder_decoder(5, "second", data)
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        for number, name in enumerate(["encoder", "decoder", "cross"]):
            for view in VIEWS:
                open_page(page, tmp_path, data, f"example={number}&view={view}")
                assert kind(page, name).get_attribute("aria-pressed") == "true"
                assert page.locator(".fault").count() == 0
                assert drawn_pixels(page) > 100
                assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_both_texts_of_cross_attention_can_be_pinned_in_every_view(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, encoder_decoder(), "view=matrix&layer=1")
    assert strips(page) == ["<s> cats sleep badly", "un happy cats sleep </s>"]
    page.locator("#strip .strip").nth(0).locator("[role=option]").nth(3).click()
    page.locator("#strip .strip").nth(1).locator("[role=option]").nth(1).click()
    page.mouse.move(5, 5)
    assert state(page)["from"] == [3] and state(page)["to"] == [1]
    weight = rows_that_sum_to_one((3, 2, 4, 5), 2)[1].mean(0)[3, 1]
    assert f"badly to happy: {weight:.2f}" in said(page)
    page.keyboard.press("/")
    page.keyboard.type("happy")
    page.keyboard.press("Enter")
    assert state(page)["to"] == [1]


def test_statistics_of_cross_attention_are_those_that_mean_something(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, encoder_decoder(), "view=statistics&sort=distance")
    page.get_by_text("Show as table").click()
    header = page.locator("#foot thead th").all_inner_texts()
    assert header == ["layer", "head", "entropy", "largest weight", "on special tokens"]
    assert [cells[:2] for cells in rows_of(page)][:2] == [["0", "0"], ["0", "1"]]
    assert "entities" not in said(page) and "farthest" not in said(page)
    open_view(page, "grid")
    assert page.locator("[data-key='Sorted by'] option").all_inner_texts() == [
        "layer and head", "entropy (sharpest first)", "share on separators",
    ]  # fmt: skip


def test_a_text_without_entities_is_not_offered_their_views(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, encoder_decoder(), "view=classes&show=grounding")
    assert page.locator("[data-key=Show]").count() == 0
    assert page.locator("#view thead th").all_inner_texts() == ["from \\ to", "separator (encoder)", "word (encoder)"]
    assert drawn_pixels(page) > 100


def test_rollout_goes_through_encoder_and_decoder(page: Any, tmp_path: Path) -> None:
    data = encoder_decoder()
    open_page(page, tmp_path, data, "view=relevance&row=3")
    encoder, cross = rows_that_sum_to_one((2, 2, 5, 5)), rows_that_sum_to_one((3, 2, 4, 5), 2)
    causal = np.tril(rows_that_sum_to_one((3, 2, 4, 4), 1))
    decoder = causal / causal.sum(-1, keepdims=True)
    states = np.eye(5)
    for layer in encoder.mean(1):
        states = (0.5 * layer + 0.5 * np.eye(5)) @ states
    own, source = np.eye(4), np.zeros((4, 5))
    for self_attention, to_encoder in zip(decoder.mean(1), cross.mean(1), strict=True):
        mixed = 0.5 * self_attention + 0.5 * np.eye(4)
        own, source = 0.5 * mixed @ own, 0.5 * mixed @ source + 0.5 * to_encoder @ states
    np.testing.assert_allclose(source.sum(1) + own.sum(1), 1)
    found = [float(cells[2]) for cells in rows_of(page)]
    np.testing.assert_allclose(found, source[3], atol=0.01)
    assert "of the encoder, through encoder and decoder" in page.locator("#foot thead").inner_text()
    choose(page, "decoder")
    page.locator("[data-key='Contributions to']").select_option(label="badly (3)")
    page.locator("#foot thead", has_text="of the decoder, through").wait_for()
    np.testing.assert_allclose([float(cells[2]) for cells in rows_of(page)], own[3], atol=0.01)


def test_cross_attention_of_two_models_is_compared(page: Any, tmp_path: Path) -> None:
    data = encoder_decoder(model="first")
    encoder_decoder(5, "second", data)
    open_page(page, tmp_path, data, "view=compare&layer=1&from=3&to=1")
    sides = [rows_that_sum_to_one((3, 2, 4, 5), seed) for seed in (2, 7)]
    middle = sum(sides) / 2
    expected = sum((side * np.log2(side / middle)).sum(-1) for side in sides).mean(-1) / 2
    found = {(int(layer), int(head)): float(value) for layer, head, value in rows_of(page)}
    assert len(found) == 6
    for place, value in found.items():
        assert value == pytest.approx(expected[place], abs=0.02)
    numbers = said(page).rsplit("A ", 1)[1].removesuffix(".").split(", B ")
    np.testing.assert_allclose([float(number) for number in numbers], [side[1].mean(0)[3, 1] for side in sides], atol=0.01)


def test_a_page_with_nothing_to_compare_says_so(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, encoder_decoder(), "view=compare")
    assert "nothing to compare" in said(page)
    assert page.locator("[data-key='Compare with']").count() == 0
    open_page(page, tmp_path, encoder_decoder())
    token(page, "to", 2).hover()
    assert "cats is attended to by" in said(page)

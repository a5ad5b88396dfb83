"""The attention explorer's page in a browser without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attention_pages import (
    VIEWS,
    PageData,
    address,
    drawn_pixels,
    luke_like,
    open_page,
    open_view,
    plain_table,
    rows_that_sum_to_one,
    said,
    settled,
    state,
    token,
    two_models,
    words_page,
)


@pytest.mark.parametrize(
    ("encoding", "quantization", "tolerance"),
    [("rows", "u8-sqrt", 0.004), ("deflate", "u8-sqrt", 0.004), ("deflate", "u16", 2e-5)],
)
def test_weights_equal_those_that_were_written(
    page: Any, tmp_path: Path, encoding: str, quantization: str, tolerance: float
) -> None:
    weights = rows_that_sum_to_one((3, 2, 5, 5))
    data = PageData(encoding, quantization).add(weights, plain_table(list("abcde"), 1), layers=[2, 5, 9], heads=[1, 6])
    open_page(page, tmp_path, data)
    cells = [[layer, head, q, k] for layer in (2, 5, 9) for head in (1, 6) for q in range(5) for k in range(5)]
    found = page.evaluate("(cells) => Promise.all(cells.map((cell) => window.__attention.weight(...cell)))", cells)
    assert np.abs(np.array(found).reshape(weights.shape) - weights).max() < tolerance


def test_query_key_layer_and_head_are_not_mixed_up(page: Any, tmp_path: Path) -> None:
    weights = np.zeros((2, 2, 3, 3))
    weights[1, 0, 2, 0] = 1.0
    open_page(page, tmp_path, PageData().add(weights, plain_table(["a", "b", "c"])), "layer=1&heads=0&mode=each")
    assert drawn_pixels(page) > 0
    token(page, "from", 2).hover()
    assert "c attends to a 1.000" in said(page)
    token(page, "from", 0).hover()
    assert "a attends to nothing" in said(page)
    assert drawn_pixels(page) == 0
    open_page(page, tmp_path, PageData().add(weights, plain_table(["a", "b", "c"])), "layer=0&heads=0&mode=each")
    assert drawn_pixels(page) == 0


def test_only_the_layers_that_are_looked_at_are_decoded(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(6, layers=6))
    assert page.evaluate("() => window.__attention.decoded") == 1
    open_view(page, "grid")
    assert page.evaluate("() => window.__attention.decoded") == 6


def test_class_flow_rollout_and_statistics_equal_numpy(page: Any, tmp_path: Path) -> None:
    data = luke_like()
    weights = rows_that_sum_to_one((3, 4, 11, 11))
    open_page(page, tmp_path, data)
    flow = page.evaluate("() => window.__attention.classFlow(1)")
    mean = weights[1].mean(0)
    groups = {"special": [0], "separator": [8], "word": [3, 4], "punctuation": [7], "mention": [1, 2, 5, 6], "entity": [9, 10]}
    assert flow["from"] == flow["to"] == list(groups)
    expected = [[mean[np.ix_(rows, columns)].sum(1).mean() for columns in groups.values()] for rows in groups.values()]
    np.testing.assert_allclose(flow["matrix"], expected, atol=0.01)
    product = np.eye(11)
    for layer in weights.mean(1):
        mixed = 0.5 * layer + 0.5 * np.eye(11)
        product = mixed @ product
    np.testing.assert_allclose(page.evaluate("() => window.__attention.rollout(9)"), product[9], atol=0.005)
    found = page.evaluate("() => window.__attention.statistics(2, 3)")
    head = weights[2, 3]
    assert found["entropy"] == pytest.approx(-(head * np.log(head)).sum(1).mean() / np.log(11), abs=0.02)
    assert found["separators"] == pytest.approx(head[:, [0, 8]].sum(1).mean(), abs=0.01)
    stands = np.array([*range(9), 1.5, 5.5])
    assert found["distance"] == pytest.approx((head * np.abs(stands[:, None] - stands)).sum(1).mean(), abs=0.05)


def test_the_first_view_tells_words_from_entities(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, luke_like())
    assert page.locator(".summary-row").nth(0).inner_text().startswith("Words attend to")
    assert page.locator(".summary-row").nth(1).inner_text().startswith("Entities attend to")
    assert page.locator(".tokens.from .is-entity").all_inner_texts() == ["E1\n[MASK] Beyonce", "E2\nLos Angeles"]
    assert page.locator(".tokens.from .in-mention .badge").all_inner_texts() == ["E1", "E1", "E2", "E2"]
    settled(page)
    assert page.locator(".tokens.from .divider").count() == 1
    assert page.locator(".summary .part.mention").count() == 1


def test_tokens_are_pinned_grouped_and_let_go(page: Any, tmp_path: Path) -> None:
    weights = rows_that_sum_to_one((1, 1, 4, 4))
    open_page(page, tmp_path, PageData("deflate", "u16").add(weights, plain_table(list("abcd"))))
    token(page, "from", 0).click()
    token(page, "from", 2).click(modifiers=["Control"])
    token(page, "to", 1).click()
    token(page, "to", 3).click(modifiers=["Shift"])
    page.mouse.move(5, 5)
    assert state(page)["from"] == [0, 2] and state(page)["to"] == [1, 2, 3]
    expected = weights[0, 0][np.ix_([0, 2], [1, 2, 3])].sum(1).mean()
    assert f"a + c to b + c + d: {expected:.3f}" in said(page)
    assert "from=0,2" in address(page)
    page.keyboard.press("Escape")
    assert state(page)["from"] == state(page)["to"] == []


def test_pieces_are_merged_and_classes_hidden(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, luke_like())
    page.get_by_role("checkbox", name="merge sub-words").check()
    assert token(page, "from", 1).locator(".label").inner_text() == "Beyonce"
    settled(page)
    assert page.locator(".tokens.from [role=option]").count() == 10
    page.get_by_role("checkbox", name="special tokens").uncheck()
    page.get_by_role("checkbox", name="punctuation").uncheck()
    settled(page)
    assert page.locator(".tokens.from [role=option]").count() == 7


def test_the_threshold_keeps_the_share_of_each_row(page: Any, tmp_path: Path) -> None:
    weights = np.array([[[[0.5, 0.3, 0.16, 0.04]] * 4]])
    data = PageData("deflate", "u16").add(weights, plain_table(list("abcd")))
    open_page(page, tmp_path, data, "share=80")
    assert "8 lines" in said(page)
    open_page(page, tmp_path, data)
    assert "12 lines" in said(page)
    page.get_by_label("at most").fill("1")
    page.get_by_label("at most").press("Tab")
    assert "4 lines" in said(page)


def test_a_slider_is_dragged_without_being_replaced(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(6, layers=6), "layer=0")
    box = page.locator("[data-key=layer]").bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (0.3, 0.6, 0.98):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        page.wait_for_timeout(100)
    page.mouse.up()
    assert state(page)["layer"] == 5
    assert page.locator(".layer-name").inner_text() == "layer 5"


def test_keys_move_everywhere(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, luke_like(), "layer=1")
    page.keyboard.press("]")
    page.keyboard.press("]")
    assert state(page)["layer"] == 2
    page.keyboard.press("[")
    page.keyboard.press(".")
    page.keyboard.press(".")
    assert state(page)["layer"] == 1 and state(page)["heads"] == [1]
    page.keyboard.press("m")
    page.keyboard.press("e")
    assert state(page)["heads"] == [] and state(page)["from"] == [9]
    page.keyboard.press("e")
    assert state(page)["from"] == [10]
    page.keyboard.press("?")
    assert page.locator("dialog[open]").count() == 1
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("lives")
    settled(page)
    assert page.locator(".tokens.from .found").count() == 1
    page.keyboard.press("Enter")
    assert state(page)["from"] == [3] and state(page)["view"] == "heads"


def test_keys_that_are_faster_than_the_drawing_are_not_lost(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(20, layers=6), "layer=0&view=matrix&from=0&to=0")
    press = """(keys) => { for (const key of keys) document.activeElement.dispatchEvent(
        new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })); }"""
    page.evaluate(press, ["]", "]", "]", "["])
    assert state(page)["layer"] == 2
    settled(page)
    page.locator(".interactive").focus()
    page.evaluate(press, ["ArrowRight", "ArrowRight", "ArrowDown"])
    assert state(page)["to"] == [2] and state(page)["from"] == [1]


def test_a_token_list_is_moved_through_with_arrows(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, luke_like())
    token(page, "from", 0).focus()
    page.keyboard.press("ArrowDown")
    assert "Bey attends to" in said(page)
    page.keyboard.press("Enter")
    assert state(page)["from"] == [1]
    page.keyboard.press("Shift+ArrowDown")
    assert state(page)["from"] == [1, 2]
    settled(page)
    assert page.locator(".tokens.from [aria-selected=true]").count() == 2
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    assert state(page)["to"] == [2]
    settled(page)
    assert page.locator(".tokens.from [tabindex='0']").count() == 1


def test_latent_types_stand_under_their_tokens(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, luke_like())
    types = page.locator("#strip .token .type").all_inner_texts()
    assert [text.strip() for text in types] == ["", "type 0", "type 0", "type 1", "", "type 0", "type 0", "", "", "", ""]


def test_examples_are_searched_and_filtered_by_errors(page: Any, tmp_path: Path) -> None:
    data = luke_like()
    data.add(rows_that_sum_to_one((1, 1, 2, 2)), plain_table(["Ren\u00e9", "runs"]), text="Rene\u0301 runs")
    data.examples[1]["prediction"] = {"labels": ["person", "event"], "probabilities": [0.2, 0.9], "gold": ["person"]}
    open_page(page, tmp_path, data)
    choices = page.locator("[data-key='Example']").locator("option")
    assert choices.count() == 2
    page.get_by_label("Find an example").fill("REN\u00c9")
    page.get_by_label("Find an example").press("Tab")
    page.locator("[data-key='Example']").select_option(label="2: Rene\u0301 runs")
    assert token(page, "from", 1).inner_text() == "runs"
    page.locator("#find").fill("rene\u0301")
    assert set(page.locator(".token.found .label").all_inner_texts()) == {"Ren\u00e9"}
    page.locator("#find").fill("")
    page.get_by_label("Find an example").fill("")
    page.get_by_label("Find an example").press("Tab")
    page.get_by_role("checkbox", name="only errors").check()
    assert choices.all_inner_texts() == ["2: Rene\u0301 runs"]
    assert page.locator("#example .wrong").inner_text().startswith("predicted: event 0.900")


HOSTILE = [
    "</script><script>document.title='broken'</script>",
    "<img src=x onerror=alert(1)>",
    "שלום",
    "👩‍👩‍👧",
    "   ",
    "",
    "x" * 300,
    "=1+1",
    "\"'&",
]


def test_hostile_tokens_are_only_text(page: Any, tmp_path: Path) -> None:
    size = len(HOSTILE)
    data = PageData().add(rows_that_sum_to_one((2, 2, size, size)), plain_table(HOSTILE), text="".join(HOSTILE), id=HOSTILE[0])
    open_page(page, tmp_path, data, title="</title><b>&")
    shown = page.locator(".tokens.from .label").all_text_contents()
    assert shown[4:6] == ["␣␣␣", "∅"] and len(shown[6]) == 60
    for view in VIEWS:
        open_view(page, view)
        assert page.locator("img").count() == 0
        assert page.title().strip() == "</title><b>&"
        assert page.locator(".fault").count() == 0
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


CASES = {
    "one token": (words_page(1), ""),
    "one layer and one head": (words_page(4, layers=1, heads=1), ""),
    "forty entities": (words_page(90, entities=40), ""),
    "causal": (PageData().add(np.tril(np.ones((1, 1, 5, 5))) / np.arange(1, 6)[:, None], plain_table(list("abcde"))), ""),
    "nothing left": (luke_like(), "special=0"),
    "cross": (
        PageData().add(rows_that_sum_to_one((2, 2, 3, 5)), plain_table(list("abc")), keys=plain_table(list("vwxyz"))),
        "",
    ),
    "only zeros": (PageData().add(np.zeros((1, 1, 3, 3)), plain_table(list("abc"))), ""),
}


@pytest.mark.parametrize("case", CASES)
def test_odd_shapes_are_drawn(page: Any, tmp_path: Path, case: str) -> None:
    data, rest = CASES[case]
    open_page(page, tmp_path, data, rest)
    for view in VIEWS:
        open_view(page, view)
        assert page.locator(".fault").count() == 0
        assert page.locator("#described").count() == 1


@pytest.mark.parametrize("width", [320, 390, 1920])
def test_no_width_needs_scrolling_to_the_side(page: Any, tmp_path: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    open_page(page, tmp_path, two_models(), "theme=dark")
    for view in VIEWS:
        open_view(page, view)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(21, 25, 31)"


def test_a_page_inside_a_sandboxed_frame(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "frame.html"
    page.goto("about:blank")
    path.write_text("<!doctype html><script>window.heights = []; onmessage = (event) => heights.push(event.data);</script>")
    page.goto(path.as_uri())
    add_frame = """(html) => { const frame = document.createElement('iframe'); frame.setAttribute('sandbox', 'allow-scripts');
        frame.srcdoc = html; frame.style = 'width: 900px; height: 700px'; document.body.append(frame); }"""
    for _ in range(2):
        page.evaluate(add_frame, luke_like().html())
    frames = page.frame_locator("iframe >> nth=0"), page.frame_locator("iframe >> nth=1")
    for frame in frames:
        frame.locator("html[data-ready='1']").wait_for(state="attached")
    frames[0].locator("[data-view=matrix]").click()
    frames[0].locator("[data-view=matrix][aria-selected=true]").wait_for()
    assert frames[1].locator("[data-view=heads][aria-selected=true]").count() == 1
    heights = page.evaluate("() => heights")
    assert len(heights) >= 2 and all(one["type"] == "attention-height" and one["height"] > 300 for one in heights)


def test_data_of_another_version_are_refused(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(luke_like().html().replace("attention-explorer/1", "attention-explorer/9", 1), encoding="utf-8")
    browser.goto(path.as_uri())
    browser.locator("html[data-ready]").wait_for(state="attached")
    assert "attention-explorer/9" in browser.locator(".fault").inner_text()

"""Zooming and moving the large pictures of the attention explorer's page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from attention_pages import (
    PageData,
    luke_like,
    open_page,
    plain_table,
    rows_of,
    rows_that_sum_to_one,
    said,
    settled,
    state,
    two_models,
    words_page,
)

PIXELS = """([x, y, width, height]) => { const canvas = document.querySelector('#view canvas');
    return Array.from(canvas.getContext('2d').getImageData(x, y, width, height).data).join(); }"""
BOX = "() => { const box = document.querySelector('.interactive'); return [box.scrollLeft, box.scrollTop]; }"


def band(page: Any, *place: int) -> str:
    return page.evaluate(PIXELS, list(place))


SCROLLED = """([left, top]) => new Promise((done) => {
    document.querySelector(".interactive").scrollTo(left, top);
    let frames = 4; // the event, the page's own frame, and what is drawn in it
    const next = () => (frames-- ? requestAnimationFrame(next) : done());
    next();
})"""


def scroll(page: Any, left: int, top: int) -> None:
    page.evaluate(SCROLLED, [left, top])


def one_hot(size: int, query: int, key: int) -> PageData:
    weights = np.zeros((1, 1, size, size))
    weights[0, 0, query, key] = 1
    return PageData().add(weights, plain_table([f"w{at}" for at in range(size)]))


def test_the_labels_stay_while_a_zoomed_matrix_is_scrolled(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(24), "view=matrix&zoom=4")
    left, top = (0, 40, 18, 300), (60, 0, 500, 28)
    before = band(page, *left), band(page, *top), band(page, 60, 60, 300, 300)
    scroll(page, 500, 0)
    across = band(page, *left), band(page, *top), band(page, 60, 60, 300, 300)
    assert across[0] == before[0] and across[1] != before[1] and across[2] != before[2]
    scroll(page, 500, 700)
    down = band(page, *left), band(page, *top), band(page, 60, 60, 300, 300)
    assert down[0] != across[0] and down[1] == across[1] and down[2] != across[2]
    canvas = page.locator("#view canvas").bounding_box()
    assert canvas["width"] <= 1280 and canvas["height"] <= 900


def test_the_labels_of_columns_stay_while_the_page_is_scrolled(page: Any, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 1280, "height": 500})
    open_page(page, tmp_path, words_page(40), "view=matrix")
    read = """([which, ...place]) => Array.from(document.querySelector(which).getContext('2d').getImageData(...place).data)"""
    labels, below = (page.evaluate(read, [f"#view canvas{name}", 60, 2, 900, 20]) for name in (".labels", ""))
    ink = [at for at in range(3, len(below), 4) if below[at] > 0]
    assert len(ink) > 300 and all(labels[at] == 255 for at in range(3, len(labels), 4))
    assert sum(abs(labels[at - 1] - below[at - 1]) < 40 for at in ink if below[at] == 255) > 0
    page.evaluate("() => window.scrollTo(0, document.querySelector('.interactive').getBoundingClientRect().top + 300)")
    box, canvas = page.locator(".interactive").bounding_box(), page.locator("#view canvas.labels").bounding_box()
    assert box["y"] < -100 and abs(canvas["y"]) < 2 and canvas["height"] < 60
    whole = page.locator("#view canvas:not(.labels)")
    assert whole.bounding_box()["height"] > 1000  # all of it, for printing, and for frames that grow
    canvas = page.locator("#view canvas:not(.labels)").bounding_box()
    page.mouse.move(canvas["x"] + 300, 250)
    assert " → " in page.locator("#tip").inner_text()


def test_numbers_under_the_pointer_are_those_of_the_scrolled_cell(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, one_hot(24, 20, 17), "view=matrix&zoom=4")
    scroll(page, 10_000, 10_000)
    canvas = page.locator("#view canvas").bounding_box()
    side = 46 * 4
    for query, key, weight in ((20, 17, "1.000"), (20, 18, "0.000"), (21, 17, "0.000")):
        x = canvas["x"] + canvas["width"] - 4 - (24 - key - 0.5) * side
        y = canvas["y"] + canvas["height"] - 4 - (24 - query - 0.5) * side
        page.mouse.move(x, y)
        assert page.locator("#tip").inner_text() == f"w{query} → w{key}: {weight}"


def test_dragging_moves_the_picture_and_pins_nothing(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(24), "view=matrix&zoom=4")
    canvas = page.locator("#view canvas").bounding_box()
    page.mouse.move(canvas["x"] + 600, canvas["y"] + 300)
    page.mouse.down()
    page.mouse.move(canvas["x"] + 450, canvas["y"] + 200, steps=4)
    page.mouse.up()
    assert page.evaluate(BOX) == [150, 100]
    assert state(page)["from"] == []
    page.locator("#view canvas").click(position={"x": 300, "y": 200})
    assert len(state(page)["from"]) == 1
    settled(page)
    found = page.evaluate(BOX)
    assert abs(found[0] - 150) <= 1 and abs(found[1] - 100) <= 1


def test_keys_zoom_and_move_the_picture(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(24), "view=matrix")
    page.locator(".interactive").focus()
    for _ in range(3):
        page.keyboard.press("+")
        settled(page)
    assert 3 < state(page)["zoom"] < 4
    assert page.evaluate("() => document.activeElement.className") == "interactive zoomed"
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    across, down = page.evaluate(BOX)
    assert across > 100 and down > 100
    page.keyboard.press("-")
    assert 2 < state(page)["zoom"] < 3
    page.keyboard.press("0")
    assert state(page)["zoom"] == 1 and state(page)["from"] == []
    page.locator("[data-key='zoom in']").click()
    assert state(page)["zoom"] == 1.5


def test_the_cell_that_the_arrows_move_stays_in_view(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(24), "view=matrix&zoom=4&from=0&to=0")
    page.locator(".interactive").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
        settled(page)
    assert state(page)["to"] == [10]
    left, width = page.evaluate(BOX)[0], page.locator("#view canvas").bounding_box()["width"]
    assert left + 24 < 10 * 184 + 40 and left + width > 11 * 184


def test_the_wheel_zooms_with_control(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(24), "view=matrix&zoom=4")
    canvas = page.locator("#view canvas").bounding_box()
    page.mouse.move(canvas["x"] + 500, canvas["y"] + 400)
    before = page.locator("#tip").inner_text()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.wait_for_function("() => window.__attention.state.zoom > 4")
    page.keyboard.up("Control")
    settled(page)
    page.mouse.move(canvas["x"] + 501, canvas["y"] + 401)
    assert page.locator("#tip").inner_text() == before


def test_heads_are_zoomed_and_their_labels_stay(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(12, layers=6, heads=8), "view=grid&gridzoom=3")
    before = band(page, 0, 30, 30, 300), band(page, 60, 4, 600, 16)
    scroll(page, 400, 0)
    across = band(page, 0, 30, 30, 300), band(page, 60, 4, 600, 16)
    assert across[0] == before[0] and across[1] != before[1]
    canvas = page.locator("#view canvas").bounding_box()
    page.mouse.move(canvas["x"] + 200, canvas["y"] + 200)
    assert page.locator("#tip").inner_text().startswith("layer 0, head 1: w")


def test_heads_are_sorted_by_their_difference_from_the_other_model(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, two_models(), "view=grid&sort=difference")
    first, second = rows_that_sum_to_one((3, 4, 11, 11)), rows_that_sum_to_one((3, 4, 11, 11), 1)
    middle = (first + second) / 2
    expected = sum((side * np.log2(side / middle)).sum(-1) for side in (first, second)).mean(-1) / 2
    rows = rows_of(page)
    assert page.locator("#foot thead th").all_inner_texts()[2] == "difference"
    values = [float(cells[2]) for cells in rows]
    assert len(values) == 12 and values == sorted(values, reverse=True)
    for layer, head, value in rows:
        assert abs(expected[int(layer), int(head)] - float(value)) < 0.02
    assert "Jensen-Shannon" in said(page)
    layer, head = (int(cell) for cell in rows[0][:2])
    page.locator("#view canvas").click(position={"x": 60, "y": 60})
    assert state(page)["view"] == "compare" and (state(page)["layer"], state(page)["heads"]) == (layer, [head])
    settled(page)
    page.get_by_role("button", name="All heads, sorted").click()
    assert state(page)["view"] == "grid" and state(page)["sort"] == "difference"


def test_arrows_move_through_sorted_heads_as_they_stand(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, two_models(), "view=grid&sort=difference")
    order = [(int(layer), int(head)) for layer, head, _ in rows_of(page)]
    layer, head = order[1]
    open_page(page, tmp_path, two_models(), f"view=grid&sort=difference&layer={layer}&heads={head}")
    page.locator(".interactive").focus()
    page.keyboard.press("ArrowRight")
    assert (state(page)["layer"], state(page)["heads"]) == (order[2][0], [order[2][1]])
    settled(page)
    page.keyboard.press("ArrowDown")
    assert (state(page)["layer"], state(page)["heads"]) == (order[6][0], [order[6][1]])
    settled(page)
    page.keyboard.press("Enter")
    assert state(page)["view"] == "compare"


def test_one_model_has_no_difference_to_sort_by(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, luke_like(), "view=grid&sort=difference")
    assert "difference" not in page.locator("[data-key='Sorted by']").inner_text()
    assert [cells[:2] for cells in rows_of(page)][:2] == [["0", "0"], ["0", "1"]]

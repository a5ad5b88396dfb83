"""Tables of more than 50 rows on the attention explorer's page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from attention_pages import open_page, open_view, rows_of, rows_that_sum_to_one, settled, state, words_page


def count(page: Any, place: str = "#foot") -> str:
    return page.locator(f"{place} .count").inner_text()


def press(page: Any, name: str, place: str = "#foot") -> None:
    page.locator(place).get_by_role("button", name=name).click()


def test_all_rows_can_be_reached(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(12), "view=matrix&layer=1")
    seen = rows_of(page)
    assert count(page) == "rows 1–50 of 144"
    assert page.locator("#foot").get_by_role("button", name="Previous rows").is_disabled()
    press(page, "Next rows")
    assert count(page) == "rows 51–100 of 144"
    seen += rows_of(page)
    press(page, "Next rows")
    assert count(page) == "rows 101–144 of 144"
    assert page.locator("#foot").get_by_role("button", name="Next rows").is_disabled()
    seen += rows_of(page)
    mean = rows_that_sum_to_one((2, 2, 12, 12))[1].mean(0)
    assert {(one, other) for one, other, _ in seen} == {(f"w{i}", f"w{j}") for i in range(12) for j in range(12)}
    weights = [float(weight) for *_, weight in seen]
    np.testing.assert_allclose(weights, sorted(mean.ravel(), reverse=True), atol=0.006)
    press(page, "First rows")
    assert count(page) == "rows 1–50 of 144" and rows_of(page) == seen[:50]


def test_a_column_sorts_the_whole_table_and_the_order_stays(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(12), "view=matrix&layer=0")
    rows_of(page)
    press(page, "Last rows")
    header = page.locator("#foot thead th")
    for order, first in (("descending", "w0"), ("ascending", "w11")):
        press(page, "from")
        assert header.nth(0).get_attribute("aria-sort") == order
        assert count(page) == "rows 1–50 of 144" and rows_of(page)[0][0] == first
    assert page.evaluate("() => document.activeElement.textContent") == "from"
    page.keyboard.press("]")
    settled(page)
    assert state(page)["layer"] == 1
    assert header.nth(0).get_attribute("aria-sort") == "ascending" and rows_of(page)[0][0] == "w11"
    press(page, "from")
    assert header.nth(0).get_attribute("aria-sort") == "none"
    assert page.locator("#foot thead").inner_text().count("↕") == 0  # the arrows are not part of the names


def test_every_head_is_in_the_statistics_and_opens(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(6, layers=9, heads=8), "view=statistics")
    assert count(page, "#view") == "rows 1–50 of 72"
    press(page, "entropy", "#view")
    press(page, "entropy", "#view")
    heads = rows_that_sum_to_one((9, 8, 6, 6))
    entropy = -(heads * np.log(np.maximum(heads, 1e-9))).sum(-1).mean(-1) / np.log(6)
    layer, head = np.unravel_index(entropy.argmin(), entropy.shape)
    cells = page.locator("#view tbody tr").first.locator("th, td").all_inner_texts()
    assert cells[:2] == [str(layer), str(head)]
    page.locator("#view tbody tr").first.get_by_role("button").press("Enter")
    assert (state(page)["view"], state(page)["layer"], state(page)["heads"]) == ("heads", layer, [head])


def test_a_short_table_has_no_pages(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, words_page(4), "view=matrix")
    assert len(rows_of(page)) == 16
    assert count(page) == "16 rows"
    open_view(page, "statistics")
    assert count(page, "#view") == "4 rows"
    assert page.get_by_role("button", name="Next rows").count() == 0

"""The views of the attention explorer's page: numbers, tables, files and clicks."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attention_pages import (
    VIEWS,
    PageData,
    drawn_pixels,
    luke_like,
    open_page,
    open_view,
    plain_table,
    rows_of,
    rows_that_sum_to_one,
    said,
    state,
    token_table,
    two_models,
    unnamed_controls,
)


def test_every_view_draws_describes_and_has_a_table(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, two_models())
    page.get_by_text("Show as table").click()
    for view in VIEWS:
        open_view(page, view)
        assert page.locator(".fault").count() == 0
        assert drawn_pixels(page) > 200
        assert page.locator("#described").text_content()
        assert page.locator(".table-box tbody tr").count() > 0
        assert unnamed_controls(page) == []


def test_what_is_shown_is_saved(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, two_models(), "layer=1")
    for view in VIEWS:
        open_view(page, view)
        save_all(page)


def save_all(page: Any) -> None:
    for kind, begin in (("PNG", b"\x89PNG"), ("SVG", b"<?xml"), ("CSV", b"\xef\xbb\xbf"), ("JSON", b"{")):
        page.wait_for_timeout(150)  # Chromium refuses more than ten downloads in a second
        with page.expect_download(timeout=30_000) as download:
            page.get_by_title(f"Save {'the state as' if kind == 'JSON' else 'as'} {kind}").click()
        content = Path(download.value.path()).read_bytes()
        assert content.startswith(begin) and len(content) > 50
        if kind == "CSV":
            assert content.count(b"\r\n") > 2
        if kind == "SVG":
            assert content.rstrip().endswith(b"</svg>") and b"undefined" not in content and b"NaN" not in content


def test_a_view_with_its_pins_is_opened_from_its_address(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, luke_like(), "view=matrix&layer=2&from=9&to=1,2")
    assert "layer 2" in said(page) and "E1 [MASK] Beyonce to Bey + once" in said(page)
    page.get_by_label("Note for what is shown").fill("looks & <b>sees</b>")
    page.get_by_role("button", name="Pin this view").click()
    pins = state(page)["pins"]
    assert pins == [{"note": "looks & <b>sees</b>", "at": "view=matrix&layer=2&from=9&to=1%2C2"}]
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    again = page.evaluate("() => location.hash").removeprefix("#")
    open_page(page, tmp_path, luke_like(), again)
    assert state(page)["view"] == "heads"
    page.get_by_role("button", name="looks & <b>sees</b>", exact=True).click()
    assert state(page)["view"] == "matrix" and state(page)["from"] == [9] and state(page)["pins"] == pins


def test_a_pair_is_followed_through_the_layers(page: Any, tmp_path: Path) -> None:
    weights = rows_that_sum_to_one((3, 2, 4, 4))
    open_page(page, tmp_path, PageData("deflate", "u16").add(weights, plain_table(list("abca"))), "view=layers")
    page.locator("[data-key='pair 0 from']").select_option(label="a #2 (3)")
    page.locator("[data-key='pair 0 to']").select_option(label="c (2)")
    assert state(page)["pairs"] == [[[3], [2]]]
    means = weights[:, :, 3, 2].mean(1)
    assert f"a #2 → c: strongest in layer {means.argmax()} (mean of heads {means.max():.3f})" in said(page)
    page.get_by_title("Swap pair 1").click()
    assert state(page)["pairs"] == [[[2], [3]]]
    page.get_by_role("button", name="Add a pair").click()
    assert len(state(page)["pairs"]) == 2
    page.get_by_title("Remove pair 2").click()
    assert len(state(page)["pairs"]) == 1


def test_a_head_of_the_grid_is_opened_by_mouse_and_by_keyboard(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, luke_like(), "view=grid&layer=0")
    page.locator(".interactive").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert state(page)["layer"] == 1 and state(page)["heads"] == [1]
    page.keyboard.press("Enter")
    assert state(page)["view"] == "heads" and state(page)["mode"] == "each"
    open_page(page, tmp_path, luke_like(), "view=grid&layer=0")
    page.locator("#view canvas").click(position={"x": 60, "y": 40})
    assert state(page)["view"] == "heads" and state(page)["heads"] == [0]


def test_flow_and_quadrants_equal_numpy(page: Any, tmp_path: Path) -> None:
    mean = rows_that_sum_to_one((3, 4, 11, 11)).mean(1)
    open_page(page, tmp_path, luke_like(), "view=classes&show=quadrants")
    found = {(int(layer), name): [float(value) for value in values] for layer, name, *values in rows_of(page)}
    for layer in range(3):
        for name, rows in (("word", slice(0, 9)), ("entity", slice(9, 11))):
            expected = [mean[layer, rows, :9].sum(1).mean(), mean[layer, rows, 9:].sum(1).mean()]
            np.testing.assert_allclose(found[layer, name], expected, atol=0.01)
    page.locator("[data-key='Show']").select_option("grounding")
    page.locator("[data-key=Show]").wait_for()
    row = next(cells for cells in rows_of(page) if cells[:2] == ["1", "E1 [MASK] Beyonce"])
    own, other, words, entities, rest, back = (float(cell) for cell in row[2:])
    assert own == pytest.approx(mean[1, 9, [1, 2]].sum(), abs=0.01)
    assert other == pytest.approx(mean[1, 9, [5, 6]].sum(), abs=0.01)
    assert words == pytest.approx(mean[1, 9, [3, 4, 7]].sum(), abs=0.01)
    assert entities == pytest.approx(mean[1, 9, 9:].sum(), abs=0.01)
    assert rest == pytest.approx(mean[1, 9, [0, 8]].sum(), abs=0.01)
    assert back == pytest.approx(mean[1, [1, 2], 9].mean(), abs=0.01)


def test_relevance_shows_row_rollout_and_gradient_of_a_label(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, luke_like(), "view=relevance&layer=2&row=10&label=1")
    weights = rows_that_sum_to_one((3, 4, 11, 11))
    found = np.array([[float(cell) for cell in cells[1:]] for cells in rows_of(page)])
    np.testing.assert_allclose(found[:, 0], weights[2].mean(0)[10], atol=0.004)
    np.testing.assert_allclose(found[:, 1], page.evaluate("() => window.__attention.rollout(10)"), atol=0.0006)
    np.testing.assert_allclose(found[:, 2], rows_that_sum_to_one((11, 11), 8)[10], atol=0.0006)
    page.locator("[data-key='Contributions to']").select_option(label="lives (3)")
    page.locator("[data-key='label']").select_option(label="person")
    assert state(page)["row"] == 3 and state(page)["label"] == 0


def test_two_models_are_compared_head_by_head(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, two_models(), "view=compare&layer=1&from=9&to=1,2")
    first, second = rows_that_sum_to_one((3, 4, 11, 11)), rows_that_sum_to_one((3, 4, 11, 11), 1)
    middle = (first + second) / 2
    expected = sum((side * np.log2(side / middle)).sum(-1) for side in (first, second)).mean(-1) / 2
    found = {(int(layer), int(head)): float(value) for layer, head, value in rows_of(page)}
    assert len(found) == 12 and list(found.values()) == sorted(found.values(), reverse=True)
    for place, value in found.items():
        assert value == pytest.approx(expected[place], abs=0.02)
    sums = [side[1].mean(0)[9, [1, 2]].sum() for side in (first, second)]
    numbers = said(page).rsplit("A ", 1)[1].removesuffix(".").split(", B ")
    np.testing.assert_allclose([float(number) for number in numbers], sums, atol=0.01)


def saved(page: Any, title: str) -> tuple[str, list[str], list[list[str]]]:
    """Name, columns and rows of the CSV file that a button saves."""
    with page.expect_download(timeout=30_000) as download:
        page.get_by_title(title).click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    columns, *rows = csv.reader(text.splitlines())
    return download.value.suggested_filename, columns, rows


def test_the_numbers_of_a_comparison_are_saved(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, two_models(), "view=compare&layer=1")
    name, columns, rows = saved(page, "Save as CSV")
    assert name == "attention_compare_layer1.csv"
    heads = "layer 1, mean of 4 heads"
    assert columns == ["from", "to", f"A: tiny · 1, {heads}", f"B: tuned · 1, {heads}", "A − B"]
    tokens = ["[CLS]", "Bey", "once", "lives", "in", "Los", "Angeles", ".", "[SEP]", "E1 [MASK] Beyonce", "E2 Los Angeles"]
    found = np.full((3, 11, 11), np.nan)
    for source, target, *numbers in rows:
        found[:, tokens.index(source), tokens.index(target)] = [float(number) for number in numbers]
    first, second = (rows_that_sum_to_one((3, 4, 11, 11), *seed)[1].mean(0) for seed in ((), (1,)))
    np.testing.assert_allclose(found[0], first, atol=0.004)
    np.testing.assert_allclose(found[1], second, atol=0.004)
    np.testing.assert_allclose(found[2], found[0] - found[1], atol=1e-6)
    assert len(rows) == 121 and np.all(np.diff([abs(float(row[-1])) for row in rows]) <= 0)


def test_the_changes_of_the_heads_are_saved(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, two_models(), "view=compare&layer=1")
    name, columns, rows = saved(page, "Save the change of every head as CSV")
    assert name == "attention_compare_heads.csv"
    assert columns == ["layer", "head", "Jensen-Shannon divergence of tiny · 1 (A) and tuned · 1 (B)"]
    first, second = rows_that_sum_to_one((3, 4, 11, 11)), rows_that_sum_to_one((3, 4, 11, 11), 1)
    middle = (first + second) / 2
    expected = sum((side * np.log2(side / middle)).sum(-1) for side in (first, second)).mean(-1) / 2
    found = {(int(layer), int(head)): float(value) for layer, head, value in rows}
    assert len(found) == 12
    for place, value in found.items():
        assert value == pytest.approx(expected[place], abs=0.02)


def test_other_pieces_are_compared_by_words(page: Any, tmp_path: Path) -> None:
    text = "unhappy cats"
    first = token_table(
        text,
        [("[CLS]", "special", -1, -1), ("un", "word", 0, 2), ("happy", "word", 2, 7), ("cats", "word", 8, 12)],
        [-1, 0, 0, 1],
    )
    second = token_table(text, [("unhappy", "word", 0, 7), ("cat", "word", 8, 11), ("s", "word", 11, 12)], [0, 1, 1])
    data = PageData().add(rows_that_sum_to_one((2, 3, 4, 4)), first, text=text, id="1")
    data.add(rows_that_sum_to_one((4, 2, 3, 3)), second, text=text, id="1", model=1)
    data.models.append({"name": "other", "layers": 4, "heads": 2, "entity_aware": False})
    open_page(page, tmp_path, data, "view=compare&layer=1")
    assert "2 words that both have" in said(page)
    assert sorted(cells[:2] for cells in rows_of(page)) == [["0", "mean"], ["1", "mean"]]


def test_statistics_are_sorted_and_open_a_head(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, luke_like(), "view=statistics&sort=entities")
    shares = [float(cells[-1]) for cells in rows_of(page)]
    assert shares == sorted(shares, reverse=True) and len(shares) == 12
    expected = rows_that_sum_to_one((3, 4, 11, 11))[..., 9:].sum(-1).mean(-1)
    assert shares[0] == pytest.approx(expected.max(), abs=0.01)

"""Whether everybody can read and operate the attention explorer's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attention_pages import VIEWS, open_page, open_view, settled, state, token, two_models
from page_checks import CONTRAST

FOCUSABLE = """() => [...document.querySelectorAll('button, select, input, summary, [tabindex="0"]')]
    .filter((one) => one.checkVisibility() && !one.disabled && !one.closest('dialog') && one.tabIndex >= 0)
    .map((one, at) => { one.dataset.number = at; return at; })"""

TARGETS = """() => [...document.querySelectorAll('button, select, input, summary, [role=option]')]
    .filter((one) => one.checkVisibility() && !one.closest('dialog'))
    .map((one) => [one.type === 'checkbox' ? one.closest('label') : one, one])
    .map(([target, one]) => [target.getBoundingClientRect(), one])
    .filter(([box]) => box.width < 24 || box.height < 24)
    .map(([box, one]) => `${box.width.toFixed(1)} x ${box.height.toFixed(1)} ${one.outerHTML.slice(0, 100)}`)"""

NEEDS_A_NAME = (
    "button|combobox|checkbox|slider|spinbutton|searchbox|textbox|listbox|option|tab|tablist|tabpanel|group|region|img|dialog"
)


def opened(page: Any) -> None:
    """Everything that can be opened is open, and all kinds of texts are there."""
    page.evaluate("() => { for (const details of document.querySelectorAll('details')) details.open = true; }")
    page.locator("#foot .table-box").wait_for()


@pytest.fixture
def still(page: Any) -> Iterator[Any]:
    """A page that does not fade in."""
    page.emulate_media(reduced_motion="reduce")
    yield page
    page.emulate_media(reduced_motion=None)


def examples() -> Any:
    data = two_models()
    data.examples[1]["prediction"] = {"labels": ["person"], "probabilities": [0.1], "gold": ["person"]}
    return data


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_controls_stand_out(still: Any, tmp_path: Path, theme: str) -> None:
    pins = "%5B%7B%22note%22%3A%22a+note%22%2C%22at%22%3A%22view%3Dgrid%22%7D%5D"
    for view in VIEWS:
        open_page(still, tmp_path, examples(), f"theme={theme}&view={view}&from=1&to=3&pins={pins}")
        opened(still)
        assert still.evaluate(CONTRAST) == []
    open_page(still, tmp_path, examples(), f"theme={theme}&example=1&mode=each&heads=1,2&special=0")
    token(still, "from", 3).hover()
    still.evaluate("() => { for (const one of document.querySelectorAll('.token')) one.style.setProperty('--share', '1'); }")
    assert still.evaluate(CONTRAST) == []
    still.get_by_role("button", name="Help (?)").click()
    assert still.evaluate(CONTRAST) == []


def test_a_grey_text_would_be_found(still: Any, tmp_path: Path) -> None:
    open_page(still, tmp_path, examples())
    still.evaluate("() => { document.querySelector('h1').style.color = '#767676'; }")
    assert still.evaluate(CONTRAST) == []
    still.evaluate("() => { document.querySelector('h1').style.color = '#777777'; }")
    (found,) = still.evaluate(CONTRAST)
    assert found.startswith("4.48 text: <h1")


def test_every_control_has_a_name(page: Any, tmp_path: Path) -> None:
    for view in VIEWS:
        open_page(page, tmp_path, examples(), f"view={view}")
        opened(page)
        lines = page.locator("body").aria_snapshot().splitlines()
        nameless = [line for line in lines if re.match(rf"\s*- (?:{NEEDS_A_NAME})(?:\s+\[|:|\s*$)", line)]
        assert nameless == []
        assert sum("button" in line for line in lines) > 10
        assert any(re.match(r'\s*- img "', line) for line in lines)


@pytest.mark.parametrize("view", VIEWS)
def test_every_control_is_reached_by_tab_and_shows_its_focus(page: Any, tmp_path: Path, view: str) -> None:
    open_page(page, tmp_path, examples(), f"view={view}")
    opened(page)
    expected = page.evaluate(FOCUSABLE)
    reached = []
    for _ in range(len(expected) + 5):
        page.keyboard.press("Tab")
        script = """() => { const one = document.activeElement, style = getComputedStyle(one);
            return [one.dataset.number, style.outlineStyle, parseFloat(style.outlineWidth)]; }"""
        number, style, width = page.evaluate(script)
        if number is None or (reached and number == "0"):
            break
        reached.append(int(number))
        assert style != "none" and width >= 2
    assert reached == expected


def test_tabs_are_one_stop_and_moved_by_arrows(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, examples())
    assert page.locator("[role=tab][tabindex='0']").count() == 1
    page.locator("[role=tab][tabindex='0']").focus()
    for key, view in (
        ("ArrowRight", "grid"),
        ("ArrowLeft", "heads"),
        ("ArrowLeft", "compare"),
        ("Home", "heads"),
        ("End", "compare"),
    ):
        page.keyboard.press(key)
        page.locator(f"[data-view={view}][aria-selected=true]").wait_for()
        settled(page)
        assert page.evaluate("() => document.activeElement.dataset.view") == view


def test_a_finger_hits_every_control_on_a_phone(page: Any, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for view in VIEWS:
        open_page(page, tmp_path, examples(), f"view={view}")
        opened(page)
        assert page.evaluate(TARGETS) == []


def test_twice_the_size_loses_nothing(page: Any, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 640, "height": 450})  # what a window of 1280 x 900 has at 200 %
    cut = """() => [...document.querySelectorAll('button, select, input, h1, .said, .facts')].filter((one) => {
        const box = one.getBoundingClientRect(); return one.checkVisibility() && !one.closest('.table-box, dialog')
        && (box.left < 0 || box.right > 640); }).map((one) => one.outerHTML.slice(0, 100))"""
    for view in VIEWS:
        open_page(page, tmp_path, examples(), f"view={view}")
        opened(page)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 640
        assert page.evaluate(cut) == []


def test_nothing_moves_for_those_who_want_no_motion(page: Any, tmp_path: Path) -> None:
    moving = """() => [...document.querySelectorAll('*')].filter((one) => { const style = getComputedStyle(one);
        return parseFloat(style.transitionDuration) || style.animationName !== 'none'; }).length"""
    open_page(page, tmp_path, examples())
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moving) > 0
    page.emulate_media(reduced_motion=None)


def test_pictures_have_their_numbers_as_text(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, examples())
    for view in VIEWS:
        open_view(page, view)
        canvas = page.locator("#view canvas")
        assert page.locator(f"#{canvas.get_attribute('aria-describedby')}").text_content()
        assert page.locator("#foot summary").inner_text() == "Show as table"
    assert state(page)["view"] == VIEWS[-1]

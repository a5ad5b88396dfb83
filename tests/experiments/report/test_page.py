"""The pages of a report and of a comparison in a browser without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attention_pages import browser_page
from made_runs import WRONG, finetuning_run
from page_checks import CONTRAST
from task_jobs import silent

import loreweave
from loreweave.experiments.report.page import Drawn, page_html
from loreweave.experiments.report.parts import Part, Table

LONG = "a_setting_with_a_long_value_that_is_a_single_word_without_any_place_to_break_it_" * 2

PICTURES = "() => [...document.images].map((one) => one.complete && one.naturalWidth > 0 && one.alt.length > 0)"
WIDER_THAN_THE_PAGE = """() => [...document.querySelectorAll('body *')]
    .filter((one) => !one.closest('.table') && one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.outerHTML.slice(0, 100))"""
SCROLLED = """() => [...document.querySelectorAll('.table')].filter((one) => one.scrollWidth > one.clientWidth)
    .map((one) => { one.scrollLeft = 40; return one.scrollLeft; })"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report about two groups of two seeds, and a comparison of the groups."""
    folder = tmp_path_factory.mktemp("pages")
    for seed in (0, 1):
        wrong = {"logits": WRONG} if seed == 0 else {}
        finetuning_run(folder / "low" / str(seed), seed, (0.25, 0.5), 0.5, train_fraction=0.5, note=LONG, **wrong)
        finetuning_run(folder / "high" / str(seed), seed, (0.5, 0.75), 0.75, train_fraction=1.0, note="short")
    systems = [folder / "low", folder / "high"]
    names = ["scores", "progression", "settings", "labels", "errors"]
    report = loreweave.report(systems, output=folder / "report", figures=names, tell=silent)
    comparison = loreweave.compare(systems, output=folder / "comparison", samples=50, tell=silent)
    return {"report": report.path / "index.html", "comparison": comparison.path / "index.html"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browser_page() as page:
        yield page


@pytest.fixture
def light(browser: Any) -> Any:
    browser.emulate_media(color_scheme="light")
    browser.set_viewport_size({"width": 390, "height": 800})
    return browser


@pytest.fixture
def dark(browser: Any) -> Any:
    browser.emulate_media(color_scheme="dark")
    browser.set_viewport_size({"width": 1200, "height": 800})
    return browser


@pytest.mark.parametrize("name", ["report", "comparison"])
def test_a_page_opens_from_a_file_on_a_narrow_screen(light: Any, pages: dict[str, Path], name: str) -> None:
    light.goto(pages[name].as_uri())
    light.wait_for_load_state()
    pictures = light.evaluate(PICTURES)
    assert len(pictures) >= 2 and all(pictures)
    assert light.evaluate("() => document.documentElement.scrollWidth") == 390
    assert light.evaluate(WIDER_THAN_THE_PAGE) == []
    scrolled = light.evaluate(SCROLLED)
    assert scrolled and set(scrolled) == {40}
    assert light.evaluate(CONTRAST) == []
    assert light.problems == []


@pytest.mark.parametrize("name", ["report", "comparison"])
def test_a_page_can_be_read_in_the_dark(dark: Any, pages: dict[str, Path], name: str) -> None:
    dark.goto(pages[name].as_uri())
    back = dark.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert back == "rgb(22, 22, 22)"
    assert dark.evaluate(CONTRAST) == []
    assert dark.evaluate("() => document.documentElement.scrollWidth") == 1200
    assert all(dark.evaluate(PICTURES)) and dark.problems == []


def test_every_entry_of_the_contents_leads_to_its_heading(light: Any, pages: dict[str, Path]) -> None:
    light.goto(pages["comparison"].as_uri())
    for link in light.locator("nav a").all():
        heading = light.locator(f"h3{link.get_attribute('href')}")
        assert heading.inner_text() == link.inner_text()
    assert light.locator("main > p.answer").count() == 2


def column(page: Any, table: str, place: int) -> list[str]:
    cells = page.locator(f"div.table[aria-label='{table}'] tbody tr:visible td:nth-child({place})")
    return list(cells.all_inner_texts())


def test_a_table_is_sorted_by_its_full_numbers_and_back(light: Any, pages: dict[str, Path]) -> None:
    light.goto(pages["report"].as_uri())
    head = light.locator("div.table[aria-label='runs'] th", has_text="dev accuracy")
    names = light.locator("div.table[aria-label='runs'] th").all_inner_texts()
    place = names.index("dev accuracy") + 1
    first = column(light, "runs", place)
    assert len(set(first)) > 1
    for direction, expected in (("ascending", sorted(first, key=float)), ("descending", sorted(first, key=float)[::-1])):
        head.get_by_role("button").press("Enter")
        assert head.get_attribute("aria-sort") == direction and column(light, "runs", place) == expected
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") is None and column(light, "runs", place) == first
    light.locator("div.table[aria-label='runs'] th").first.get_by_role("button").click()
    runs = column(light, "runs", 1)
    assert runs == sorted(runs) and light.problems == []


def test_numbers_are_sorted_as_numbers_and_empty_cells_come_last(light: Any, tmp_path: Path) -> None:
    rows = [[9.00004, "b 10"], [None, "b 9"], [12345, "a"], [9.00001, ""], [-1.0, "c"], [2e-7, "b 9"]]
    part = Part("Numbers", "About.", tables=[Table("numbers", ["value", "name"], rows)])
    (tmp_path / "page.html").write_text(page_html("a", [], [("s", [Drawn("numbers", part)])]), encoding="utf-8")
    light.goto((tmp_path / "page.html").as_uri())
    value, name = light.locator("th button").all()
    value.click()
    assert column(light, "numbers", 1) == ["-1", "2e-07", "9", "9", "12,345", ""]
    assert column(light, "numbers", 2) == ["c", "b 9", "", "b 10", "a", "b 9"]
    value.click()
    assert column(light, "numbers", 1) == ["12,345", "9", "9", "2e-07", "-1", ""]
    name.click()
    assert column(light, "numbers", 2) == ["a", "b 9", "b 9", "b 10", "c", ""]
    field = light.get_by_label("Filter rows")
    field.fill("10 B")
    assert column(light, "numbers", 2) == ["b 10"] and light.get_by_role("status").inner_text() == "1 of 6 rows"
    field.fill("9b")
    assert column(light, "numbers", 2) == [] and light.get_by_role("status").inner_text() == "0 of 6 rows"
    field.fill("")
    assert len(column(light, "numbers", 2)) == 6 and light.get_by_role("status").inner_text() == ""
    assert light.problems == []


def test_the_policy_of_a_page_forbids_other_scripts_and_addresses(light: Any, tmp_path: Path) -> None:
    text = page_html("a", ["b"], []).replace("</main>", "<script>document.title = 'run'</script><img src='x.png'></main>")
    (tmp_path / "page.html").write_text(text)
    light.goto((tmp_path / "page.html").as_uri())
    assert light.title() == "a"
    assert len(light.problems) >= 2 and all("Content Security Policy" in line for line in light.problems)
    light.problems.clear()

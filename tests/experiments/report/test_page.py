"""The pages of a report and of a comparison in a browser without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attention_pages import browser_page
from made_runs import WRONG, finetuning_run
from page_checks import CONTRAST
from task_jobs import silent

import loreweave
from loreweave.experiments.report.cells import Cell
from loreweave.experiments.report.page import Drawn, page_html
from loreweave.experiments.report.parts import Part, Table

LONG = "a_setting_with_a_long_value_that_is_a_single_word_without_any_place_to_break_it_" * 2

PICTURES = "() => [...document.images].map((one) => one.complete && one.naturalWidth > 0 && one.alt.length > 0)"
WIDER_THAN_THE_PAGE = """() => [...document.querySelectorAll('body *')]
    .filter((one) => !one.closest('.table') && one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.outerHTML.slice(0, 100))"""
SCROLLED = """() => [...document.querySelectorAll('.table')].filter((one) => one.scrollWidth > one.clientWidth)
    .map((one) => { one.scrollLeft = 40; return one.scrollLeft === Math.min(40, one.scrollWidth - one.clientWidth); })"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report about two groups of two seeds, and a comparison of the groups."""
    folder = tmp_path_factory.mktemp("pages")
    for seed in (0, 1):
        wrong = {"logits": WRONG} if seed == 0 else {}
        best = (0.625, 0.75) if seed else (0.75, 0.625)  # in the order of the seeds neither upwards nor downwards
        finetuning_run(folder / "a" / str(seed), seed, (0.25, best[0] - 0.25), 0.5, train_fraction=0.5, note=LONG, **wrong)
        finetuning_run(folder / "b" / str(seed), seed, (0.5, best[1]), 0.75, train_fraction=1.0, note="short")
    systems = [folder / "a", folder / "b"]
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
    browser.emulate_media(color_scheme="light", media="screen")
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
    assert scrolled and all(scrolled)
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
    upwards = sorted(first, key=float)
    for direction, expected in (("ascending", upwards), ("descending", upwards[::-1])):
        assert column(light, "runs", place) != expected
        head.get_by_role("button").press("Enter")
        assert head.get_attribute("aria-sort") == direction and column(light, "runs", place) == expected
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") is None and column(light, "runs", place) == first
    runs = column(light, "runs", 1)
    assert runs != sorted(runs)
    light.locator("div.table[aria-label='runs'] th").first.get_by_role("button").click()
    assert column(light, "runs", 1) == sorted(runs) and light.problems == []


def opened(page: Any, path: Path, sections: Sequence[tuple[str, Sequence[Part]]]) -> None:
    """Open a page of parts."""
    drawn = [(name, [Drawn(f"figure{at}", part) for at, part in enumerate(parts)]) for name, parts in sections]
    path.write_text(page_html("a", [], drawn), encoding="utf-8")
    page.goto(path.as_uri())


def with_rows(rows: Sequence[Sequence[object]], columns: Sequence[str], name: str = "numbers", **rest: Any) -> Part:
    return Part(rest.pop("part", "Numbers"), "About.", tables=[Table(name, columns, rows, **rest)])


def test_settings_are_sorted_by_all_their_digits_and_before_words(light: Any, tmp_path: Path) -> None:
    upwards = [
        "-5",
        "-1",
        "0",
        "1e-05",
        "0.000193",
        "0.00020865",
        "0.000329",
        "0.001",
        "0.1",
        "0.25",
        "0.9",
        "10",
        "all",
        "none",
    ]
    full = {"0.000193": "0.000192975", "0.000329": "0.00032866"}
    first = [*upwards[1::2], *upwards[::2]]
    groups = [f"group={text}" for text in upwards]
    rows = [[Cell(full.get(text, text), text), f"group={text}, x"] for text in first]
    opened(light, tmp_path / "page.html", [("s", [with_rows([*rows, [Cell("", ""), ""]], ["rate", "group"])])])
    rate, group = light.locator("th button").all()
    for button, place, expected in ((rate, 1, upwards), (group, 2, [f"{text}, x" for text in groups])):
        button.click()
        assert column(light, "numbers", place) == [*expected, ""]
        button.click()
        assert column(light, "numbers", place) == [*expected[::-1], ""]


def test_numbers_that_differ_in_a_late_digit_are_not_equal(light: Any, tmp_path: Path) -> None:
    rows = [[0.12345678912, "b"], [0.12345678911, "a"], [0.12345678913, "c"]]
    opened(light, tmp_path / "page.html", [("s", [with_rows(rows, ["value", "name"])])])
    light.locator("th button").first.click()
    assert column(light, "numbers", 2) == ["a", "b", "c"]


def test_a_filter_finds_numbers_by_their_digits_and_letters_however_they_are_composed(light: Any, tmp_path: Path) -> None:
    rows = [
        [12345, "Beyonce\u0301"],
        [45, "caf\u00e9"],
        [Cell("0.00032866", "0.000329"), "x"],
        [0.123456, "d"],
        [7, ""],
        [8, ""],
    ]
    opened(light, tmp_path / "page.html", [("s", [with_rows(rows, ["value", "name"])])])
    field = light.get_by_label("Filter rows")
    for asked, expected in {
        "12345": ["12,345"], "12,3": ["12,345"], "0.00032866": ["0.000329"], "56": [],
        "BEYONC\u00c9": ["12,345"], "cafe\u0301": ["45"],
    }.items():  # fmt: skip
        field.fill(asked)
        assert column(light, "numbers", 1) == expected, asked


def test_a_table_that_is_cut_says_that_only_its_rows_are_sorted_and_filtered(light: Any, tmp_path: Path) -> None:
    rows = [[number, f"name {number}"] for number in range(9)]
    parts = [with_rows(rows, ["value", "name"], "cut", shown=6), with_rows(rows, ["value", "name"], "whole")]
    parts += [with_rows(rows, ["value", "name"], "none", shown=0), with_rows(rows[:5], ["value", "name"], "few")]
    opened(light, tmp_path / "page.html", [("s", parts)])
    said = light.locator("p.note").all_inner_texts()
    assert said == ["6 of 9 rows are on this page; all rows: tables/cut.csv", "tables/whole.csv", "9 rows, tables/none.csv",
                    "tables/few.csv"]  # fmt: skip
    for name, expected in (("cut", "1 of the 6 rows on the page"), ("whole", "1 of 9 rows")):
        light.get_by_label(f"Filter rows of {name}").fill("name 3")
        assert expected in light.get_by_role("status").all_inner_texts()
    assert light.locator("p.filter").count() == 2, "a table of 5 rows has no filter"


def test_tables_of_the_same_name_have_different_names_for_those_who_hear_them(light: Any, tmp_path: Path) -> None:
    rows = [[number, "x"] for number in range(6)]

    def part(title: str, name: str) -> Part:
        return with_rows(rows, ["value", "name"], name, title="Labels", part=title)

    sections = [("ner", [part("A", "a"), part("B", "b")]), ("typing", [part("A", "a"), with_rows(rows, ["value", "name"])])]
    opened(light, tmp_path / "page.html", sections)
    found = [field.get_attribute("aria-label") for field in light.get_by_role("searchbox").all()]
    names = ["Labels, ner, A", "Labels, ner, B", "Labels, typing", "numbers"]
    assert found == [f"Filter rows of {name}" for name in names]
    assert [one.get_attribute("aria-label") for one in light.get_by_role("region").all()] == names


def test_the_whole_head_of_a_column_is_a_button_with_a_mark_that_is_not_read(light: Any, tmp_path: Path) -> None:
    rows = [[number, "a longer text than the head"] for number in range(3)]
    opened(light, tmp_path / "page.html", [("s", [with_rows(rows, ["value in a head of several words", "n"])])])
    corners = """(head) => { const { left, right, top, bottom } = head.getBoundingClientRect();
        return [[left + 2, top + 2], [right - 2, top + 2], [left + 2, bottom - 2], [right - 2, bottom - 2]]
            .map(([x, y]) => document.elementFromPoint(x, y)).every((one) => one === head.querySelector('button')); }"""
    value, name = light.locator("th").all()
    assert value.evaluate(corners) and name.evaluate(corners)
    mark = "(head) => getComputedStyle(head.querySelector('button'), '::after').content"
    assert name.evaluate(mark) == '"\u00a0↕" / ""'
    for sign in "▲▼↕":
        name.get_by_role("button", name="n", exact=True).press("Enter")
        assert name.evaluate(mark) == f'"\u00a0{sign}" / ""'
    outline = "(head) => getComputedStyle(head.querySelector('button'), '::before').outlineStyle"
    assert name.evaluate(outline) == "solid" and value.evaluate(outline) == "none"


def test_a_printed_table_has_its_filter_only_if_rows_are_hidden(light: Any, tmp_path: Path) -> None:
    rows = [[number, f"name {number}"] for number in range(9)]
    opened(light, tmp_path / "page.html", [("s", [with_rows(rows, ["value", "name"])])])
    field = light.get_by_label("Filter rows")
    light.emulate_media(media="print")
    assert not field.is_visible() and len(column(light, "numbers", 1)) == 9
    light.emulate_media(media="screen")
    field.fill("name 3")
    light.emulate_media(media="print")
    assert field.is_visible() and column(light, "numbers", 1) == ["3"]
    light.emulate_media(media="screen")


def test_numbers_are_sorted_as_numbers_and_empty_cells_come_last(light: Any, tmp_path: Path) -> None:
    rows = [[9.00004, "b 10"], [None, "b 9"], [12345, "a"], [9.00001, ""], [-1.0, "c"], [2e-7, "b 9"]]
    opened(light, tmp_path / "page.html", [("s", [with_rows(rows, ["value", "name"])])])
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

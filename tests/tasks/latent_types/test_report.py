"""The page of a corpus: what stands on it, that nothing comes from outside, and that it repeats."""

from __future__ import annotations

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.latent_types.model import TypePredictor
from loreweave.tasks.latent_types.picture import draw, lay_out, legend
from loreweave.tasks.latent_types.report import AnalysisConfig, Report, analyse_texts, write_report

TEXTS = [
    AnnotatedText(str(number), text, (Mention(0, 3, label="<person>"),), metadata={"pos": ["PROPN", "VERB", "ADP", "PROPN"]})
    for number, text in enumerate(["Ann lives in Oslo", "Bob works &<b>rests</b> here", "Eva sleeps near Bergen"])
]
VOID = {"meta", "br", "rect"}


class Tags(HTMLParser):
    """Checks that elements nest, and collects their names and attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return analyse_texts(TypePredictor(folder), TEXTS, AnalysisConfig(points=100), Counter({"empty lines": 2}))


def test_page_and_numbers(report: Report, tmp_path: Path) -> None:
    numbers_path = write_report(tmp_path / "page.html", report, {"model": "m<1>", "files": ["a&b.jsonl"]})
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    numbers = json.loads(numbers_path.read_text(encoding="utf-8"))
    assert numbers_path == tmp_path / "page.json" and numbers["model"] == "m<1>" and numbers["texts"] == 3
    tags = Tags(page)
    assert tags.seen["svg"] == 1 and tags.seen["mark"] == sum(len(row["contexts"]) for row in numbers["types"])
    assert {"b", "person"} & (set(tags.seen) - {"b"}) == set() and "&lt;person&gt;" in page and "m&lt;1&gt;" in page
    for heading in ("How the types are used", "Sentences rebuilt", "States by type", "Gold labels", "Gold parts of speech"):
        assert heading in page
    assert "empty lines: 2" in page and numbers["left_out"]["empty lines"] == 2
    assert f"{100 * numbers['usage']['sub_words']['share_selected']:.1f} %" in page
    assert f"{numbers['labels']['agreement']['all']['nmi']:.3f}" in page
    assert numbers["reconstruction"]["texts"] == 3 and numbers["types"][0]["share"] > 0


def test_nothing_comes_from_outside(report: Report, tmp_path: Path) -> None:
    write_report(tmp_path / "page.html", report, {"model": "m", "files": []})
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    tags = Tags(page)
    assert not {"script", "link", "img", "iframe", "object", "base", "image", "use"} & set(tags.seen)
    assert not {"src", "href", "srcset", "xlink:href"} & tags.attributes
    assert not re.search(r"https?:|//|@import|url\(", page)


def test_the_same_again(report: Report, folder: Path, tmp_path: Path) -> None:
    again = analyse_texts(TypePredictor(folder), iter(TEXTS), AnalysisConfig(points=100), Counter({"empty lines": 2}))
    assert again == report
    for name, one in (("a", report), ("b", again)):
        write_report(tmp_path / f"{name}.html", one, {})
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_plain_text_says_what_it_lacks(folder: Path, tmp_path: Path) -> None:
    texts = [AnnotatedText("1", "Ann lives.")]
    plain = analyse_texts(TypePredictor(folder), texts, AnalysisConfig(rebuild=False, points=0))
    write_report(tmp_path / "page.html", plain, {"model": "m", "files": ["a.txt"]})
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    Tags(page)
    assert page.count("The files have none.") == 2 and "Not requested." in page and "<svg" not in page
    assert plain.numbers["reconstruction"] is None and "picture" not in plain.numbers and "labels" not in plain.numbers


def test_neighbours_leave_special_words_out(report: Report) -> None:
    named = [row for row in report.numbers["types"] if row["type"]]
    assert named and all(len(row["nearest_words"]) == 8 for row in named)
    assert not any(item["word"].startswith("[") for row in named for item in row["nearest_words"] if len(item["word"]) > 1)


def test_no_text_and_a_wrong_name(folder: Path, report: Report, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no text"):
        analyse_texts(TypePredictor(folder), [])
    with pytest.raises(ConfigurationError, match="ends in .html"):
        write_report(tmp_path / "page.json", report, {})


def test_the_picture_keeps_groups_apart() -> None:
    random = np.random.default_rng(0)
    types = np.repeat([0, 1, 2], 20)
    states = random.normal(size=(60, 8)) + 30 * np.eye(8)[types]
    layout = lay_out(states, seed=0)
    assert layout is not None and 0 < layout.explained[1] <= layout.explained[0] <= 1
    for places in (layout.tsne, layout.pca):
        centres = np.stack([places[types == kind].mean(0) for kind in range(3)])
        nearest = np.linalg.norm(places[:, None] - centres, axis=-1).argmin(1)
        assert (nearest == types).all()
    drawing = draw(layout, types, {2: "2: a <b>"})
    assert drawing.count("h0") == 120 and drawing.count("<title>2: a &lt;b&gt;</title>") == 2
    assert [name for _, name in legend({2: "2: a"})] == ["2: a", "other types", "0, not selected"]
    assert lay_out(states[:5], seed=0) is None

"""Pages in notebooks: their outputs, several in one document, and the example notebooks from the kernel to a browser."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from made_attention import made_attention
from nbclient import NotebookClient
from nbconvert import HTMLExporter, LatexExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output

from loreweave.attention import Explorer
from loreweave.picture_style import COLOURS

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))
OFFLINE = {"require_js_url": "", "jquery_url": "", "mathjax_url": "", "mermaid_js_url": ""}
"""Scripts that nbconvert's own template takes from the network."""


def test_an_output_has_a_page_a_picture_and_a_line_of_text() -> None:
    page = Explorer([made_attention(model='a "tiny" <model>', text="x $y$ </script>")])
    bundle = page._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/png"} and bundle["text/html"] == page._repr_html_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG") and bundle["text/plain"].startswith(
        "Explorer(1 example "
    )
    assert 'sandbox="allow-scripts allow-downloads"' in bundle["text/html"] and "allow-same-origin" not in bundle["text/html"]
    assert set(page._repr_mimebundle_(include=["text/html"])) == {"text/html"}
    assert set(page._repr_mimebundle_(exclude=["image/png"])) == {"text/plain", "text/html"}


def test_a_pdf_has_the_picture() -> None:
    data = Explorer([made_attention()])._repr_mimebundle_()
    cell = new_code_cell("page", outputs=[new_output("execute_result", data=data, execution_count=1)])
    text, resources = LatexExporter().from_notebook_node(new_notebook(cells=[cell]))
    assert list(resources["outputs"]) == ["output_0_0.png"] and "output_0_0.png" in text


def test_the_figure_shows_what_the_page_opens_with() -> None:
    example = made_attention(layers=3).only([0, 2], [1, 2])
    figure = Explorer([example], view={"layer": 2, "heads": [1]}).figure()
    assert figure.axes[0].get_title() == "tiny: layer 2, head 1"
    names = [text.get_text() for text in figure.axes[0].texts]
    coloured = {text.get_text() for text in figure.axes[0].texts if text.get_color() == COLOURS[1]}
    assert coloured == {"Ann", "[MASK]"}, "the mention and its entity"
    assert names == [*example.queries.text, *example.queries.text]
    weights = example.weights[1, 0]
    assert len(figure.axes[0].collections[0].get_segments()) == (weights >= 0.03).sum()  # type: ignore[attr-defined]
    assert Explorer([example]).figure().axes[0].get_title() == "tiny: layer 2, mean of 2 heads"
    (axes,) = Explorer([example], view={"view": "grid"}).figure().axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "2"]


def test_the_figure_of_an_encoder_decoder_is_that_of_its_first_view() -> None:
    encoder, decoder = made_attention(kind="encoder", entities=[]), made_attention(kind="decoder", layers=3, entities=[])
    cross = made_attention(kind="cross", layers=5, keys=encoder.queries, entities=[])
    page = Explorer([encoder, decoder, cross])
    assert page.figure().axes[0].get_title() == "tiny: layer 2, mean of 3 heads", "the middle one of the 5 layers of cross"
    assert Explorer(page.examples, view={"example": 1}).figure().axes[0].get_title() == "tiny: layer 1, mean of 3 heads"
    assert Explorer([made_attention(layers=1), cross]).figure().axes[0].get_title() == "tiny: layer 0, mean of 3 heads"


@pytest.fixture
def patient(page: Any) -> Iterator[Any]:
    """The browser's page, with time for documents with several pages."""
    page.set_default_timeout(60_000)
    yield page
    page.set_default_timeout(10_000)


def heights(page: Any) -> list[int]:
    return page.evaluate("() => [...document.querySelectorAll('iframe')].map((frame) => frame.getBoundingClientRect().height)")


def check_frames(page: Any, count: int) -> None:
    """Every frame has drawn its page and is as tall as the page, or a little taller, so that nothing is hidden."""
    page.wait_for_function(f"() => document.querySelectorAll('iframe.attention-page').length === {count}")
    for number in range(count):
        page.locator("iframe.attention-page").nth(number).scroll_into_view_if_needed()
        frame = page.frame_locator(f"iframe.attention-page >> nth={number}")
        frame.locator("html[data-ready='1']").wait_for(state="attached")
        page.wait_for_timeout(200)
        content = frame.locator("body").evaluate("(body) => body.getBoundingClientRect().height")
        assert content - 1 <= heights(page)[number] <= content + 120


def test_several_pages_in_one_document_have_their_own_heights_and_states(patient: Any, tmp_path: Path) -> None:
    page = patient
    short, long = Explorer([made_attention()]), Explorer([made_attention(layers=12, heads=12)], view={"view": "grid"})
    html = "".join(each._repr_html_() for each in (short, long, short))
    (tmp_path / "all.html").write_text(f"<!doctype html><body><h1 id='view'>Mine</h1>{html}</body>", encoding="utf-8")
    page.goto((tmp_path / "all.html").as_uri())
    check_frames(page, 3)
    first, second, third = heights(page)
    assert first < second and third < second
    page.frame_locator("iframe >> nth=0").locator("[data-view=matrix]").click()
    page.frame_locator("iframe >> nth=0").locator("[data-view=matrix][aria-selected=true]").wait_for()
    assert page.frame_locator("iframe >> nth=2").locator("[data-view=heads][aria-selected=true]").count() == 1
    assert page.locator("#view").inner_text() == "Mine"
    page.evaluate("() => postMessage({ type: 'attention-height', height: 5 }, '*')")  # not from a frame
    page.wait_for_timeout(100)
    assert heights(page)[1:] == [second, third]


def test_there_are_three_small_notebooks_without_outputs() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["all_in_one", "head_view", "model_view"]
    for path in NOTEBOOKS:
        assert path.stat().st_size < 10_000
        assert not any(cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_example_notebook_runs_and_its_pages_open_without_a_network(path: Path, patient: Any, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    written = [output for cell in notebook.cells for output in cell.get("outputs", ()) if output.get("name") == "stderr"]
    assert not written, "warnings, such as that of tqdm in a notebook without ipywidgets"
    shown = [output.data for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    pages = [data for data in shown if "text/html" in data]
    assert len(pages) == 2 and all(base64.b64decode(data["image/png"]).startswith(b"\x89PNG") for data in pages)
    html, _ = HTMLExporter(**OFFLINE).from_notebook_node(notebook)
    (tmp_path / "notebook.html").write_text(html, encoding="utf-8")
    patient.goto((tmp_path / "notebook.html").as_uri())
    check_frames(patient, 2)
    if path.stem == "all_in_one":
        assert (tmp_path / "attention.pdf").stat().st_size > 1000 and (tmp_path / "attention.html").is_file()

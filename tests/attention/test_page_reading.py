"""What a reader sees without asking: marked mentions, names of shares, hints of each view, the help, and honest captions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attention_pages import (
    VIEWS,
    PageData,
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
    token_table,
)
from transformers import AutoModel, AutoTokenizer

from loreweave.cli.main import main


def mentions_page(**rest: Any) -> PageData:
    """A plain encoder that reads a text with two mentions, the first of two pieces."""
    tokens = [
        ("[CLS]", "special", -1, -1), ("Bey", "mention", 0, 3), ("once", "mention", 3, 7), ("lives", "word", 8, 13),
        ("in", "word", 14, 16), ("Oslo", "mention", 17, 21), ("[SEP]", "separator", -1, -1),
    ]  # fmt: skip
    table = token_table("Beyonce lives in Oslo", tokens, [-1, 0, 0, 1, 2, 3, -1])
    return PageData("deflate", "u16").add(rows_that_sum_to_one((2, 3, 7, 7)), table, text="Beyonce lives in Oslo", **rest)


def test_mentions_without_entities_are_marked_in_the_first_view(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, mentions_page(), "layer=1")
    for side in ("from", "to"):
        marked = page.locator(f".tokens.{side} .in-mention")
        assert [text.split() for text in marked.all_inner_texts()] == [["M1", "Bey"], ["M1", "once"], ["M2", "Oslo"]]
    plain, token = (page.locator(f".tokens.from .token >> nth={at}") for at in (3, 1))
    background = "(one) => getComputedStyle(one).backgroundColor"
    assert plain.evaluate(background) != token.evaluate(background)
    assert "The words of mentions have the badges M1, M2, in the order of the text." in page.locator(".hint").inner_text()
    mean = rows_that_sum_to_one((2, 3, 7, 7))[1].mean(0)
    rows = page.locator(".summary-row")
    assert [row.locator("strong").inner_text() for row in rows.all()[:2]] == ["Words attend to", "Mentions attend to"]
    own = np.mean([mean[1, 2], mean[2, 1], 0])
    assert rows.nth(1).locator(".part.mention").get_attribute("title") == f"own mention {own:.3f}"
    assert rows.nth(0).locator(".part.mention").count() == 0
    page.get_by_role("checkbox", name="merge sub-words").check()
    settled(page)
    assert [text.split() for text in page.locator(".tokens.to .in-mention").all_inner_texts()] == [
        ["M1", "Beyonce"], ["M2", "Oslo"]
    ]  # fmt: skip


def test_tokens_without_a_mention_are_not_marked(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, PageData().add(rows_that_sum_to_one((1, 1, 3, 3)), plain_table(list("abc"))))
    assert page.locator(".in-mention").count() == 0 and "badges" not in page.locator(".hint").inner_text()
    assert page.locator(".summary-row strong").all_inner_texts() == ["Words attend to", "Strongest links"]
    open_page(page, tmp_path, luke_like())
    assert "M1" not in page.locator("#view").inner_text() and "E1, E2" in page.locator(".hint").inner_text()


def test_each_view_has_its_own_hint_and_only_one_speaks_of_lines(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, luke_like())
    hints = {}
    for view in VIEWS:
        open_view(page, view)
        settled(page)
        hints[view] = page.locator("#hint").inner_text()
    assert len(set(hints.values())) == len(VIEWS) and all(len(hint) > 30 for hint in hints.values())
    assert [view for view, hint in hints.items() if "line" in hint] == ["heads"]


@pytest.mark.parametrize("width", [390, 1280])
def test_every_share_has_its_name_at_any_width(page: Any, tmp_path: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    open_page(page, tmp_path, luke_like())
    for row in page.locator(".summary-row:has(.bar)").all():
        text = row.inner_text()
        for part in row.locator(".part").all():
            name = part.get_attribute("title").rsplit(" ", 1)[0]
            assert name in text, f"{name} is not in {text!r}"


def test_the_help_opens_at_its_beginning_and_gives_the_focus_back(page: Any, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 800, "height": 400})
    open_page(page, tmp_path, luke_like())
    where = """() => { const help = document.getElementById('help');
        const box = document.getElementById('help-title').getBoundingClientRect();
        return [help.scrollTop, help.scrollHeight > help.clientHeight, box.top >= 0 && box.bottom <= 400,
            help.contains(document.activeElement)]; }"""
    opener = page.get_by_role("button", name="Help (?)")
    token = page.locator(".tokens.from .token").nth(0)
    for one, opened, closed in (
        (opener, "Enter", lambda: page.get_by_role("button", name="Close").click()),
        (token, "?", lambda: page.keyboard.press("Escape")),
    ):
        one.focus()
        page.keyboard.press(opened)
        assert page.evaluate(where) == [0, True, True, True]
        page.evaluate("() => { document.getElementById('help').scrollTop = 300; }")
        closed()
        assert page.locator("dialog[open]").count() == 0
        assert one.evaluate("(element) => element === document.activeElement")


def test_the_help_says_how_exact_the_weights_are(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, mentions_page())
    assert page.locator("#numbers-help").text_content() == "Weights are stored in 16 bits, with an error of at most 0.00001."
    open_page(page, tmp_path, luke_like())
    assert "8 bits, with an error of at most 0.004" in page.locator("#numbers-help").text_content()


def test_shades_of_gradients_compare_tokens_unless_each_has_its_own(page: Any, tmp_path: Path) -> None:
    matrix = np.zeros((3, 3))
    matrix[0] = [0.08, 0.02, 0]
    matrix[2] = [0.0004, 0.0001, 0]
    data = PageData("deflate", "u16").add(
        rows_that_sum_to_one((1, 1, 3, 3)), plain_table(["alpha", "beta", "gamma"]), relevance={"place": matrix}
    )
    dark = """() => { const canvas = document.querySelector('#view canvas'), context = canvas.getContext('2d');
        const half = Math.floor(canvas.height * 0.66);
        const pixels = context.getImageData(0, half, canvas.width, canvas.height - half).data;
        let least = 765;
        for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3] === 255 && pixels[at + 2] > pixels[at] + 30)
            least = Math.min(least, pixels[at] + pixels[at + 1] + pixels[at + 2]);
        return least; }"""
    open_page(page, tmp_path, data, "view=relevance&row=0&theme=light")
    strong = page.evaluate(dark)
    open_page(page, tmp_path, data, "view=relevance&row=2&theme=light")
    faint = page.evaluate(dark)
    assert strong < 200 and faint > 600
    page.locator("[data-key='Shades of gradients by']").select_option(label="this token")
    settled(page)
    assert state(page)["shade"] == "row" and page.evaluate(dark) == strong
    assert [cells[3] for cells in rows_of(page)] == ["4.0e-4", "1.0e-4", "0"]
    assert page.locator(".scale").inner_text().split() == ["0", "darkest"]


def test_the_rollout_names_the_layers_that_it_goes_through(page: Any, tmp_path: Path) -> None:
    table = plain_table(list("abc"))
    for layers, name in (([0, 1, 2], "the layers 0 to 2"), ([1, 4], "the layers 1, 4"), ([5], "layer 5")):
        data = PageData().add(rows_that_sum_to_one((len(layers), 2, 3, 3)), table, layers=layers)
        open_page(page, tmp_path, data, "view=relevance")
        rows_of(page)
        assert page.locator("#foot th >> nth=2").inner_text().startswith(f"Rollout (through {name}; the residual")


def test_a_number_of_several_heads_is_said_to_be_their_mean(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, luke_like(), "view=matrix&mode=each&from=1&to=2")
    assert said(page).startswith("layer 1, mean of 4 heads: ")
    open_page(page, tmp_path, luke_like(), "view=matrix&mode=max&from=1&to=2")
    assert said(page).startswith("layer 1, largest of 4 heads: ")
    open_page(page, tmp_path, luke_like(), "mode=each")
    assert said(page).startswith("layer 1, each of 4 heads: ") and "lines" in said(page)
    page.locator(".tokens.from .token").nth(3).hover()
    assert said(page).startswith("layer 1, mean of 4 heads: lives attends to")
    open_page(page, tmp_path, luke_like(), "view=classes&heads=2,2")
    assert "layer 1, head 2: share of the weight" in page.locator("#view caption").inner_text()


def two_shapes() -> PageData:
    """The same words in a model with 3 heads and in one with 2."""
    table = plain_table(["one", "two", "three"])
    data = PageData("deflate", "u16").add(rows_that_sum_to_one((2, 3, 3, 3)), table, text="x", id="1")
    data.add(rows_that_sum_to_one((4, 2, 3, 3), 1), table, text="x", id="1", model=1)
    data.models.append({"name": "other", "layers": 4, "heads": 2, "entity_aware": False})
    return data


TEXTS = """() => { const found = [], kind = CanvasRenderingContext2D.prototype, draw = kind.fillText;
    kind.fillText = function (text, ...rest) { found.push(text); return draw.call(this, text, ...rest); };
    window.drawnTexts = found; }"""


def test_both_sides_of_a_comparison_name_their_layer_and_heads(page: Any, tmp_path: Path) -> None:
    open_page(page, tmp_path, two_shapes())
    page.evaluate(TEXTS)
    for heads, first, second in (
        ("2", "layer 1, head 2", "layer 3, mean of 2 heads"),
        ("1", "layer 1, head 1", "layer 3, head 1"),
        ("", "layer 1, mean of 3 heads", "layer 3, mean of 2 heads"),
    ):
        page.evaluate("(heads) => { drawnTexts.length = 0; location.hash = `view=compare&layer=1&heads=${heads}`; }", heads)
        page.wait_for_function("(text) => drawnTexts.includes(text)", arg=first)
        texts = page.evaluate("() => drawnTexts")
        assert {"A: tiny · 1", first, "B: other · 1", second} <= set(texts)


def test_two_texts_are_compared_on_the_words_that_both_have(page: Any, tmp_path: Path) -> None:
    def add(data: PageData, words: list[str], seed: int) -> PageData:
        starts = np.cumsum([0, *(len(word) + 1 for word in words)]).tolist()
        tokens = [(word, "word", start, start + len(word)) for word, start in zip(words, starts, strict=False)]
        size = len(words)
        return data.add(
            rows_that_sum_to_one((1, 1, size, size), seed), token_table("", tokens), text=" ".join(words), id=str(seed)
        )

    data = add(add(PageData(), ["Ann", "met", "Bob", "today"], 0), ["Eva", "met", "Tom", "here"], 1)
    open_page(page, tmp_path, data, "view=compare&other=1")
    assert said(page).startswith("1 word that both have. ")


def test_the_sentences_that_are_chosen_are_those_that_are_compared(page: Any, tmp_path: Path) -> None:
    data = two_shapes()
    for example in data.examples:
        example["sentence"] = [0, 1, 1]
    open_page(page, tmp_path, data, "view=compare&sentences=bb")
    page.evaluate(TEXTS)
    page.evaluate("() => { location.hash = 'view=compare&sentences=bb&layer=0'; }")
    page.wait_for_function("() => drawnTexts.includes('two')")
    assert "one" not in page.evaluate("() => drawnTexts")


def test_a_decoder_that_weighs_what_it_sees_alike_has_an_entropy_of_one(page: Any, tmp_path: Path) -> None:
    even = np.tril(np.ones((1, 2, 4, 4))) / np.arange(1, 5)[:, None]
    data = PageData("deflate", "u16").add(even, plain_table(list("abcd")))
    data.examples[0]["attention"]["reach"] = [[3, 0]]
    open_page(page, tmp_path, data, "view=statistics")
    assert page.evaluate("() => window.__attention.statistics(0, 1)")["entropy"] == pytest.approx(1, abs=1e-4)
    open_page(page, tmp_path, data, "view=classes&lift=1")
    (row,) = rows_of(page)
    assert float(row[-1]) == pytest.approx(1, abs=1e-4)


def test_an_exact_page_of_a_decoder_has_the_numbers_of_the_model(page: Any, tmp_path: Path, tiny_gpt2: Path) -> None:
    path = tmp_path / "exact.html"
    text = "Ann lives in Oslo."
    assert main(["attention", "--model", str(tiny_gpt2), text, "--exact", "--output", str(path), "--device", "cpu"]) == 0
    eager = AutoModel.from_pretrained(tiny_gpt2, attn_implementation="eager")
    with torch.no_grad():
        inputs = AutoTokenizer.from_pretrained(tiny_gpt2)(text, return_tensors="pt")
        weights = torch.stack(eager(**inputs, output_attentions=True).attentions)[:, 0].double().numpy()
    page.goto(path.as_uri())
    page.locator("html[data-ready='1']").wait_for(state="attached")
    cells = [list(map(int, place)) for place in np.ndindex(weights.shape)]
    found = page.evaluate("(cells) => Promise.all(cells.map((cell) => window.__attention.weight(...cell)))", cells)
    assert np.abs(np.array(found).reshape(weights.shape) - weights).max() < 1e-5
    size = weights.shape[-1]
    entropies = -(weights * np.log(np.where(weights > 0, weights, 1))).sum(-1)[..., 1:] / np.log(np.arange(2, size + 1))
    assert 0.1 < entropies.mean() < 0.9
    for layer, head in np.ndindex(2, 2):
        shown = page.evaluate("(place) => window.__attention.statistics(...place)", [layer, head])
        assert shown["entropy"] == pytest.approx(entropies[layer, head].mean(), abs=1e-3)
        assert shown["previous"] == pytest.approx(np.trace(weights[layer, head], -1) / size, abs=1e-4)
        assert shown["next"] == 0
    page.locator("[data-view=statistics]").click()
    page.locator("[data-view=statistics][aria-selected=true]").wait_for()
    assert "16 bits" in page.locator("#numbers-help").text_content()


def test_an_encoder_decoder_marks_the_mentions_of_its_source(page: Any, tmp_path: Path) -> None:
    data = encoder_decoder()
    for example in data.examples:
        for side in ("queries", "keys"):
            if example[side] and "sleep" in example[side]["text"] and "</s>" in example[side]["text"]:
                example[side]["class"][2] = 5
    open_page(page, tmp_path, data)
    assert [text.split() for text in page.locator(".tokens.to .in-mention").all_inner_texts()] == [["M1", "cats"]]
    assert page.locator(".tokens.from .in-mention").count() == 0

"""Small pages of the attention explorer: data blocks that follow its format, and a browser to open them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from loreweave.attention.packing import packed, row_differences
from loreweave.attention.page_files import page_html

CLASSES = ["special", "separator", "marker", "word", "punctuation", "mention", "entity"]
VIEWS = ["heads", "grid", "layers", "matrix", "classes", "relevance", "statistics", "compare"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
BROWSER_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def token_table(text: str, tokens: Sequence[tuple[str, str, int, int]], words: Sequence[int] | None = None) -> dict[str, Any]:
    """Column-wise table of tokens (text, class, start, end)."""
    numbers = list(words) if words is not None else [-1 if start < 0 else at for at, (_, _, start, _) in enumerate(tokens)]
    return {
        "text": [token for token, _, _, _ in tokens],
        "raw": [token for token, _, _, _ in tokens],
        "class": [CLASSES.index(name) for _, name, _, _ in tokens],
        "start": [start for _, _, start, _ in tokens],
        "end": [end for _, _, _, end in tokens],
        "word": numbers,
    }


def plain_table(tokens: Sequence[str], entities: int = 0) -> dict[str, Any]:
    """Table of words, the last `entities` of which are entity tokens."""
    words = len(tokens) - entities
    return token_table("", [(token, "word" if at < words else "entity", -1, -1) for at, token in enumerate(tokens)])


def rows_that_sum_to_one(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(shape[-1], 0.5), shape[:-1])


def quantised(weights: np.ndarray, quantization: str) -> bytes:
    if quantization == "u16":
        return np.round(weights * 65535).astype("<u2").tobytes()
    return np.round(255 * np.sqrt(weights)).astype(np.uint8).tobytes()


class PageData:
    """Collects examples and their blocks."""

    def __init__(self, encoding: str = "deflate", quantization: str = "u8-sqrt") -> None:
        self.encoding, self.quantization = encoding, quantization
        self.blocks: list[str] = []
        self.examples: list[dict[str, Any]] = []
        self.models: list[dict[str, Any]] = []

    def block(self, data: bytes) -> int:
        self.blocks.append(packed(data))
        return len(self.blocks) - 1

    def add(
        self,
        weights: np.ndarray,
        queries: dict[str, Any],
        *,
        keys: dict[str, Any] | None = None,
        text: str = "",
        relevance: dict[str, np.ndarray] | None = None,
        layers: list[int] | None = None,
        heads: list[int] | None = None,
        **rest: Any,
    ) -> PageData:
        """Adds an example; weights [layers, heads, queries, keys]."""
        codes = [quantised(layer, self.quantization) for layer in weights]
        if self.encoding == "rows":
            shape = weights.shape[1:]
            codes = [row_differences(np.frombuffer(layer, np.uint8).reshape(shape)).tobytes() for layer in codes]
        blocks = [self.block(layer) for layer in codes]
        attention = {
            "shape": list(weights.shape),
            "quantization": self.quantization,
            "encoding": self.encoding,
            "blocks": blocks,
            "layers": layers or list(range(weights.shape[0])),
            "heads": heads or list(range(weights.shape[1])),
        }
        matrices = [
            {"label": label, "shape": list(matrix.shape), "block": self.block(matrix.astype("<f4").tobytes())}
            for label, matrix in (relevance or {}).items()
        ]
        example = {
            "id": str(len(self.examples) + 1),
            "model": 0,
            "text": text,
            "kind": "cross" if keys else "self",
            "queries": queries,
            "keys": keys,
            "entities": [],
            "attention": attention,
            "relevance": matrices or None,
        }
        self.examples.append({**example, **rest})
        if not self.models:
            self.models.append({"name": "tiny", "layers": weights.shape[0], "heads": weights.shape[1], "entity_aware": True})
        return self

    def html(self, title: str = "Attention", **view: Any) -> str:
        header = {
            "format": "attention-explorer/1",
            "generator": "test",
            "models": self.models,
            "classes": CLASSES,
            "examples": self.examples,
            "view": view,
        }
        text = json.dumps(header)
        for letter in "<>&\u2028\u2029":
            text = text.replace(letter, f"\\u{ord(letter):04x}")
        scripts = [f'<script type="application/json" id="attention-data">{text}</script>']
        scripts += [
            f'<script type="text/plain" id="block-{number}">{block}</script>' for number, block in enumerate(self.blocks)
        ]
        return page_html(title, "\n".join(scripts))


BEYONCE = "Beyonce lives in Los Angeles."


def luke_like(layers: int = 3, heads: int = 4, seed: int = 0, **rest: Any) -> PageData:
    """Words with pieces, special tokens and two entities, with random weights, two relevance labels and latent types."""
    tokens = [
        ("[CLS]", "special", -1, -1),
        ("Bey", "mention", 0, 3),
        ("once", "mention", 3, 7),
        ("lives", "word", 8, 13),
        ("in", "word", 14, 16),
        ("Los", "mention", 17, 20),
        ("Angeles", "mention", 21, 28),
        (".", "punctuation", 28, 29),
        ("[SEP]", "separator", -1, -1),
        ("[MASK]", "entity", 0, 7),
        ("Los Angeles", "entity", 17, 28),
    ]
    table = token_table(BEYONCE, tokens, [-1, 0, 0, 1, 2, 3, 4, 5, -1, -1, -1])
    size = len(tokens)
    entities = [
        {"row": 9, "label": "[MASK]", "start": 0, "end": 7, "words": [1, 2]},
        {"row": 10, "label": "Los Angeles", "start": 17, "end": 28, "words": [5, 6]},
    ]
    relevance = {"person": rows_that_sum_to_one((size, size), 7), "event": rows_that_sum_to_one((size, size), 8)}
    types = {"names": ["type 0", "type 1"], "of": [-1, 0, 0, 1, -1, 0, 0, -1, -1, -1, -1], "score": [0.5] * size}
    prediction = {"labels": ["person", "event"], "probabilities": [0.98, 0.01], "gold": ["person"]}
    weights = rows_that_sum_to_one((layers, heads, size, size), seed)
    whole = {"entities": entities, "relevance": relevance, "types": types, "prediction": prediction, "text": BEYONCE, **rest}
    return PageData().add(weights, table, **whole)


def two_models() -> PageData:
    """The example of `luke_like` by two models, with different weights."""
    data = luke_like()
    first = data.examples[0]
    rest = {name: first[name] for name in ("entities", "text", "id")}
    data.add(rows_that_sum_to_one((3, 4, 11, 11), seed=1), first["queries"], model=1, **rest)
    data.models.append({**data.models[0], "name": "tuned"})
    return data


SOURCE, TARGET = "unhappy cats sleep", "cats sleep badly"


def encoder_decoder(seed: int = 0, model: str = "seq2seq", data: PageData | None = None) -> PageData:
    """The three kinds of attention of one text in an encoder-decoder: 2 layers of the encoder, 3 of the decoder, 2 heads."""
    data = data or PageData()
    words = [("un", "word", 0, 2), ("happy", "word", 2, 7), ("cats", "word", 8, 12), ("sleep", "word", 13, 18)]
    source = token_table(SOURCE, [*words, ("</s>", "separator", -1, -1)], [0, 0, 1, 2, -1])
    told = [("<s>", "special", -1, -1), ("cats", "word", 0, 4), ("sleep", "word", 5, 10), ("badly", "word", 11, 16)]
    target = token_table(TARGET, told, [-1, 0, 1, 2])
    causal = np.tril(rows_that_sum_to_one((3, 2, 4, 4), seed + 1))
    first = len(data.models)
    data.models += [{"name": model, "layers": layers, "heads": 2, "entity_aware": False} for layers in (2, 3)]
    data.add(rows_that_sum_to_one((2, 2, 5, 5), seed), source, text=SOURCE, kind="encoder", id="1", model=first)
    decoder = {"text": TARGET, "id": "1", "model": first + 1}
    data.add(causal / causal.sum(-1, keepdims=True), target, kind="decoder", **decoder)
    return data.add(rows_that_sum_to_one((3, 2, 4, 5), seed + 2), target, keys=source, **decoder)


def words_page(size: int, layers: int = 2, heads: int = 2, entities: int = 0) -> PageData:
    tokens = [f"w{at}" for at in range(size - entities)] + [f"[E{at}]" for at in range(entities)]
    first = size - entities
    rows = [{"row": first + at, "label": tokens[first + at], "start": -1, "end": -1, "words": [at]} for at in range(entities)]
    return PageData().add(rows_that_sum_to_one((layers, heads, size, size)), plain_table(tokens, entities), entities=rows)


def concerns(message: Any) -> bool:
    """Whether a message of the console is a fault of the page (reading pixels back is the test's own doing)."""
    return message.type in ("error", "warning") and "willReadFrequently" not in message.text


@contextmanager
def browser_page(width: int = 1280, height: int = 900, **options: Any) -> Iterator[Any]:
    """A page of Debian's Chromium without a network; its `problems` lists requests, errors and messages of the console."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=BROWSER_OPTIONS)
        context = browser.new_context(
            viewport={"width": width, "height": height}, offline=True, accept_downloads=True, **options
        )
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.problems = []
        page.on(
            "request",
            lambda request: page.problems.append(request.url) if request.url[:4] in ("http", "wss:", "ws:/") else None,
        )
        page.on("console", lambda message: page.problems.append(message.text) if concerns(message) else None)
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        try:
            yield page
        finally:
            browser.close()


def open_page(page: Any, folder: Path, data: PageData, address: str = "", **view: Any) -> Any:
    """Writes the page to a file, opens it and waits for its first view."""
    path = folder / "page.html"
    path.write_text(data.html(**view), encoding="utf-8")
    page.goto("about:blank")
    page.goto(f"{path.as_uri()}{'#' if address else ''}{address}")
    page.locator("html[data-ready]").wait_for(state="attached")
    return page


def open_view(page: Any, view: str) -> None:
    """Opens a view by its tab and waits until it is drawn."""
    page.locator(f"[data-view={view}]").click()
    page.locator(f"[data-view={view}][aria-selected=true]").wait_for()


def settled(page: Any) -> None:
    """Waits until what was asked for is drawn."""
    page.locator("#view:not(.busy)").wait_for(state="attached")


def said(page: Any) -> str:
    settled(page)
    return page.locator("#said").inner_text()


def state(page: Any) -> dict[str, Any]:
    return page.evaluate("() => window.__attention.state")


def address(page: Any) -> str:
    return unquote(page.evaluate("() => location.hash"))


def token(page: Any, side: str, number: int) -> Any:
    settled(page)
    return page.locator(f".columns .tokens.{side} [role=option]").nth(number)


def unnamed_controls(page: Any) -> list[str]:
    script = """() => [...document.querySelectorAll('button, select, input, canvas, [role=listbox], [tabindex="0"]')]
        .filter((one) => !(one.tagName === 'BUTTON' && one.textContent.trim()))
        .filter((one) => !one.getAttribute('aria-label') && !(one.labels && one.labels.length))
        .map((one) => one.outerHTML)"""
    return page.evaluate(script)


def drawn_pixels(page: Any) -> int:
    """Number of pixels of the view's canvas that have a colour."""
    script = """() => { const canvas = document.querySelector('#view canvas');
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        let count = 0; for (let i = 3; i < data.length; i += 4) if (data[i] > 0) count += 1; return count; }"""
    return page.evaluate(script)


def rows_of(page: Any) -> list[list[str]]:
    """Cells of the table of what is shown."""
    settled(page)
    if not page.locator("#foot details[open] .table-box").count():
        page.get_by_text("Show as table").click()
    rows = page.locator("#foot .table-box tbody tr")
    rows.first.wait_for()
    return [row.locator("th, td").all_inner_texts() for row in rows.all()]

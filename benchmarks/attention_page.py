"""The attention page against BertViz and attnview: size of the file, time to the first view, memory of the browser.

    python benchmarks/attention_page.py --peers PYTHON --scripts FOLDER [--tokens 32 64 128] [--repeats 3]
    python benchmarks/attention_page.py --long                       # ours alone: 12 layers x 12 heads, 512 tokens

`--peers` is a Python with bertviz 1.4.1 and attnview 0.5.1. BertViz loads three scripts from the network; `--scripts` is a
folder with require.min.js, d3.min.js and jquery.min.js, whose addresses replace those in its pages. The weights are those of
MiniLM on articles of Wikispeedia: 24 layers x 16 heads (as LUKE-large) are the first 384 of its 72 heads on six texts of the
same length. All pages of a length show the same weights; before timing, ours are compared with them. Each page is opened in a
new headless Chromium, in turn, from a file. First view: until the page says that it is drawn (ours), or until the first line
(BertViz) or element of a table (attnview) is there.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from checkpoints import DATA
from loreweave.attention.capture.encoders import TextInput, open_encoder
from loreweave.attention.capture.texts import capture
from loreweave.attention.captured import CapturedAttention
from loreweave.attention.explorer import Explorer
from loreweave.attention.formats.arrays import from_arrays
from loreweave.attention.quantization import dequantize, quantize
from loreweave.corpus.wikispeedia import read_wikispeedia

LARGE, BASE = (24, 16), (12, 12)
PEERS = Path(__file__).parent / "peers" / "attention_pages.py"
CHROMIUM = "/usr/bin/chromium"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--enable-precise-memory-info"]
DRAWN = {
    "loreweave heads": "html[data-ready='1']",
    "loreweave grid": "html[data-ready='1']",
    "bertviz-head": "svg line",
    "bertviz-model": "svg line",
    "attnview": "td, canvas, svg, button, option",
}
"""Page -> selector of an element that is there when its first view is drawn."""
_NETWORK = re.compile(r"https://cdnjs\.cloudflare\.com/[^'\"]*/(?=[\w.]+['\"])")


def real_attention(layers: int, heads: int, tokens: int) -> CapturedAttention:
    """Attention of MiniLM on real text, arranged as that of a larger model."""
    encoder = open_encoder("minilm")
    found: list[CapturedAttention] = []
    for article in read_wikispeedia(DATA / "text_wikispeedia" / "articles.jsonl.xz"):
        words = article.text.split()
        for number in range(tokens // 2, tokens):
            text = " ".join(words[:number])
            if len(encoder.words(text)["input_ids"]) == tokens:
                found += capture(encoder, [TextInput(text)])
                break
        if sum(len(each.layers) * len(each.heads) for each in found) >= layers * heads:
            break
    rows = np.concatenate([each.weights.reshape(-1, tokens, tokens) for each in found])
    weights = rows[: layers * heads].reshape(layers, heads, tokens, tokens)
    return from_arrays(weights, found[0].queries.raw, model=f"{layers} layers x {heads} heads")


def check_equal(example: CapturedAttention) -> None:
    """Refuse to time a page that shows other weights."""
    shown = dequantize(quantize(example.weights, "u8-sqrt"), "u8-sqrt")
    assert np.abs(shown - example.weights).max() <= 0.004, "the page shows other weights"


def opened(browser: Browser, page: Path, drawn: str, limit: float) -> tuple[float, float]:
    """Seconds to the first view, and megabytes of the heap of scripts then."""
    context = browser.new_context(offline=True)
    tab = context.new_page()
    begun = time.perf_counter()
    tab.goto(page.as_uri(), wait_until="commit", timeout=1000 * limit)
    tab.wait_for_selector(drawn, state="attached", timeout=1000 * limit)
    taken = time.perf_counter() - begun
    heap = tab.evaluate("performance.memory.usedJSHeapSize") / 1e6
    context.close()
    return taken, heap


def pages(example: CapturedAttention, folder: Path, peers: str | None, scripts: Path | None) -> dict[str, Path]:
    """The pages of all tools."""
    made: dict[str, Path] = {}
    for view in ("heads", "grid"):
        made[f"loreweave {view}"] = Explorer([example], view={"view": view}, max_mb=100).save(folder / f"{view}.html")
    if peers is not None:
        arrays = folder / "arrays.npz"
        np.savez(arrays, weights=example.weights, tokens=np.array(example.queries.raw))
        for tool in ("bertviz-head", "bertviz-model", "attnview"):
            made[tool] = folder / f"{tool}.html"
            subprocess.run([peers, str(PEERS), str(arrays), tool, str(made[tool])], check=True, env=os.environ)
            if scripts is not None:
                local = _NETWORK.sub(f"{scripts.resolve().as_uri()}/", made[tool].read_text(encoding="utf-8"))
                made[tool].write_text(local, encoding="utf-8")
    return made


def compare(shape: tuple[int, int], tokens: int, options: argparse.Namespace) -> None:
    """Print one row for each tool."""
    example = real_attention(*shape, tokens)
    check_equal(example)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        made = pages(example, Path(place), options.peers, options.scripts)
        found: dict[str, list[tuple[float, float]]] = {tool: [] for tool in made}
        for _ in range(options.repeats):
            for tool, page in made.items():
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
                try:
                    found[tool].append(opened(browser, page, DRAWN[tool], options.limit))
                except Exception as error:  # a page that does not open in time is a result
                    print(f"{tool}, {tokens} tokens: {str(error).splitlines()[0]}", file=sys.stderr)
                browser.close()
        for tool, page in made.items():
            print(row(f"{shape[0]} x {shape[1]}", tokens, tool, page, found[tool]), flush=True)


def row(shape: str, tokens: int, tool: str, page: Path, found: list[tuple[float, float]]) -> str:
    """A row of the table."""
    numbers: list[Any] = [f"{statistics.median(each):.2f}" for each in zip(*found, strict=True)] or ["not opened", ""]
    return f"| {shape} | {tokens} | {tool} | {page.stat().st_size / 1e6:.2f} | {' | '.join(numbers)} |"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help="Python with bertviz and attnview")
    parser.add_argument("--scripts", type=Path, help="folder with the three scripts of BertViz")
    parser.add_argument("--tokens", nargs="+", type=int, default=[32, 64, 128])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300, help="seconds until a page counts as not opened")
    parser.add_argument("--long", action="store_true", help="ours alone: 12 x 12, 512 tokens")
    options = parser.parse_args()
    print("| layers x heads | tokens | page | MB | first view, s | heap, MB |\n|---|---|---|---|---|---|")
    if options.long:
        options.peers = None
        compare(BASE, 512, options)
        return
    for tokens in options.tokens:
        compare(LARGE, tokens, options)


if __name__ == "__main__":
    main()

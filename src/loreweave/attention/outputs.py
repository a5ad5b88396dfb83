"""Writes captured attention as a page, tables or files; the name of the output decides which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loreweave.attention.captured import CapturedAttention
from loreweave.attention.explorer import LARGEST_PAGE, Explorer
from loreweave.attention.formats.files import write_attention
from loreweave.attention.formats.thesis import write_thesis
from loreweave.attention.summary import SummarySettings, summarise
from loreweave.corpus.counts import counted

PAGE_ENDING, THESIS_ENDING = ".html", ".p"


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where and how captured attention is written.

    Attributes:
        path: a page (`.html`), a pickle of the thesis tools (`.p`), or a folder.
        summary: write tables and figures of means over all examples to the folder, with these settings. None: do not.
        exact: keep weights of the page in 16 bits.
        max_mb: maximum size of the page in MB.
        overwrite: replace an existing file or folder.
    """

    path: Path
    summary: SummarySettings | None = None
    exact: bool = False
    max_mb: float = LARGEST_PAGE
    overwrite: bool = False


def write_output(found: Iterator[CapturedAttention], output: Output) -> str:
    """Write captured attention, and return what was written, in words."""
    path = output.path
    if output.summary is not None:
        means = summarise(found, output.summary)
        means.write(path, overwrite=output.overwrite)
        wrote = f"wrote {path}: tables and figures of {counted(means.examples, 'example')}"
        return "; ".join([wrote, *means.not_counted()])
    if path.suffix == PAGE_ENDING:
        page = Explorer(found, quantization="u16" if output.exact else "u8-sqrt", max_mb=output.max_mb)
        page.save(path, overwrite=output.overwrite)
        size = path.stat().st_size / 1e6
        return f"wrote {path}: {counted(len(page.examples), 'example')}, {size:.2f} MB; open it in a browser"
    if path.suffix == THESIS_ENDING:
        count = write_thesis(path, found)
    else:
        count = write_attention(path, found, overwrite=output.overwrite)
    return f"wrote {path}: {counted(count, 'example')}; 'loreweave attention --from {path}' makes a page of them"

"""Writes captured attention as a page, tables or files; the name of the output decides which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loreweave.attention.captured import CapturedAttention
from loreweave.attention.explorer import LARGEST_PAGE, Explorer
from loreweave.attention.formats.files import write_attention
from loreweave.attention.formats.thesis import write_thesis
from loreweave.attention.summary import SummarySettings, summarise
from loreweave.corpus.counts import counted
from loreweave.errors import ConfigurationError

_OF_A_FILE = re.compile(r"\.(?!v\d)[A-Za-z]\w{0,5}")
"""Endings of names that look like those of files; `.v2` and numbers do not."""
PAGE_ENDING, THESIS_ENDING = ".html", ".p"


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where and how captured attention is written.

    Attributes:
        path: a page (`.html`), a pickle of the thesis tools (`.p`), or a folder.
        summary: write tables and figures of means over all examples to the folder, with these settings. None: do not.
        exact: keep weights of the page in 16 bits.
        max_mb: maximum size of the page in MB. None: `LARGEST_PAGE`.
        overwrite: replace an existing file or folder.
    """

    path: Path
    summary: SummarySettings | None = None
    exact: bool = False
    max_mb: float | None = None
    overwrite: bool = False


def check_output(output: Output) -> None:
    """Refuse a name that looks like that of another kind of file, and options of another output, before anything is computed.

    Raises:
        ConfigurationError: names the endings, or the option.
    """
    ending = output.path.suffix
    of_page = {"--exact": output.exact, "--max-mb": output.max_mb is not None}
    if output.summary is not None or ending.lower() != PAGE_ENDING:
        for option in (name for name, given in of_page.items() if given):
            raise ConfigurationError(
                f"found {option}, which is about a page ({PAGE_ENDING}), and none is written; leave it out"
            )
    if output.path.is_dir() or not _OF_A_FILE.fullmatch(ending):
        return
    if output.summary is not None:
        raise ConfigurationError(f"--output: found {output.path}, expected a folder: --summary writes several files")
    if ending.lower() not in (PAGE_ENDING, THESIS_ENDING):
        raise ConfigurationError(
            f"--output: found {output.path}, expected a page ({PAGE_ENDING}), a pickle of the thesis tools ({THESIS_ENDING}), "
            "or a folder for captured attention, whose name has no ending of a file"
        )


def write_output(found: Iterator[CapturedAttention], output: Output) -> str:
    """Write captured attention, and return what was written, in words."""
    path = output.path
    if output.summary is not None:
        means = summarise(found, output.summary)
        means.write(path, overwrite=output.overwrite)
        wrote = f"wrote {path}: tables and figures of {counted(means.examples, 'example')}"
        return "; ".join([wrote, *means.not_counted(), *means.counted_otherwise(), *means.not_written()])
    if path.suffix.lower() == PAGE_ENDING:
        page = Explorer(found, quantization="u16" if output.exact else "u8-sqrt", max_mb=output.max_mb or LARGEST_PAGE)
        page.save(path, overwrite=output.overwrite)
        size = path.stat().st_size / 1e6
        return f"wrote {path}: {counted(len(page.examples), 'example')}, {size:.2f} MB; open it in a browser"
    if path.suffix.lower() == THESIS_ENDING:
        count = write_thesis(path, found, overwrite=output.overwrite)
    else:
        count = write_attention(path, found, overwrite=output.overwrite)
    return f"wrote {path}: {counted(count, 'example')}; 'loreweave attention --from {path}' makes a page of them"

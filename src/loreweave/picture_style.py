"""Style of all pictures: readable in print and for colour-blind readers; equal numbers give equal files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Palette of Okabe and Ito (2008), which colour-blind readers can tell apart; without its yellow, which is too light."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Markers in the order of the colours, for prints without colour."""
_FONT = "DejaVu Sans"
"""Font of all pictures, which matplotlib contains."""
_FALLBACKS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Source Han Sans SC", "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei", "Droid Sans Fallback", "IPAGothic", "IPAexGothic", "NanumGothic", "Microsoft YaHei", "SimHei",
    "Yu Gothic", "Malgun Gothic", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo", "Noto Sans Arabic",
    "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Thai", "Noto Emoji",
    "Symbola", "Segoe UI Symbol", "Arial Unicode MS", "FreeSans", "Unifont",
)  # fmt: skip
"""Fonts for characters that the font lacks, as far as they are installed, in this order."""
_RULES: Any = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.5,
    "axes.axisbelow": True, "lines.linewidth": 1.2, "lines.markersize": 3.5, "legend.frameon": False, "savefig.dpi": 200,
    "svg.hashsalt": "loreweave",
}  # fmt: skip


@contextmanager
def styled() -> Iterator[None]:
    """Figures that are drawn and saved in the block have our style, whatever the user's own settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**_RULES, "font.family": list(_fonts())})
        yield


def without_glyphs(figure: Figure) -> list[str]:
    """The texts of a picture with characters that no installed font has: they are boxes in a PNG, and text in an SVG."""
    texts = [artist.get_text() for artist in figure.findobj(Text)]
    return list(dict.fromkeys(text for text in texts if any(_is_missing(character) for character in text)))


def svg_of(figure: Figure) -> bytes:
    """The picture as SVG, without date and version. Texts are outlines, or remain text if a font lacks their characters."""
    with matplotlib.rc_context({"svg.fonttype": "none" if without_glyphs(figure) else "path"}):
        return _saved(figure, "svg", {"Date": None, "Creator": None})


def png_of(figure: Figure) -> bytes:
    """The picture as PNG, without version."""
    return _saved(figure, "png", {"Software": None})


def _saved(figure: Figure, format: str, metadata: dict[str, str | None]) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # `without_glyphs` says it once
        figure.savefig(file, format=format, metadata=metadata)
    return file.getvalue()


@cache
def _fonts() -> Sequence[str]:
    """The font, and the installed ones for characters that it lacks."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return (_FONT, *(name for name in _FALLBACKS if name in installed))


@cache
def _is_missing(character: str) -> bool:
    """Whether no font has a character; those that are never drawn, such as the joiners of emoji, are not missing."""
    return character.isprintable() and not character.isspace() and not any(ord(character) in known for known in _charmaps())


@cache
def _charmaps() -> Sequence[frozenset[int]]:
    paths = [font_manager.findfont(name) for name in _fonts()]
    return tuple(frozenset(font_manager.get_font(path).get_charmap()) for path in paths)

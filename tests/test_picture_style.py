"""Pictures with texts that fonts lack."""

from __future__ import annotations

import warnings

import pytest
from matplotlib.figure import Figure

from loreweave import picture_style
from loreweave.picture_style import png_of, styled, svg_of, without_glyphs

MISSING = "\U00013000\U00013001"
"""Hieroglyphs, which none of the fonts has."""


@pytest.mark.parametrize(
    ("texts", "missing"),
    [
        (["place", "\u00d8rsted \u2264 \u03b1", "$x_1$", "a\nb\u200d"], []),
        (["place", f"the sign {MISSING}", MISSING, f"the sign {MISSING}"], [f"the sign {MISSING}", MISSING]),
    ],
)
def test_texts_without_a_font_are_found_and_stay_text(texts: list[str], missing: list[str]) -> None:
    with styled(), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = Figure(figsize=(3, 2), layout="constrained")
        axes = figure.subplots()
        axes.set_xticks(range(len(texts)), [text.replace("$", "") for text in texts])
        found = [text for text in without_glyphs(figure) if text]
        svg, png = svg_of(figure), png_of(figure)
    assert found == missing, "each once"
    assert (b"<text" in svg) == bool(missing) and png.startswith(b"\x89PNG")
    for text in missing:
        assert text.encode() in svg


def test_fonts_for_other_scripts_come_after_the_own_one() -> None:
    with styled():
        import matplotlib

        assert matplotlib.rcParams["font.family"][0] == "DejaVu Sans"
    assert set(picture_style._fonts()) <= {"DejaVu Sans", *picture_style._FALLBACKS}

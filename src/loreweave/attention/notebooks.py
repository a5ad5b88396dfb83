"""A page as the output of a notebook: in a frame of its own, with a picture for readers that show no frames."""

from __future__ import annotations

import sys
import warnings
from base64 import b64encode
from html import escape
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FIRST_HEIGHT, _MOST_HEIGHT = 600, 3000
"""Height of a frame before its page has told its own, and maximum height, in pixels."""
_LISTENER = """<script>
if (!window.attentionFrames) {
  window.attentionFrames = true;
  window.addEventListener("message", (event) => {
    const told = event.data;
    if (!told || told.type !== "attention-height" || !(told.height > 0)) return;
    for (const frame of document.querySelectorAll("iframe.attention-page")) {
      if (frame.contentWindow === event.source) frame.style.height = Math.min(Math.ceil(told.height), MOST) + "px";
    }
  });
}
</script>""".replace("MOST", str(_MOST_HEIGHT))
"""Gives each frame the height that its page tells. All outputs of a notebook share the first listener."""
_DOTS_PER_INCH = 80


def import_bars() -> None:
    """Import tqdm's progress bars in a notebook without ipywidgets, where the page needs none.

    transformers imports `tqdm.auto`, which warns in such a notebook that it found no widgets ("IProgress not found") and then
    uses bars of text. That import happens here, without this one warning.
    """
    if "ipykernel.zmqshell" not in sys.modules or "tqdm.auto" in sys.modules:
        return
    from tqdm.std import TqdmWarning

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found", category=TqdmWarning)
        import_module("tqdm.auto")


def frame(html: str, title: str) -> str:
    """The page in a frame that cannot touch the notebook. Several frames in one notebook do not touch one another."""
    return (
        f'{_LISTENER}<iframe class="attention-page" sandbox="allow-scripts allow-downloads" title="{escape(title)}" '
        f'style="width:100%;height:{_FIRST_HEIGHT}px;border:0" srcdoc="{escape(html)}"></iframe>'
    )


def png(figure: Figure) -> str:
    """A figure as PNG in base64, as notebooks store it."""
    stream = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a character that the font does not have is shown as a box
        figure.savefig(stream, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return b64encode(stream.getvalue()).decode("ascii")

"""`loreweave.attention.explore`: the attention of a model on a text as one page, for a file or a notebook."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loreweave.attention.capture.encoders import TextInput, open_encoder
from loreweave.attention.capture.mentions import Given, find_mentions
from loreweave.attention.capture.texts import capture
from loreweave.attention.captured import CapturedAttention
from loreweave.attention.notebooks import frame, png
from loreweave.attention.page_data import page_data
from loreweave.attention.page_files import is_page, page_html
from loreweave.attention.quantization import Quantization
from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.writing import atomic_write
from loreweave.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST_PAGE = 25.0
"""Default maximum size of a page in MB. Browsers open larger pages slowly."""


class Explorer:
    """Captured attention as a page. A notebook shows the page; `save` writes it.

    Args:
        examples: captured attention; all examples are on one page.
        title: title of the page. Default: the text of the first example.
        quantization: how weights are rounded: `u8-sqrt` (to 0.004) or `u16` (to 0.00001, twice the size).
        max_mb: maximum size of the page in MB.
        view: state of the page when it opens, such as `{"view": "grid"}`.

    Raises:
        DataError: there is no example.
    """

    def __init__(
        self,
        examples: Iterable[CapturedAttention],
        *,
        title: str | None = None,
        quantization: Quantization = "u8-sqrt",
        max_mb: float = LARGEST_PAGE,
        view: Mapping[str, Any] | None = None,
    ) -> None:
        self.examples = list(examples)
        if not self.examples:
            raise DataError("found no example, expected the attention of at least one text")
        self.title = title or self.examples[0].text
        self.quantization: Quantization = quantization
        self.max_mb = max_mb
        self.view = dict(view or {})

    def add(self, other: Explorer) -> Explorer:
        """A page with the examples of both pages, such as one text in two models."""
        return self._with([*self.examples, *other.examples])

    def only(self, layers: Sequence[int] | None = None, heads: Sequence[int] | None = None) -> Explorer:
        """A page with some layers and heads."""
        return self._with([example.only(layers, heads) for example in self.examples])

    def to_html(self) -> str:
        """The page.

        Raises:
            DataError: the page would be larger than `max_mb`.
        """
        html = page_html(self.title, page_data(self.examples, self.quantization, self.view))
        size = len(html.encode()) / 1e6
        if size > self.max_mb:
            raise DataError(
                f"the page would have {size:.1f} MB, expected at most {self.max_mb:g}: choose layers or heads (--layers 0-5, "
                "in Python `only(layers=range(6))`), fewer or shorter texts, or a larger limit (--max-mb, in Python `max_mb`)"
            )
        return html

    def save(self, path: Pathname, *, overwrite: bool | None = None) -> Path:
        """Write the page, as often as a cell of a notebook is run.

        Args:
            path: the file.
            overwrite: replace an existing file; True: any, False: none. Default: only a page of an explorer.

        Raises:
            ConfigurationError: the file may not be replaced, or the path is a folder.
            DataError: see `to_html`.
        """
        place = Path(path)
        _check_place(place, overwrite)
        html = self.to_html()
        with atomic_write(place) as file:
            file.write(html)
        return place

    def _with(self, examples: Iterable[CapturedAttention]) -> Explorer:
        """The same page with other examples."""
        return Explorer(examples, title=self.title, quantization=self.quantization, max_mb=self.max_mb, view=self.view)

    def figure(self) -> Figure:
        """The page's first view as a figure of matplotlib: all layers and heads (`view="grid"`), or lines between tokens.

        Example:
            >>> page.figure().savefig("attention.pdf")  # doctest: +SKIP
        """
        from loreweave.attention.figures import text_grid, text_heads
        from loreweave.picture_style import styled

        example = self._first()
        with styled():
            if self.view.get("view") == "grid":
                return text_grid.draw(example)
            asked = self.view.get("layer", example.layers[len(example.layers) // 2])  # as the page does
            layer = min(example.layers, key=lambda index: abs(index - asked))
            chosen = [head for head in self.view.get("heads", ()) if head in example.heads]
            return text_heads.draw(example, layer, chosen or example.heads)

    def _first(self) -> CapturedAttention:
        """The example that the page opens with: of an encoder-decoder, what the decoder's tokens attend to in the encoder."""
        place = self.view.get("example")
        if place is not None:
            return self.examples[min(max(0, place), len(self.examples) - 1)]
        first = self.examples[0]
        same = (each for each in self.examples if (each.id, each.model) == (first.id, first.model))
        return first if first.kind == "self" else next((each for each in same if each.kind == "cross"), first)

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that several pages in one notebook do not touch one another."""
        return frame(self.to_html(), self.title)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """The page for a notebook, and a picture of its first view for what shows no frames (PDF)."""
        makers: dict[str, Callable[[], str]] = {
            "text/plain": self.__repr__, "text/html": self._repr_html_, "image/png": lambda: png(self.figure())
        }  # fmt: skip
        wanted = {kind: make for kind, make in makers.items() if include is None or kind in include}
        return {kind: make() for kind, make in wanted.items() if kind not in (exclude or ())}

    def __repr__(self) -> str:
        models = ", ".join(sorted({example.model for example in self.examples}))
        return f"Explorer({counted(len(self.examples), 'example')} of {models})"


def _check_place(place: Path, overwrite: bool | None) -> None:
    """Refuse a folder, and a file that may not be replaced.

    Raises:
        ConfigurationError: says how it is replaced.
    """
    if place.is_dir():
        raise ConfigurationError(f"{place}: found a folder, expected the name of a page, such as {place / 'page.html'}")
    if overwrite or not place.exists() or (overwrite is None and is_page(place)):
        return
    found = "the file exists" if overwrite is False else "the file is not a page of loreweave attention"
    raise ConfigurationError(f"{place}: {found}; choose another name, or replace it: save({str(place)!r}, overwrite=True)")


def explore(
    model: Any,
    text: str,
    mentions: Sequence[Given] = (),
    *,
    tokenizer: Any = None,
    entities: Sequence[str | None] | None = None,
    pair: str | None = None,
    target: str | None = None,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    compare: Any = None,
    **page: Any,
) -> Explorer:
    """Attention between the words and entities of a text, as a page.

    Args:
        model: folder, run, `minilm` or Hub name, or a loaded model of transformers (with `tokenizer`).
        text: the text.
        mentions: mentions of the text, by their words or by (start, end) characters. A LUKE reads each as an entity.
        tokenizer: tokenizer of a loaded model.
        entities: title of each mention's entity in a LUKE; None: `[MASK]`.
        pair: second text.
        target: text of the decoder of an encoder-decoder.
        layers: layers to keep, from 0. None: all.
        heads: heads to keep, from 0. None: all.
        compare: name of a second model for the same page.
        page: further arguments of `Explorer`.

    Raises:
        DataError: the text is too long, or does not contain a mention, or contains it several times.
        ConfigurationError: the model returns no attention weights.
        CheckpointError: there is no such model.

    Example:
        >>> explore("minilm", "Ann lives in Oslo.", ["Oslo"]).save("page.html")  # doctest: +SKIP
    """
    given = TextInput(text, find_mentions(text, mentions), entities, pair, target)
    opened = [open_encoder(model, tokenizer)]
    if compare is not None:
        second = open_encoder(compare)
        opened.append(replace(second, name=f"{second.name} (2)") if second.name == opened[0].name else second)
    examples = []
    for encoder in opened:
        words = replace(given, entities=None) if encoder.entities is None and len(opened) > 1 else given
        examples += list(capture(encoder, [words], layers=layers, heads=heads))
    return Explorer(examples, **page)

"""Analyses a corpus by the latent types of a model, and writes the page and the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import tee
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.writing import atomic_write, write_json
from loreweave.errors import ConfigurationError, DataError
from loreweave.models.reconstruction import DecodingConfig
from loreweave.tasks.latent_types.analysis import analyse, vector_rows
from loreweave.tasks.latent_types.counting import TypeCounts
from loreweave.tasks.latent_types.page import page
from loreweave.tasks.latent_types.picture import COLOURS, draw, lay_out
from loreweave.tasks.latent_types.typist import Typist


@dataclass(frozen=True, kw_only=True)
class AnalysisConfig:
    """What is analysed.

    Attributes:
        rebuild: rebuild every sentence, greedily, and score that.
        points: sub-words in the picture; 0 for none.
        contexts: examples of each type.
        top: words that are listed of each type.
        seed: of the examples, the points and t-SNE.
    """

    rebuild: bool = True
    points: int = 4000
    contexts: int = 3
    top: int = 12
    seed: int = 0


@dataclass(frozen=True)
class Report:
    """Numbers of a corpus as plain values, and a picture (SVG) with the names of the types that have a colour in it."""

    numbers: dict[str, Any]
    picture: str | None
    names: Mapping[int, str]

    @property
    def summary(self) -> list[tuple[str, float]]:
        """The numbers that matter most, with their names."""
        use, rebuilt = self.numbers["usage"]["sub_words"], self.numbers["reconstruction"]
        rows = [("texts", self.numbers["texts"]), ("sub-words", use["sub_words"]), ("share selected", use["share_selected"])]
        rows += [("types in use", use["types_in_use"]), ("perplexity of the types, hard", use["hard_perplexity"])]
        for key in ("labels", "parts_of_speech"):
            scores = self.numbers[key]["agreement"]["all"] if key in self.numbers else None
            name = key.replace("_", " ")
            rows += [(f"NMI with {name}", scores["nmi"]), (f"purity by {name}", scores["purity"])] if scores else []
        rows += [("sub-words rebuilt in place", rebuilt["token_accuracy"])] if rebuilt else []
        return rows


def analyse_texts(
    typist: Typist, texts: Iterable[AnnotatedText], config: AnalysisConfig | None = None, left_out: Counter[str] | None = None
) -> Report:
    """Type a stream of texts and count.

    Args:
        typist: of the model.
        texts: with words, labels and parts of speech as far as they are known.
        config: what is analysed.
        left_out: what was left out before, in words, which the numbers show as well; read after the last text.

    Raises:
        DataError: there is no text; or one has tokens or tags that do not fit it.
    """
    config = config or AnalysisConfig()
    model = typist.model
    counts = TypeCounts(model.head.typer.types, config.contexts, config.points, config.seed)
    here, typed_ones = tee(texts)
    decoding = DecodingConfig() if config.rebuild else None
    stream = typist.type((text.text for text in typed_ones), decoding, with_details=True)
    for text, typed in zip(here, stream, strict=True):
        counts.add(text, typed)
    if not counts.texts:
        raise DataError("found no text, expected one at least")
    counts.left_out.update(left_out or {})
    numbers = analyse(counts, config.top) | {"settings": asdict(config) | {"max_length": typist.max_length}}
    _add_neighbours(numbers["types"], typist)
    names = _names(numbers["types"])
    states, types = counts.sample.drawn()
    layout = lay_out(states, config.seed) if config.points else None
    if layout is None:
        return Report(numbers, None, names)
    numbers["picture"] = {"sub_words": len(types), "pca_explained": layout.explained, "tsne_divergence": layout.divergence}
    return Report(numbers, draw(layout, types, names), names)


def write_report(path: Pathname, report: Report, source: Mapping[str, Any]) -> Path:
    """Write the page and, beside it, the numbers as JSON; return the path of these.

    Args:
        path: of the page; its name ends in .html.
        report: what is written.
        source: which model and files it is of, shown and kept with the numbers.

    Raises:
        ConfigurationError: the name has another end.
    """
    numbers_path = numbers_beside(path)
    numbers = {**source, **report.numbers}
    with atomic_write(path) as file:
        file.write(page(numbers, report.picture, report.names))
    write_json(numbers_path, numbers)
    return numbers_path


def numbers_beside(path: Pathname) -> Path:
    """The file of the numbers of a page.

    Raises:
        ConfigurationError: the page's name does not end in .html.
    """
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise ConfigurationError(f"found the page {str(path)!r}, expected a name that ends in .html")
    return Path(path).with_suffix(".json")


def _add_neighbours(rows: list[dict[str, Any]], typist: Typist) -> None:
    """Give each row but that of type 0 its vector's nearest words and types."""
    model, tokenizer = typist.model, typist.tokenizer
    weight = model.encoder.get_input_embeddings().weight
    assert isinstance(weight, Tensor)
    table = weight.detach().float().cpu().numpy()  # [vocabulary, hidden]
    names = [str(name) for name in tokenizer.convert_ids_to_tokens(list(range(min(len(tokenizer), len(table)))))]
    special = set(tokenizer.all_special_ids)
    allowed = [id for id, name in enumerate(names) if id not in special and not name.startswith("[unused")]
    shown = [tokenizer.convert_tokens_to_string([name]).strip() or name for name in names]
    vectors = np.asarray(model.head.typer.vars.detach().float().cpu())
    found = {row["type"]: row for row in vector_rows(vectors, table, shown, allowed)}
    for row in rows:
        row.update(found.get(row["type"], {}))


def _names(rows: list[dict[str, Any]]) -> dict[int, str]:
    """Names of the commonest selected types: the number and the words that are most their own."""
    named: dict[int, str] = {}
    for row in rows:
        if row["type"] and row["sub_words"] and len(named) < len(COLOURS):
            words = [item["word"] for item in (row["pmi_words"] or row["top_words"])[:3]]
            named[row["type"]] = f"{row['type']}: {', '.join(words)}" if words else str(row["type"])
    return named

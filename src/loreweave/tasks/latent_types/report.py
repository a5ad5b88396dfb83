"""Analyses a corpus by the latent types of a model, and writes the page and the statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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
from loreweave.tasks.latent_types.model import TypePredictor
from loreweave.tasks.latent_types.page import page
from loreweave.tasks.latent_types.picture import COLOURS, draw, lay_out
from loreweave.tasks.latent_types.record import TypedText


@dataclass(frozen=True, kw_only=True)
class AnalysisConfig:
    """Settings of the analysis.

    Attributes:
        rebuild: reconstruct every sentence greedily, and score that.
        points: number of sub-words in the plot; 0 for no plot.
        contexts: number of examples of each type.
        top: number of words listed for each type.
        seed: seed of the examples, the points and t-SNE.
    """

    rebuild: bool = True
    points: int = 4000
    contexts: int = 3
    top: int = 12
    seed: int = 0


@dataclass(frozen=True)
class Report:
    """Statistics of a corpus as plain values, and a plot (SVG) with the names of the types that have a colour in it."""

    numbers: dict[str, Any]
    picture: str | None
    names: Mapping[int, str]

    @property
    def summary(self) -> list[tuple[str, float]]:
        """The most important statistics, with their names."""
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
    predictor: TypePredictor,
    texts: Iterable[AnnotatedText],
    config: AnalysisConfig | None = None,
    left_out: Counter[str] | None = None,
    keep: Callable[[AnnotatedText, TypedText], object] = lambda text, typed: None,
) -> Report:
    """Type a stream of texts and count.

    Args:
        predictor: predictor of the model.
        texts: texts with words, labels and parts of speech as far as they are known.
        config: settings of the analysis.
        left_out: counts of what was left out before, by reason, which are added to the statistics; read after the last text.
        keep: called with each text and its types.

    Raises:
        DataError: there is no text; or one has tokens or tags that do not fit it.
    """
    config = config or AnalysisConfig()
    model = predictor.model
    counts = TypeCounts(model.head.typer.types, config.contexts, config.points, config.seed)
    here, typed_ones = tee(texts)
    decoding = DecodingConfig() if config.rebuild else None
    stream = predictor.predict((text.text for text in typed_ones), decoding, with_details=True)
    for text, typed in zip(here, stream, strict=True):
        counts.add(text, typed)
        keep(text, typed)
    if not counts.texts:
        raise DataError("found no text, expected at least one")
    counts.left_out.update(left_out or {})
    numbers = analyse(counts, config.top) | {"settings": asdict(config) | {"max_length": predictor.max_length}}
    _add_neighbours(numbers["types"], predictor)
    names = _names(numbers["types"])
    states, types = counts.sample.drawn()
    layout = lay_out(states, config.seed) if config.points else None
    if layout is None:
        return Report(numbers, None, names)
    numbers["picture"] = {"sub_words": len(types), "pca_explained": layout.explained, "tsne_divergence": layout.divergence}
    return Report(numbers, draw(layout, types, names), names)


def write_report(path: Pathname, report: Report, source: Mapping[str, Any]) -> Path:
    """Write the page and, next to it, the statistics as JSON; return the path of the latter.

    Args:
        path: path of the page, which ends in .html.
        report: the report.
        source: the model and the files, which are shown and stored with the statistics.

    Raises:
        ConfigurationError: the path does not end in .html.
    """
    numbers_path = numbers_path_of(path)
    numbers = {**source, **report.numbers}
    with atomic_write(path) as file:
        file.write(page(numbers, report.picture, report.names))
    write_json(numbers_path, numbers)
    return numbers_path


def numbers_path_of(path: Pathname) -> Path:
    """Path of a page's statistics.

    Raises:
        ConfigurationError: the page's name does not end in .html.
    """
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise ConfigurationError(f"found the page {str(path)!r}, expected a name that ends in .html")
    return Path(path).with_suffix(".json")


def _add_neighbours(rows: list[dict[str, Any]], predictor: TypePredictor) -> None:
    """Add the nearest words and types of its vector to each row except that of type 0."""
    model, tokenizer = predictor.model, predictor.tokenizer
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
    """Names of the most frequent selected types: the number and the most characteristic words."""
    named: dict[int, str] = {}
    for row in rows:
        if row["type"] and row["sub_words"] and len(named) < len(COLOURS):
            words = [item["word"] for item in (row["pmi_words"] or row["top_words"])[:3]]
            named[row["type"]] = f"{row['type']}: {', '.join(words)}" if words else str(row["type"])
    return named

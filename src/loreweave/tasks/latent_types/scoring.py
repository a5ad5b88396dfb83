"""Latent types against gold labels and parts of speech: numbers of an analysis, and of any system's types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.counts import counted
from loreweave.corpus.files.rows import as_row, field
from loreweave.errors import DataError
from loreweave.metrics.clusters import agreement
from loreweave.tasks.contract import Execution, NoSettings
from loreweave.tasks.files.predictions import align, json_predictions, predicted_name
from loreweave.tasks.latent_types.alignment import typed_words
from loreweave.tasks.latent_types.reader import read_texts
from loreweave.tasks.latent_types.record import TypedText, TypedToken
from loreweave.training.evaluation import Evaluation

SCORES = ("nmi", "adjusted_mi", "homogeneity", "completeness", "purity")
USAGE = ("share_selected", "types_in_use", "hard_perplexity")
REBUILDING = ("token_accuracy", "exact_match", "next_accuracy", "perplexity")
METRICS = (
    *(f"label_{name}" for name in SCORES),
    *(f"pos_{name}" for name in SCORES),
    *USAGE,
    *(f"rebuilt_{name}" for name in REBUILDING),
)
"""Agreement of words with the labels of mentions and with parts of speech, if the data have any; the use of types by
sub-words; and how well sentences are rebuilt, if they are."""

Table = list[dict[str, Any]]


def evaluation_of(numbers: Mapping[str, Any], rows: Table) -> Evaluation:
    """Numbers of an analysis (`analysis.analyse`) by the names of `METRICS`."""
    metrics: dict[str, float] = {}
    for prefix, kind in (("label", "labels"), ("pos", "parts_of_speech")):
        found = numbers[kind]["agreement"]["all"] if kind in numbers else None
        metrics |= {f"{prefix}_{name}": found[name] for name in SCORES} if found else {}
    metrics |= {name: float(numbers["usage"]["sub_words"][name]) for name in USAGE}
    if (rebuilt := numbers["reconstruction"]) is not None:
        metrics |= {f"rebuilt_{name}": float(rebuilt[name]) for name in REBUILDING}
    types: Table = [
        {"type": row["type"], "sub_words": row["sub_words"], "words": words_of(row)}
        for row in numbers["types"]
        if row["sub_words"]
    ]
    return Evaluation(metrics, rows, {}, {"per_type": types})


def words_of(row: Mapping[str, Any]) -> str | None:
    """The most frequent words of a type; sub-words, if no word begins with the type; None if none are listed.

    Args:
        row: a row of `analysis.type_rows`.
    """
    words = [each["word"] for each in row["top_words"]]
    pieces = [each["sub_word"] for each in row["top_sub_words"]]
    if words or not pieces:
        return ", ".join(words) or None
    return f"parts of words: {', '.join(pieces)}"


def score_predictions(
    gold: Path, predictions: Path, settings: NoSettings, execution: Execution
) -> tuple[Evaluation, dict[str, Any]]:
    """Types of any system: JSON Lines with `predicted`, a list of {start, end, type} of the selected sub-words or words.

    A word has the type of what covers its first character, and type 0 if nothing does.

    Raises:
        DataError: names the line; see `files.predictions.align`. Or the gold data have neither labels nor parts of speech.
    """
    reading, left_out, skipped = execution.reading, Counter[str](), Counter[str]()
    texts = list(
        read_texts(
            [gold], left_out, format=reading.format, skip_bad=reading.skip_bad, names=reading.tag_names or None,
            report=execution.report, skipped=skipped,
        )
    )  # fmt: skip
    found, notes = align(
        json_predictions(predictions, _selected), [text.id for text in texts], predictions, texts=[text.text for text in texts]
    )
    labels, tags, words = Counter[tuple[int, str]](), Counter[tuple[int, str]](), Counter[int]()
    for text, selected in zip(texts, found, strict=True):
        for word in typed_words(text, _typed(text, selected or []), left_out):
            words[int(word.type != 0)] += 1
            if word.label is not None:
                labels[word.type, word.label] += 1
            if word.pos is not None:
                tags[word.type, word.pos] += 1
    metrics: dict[str, float] = {}
    for prefix, counts in (("label", labels), ("pos", tags)):
        compared = agreement(counts)
        metrics |= {} if compared is None else {f"{prefix}_{name}": compared.to_dict()[name] for name in SCORES}
    if not metrics:
        raise DataError("found neither labels of mentions nor parts of speech to compare with", path=gold)
    metrics["share_selected_words"] = words[1] / words.total()
    evaluation = Evaluation(metrics, notes=list(notes))
    return evaluation, {
        "records": len(texts),
        "skipped": dict(skipped),
        "left_out": {why: n for why, n in left_out.items() if n},
    }


def _selected(row: Mapping[str, Any]) -> list[TypedToken]:
    name = predicted_name(row)
    found = []
    for each in field(row, name, list):
        part = as_row(each)
        start, end, kind = (field(part, key, int) for key in ("start", "end", "type"))
        if not 0 <= start < end or kind < 0:
            raise DataError(f"found start {start}, end {end} and type {kind}, expected a span and a type from 0", field=name)
        found.append(TypedToken("", start, end, kind, 0.0, 1.0, special=False))
    return sorted(found, key=lambda token: token.start)


def _typed(text: AnnotatedText, selected: Sequence[TypedToken]) -> TypedText:
    """The text with type 0 wherever nothing is selected.

    Raises:
        DataError: a span beyond the end of the text.
    """
    if selected and selected[-1].end > len(text.text):
        end = selected[-1].end
        length = counted(len(text.text), "character")
        raise DataError(f"text {text.id!r}: found a span that ends at {end}, after the text of {length}")
    return TypedText(text.text, [*_gaps(selected, len(text.text)), *selected])


def _gaps(selected: Sequence[TypedToken], length: int) -> Iterator[TypedToken]:
    end = 0
    for token in [*selected, TypedToken("", length, length, 0, 0.0, 1.0, special=False)]:
        if token.start > end:
            yield TypedToken("", end, token.start, 0, 0.0, 1.0, special=False)
        end = max(end, token.end)

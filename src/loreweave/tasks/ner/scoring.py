"""Metrics, predictions and tables from predicted and gold mentions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.column_formats.predictions import read_predicted_sentences
from loreweave.corpus.column_formats.tag_schemes import TokenSpan
from loreweave.corpus.counts import counted
from loreweave.corpus.files.rows import Row, as_row, check_span, field
from loreweave.corpus.surfaces import check_given_surface
from loreweave.corpus.tokens import token_offsets
from loreweave.errors import DataError
from loreweave.metrics.probabilities import rounded
from loreweave.metrics.spans import SpanCounts, count_spans
from loreweave.tasks.files.predictions import align, holds_json, json_predictions, predicted_name, with_places
from loreweave.tasks.ner.record import NerRecord
from loreweave.training.evaluation import Evaluation, Outputs

METRICS = ("micro_f1", "micro_precision", "micro_recall", "macro_f1")

_Given = tuple[str, list[Row]]
"""Place of a row of predictions, and the mentions in it."""


def score(records: Sequence[NerRecord], outputs: Outputs, labels: Sequence[str]) -> Evaluation:
    """Micro (the papers' metric), macro and per-type scores of predicted mentions [mentions, 5] (see `decoding`)."""
    found = list(_found(records, outputs, labels))
    evaluation = score_spans(records, [[TokenSpan(m["start"], m["end"], m["label"]) for m in row] for row in found])
    for row, mentions in zip(evaluation.predictions, found, strict=True):
        row["predicted"] = mentions
    counts = [len(output) for output in outputs]
    evaluation.arrays.update(
        found=np.concatenate([np.zeros((0, 5)), *outputs]),
        record=np.repeat(np.arange(len(records)), counts),
        ids=np.array([record.id for record in records], dtype=str),
        label_list=np.array(labels, dtype=str),
    )
    return evaluation


def score_spans(records: Sequence[NerRecord], predicted: Sequence[Sequence[TokenSpan]]) -> Evaluation:
    """The same from spans of characters with the names of their types."""
    gold = [[TokenSpan(m.start, m.end, str(m.label)) for m in record.mentions] for record in records]
    counts = count_spans(gold, predicted)
    micro = counts.micro()
    numbers = (micro.f1, micro.precision, micro.recall, counts.macro_f1())
    rows = [
        {"id": record.id, "text": record.text, "predicted": _rows(record, guess), "gold": _rows(record, truth)}
        for record, guess, truth in zip(records, predicted, gold, strict=True)
    ]
    tables = {"per_label": counts.per_type()}
    return Evaluation(dict(zip(METRICS, numbers, strict=True)), rows, tables=tables, notes=_notes(records, counts))


def score_predictions(records: Sequence[NerRecord], path: Path) -> Evaluation:
    """Predictions of any system: JSON Lines with `predicted` (see `_predicted` for older names); or columns as in the gold
    file, of which the last is the predicted tag, as conlleval reads them (LUKE's `test_predictions.txt`); or CoNLL-U.

    Raises:
        DataError: names the line of a mention that is not in the text of its record; see `files.predictions.align`.
    """
    if holds_json(path):
        given = with_places(json_predictions(path, _predicted))
        found, notes = align(given, [record.id for record in records], path, texts=[record.text for record in records])
        predicted = [_spans_of(record, each, path) for record, each in zip(records, found, strict=True)]
        notes += _other_characters(records, found)
    else:
        predicted, notes = _of_tags(records, path)
    evaluation = score_spans(records, predicted)
    evaluation.notes.extend(notes)
    return evaluation


def answer(records: Sequence[NerRecord], outputs: Outputs, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Mentions of each record: characters, type and probability, in the order of the text."""
    found = _found(records, outputs, labels)
    return [
        {"id": record.id, "text": record.text, "predicted": mentions} for record, mentions in zip(records, found, strict=True)
    ]


def _found(records: Sequence[NerRecord], outputs: Outputs, labels: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    for record, output in zip(records, outputs, strict=True):
        words, mentions = record.sentence.words, []
        for first, last, number, _, probability in output.tolist():
            start, end = words[int(first)][0], words[int(last) - 1][1]
            row = _row(record, TokenSpan(start, end, labels[int(number)]))
            mentions.append(row | {"probability": rounded(probability)})
        yield mentions


def _of_tags(records: Sequence[NerRecord], path: Path) -> tuple[list[list[TokenSpan]], list[str]]:
    """Align a file in columns with the records, which must have the same words; and return notes about the file."""
    types = {str(mention.label) for record in records for mention in record.mentions}
    texts, notes = read_predicted_sentences(path, types, any(_nests(record) for record in records))
    if len(texts) != len(records):
        raise DataError(f"found {counted(len(texts), 'sentence')}, expected {len(records)} as in the gold file", path=path)
    predicted = []
    for record, one in zip(records, texts, strict=True):
        places, own = record.sentence.words, token_offsets(one.text)
        words = [record.text[start:end] for start, end in places]
        for number, (start, end) in enumerate(own):
            token = one.text.text[start:end]
            if number == len(words) or words[number] != token:
                expected = f"{words[number]!r}" if number < len(words) else f"the end of record {record.id}"
                raise one.error(f"found the word {token!r}, expected {expected}", number, path)
        if len(own) < len(words):
            raise one.error(f"found the end of a sentence, expected {words[len(own)]!r}", len(own), path)
        begins = {start: places[number][0] for number, (start, _) in enumerate(own)}
        ends = {end: places[number][1] for number, (_, end) in enumerate(own)}
        predicted.append([TokenSpan(begins[m.start], ends[m.end], str(m.label)) for m in one.text.mentions])
    return predicted, list(notes)


def _nests(record: NerRecord) -> bool:
    """Whether there are nested mentions."""
    spans = sorted((mention.start, -mention.end) for mention in record.mentions)
    return any(second[0] < -first[1] for first, second in pairwise(spans))


def _predicted(row: Row) -> list[Row]:
    """Older names: files of runs had `predictions`, and answers `entities`, as in other systems."""
    given = [as_row(each) for each in field(row, predicted_name(row, "predictions", "entities"), list)]
    for each in given:
        _span(each)
    return given


def _span(row: Row) -> TokenSpan:
    return TokenSpan(field(row, "start", int), field(row, "end", int), field(row, "label", str))


def _spans_of(record: NerRecord, given: _Given | None, path: Path) -> list[TokenSpan]:
    """The predicted mentions of a record.

    Raises:
        DataError: one is not in the text; names the line.
    """
    place, rows = given or ("", [])
    spans = [_span(row) for row in rows]
    for start, end, _ in spans:
        try:
            check_span(record.text, start, end, "predicted")
        except DataError as error:
            raise DataError(f"{error.message}: {record.id!r}", path=path, record=place, field=error.field) from None
    return spans


def _other_characters(records: Sequence[NerRecord], found: Sequence[_Given | None]) -> list[str]:
    """A note about mentions whose own characters (`mention`, `text`, ...) are not those of the gold file's text."""
    number, first = 0, ""
    for record, given in zip(records, found, strict=True):
        place, rows = given or ("", [])
        for row in rows:
            start, end, _ = _span(row)
            try:
                check_given_surface(record.text, start, end, row)
            except DataError as error:
                number, first = number + 1, first or f"{place}: {error.message}"
    if not number:
        return []
    words = counted(number, "predicted mention has", "predicted mentions have")
    return [f"{words} other characters than the gold file at these offsets; is it the same text? The first: {first}"]


def _notes(records: Sequence[NerRecord], counts: SpanCounts) -> list[str]:
    notes = []
    if not counts.totals[0]:
        notes.append("no record has a gold mention: precision, recall and F1 are 0 by definition")
    cut = sum(len(record.mentions) - len(record.word_spans()) for record in records)
    if cut:
        words = counted(cut, "gold mention cuts", "gold mentions cut")
        notes.append(f"{words} a word, where no prediction can begin or end: counted as missed")
    strange = sorted(counts.predicted.keys() - counts.gold.keys())
    if strange and counts.totals[0]:
        notes.append(f"types that are predicted but gold nowhere count with F1 0 in macro_f1: {', '.join(strange)}")
    return notes


def _rows(record: NerRecord, spans: Sequence[TokenSpan]) -> list[dict[str, Any]]:
    return [_row(record, span) for span in spans]


def _row(record: NerRecord, span: TokenSpan) -> dict[str, Any]:
    start, end, label = span
    return {"start": start, "end": end, "mention": record.text[start:end], "label": label}

"""`loreweave predict few-shot-relation`: predicts one of the relations in an annotated support file, for any two mentions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.records import describe_skipped
from loreweave.encoding.encoded_text import EncodingReport
from loreweave.errors import DataError
from loreweave.tasks.contract import Execution
from loreweave.tasks.few_shot_relation import reader
from loreweave.tasks.few_shot_relation.episodes import RelationEpisode
from loreweave.tasks.few_shot_relation.evaluation import Matcher
from loreweave.tasks.few_shot_relation.scoring import Answered
from loreweave.tasks.few_shot_relation.settings import PredictionSettings
from loreweave.tasks.jobs.queries import Answerer
from loreweave.tasks.relations.record import RelationRecord


def predict(model: Path, data: Path, settings: PredictionSettings, execution: Execution) -> Answerer:
    """See `contract.Task.predict`; `data` is the support: annotated sentences in any format of `finetune`.

    Raises:
        LoreweaveError: the support or the model cannot be read, or the support has fewer than two relations.
    """
    found = reader.read(data, settings.format, execution.reading.skip_bad)
    for line in describe_skipped(found, data):
        execution.report(line)
    relations = tuple(reader.labels_of(found.records))
    if len(relations) < 2:
        raise DataError(f"found {counted(len(relations), 'relation')}, expected a support with two or more", path=data)
    support = tuple(tuple(record for record in found.records if record.label == name) for name in relations)
    matcher = Matcher.open(model, settings, execution)
    execution.report(f"support: {counted(len(found.records), 'sentence')} with the relations {', '.join(relations)}")
    # Copies, each of which counts what it truncates.
    support_alone, queries_alone = (replace(matcher.encoding.sentences, done=EncodingReport()) for _ in range(2))
    support_alone.encode([record for records in support for record in records])
    if support_alone.report():
        execution.report(f"encoding of the support: {support_alone.report()}")

    def answer(asked: list[list[RelationRecord]]) -> list[list[dict[str, Any]]]:
        records = [record for group in asked for record in group]
        queries_alone.encode(records)
        episode = RelationEpisode("0", relations, support, tuple(records), (None,) * len(records))
        answers = _answers(matcher.answer([episode])[0])
        return [list(islice(answers, len(group))) for group in asked]

    def finish() -> None:
        if queries_alone.report():
            execution.report(f"encoding: {queries_alone.report()}")

    return Answerer(reader.query, answer, finish)


def _answers(answered: Answered) -> Iterator[dict[str, Any]]:
    """For each query its mentions, the most likely relation with its probability, and all probabilities, best first."""
    shares = answered.probabilities()
    assert shares is not None, "they come from a model"
    for record, row in zip(answered.episode.query, shares, strict=True):
        yield record.answer(row, answered.episode.names)

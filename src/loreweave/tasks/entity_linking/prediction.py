"""`loreweave predict entity-linking`: texts, with mentions or without, to entities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loreweave.errors import DataError
from loreweave.tasks.contract import Execution
from loreweave.tasks.entity_linking.evaluation import find_names, link, open_linker, open_tagger
from loreweave.tasks.entity_linking.reader import query
from loreweave.tasks.entity_linking.record import LinkingRecord
from loreweave.tasks.entity_linking.settings import PredictionSettings
from loreweave.tasks.jobs.queries import Answerer, Row


def predict(model: Path, data: Path | None, settings: PredictionSettings, execution: Execution) -> Answerer:
    """See `contract.Task`; a query without `mentions` is linked end to end.

    Raises:
        LoreweaveError: the checkpoint or the entities cannot be read.
    """
    loaded, tagger = open_linker(model, settings, execution), open_tagger(settings, execution)

    def read(row: Row, id: str) -> LinkingRecord:
        (record,) = query(row, id)
        if record.metadata.get("given") is not False:
            return record
        if settings.mentions == "given":
            raise DataError('found a text without mentions, expected "mentions", a list of {start, end}', field="mentions")
        return record

    def answer(asked: list[LinkingRecord]) -> list[list[dict[str, Any]]]:
        bare = [number for number, record in enumerate(asked) if record.metadata.get("given") is False]
        for number, record in zip(bare, find_names([asked[n] for n in bare], loaded, settings, execution, tagger), strict=True):
            asked[number] = record
        found = link(loaded, asked, execution, settings.top)
        return [
            [{"id": record.id, "text": record.text, "predicted": mentions}]
            for record, mentions in zip(asked, found, strict=True)
        ]

    def finish() -> None:
        if loaded.encoding.report():
            execution.report(f"encoding: {loaded.encoding.report()}")

    return Answerer(read, answer, finish, loaded)

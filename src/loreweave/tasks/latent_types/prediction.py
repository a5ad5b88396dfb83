"""`loreweave predict latent-types`: sentences -> their selected sub-words with latent types, and the sentences rebuilt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import set_seed

from loreweave.corpus.counts import counted
from loreweave.corpus.files.rows import field
from loreweave.errors import DataError
from loreweave.models.reconstruction import DecodingConfig
from loreweave.tasks.contract import Execution
from loreweave.tasks.jobs.queries import Answerer
from loreweave.tasks.latent_types.model import TypePredictor
from loreweave.tasks.latent_types.record import TypedText
from loreweave.tasks.latent_types.settings import PredictionSettings


def predict(model: Path, data: Path | None, settings: PredictionSettings, execution: Execution) -> Answerer:
    """See `contract.Task`; `data` is None.

    Raises:
        CheckpointError: the model has no typer, or cannot be read.
    """
    predictor = TypePredictor(model, execution, max_length=settings.max_length)
    how = DecodingConfig(method=settings.method, beams=settings.beams, temperature=settings.temperature)
    cut = 0
    if settings.method == "sample":
        set_seed(settings.seed)

    def answer(texts: list[str]) -> list[list[dict[str, Any]]]:
        nonlocal cut
        found = list(predictor.predict(texts, how if settings.rebuild else None))
        cut += sum(typed.cut for typed in found)
        return [[answer_of(typed)] for typed in found]

    def finish() -> None:
        if cut:
            said = counted(cut, "sub-word was", "sub-words were")
            execution.report(f"{said} not read: beyond the first {predictor.max_length} of a sentence")

    return Answerer(read_query, answer, finish)


def read_query(row: Mapping[str, Any], number: str) -> str:
    """The sentence of `{"text": ...}`.

    Raises:
        DataError: there is none, or it is empty.
    """
    text: str = field(row, "text", str)
    if not text.strip():
        raise DataError("found an empty text", field="text")
    return text


def answer_of(typed: TypedText) -> dict[str, Any]:
    """The selected sub-words of a sentence: characters, type and probability; and the sentence rebuilt, if it was."""
    selected = [
        {"start": word.start, "end": word.end, "text": word.text, "type": word.type, "probability": round(word.probability, 6)}
        for word in typed.words
        if word.type != 0
    ]
    found: dict[str, Any] = {"text": typed.text, "predicted": selected}
    return found if typed.reconstruction is None else found | {"reconstruction": typed.reconstruction}

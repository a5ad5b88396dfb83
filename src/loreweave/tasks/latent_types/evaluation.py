"""`loreweave evaluate latent-types`: a checkpoint and sentences -> how types are used, and how they agree with labels."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.counts import tallied
from loreweave.tasks.contract import Execution
from loreweave.tasks.latent_types.counting import BEYOND
from loreweave.tasks.latent_types.model import TypePredictor
from loreweave.tasks.latent_types.prediction import answer_of
from loreweave.tasks.latent_types.reader import read_texts
from loreweave.tasks.latent_types.record import TypedText
from loreweave.tasks.latent_types.report import AnalysisConfig, analyse_texts
from loreweave.tasks.latent_types.scoring import evaluation_of
from loreweave.tasks.latent_types.settings import EvaluationSettings
from loreweave.training.evaluation import Evaluation


def evaluate(model: Path, data: Path, settings: EvaluationSettings, execution: Execution) -> tuple[Evaluation, dict[str, Any]]:
    """See `contract.Task`.

    Raises:
        LoreweaveError: the data or the model cannot be read, or there is no text.
    """
    left_out, skipped = Counter[str](), Counter[str]()
    reading, rows = execution.reading, list[dict[str, Any]]()

    def keep(text: AnnotatedText, typed: TypedText) -> None:
        rows.append({"id": text.id, **answer_of(typed)})

    predictor = TypePredictor(model, execution, max_length=settings.max_length)
    texts = read_texts(
        [data], left_out, format=reading.format, skip_bad=reading.skip_bad, names=reading.tag_names or None,
        report=execution.report, skipped=skipped,
    )  # fmt: skip
    config = AnalysisConfig(rebuild=settings.rebuild, points=0, top=settings.top)
    numbers = analyse_texts(predictor, texts, config, left_out, keep).numbers
    evaluation = evaluation_of(numbers, rows)
    facts = {"name": data.name.partition(".")[0], "records": numbers["texts"], "skipped": dict(skipped)}
    facts |= {"left_out": numbers["left_out"], "encoding": tallied({BEYOND: numbers["left_out"].get(BEYOND, 0)})}
    return evaluation, facts

"""`loreweave predict fact-probing`: a sentence with `[MASK]` -> the best words, or entities, with their probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.knowledge.relation_templates import MASK_PLACE, Question
from loreweave.errors import DataError
from loreweave.tasks.contract import Execution
from loreweave.tasks.fact_probing.evaluation import TOO_LONG
from loreweave.tasks.fact_probing.formats import question_of
from loreweave.tasks.fact_probing.model import EntityFiller, WordFiller, load_entities, load_words
from loreweave.tasks.fact_probing.ranking import Wanted, answer_questions
from loreweave.tasks.fact_probing.settings import PredictionSettings
from loreweave.tasks.jobs.queries import Answerer


def predict(model: Path, data: Path | None, settings: PredictionSettings, execution: Execution) -> Answerer:
    """See `contract.Task`; `data` is None.

    Raises:
        CheckpointError: the model has no such head, or cannot be read.
    """
    answers = QuestionAnswerer(model, settings, execution)
    return Answerer(answers.read, answers.answer, answers.finish)


class QuestionAnswerer:
    """Answers questions with one head of a model.

    Args:
        model: folder of a model or a run, or a name on the Hub.
        settings: the head, and the words that may be answers.
        execution: device, precision, batch size.
    """

    def __init__(self, model: Path, settings: PredictionSettings, execution: Execution) -> None:
        self.settings, self.execution, self.cut = settings, execution, 0
        self.filler: WordFiller | EntityFiller
        if settings.head == "words":
            self.filler = load_words(model, settings, execution)
            for line in self.filler.notes:
                execution.report(line)
        else:
            self.filler = load_entities(model, settings, execution)

    def read(self, row: Mapping[str, Any], number: str) -> tuple[Question, int | None]:
        """The question of a query, and the id of its subject for the entity head; `[MASK]` may be the model's own token.

        Raises:
            DataError: there is not one place for the answer.
        """
        if isinstance(self.filler, WordFiller):
            mask = str(self.filler.questions.tokenizer.mask_token)
        else:
            mask = self.filler.questions.tokenizer.words.named_tokens["mask_token"]
        text = row.get("text")
        question = question_of({**row, "text": text.replace(mask, MASK_PLACE)} if isinstance(text, str) else row)
        subject = row.get("subject")
        if isinstance(self.filler, WordFiller) or not isinstance(subject, str):
            return question, None
        return question, self.filler.names.id_of(subject)

    def answer(self, asked: list[tuple[Question, int | None]]) -> list[list[dict[str, Any]]]:
        """One answer per question.

        Raises:
            DataError: a mask is beyond the positions of the encoder.
        """
        filler, questions = self.filler, [question for question, _ in asked]
        inputs: list[Any]
        if isinstance(filler, WordFiller):
            inputs = list(filler.questions.encode(questions))
            places = [question.text[: question.text.index(MASK_PLACE)] for question in questions]
            pools = [filler.pool(filler.vocabulary.is_after_space(before)) for before in places]
        else:
            inputs = list(filler.questions.encode(questions, [subject for _, subject in asked]))
            if None in inputs:
                raise DataError(f"found a text whose {TOO_LONG.removeprefix('the ')}", field="text")
            pools = [filler.pool] * len(inputs)
        self.cut += sum(one.cut > 0 for one in inputs)
        found = answer_questions(
            filler.scorer, inputs, [Wanted(pool=pool) for pool in pools], filler.questions.collate, top=self.settings.top,
            batch_size=self.execution.batch_size, precision=self.execution.precision, advance=self.execution.advance,
        )  # fmt: skip
        return [
            [{"text": question.text, "predicted": [
                {"text": filler.name_of(id), "probability": round(probability, 6)} for id, probability in answer.best
            ]}]
            for question, answer in zip(questions, found, strict=True)
        ]  # fmt: skip

    def finish(self) -> None:
        """Report what was cut."""
        if self.cut:
            self.execution.report(
                f"{counted(self.cut, 'text')} longer than the encoder's positions; the words around the mask were read"
            )

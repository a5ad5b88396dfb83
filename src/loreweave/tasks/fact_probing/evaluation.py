"""`loreweave evaluate fact-probing`: a model and facts -> ranks of their objects -> metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from loreweave.corpus.counts import counted, tallied
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import describe_skipped
from loreweave.corpus.knowledge.relation_templates import MASK_PLACE, Question
from loreweave.errors import DataError
from loreweave.tasks.contract import Execution
from loreweave.tasks.fact_probing.model import EntityFiller, WordFiller, load_entities, load_words
from loreweave.tasks.fact_probing.ranking import Answered, Wanted, answer_questions
from loreweave.tasks.fact_probing.reader import firsts_left_out, read
from loreweave.tasks.fact_probing.record import Fact
from loreweave.tasks.fact_probing.scoring import Ranked, evaluation_of, names_of_others
from loreweave.tasks.fact_probing.settings import EvaluationSettings
from loreweave.training.evaluation import Evaluation

TOO_LONG = "the mask is beyond the last position of the encoder"


@dataclass
class Asked:
    """Facts that a model can answer.

    Attributes:
        facts: the facts.
        inputs: their encoded questions.
        gold: ids of the right answers to each.
        removed: ids of other right answers to each.
        pools: candidates that are allowed for each, as in `Wanted`; None: all.
        spaced: whether the answer to each is a token after a space; entities have one form.
        left_out: reason -> number of facts that cannot be asked.
        first: reason -> the first of these facts.
        details: further counts for the results.
    """

    facts: list[Fact] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    gold: list[tuple[int, ...]] = field(default_factory=list)
    removed: list[tuple[int, ...]] = field(default_factory=list)
    pools: list[Any] = field(default_factory=list)
    spaced: list[bool] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    first: dict[str, Fact] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def leave_out(self, reason: str, fact: Fact) -> None:
        """Count a fact that cannot be asked."""
        self.left_out[reason] += 1
        self.first.setdefault(reason, fact)

    def add(
        self, fact: Fact, input: Any, gold: Sequence[int], removed: Sequence[int], pool: Any, *, after_space: bool = True
    ) -> None:
        """Keep a fact."""
        self.facts.append(fact)
        self.inputs.append(input)
        self.gold.append(tuple(gold))
        self.removed.append(tuple(sorted(set(removed) - set(gold))))
        self.pools.append(pool)
        self.spaced.append(after_space)


def evaluate(model: Path, data: Path, settings: EvaluationSettings, execution: Execution) -> tuple[Evaluation, dict[str, Any]]:
    """See `contract.Task`.

    Raises:
        LoreweaveError: the facts or the model cannot be read, the model has no such head, or no fact can be asked.
    """
    found = read(data, settings, execution.reading)
    lines = describe_skipped(found, data)
    lines[1:1] = [f"  the first one: {line}" for line in firsts_left_out(found)]  # after their number, before notes
    for line in lines:
        execution.report(line)
    filler: WordFiller | EntityFiller
    if settings.head == "words":
        filler = load_words(model, settings, execution)
        for line in filler.notes:
            execution.report(line)
        asked = ask_words(filler, found.records, settings)
    else:
        filler = load_entities(model, settings, execution)
        asked = ask_entities(filler, found.records, settings)
    if asked.left_out:
        facts = f"{counted(sum(asked.left_out.values()), 'fact')}: {tallied(asked.left_out)}"
        execution.report(f"not asked: {facts}; the first ones: {_firsts(asked, found)}")
    if not asked.facts:
        raise DataError(f"found no fact that the {settings.head} head can answer ({tallied(asked.left_out)})", path=data)
    if settings.candidates == "objects":
        _restrict_to_objects(asked, filler)
    wanted = [Wanted(*row) for row in zip(asked.gold, asked.removed, asked.pools, strict=True)]
    answers = answer_questions(
        filler.scorer, asked.inputs, wanted, filler.questions.collate, top=settings.top,
        batch_size=execution.batch_size, precision=execution.precision, advance=execution.advance,
    )  # fmt: skip
    ranks = [answer.rank for answer in answers]
    rows = [_row(fact, answer, filler) for fact, answer in zip(asked.facts, answers, strict=True)]
    read_facts = Counter(fact.relation for fact in found.records)
    objects, others = ([[filler.object_of(id) for id in ids] for ids in each] for each in (asked.gold, asked.removed))
    evaluation = evaluation_of(Ranked(asked.facts, ranks, objects, others, read_facts, rows), settings)
    if cut := sum(one.cut > 0 for one in asked.inputs):
        evaluation.notes.append(
            f"{counted(cut, 'question')} longer than the encoder's positions; words around the mask were kept"
        )
    return evaluation, {
        "name": data.name.partition(".")[0], "records": len(asked.facts), "read": len(found.records),
        "skipped": dict(found.skipped), "left_out": found.left_out, "not_asked": dict(asked.left_out), **asked.details,
    }  # fmt: skip


def _firsts(asked: Asked, found: ReadResult[Fact]) -> str:
    """Place and object of the first fact that is left out for each reason."""
    places = {id(fact): place for fact, place in zip(found.records, found.places, strict=True)}
    return ", ".join(f"{fact.object!r} ({places[id(fact)]})" for fact in asked.first.values())


def ask_words(filler: WordFiller, facts: Sequence[Fact], settings: EvaluationSettings) -> Asked:
    """The facts whose object is one token of the model, and an allowed word."""
    asked, vocabulary = Asked(), filler.vocabulary
    inputs = filler.questions.encode([Question(fact.text) for fact in facts])
    spaced = [vocabulary.is_after_space(fact.text[: fact.text.index(MASK_PLACE)]) for fact in facts]
    ids: dict[tuple[str, bool], int | None] = {}
    for space in (True, False):
        of_kind = [fact for fact, after in zip(facts, spaced, strict=True) if after == space]
        names_of = (names for fact in of_kind for names in (fact.names, *(other.names for other in fact.others)))
        wanted = list(dict.fromkeys(name for names in names_of for name in names))
        found = vocabulary.ids_of(wanted, after_space=space)
        ids |= {(name, space): id for name, id in zip(wanted, found, strict=True)}
    by_alias = 0
    for fact, one, space in zip(facts, inputs, spaced, strict=True):
        names = fact.names if settings.aliases else (fact.object,)
        single = [id for name in names if (id := ids[name, space]) is not None]
        pool = filler.pool(space)
        gold = list(dict.fromkeys(id for id in single if pool is None or bool(pool[id])))
        if not gold:
            asked.leave_out("object is not an allowed word" if single else _why_not_one(filler, fact), fact)
            continue
        removed = [id for name in names_of_others(fact, settings) if (id := ids[name, space]) is not None]
        asked.add(fact, one, gold, removed, pool, after_space=space)
        by_alias += ids[fact.object, space] not in gold
    answers = filler.rows if filler.allowed is None else len(filler.allowed)
    asked.details = {"head": "words", "answers": answers, "asked_by_alias": by_alias}
    return asked


def _why_not_one(filler: WordFiller, fact: Fact) -> str:
    """Why an object is not one token."""
    if len(fact.object.split()) > 1:
        return "object has several words"
    return "object is several tokens of the model" if filler.vocabulary.knows(fact.object) else "object is unknown to the model"


def ask_entities(filler: EntityFiller, facts: Sequence[Fact], settings: EvaluationSettings) -> Asked:
    """The facts whose object is in the entity vocabulary."""
    asked, names, ways = Asked(), filler.names, Counter[str](id=0, label=0, alias=0)
    subjects = [
        next(iter(names.find((fact.subject,), fact.subject_id)[1]), None) if settings.subject_entity and fact.subject else None
        for fact in facts
    ]
    inputs = filler.questions.encode([Question(fact.text, fact.subject_span) for fact in facts], subjects)
    pool = filler.pool
    for fact, one in zip(facts, inputs, strict=True):
        way, gold = names.find(fact.names if settings.aliases else (fact.object,), fact.object_id)
        if way is None:
            asked.leave_out("object is not in the entity vocabulary", fact)
        elif one is None:
            asked.leave_out(TOO_LONG, fact)
        else:
            others = fact.others if settings.filtered else ()
            removed = [
                id
                for other in others
                for id in names.find(other.names if settings.removes_aliases else (other.name,), other.id)[1]
            ]
            asked.add(fact, one, gold, removed, pool)
            ways[way] += 1
    asked.details = {
        "head": "entities", "answers": int(pool.sum()), "objects_found_by": dict(ways),
        "subjects_as_entities": sum(one.with_subject for one in asked.inputs),
    }  # fmt: skip
    return asked


def _restrict_to_objects(asked: Asked, filler: WordFiller | EntityFiller) -> None:
    """Make the objects of the facts of a relation, in the form that a fact asks for, the candidates of each of them."""
    kinds = [(fact.relation, space) for fact, space in zip(asked.facts, asked.spaced, strict=True)]
    ids: dict[tuple[str, bool], set[int]] = {}
    for kind, gold in zip(kinds, asked.gold, strict=True):
        ids.setdefault(kind, set()).update(gold)
    pools = {}
    for (relation, space), own in ids.items():
        others = ids.get((relation, not space), set())  # of facts that ask for the other form; words have two
        found = own | (filler.in_form(others, space) if isinstance(filler, WordFiller) else others)
        pools[relation, space] = torch.tensor(sorted(found), device=filler.device)
    asked.pools = [pools[kind] for kind in kinds]
    asked.details["answers"] = len({filler.object_of(id) for found in ids.values() for id in found})


def _row(fact: Fact, answer: Answered, filler: WordFiller | EntityFiller) -> dict[str, Any]:
    """The prediction for one fact."""
    best = [{"text": filler.name_of(id), "probability": round(probability, 6)} for id, probability in answer.best]
    return {
        "id": fact.id, "relation": fact.relation, "text": fact.text, "subject": fact.subject, "gold": fact.object,
        "predicted": best, "rank": answer.rank, "gold_probability": round(answer.probability, 6),
    }  # fmt: skip

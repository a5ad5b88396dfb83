"""Probing of models whose answers are known: metrics, what is left out, and the baseline, counted by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from task_jobs import evaluate
from transformers import AutoTokenizer

from loreweave.errors import DataError
from loreweave.tasks.fact_probing import evaluation
from loreweave.tasks.fact_probing.ranking import Answered, Wanted, answer_questions
from loreweave.tasks.registry import load_task

TASK = load_task("fact-probing")


def row(subject: str, object: str, relation: str = "lives", **more: Any) -> dict[str, Any]:
    template = "[X] lives in [Y] ." if relation == "lives" else "[X] works at the [Y] ."
    return {"relation": relation, "template": template, "subject": subject, "object": object, **more}


ROWS = [
    row("Ann", "Paris"), row("Bob", "Oslo"), row("He", "Oslo"), row("She", "New Paris"), row("Mia", "Bergen"),
    row("Ann", "bank", "works"), row("Bob", "river", "works"),
]  # fmt: skip
"""Objects of the words head: Paris is first, Oslo second, bank third and river fourth; two are not one token."""


def test_words(known_bert: Path, write: Any) -> None:
    said: list[str] = []
    found, results = evaluate(TASK, known_bert, write(ROWS), report=said.append)
    assert found.metrics == pytest.approx(
        {
            "p_at_1": 1 / 5, "p_at_5": 1, "p_at_10": 1, "mrr": (1 + 1 / 2 + 1 / 2 + 1 / 3 + 1 / 4) / 5,
            "macro_p_at_1": 1 / 6, "macro_p_at_5": 1, "macro_p_at_10": 1, "macro_mrr": (2 / 3 + 7 / 24) / 2,
            "majority_p_at_1": 3 / 5, "majority_mrr": (3 + 2 * 1 / 2) / 5,
            "macro_majority_p_at_1": (2 / 3 + 1 / 2) / 2, "macro_majority_mrr": (5 / 6 + 3 / 4) / 2,
        }
    )  # fmt: skip
    assert results["records"] == 5 and results["read"] == 7
    assert results["not_asked"] == {"object has several words": 1, "object is several tokens of the model": 1}
    assert said[-1].startswith("not asked: 2 facts: object has several words (1)")
    assert "; the first ones: 'New Paris' (line 4), 'Bergen' (line 5)" in said[-1]
    lives, works = found.tables["per_relation"]
    assert (lives["relation"], lives["read"], lives["asked"], lives["majority"]) == ("lives", 5, 3, "Oslo")
    assert lives["p_at_1"] == pytest.approx(1 / 3) and lives["majority_p_at_1"] == pytest.approx(2 / 3)
    assert works["asked"] == 2 and works["mrr"] == pytest.approx(7 / 24)
    first = found.predictions[0]
    assert first["text"] == "Ann lives in [MASK] ." and first["gold"] == "Paris" and first["rank"] == 1
    assert [answer["text"] for answer in first["predicted"][:4]] == ["paris", "oslo", "bank", "river"]
    rest = len(AutoTokenizer.from_pretrained(known_bert)) - 4
    total = sum(math.exp(score) for score in (4, 3, 2, 1)) + rest
    assert first["gold_probability"] == pytest.approx(math.exp(4) / total, abs=1e-5)


def test_the_first_fact_that_is_left_out_follows_their_number(known_bert: Path, write: Any) -> None:
    """Before notes about the file, to which it would seem to belong."""
    said: list[str] = []
    data = write([*ROWS, row("Eva", "Oslo", aliasses=["x"]), ROWS[0]])
    evaluate(TASK, known_bert, data, report=said.append)
    assert said[0].endswith("skipped 1 record: repeated fact (1)") and said[1].startswith("  the first one: line 9: repeated")
    assert "the field 'aliasses' of 1 fact is not read" in said[2]


def test_candidates_can_be_the_objects_of_a_relation(known_bert: Path, write: Any) -> None:
    found, _ = evaluate(TASK, known_bert, write(ROWS), settings=["candidates=objects", "bootstrap=0"])
    assert found.metrics["mrr"] == pytest.approx((1 + 1 / 2 + 1 / 2 + 1 + 1 / 2) / 5)
    assert [answer["text"] for answer in found.predictions[3]["predicted"]] == ["bank", "river"]
    assert "intervals_95_percent" not in found.tables


def test_an_object_with_and_without_a_space_in_front_is_one_object(known_roberta: Path, write: Any) -> None:
    """Par is right four times of six. After a space it is preferred to Bar, at the start of a text Bar is preferred."""
    asked = [
        ("[MASK] is it", "Par"), ("It is [MASK]", "Par"), ("It was [MASK]", "Bar"), ("It has [MASK]", "Bar"),
        ("It had [MASK]", "Par"), ("[MASK] had it", "Par"),
    ]  # fmt: skip
    rows = [{"relation": "r", "text": text, "subject": str(n), "object": name} for n, (text, name) in enumerate(asked)]
    found, results = evaluate(TASK, known_roberta, write(rows), settings=["candidates=objects", "bootstrap=0"])
    assert [[answer["text"] for answer in row["predicted"]] for row in found.predictions] == [
        ["Bar", "Par"], ["Par", "Bar"], ["Par", "Bar"], ["Par", "Bar"], ["Par", "Bar"], ["Bar", "Par"]
    ]  # fmt: skip
    assert [row["rank"] for row in found.predictions] == [2, 1, 2, 2, 1, 2] and results["answers"] == 2
    (relation,) = found.tables["per_relation"]
    assert relation["majority"] == "Par" and relation["majority_p_at_1"] == found.metrics["majority_p_at_1"] == 4 / 6


def test_an_object_that_is_removed_is_no_answer_of_the_baseline_in_any_form(known_roberta: Path, write: Any) -> None:
    """The baseline answers Par, except where Par is another right object; there it answers Bar."""
    rows = [
        {"relation": "r", "text": "[MASK] is it", "subject": "1", "object": "Par"},
        {"relation": "r", "text": "[MASK] was it", "subject": "2", "object": "Par"},
        {"relation": "r", "text": "It is [MASK]", "subject": "3", "object": "Bar", "other_objects": ["Par"]},
    ]
    found, _ = evaluate(TASK, known_roberta, write(rows), settings=["bootstrap=0"])
    assert found.metrics["majority_p_at_1"] == 1


@pytest.mark.parametrize("head", ["words", "entities"])
def test_the_objects_of_a_relation_are_kept_as_ids(
    known_bert: Path, known_luke: Path, write: Any, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    """Not as masks of the vocabulary, of which there would be one per relation."""
    asked: list[Wanted] = []

    def answer(scorer: Any, inputs: Any, wanted: Sequence[Wanted], *given: Any, **options: Any) -> list[Answered]:
        asked.extend(wanted)
        return answer_questions(scorer, inputs, wanted, *given, **options)

    monkeypatch.setattr(evaluation, "answer_questions", answer)
    rows = [row("Ann", "Paris"), row("Bob", "Oslo"), row("He", "Oslo"), row("Ann", "Paris", "works")]
    model = known_bert if head == "words" else known_luke
    found, _ = evaluate(TASK, model, write(rows), settings=[f"head={head}", "candidates=objects", "bootstrap=0"])
    pools = [one.pool for one in asked if one.pool is not None]
    paris, oslo = asked[0].gold[0], asked[1].gold[0]
    assert [pool.tolist() for pool in pools] == [sorted([paris, oslo])] * 3 + [[paris]]
    assert pools[0] is pools[1] is pools[2]
    assert [each["rank"] for each in found.predictions] == [1, 2, 2, 1]


def test_the_vocabulary_restricts_candidates_and_facts(known_bert: Path, write: Any, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("Oslo\nriver\n")
    found, results = evaluate(TASK, known_bert, write(ROWS), settings=[f"vocabulary={words}"])
    assert results["not_asked"]["object is not an allowed word"] == 2 and results["answers"] == 2
    assert found.metrics["p_at_1"] == pytest.approx(2 / 3) and found.metrics["mrr"] == pytest.approx((1 + 1 + 1 / 2) / 3)


def test_other_right_answers_are_removed_unless_the_released_code_is_asked_for(known_bert: Path, write: Any) -> None:
    path = write([row("Ann", "Oslo", other_objects=["Paris"]), row("Bob", "bank"), row("Bob", "Paris")])
    paper, _ = evaluate(TASK, known_bert, path)
    assert [each["rank"] for each in paper.predictions] == [1, 2, 1]
    code, _ = evaluate(TASK, known_bert, path, settings=["filtered=false"])
    assert [each["rank"] for each in code.predictions] == [2, 3, 1]


def test_a_right_answer_that_is_not_asked_for_is_no_rival(known_bert: Path, write: Any) -> None:
    """Paris is before Oslo, and is part of the name of the subject."""
    path = write([row("Paris Hilton", "Paris"), row("Paris Hilton", "Oslo")])
    found, results = evaluate(TASK, known_bert, path, settings=["unhelpful_names=true"])
    assert [(each["gold"], each["rank"]) for each in found.predictions] == [("Oslo", 1)] and results["read"] == 1
    kept, _ = evaluate(TASK, known_bert, path, settings=["unhelpful_names=true", "filtered=false"])
    assert [each["rank"] for each in kept.predictions] == [2]


def test_other_right_answers_are_removed_under_all_of_their_names(known_bert: Path, write: Any) -> None:
    """Paris (1) and Oslo (2) are names of another object of Ann, the bank (3) is the object; Bob has them in another fact."""
    other = {"object": "City of Light", "aliases": ["Paris", "oslo"]}
    path = write([
        row("Ann", "bank", other_objects=[other]), row("Bob", "bank"), row("Bob", "City of Light", aliases=["Paris", "river"]),
    ])  # fmt: skip
    ranks = {
        setting: [each["rank"] for each in evaluate(TASK, known_bert, path, settings=[setting])[0].predictions]
        for setting in ("filtered=true", "filtered_aliases=false", "filtered=false", "aliases=false")
    }
    assert ranks == {
        "filtered=true": [1, 2, 1],  # Oslo is before Bob's bank, and Paris is no rival
        "filtered_aliases=false": [3, 3, 1],
        "filtered=false": [3, 3, 1],
        "aliases=false": [3, 3],
    }


def test_other_entities_are_removed_by_id_label_or_alias(known_luke: Path, write: Any) -> None:
    """The head prefers Paris to Oslo."""

    def rank(*others: Any) -> float:
        found, _ = evaluate(
            TASK, known_luke, write([row("Ann", "Oslo", other_objects=list(others))]), settings=["head=entities"]
        )
        return float(found.predictions[0]["rank"])

    assert rank() == rank({"object": "Bergen"}) == 2
    assert rank("Paris") == rank({"object": "Lutetia", "aliases": ["Paris"]}) == 1
    assert rank({"object": "Lutetia", "object_id": "Paris"}) == 1
    assert rank({"object": "Oslo fjord", "aliases": ["Oslo"]}) == 2, "a name of the object itself stays"


def test_other_names_are_right_answers_unless_they_are_switched_off(known_bert: Path, write: Any) -> None:
    path = write([row("Ann", "City of Light", aliases=["Paris", "bank"]), row("Bob", "bank", aliases=["Paris"])])
    found, results = evaluate(TASK, known_bert, path)
    assert [each["rank"] for each in found.predictions] == [1, 1] and results["asked_by_alias"] == 1
    strict, results = evaluate(TASK, known_bert, path, settings=["aliases=false"])
    assert [each["rank"] for each in strict.predictions] == [3] and results["not_asked"] == {"object has several words": 1}


def test_an_object_with_unknown_letters_is_named_as_such(known_bert: Path, write: Any) -> None:
    _, results = evaluate(TASK, known_bert, write([row("Ann", "Oslo"), row("Bob", "東京")]))
    assert results["not_asked"] == {"object is unknown to the model": 1}


def test_no_fact_that_can_be_asked_is_an_error(known_bert: Path, write: Any) -> None:
    with pytest.raises(DataError, match=r"found no fact that the words head can answer \(object has several words \(1\)\)"):
        evaluate(TASK, known_bert, write([row("Ann", "New Paris")]))


def test_entities(known_luke: Path, write: Any) -> None:
    path = write([
        row("Ann", "Oslo"), row("Paris", "Christiania", aliases=["Oslo"]), row("Bob", "paris"), row("Mia", "Bergen"),
    ])  # fmt: skip
    found, results = evaluate(TASK, known_luke, path, settings=["head=entities"])
    assert [each["rank"] for each in found.predictions] == [2, 2, 1]
    assert [answer["text"] for answer in found.predictions[0]["predicted"]] == ["Paris", "Oslo"], "no special entities"
    assert results["objects_found_by"] == {"id": 0, "label": 2, "alias": 1} and results["subjects_as_entities"] == 1
    assert results["not_asked"] == {"object is not in the entity vocabulary": 1} and results["answers"] == 2
    _, alone = evaluate(TASK, known_luke, path, settings=["head=entities", "subject_entity=false"])
    assert alone["subjects_as_entities"] == 0
    only, _ = evaluate(TASK, known_luke, write([row("Ann", "Oslo")]), settings=["head=entities", "candidates=objects"])
    assert only.metrics["p_at_1"] == 1


def test_the_results_are_written(known_bert: Path, write: Any, tmp_path: Path) -> None:
    evaluate(TASK, known_bert, write(ROWS), output=tmp_path / "out")
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    lines = (tmp_path / "out" / "predictions" / "facts.jsonl").read_text().splitlines()
    assert results["p_at_1"] == pytest.approx(1 / 5) and results["settings"]["head"] == "words" and len(lines) == 5


def test_questions_longer_than_the_encoder_are_cut_around_the_mask(known_bert: Path, write: Any) -> None:
    text = "ann " * 90 + "lives in [MASK] ."
    found, _ = evaluate(TASK, known_bert, write([{"text": text, "object": "Paris", "relation": "r"}]))
    assert found.metrics["p_at_1"] == 1 and "longer than the encoder's positions" in found.notes[0]

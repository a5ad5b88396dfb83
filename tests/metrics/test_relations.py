"""Relation scores: cases counted by hand, scikit-learn, and the printed results of SemEval's own scorer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_fscore_support

from loreweave.metrics.relations import (
    Direction,
    accuracy,
    count_labels,
    count_relations,
    macro,
    micro,
    per_label,
    relation_of,
    relation_scores,
)

GOLD = ["born", "born", "no_relation", "works", "no_relation", "works"]
PREDICTED = ["born", "works", "born", "works", "no_relation", "no_relation"]


def test_micro_leaves_the_negative_label_out_by_name() -> None:
    scores = relation_scores(PREDICTED, GOLD, "no_relation")  # 2 correct, 4 predicted, 4 gold
    assert (scores["micro_precision"], scores["micro_recall"], scores["micro_f1"]) == (0.5, 0.5, 0.5)
    assert scores["accuracy"] == 3 / 6
    assert relation_scores(PREDICTED, GOLD, None)["micro_f1"] == 3 / 6  # nothing left out: the accuracy


def test_macro_is_the_mean_over_relations() -> None:
    scores = relation_scores(PREDICTED, GOLD, "no_relation")
    assert scores["macro_f1"] == 0.5  # born and works: 1 of 2 predicted, 1 of 2 gold, each
    scores = relation_scores(["a", "a", "b"], ["a", "b", "b"], None)
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_a_wrong_direction_is_wrong_but_of_the_same_relation() -> None:
    gold = ["Cause(e1,e2)", "Cause(e2,e1)", "Other"]
    predicted = ["Cause(e1,e2)", "Cause(e1,e2)", "Cause(e2,e1)"]
    (row,) = [count for name, count in count_relations(predicted, gold).items() if name != "Other"]
    assert (row.gold, row.predicted, row.correct) == (2, 3, 1)
    assert relation_scores(predicted, gold, "Other")["macro_f1"] == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2))
    assert count_relations(predicted, gold, "ignored")["Cause"].correct == 2
    assert set(count_relations(predicted, gold, "labels")) == {"Cause(e1,e2)", "Cause(e2,e1)", "Other"}
    assert relation_of("per:title") == "per:title"


def test_examples_left_out_cost_recall_and_accuracy_alone() -> None:
    scores = relation_scores([None, "a"], ["a", "a"], "no_relation")
    assert (scores["micro_precision"], scores["micro_recall"], scores["accuracy"]) == (1.0, 0.5, 0.5)


def test_labels_that_are_gold_nowhere_cost_micro_precision_but_are_no_relation_of_the_macro() -> None:
    scores = relation_scores(["b", "a"], ["a", "a"], "no_relation")
    assert (scores["micro_precision"], scores["macro_precision"], scores["macro_recall"]) == (0.5, 1.0, 0.5)


@pytest.mark.parametrize(("predicted", "gold"), [([], []), (["no_relation"], ["no_relation"]), ([None], ["no_relation"])])
def test_without_positives_all_is_zero_not_an_error(predicted: list[str | None], gold: list[str]) -> None:
    scores = relation_scores(predicted, gold, "no_relation")
    assert all(value == 0 for name, value in scores.items() if name != "accuracy")


def test_per_label_table() -> None:
    rows = per_label(PREDICTED, GOLD, ["no_relation", "born", "died"])
    assert rows[1] == {"label": "born", "gold": 2, "predicted": 2, "correct": 1, "precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert rows[2]["gold"] == 0 and rows[2]["f1"] == 0.0


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="1 predictions for 2 gold"):
        count_labels(["a"], ["a", "a"])


LABELS = st.sampled_from(["no_relation", "a", "b", "c"])


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=30))
def test_scikit_learn_agrees(pairs: list[tuple[str, str]]) -> None:
    predicted, gold = [p for p, _ in pairs], [g for _, g in pairs]
    ours = relation_scores(predicted, gold, "no_relation")
    positive = ["a", "b", "c"]
    reference = precision_recall_fscore_support(gold, predicted, labels=positive, average="micro", zero_division=0)
    assert [ours[f"micro_{name}"] for name in ("precision", "recall", "f1")] == pytest.approx(reference[:3])
    if present := sorted(set(gold) - {"no_relation"}):
        mean = f1_score(gold, predicted, labels=present, average="macro", zero_division=0)
        assert ours["macro_f1"] == pytest.approx(mean)
    assert ours["accuracy"] == accuracy(predicted, gold)


# ---- the official scorer's own examples ----------------------------------------------------------------------------

BLOCKS: dict[Direction, str] = {
    "labels": "(2*9+1)-WAY EVALUATION (USING DIRECTIONALITY)",
    "ignored": "(9+1)-WAY EVALUATION IGNORING DIRECTIONALITY",
    "official": "(9+1)-WAY EVALUATION TAKING DIRECTIONALITY INTO ACCOUNT -- OFFICIAL",
}
RELATION = re.compile(r"^ *(\S+) : .*?= *([\d.]+)% .*?= *([\d.]+)% +F1 = +([\d.]+)%$", re.MULTILINE)
MEANS = re.compile(r"^P = .*?([\d.]+)%\s+R = .*?([\d.]+)%\s+F1 = +([\d.]+)%$", re.MULTILINE)
WRONG = re.compile(r"all skipped examples as Wrong\) = .*= *([\d.]+)%")


def labels_by_id(path: Path) -> dict[str, str]:
    return dict(line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())


def percent(*values: float) -> tuple[str, ...]:
    return tuple(f"{100 * value:.2f}" for value in values)


@pytest.mark.parametrize("direction", BLOCKS)
@pytest.mark.parametrize("example", [1, 2, 3])
def test_the_official_scorer_prints_the_same(shared_data: Path, example: int, direction: Direction) -> None:
    """Every printed percentage of precision, recall, F1 and accuracy, to its last digit."""
    folder = shared_data / "re_semeval2010task8" / "scorer_examples"
    gold = labels_by_id(folder / f"answer_key{example}.txt")
    answers = labels_by_id(folder / f"proposed_answer{example}.txt")
    predicted = [answers.get(id) for id in gold]
    printed = (folder / f"result_scores{example}.txt").read_text(encoding="utf-8")
    block = printed.split(BLOCKS[direction])[1].split("<<<")[0]
    counts = count_relations(predicted, list(gold.values()), direction)
    ours = {name: percent(c.score.precision, c.score.recall, c.score.f1) for name, c in counts.items()}
    theirs = {name.replace("_Other", "Other"): tuple(values) for name, *values in RELATION.findall(block)}
    assert ours == theirs and len(theirs) > 5
    small, large = micro(counts, "Other"), macro(counts, "Other")
    assert MEANS.findall(block) == [
        percent(small.precision, small.recall, small.f1),
        percent(large.precision, large.recall, large.f1),
    ]
    if direction == "official":
        scores = relation_scores(predicted, list(gold.values()), "Other")
        assert f"macro-averaged F1 = {percent(scores['macro_f1'])[0]}% >>>" in printed
        assert WRONG.findall(block) == [percent(scores["accuracy"])[0]]

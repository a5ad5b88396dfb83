"""The points of each design."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial
from toy_search import toy_sweep

from loreweave.experiments.search.designs import POINT, Random, Tpe
from loreweave.experiments.search.plan import Plan, plan_of
from loreweave.experiments.search.space import factors_of, settings_of
from loreweave.experiments.search.sweep import packaged_sweeps, read_sweep
from loreweave.experiments.search.targets import FinetuningTarget, target_of

SPACE = {
    "dropout": {"low": 0.0, "high": 0.4},
    "optimizer.learning_rate": {"low": 1e-6, "high": 1e-2, "log": True},
    "head": ["a", "b"],
}


def plan(folder: Path, **keys: Any) -> Plan:
    sweep = read_sweep(toy_sweep(folder, **keys))
    return plan_of(sweep, target_of(sweep))


def points(found: Plan) -> list[dict[str, Any]]:
    assert found.trials is not None
    return [found.design.point(number, ()) for number in range(found.trials)]


def test_a_grid_has_all_combinations_and_the_last_changes_fastest(tmp_path: Path) -> None:
    vary = {"batch_size": {"low": 2, "high": 6, "step": 2}, "dropout": {"low": 0.0, "high": 0.25, "step": 0.1}}
    found = points(plan(tmp_path, design="grid", vary=vary))
    assert [(point["batch_size"], point["dropout"]) for point in found] == [
        (2, 0.0), (2, 0.1), (2, 0.2), (4, 0.0), (4, 0.1), (4, 0.2), (6, 0.0), (6, 0.1), (6, 0.2),
    ]  # fmt: skip


def test_one_factor_at_a_time_has_the_base_once(tmp_path: Path) -> None:
    vary = {"batch_size": [1, 2, 4], "dropout": [None, 0.3], "optimizer.learning_rate": [1e-3]}
    found = points(plan(tmp_path, design="one-factor-at-a-time", vary=vary, settings={"optimizer.learning_rate": 1e-5}))
    base = {"batch_size": 2, "dropout": None, "optimizer.learning_rate": 1e-5}
    changed = [{"batch_size": 1}, {"batch_size": 4}, {"dropout": 0.3}, {"optimizer.learning_rate": 1e-3}]
    assert found == [base, *({**base, **each} for each in changed)]


def test_values_can_set_several_settings(tmp_path: Path) -> None:
    vary = {"batch": [{"batch_size": 1, "gradient_accumulation_steps": 1}, {"batch_size": 8, "optimizer": {"epsilon": 1e-8}}]}
    found = plan(tmp_path, design="one-factor-at-a-time", vary={**vary, "dropout": [0.1]})
    listed = [settings_of(point, found.factors) for point in points(found)]
    assert listed == [
        [("dropout", None)],
        [("dropout", None), ("batch_size", 1), ("gradient_accumulation_steps", 1)],
        [("dropout", None), ("batch_size", 8), ("optimizer.epsilon", 1e-8)],
        [("dropout", 0.1)],
    ]


def test_a_group_overrides_the_base_value_of_another_factor(tmp_path: Path) -> None:
    vary = {"batch": [{"batch_size": 1, "gradient_accumulation_steps": 1}], "gradient_accumulation_steps": [4]}
    found = plan(tmp_path, design="one-factor-at-a-time", vary=vary)
    assert [dict(settings_of(point, found.factors)) for point in points(found)] == [
        {"gradient_accumulation_steps": 2},
        {"batch_size": 1, "gradient_accumulation_steps": 1},
        {"gradient_accumulation_steps": 4},
    ]


def test_the_encoder_can_vary(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    found = plan(tmp_path, design="one-factor-at-a-time", vary={"model": [str(tmp_path / "other")]})
    assert [point["model"] for point in points(found)] == [str(tmp_path / "bert"), str(tmp_path / "other")]


def test_the_design_seeds_varies_the_seed(tmp_path: Path) -> None:
    assert points(plan(tmp_path, design="seeds", seeds=[3, 5])) == [{"seed": 3}, {"seed": 5}]


def test_a_budget_takes_the_first_trials_and_says_so(tmp_path: Path) -> None:
    found = plan(tmp_path, design="grid", vary={"batch_size": [1, 2, 3]}, budget={"trials": 2})
    assert found.trials == 2 and found.notes == ("budget.trials=2: the first 2 of 3 trials of the design are run",)


def test_random_points_depend_on_seed_and_number_only() -> None:
    factors = factors_of(SPACE)
    first, again, other = (Random(factors, seed) for seed in (1, 1, 2))
    assert [first.point(number, ()) for number in (5, 0)] == [again.point(number, ()) for number in (5, 0)]
    assert len({str(first.point(number, ())) for number in range(20)}) == 20
    assert first.point(0, ()) != other.point(0, ())
    assert all(0 <= first.point(number, ())["dropout"] <= 0.4 for number in range(20))


def history(design: Tpe, count: int, state: TrialState = TrialState.COMPLETE) -> list[FrozenTrial]:
    """Trials whose value is best at dropout 0.1."""
    distributions = {factor.name: factor.distribution() for factor in design.factors}
    found = []
    for number in range(count):
        params = Random(design.factors, 7).point(number, ())
        value = -abs(params["dropout"] - 0.1) if state == TrialState.COMPLETE else None
        found.append(create_trial(
            state=state, value=value, params=params, distributions=distributions, user_attrs={POINT: number},
        ))  # fmt: skip
    return found


def test_tpe_is_random_first_and_then_learns() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    design = Tpe(factors_of({"dropout": {"low": 0.0, "high": 1.0}}), 1, "maximize")
    known = history(design, 60)
    assert design.point(3, known) == Random(design.factors, 1).point(3, ())
    near = [abs(design.point(number, known)["dropout"] - 0.1) for number in range(60, 80)]
    assert sum(distance < 0.2 for distance in near) >= 15
    assert design.point(60, known) == design.point(60, list(reversed(known))), "the order of the results does not matter"
    assert design.point(60, known) != design.point(61, known)


def test_a_batch_of_tpe_does_not_see_its_own_results() -> None:
    design = Tpe(factors_of({"dropout": {"low": 0.0, "high": 1.0}}), 1, "maximize", batch=4)
    known = history(design, 23)
    assert [design.needs(number) for number in (9, 10, 20, 21, 23, 24)] == [0, 8, 20, 20, 20, 24]
    assert design.point(22, known) == design.point(22, known[:20]), "whatever the number of workers"
    assert design.point(22, known) != design.point(22, known[:12])


def test_ranges_of_integers_and_base_values_in_groups(tmp_path: Path) -> None:
    found = plan(tmp_path, design="random", vary={"batch_size": {"low": 1, "high": 64, "log": True}}, budget={"trials": 9})
    assert all(isinstance(point["batch_size"], int) and 1 <= point["batch_size"] <= 64 for point in points(found))


def test_the_packaged_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FinetuningTarget, "check", lambda target: None)  # their data are elsewhere
    found = {name: read_sweep(name) for name in packaged_sweeps()}
    trials = {name: plan_of(sweep, target_of(sweep)).trials for name, sweep in found.items()}
    thesis = 1 + 7 + (4 - 1) + (10 - 1) + (4 - 1) + (11 - 1) + (12 - 1) + (10 - 1) + (10 - 1)
    assert trials == {"example": 30, "thesis": thesis}, "the base, and each value of eight settings but for the base's"


@pytest.mark.parametrize("name", ["optimizer.rate_factors.classifier", "optimizer.betas"])
def test_settings_in_tables_and_lists_can_vary(name: str, tmp_path: Path) -> None:
    values: list[Any] = [10.0, 30.0] if name.endswith("classifier") else [[0.9, 0.98], [0.9, 0.999]]
    found = plan(tmp_path, design="grid", vary={name: values})
    assert [settings_of(point, found.factors) for point in points(found)] == [[(name, value)] for value in values]

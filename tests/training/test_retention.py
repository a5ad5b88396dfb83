"""Which epoch is kept."""

from __future__ import annotations

from typing import get_args

from loreweave.training.retention import RULES, Keep

EPOCHS = [{"epoch": 0, "dev": {"f1": 0.9}}, *({"epoch": n, "dev": {"f1": f1}} for n, f1 in enumerate((0.2, 0.5, 0.5, 0.3), 1))]


def test_the_first_of_the_best_trained_epochs() -> None:
    assert RULES["best"].choose(EPOCHS, "f1")["epoch"] == 2, "not the encoder before training, and the first of two"


def test_the_last_epoch() -> None:
    assert RULES["last"].choose(EPOCHS, "f1")["epoch"] == 4


def test_the_setting_has_every_rule() -> None:
    assert set(get_args(Keep)) == set(RULES)
    assert {name for name, rule in RULES.items() if rule.needs_dev} == {"best"}

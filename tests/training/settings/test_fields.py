"""Values of settings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from loreweave.training.settings.fields import check_at_least, check_positive, check_share


def test_wrong_values_are_named_and_null_is_allowed() -> None:
    group = SimpleNamespace(way=5, shot=0, share=0.1, count=None)
    check_at_least(group, 1, "way", "count")
    check_positive(group, "way", "share", "count")
    with pytest.raises(ValueError, match=r"^shot: found 0, expected 1 or more$"):
        check_at_least(group, 1, "way", "shot")
    with pytest.raises(ValueError, match=r"^shot: found 0, expected more than 0$"):
        check_positive(group, "share", "shot")


def test_shares_with_and_without_their_ends() -> None:
    group = SimpleNamespace(half=0.5, none=0.0, all=1.0, more=1.5, null=None, nan=float("nan"))
    check_share(group, "half", "none", "all", "null")
    check_share(group, "half", "none", one=False)
    check_share(group, "half", "all", zero=False)
    for name, ends, expected in (
        ("more", {}, "from 0 to 1"),
        ("nan", {}, "from 0 to 1"),
        ("all", {"one": False}, "from 0 to below 1"),
        ("none", {"zero": False}, "more than 0, at most 1"),
        ("none", {"zero": False, "one": False}, "between 0 and 1"),
        ("all", {"zero": False, "one": False}, "between 0 and 1"),
    ):
        with pytest.raises(ValueError, match=rf"^{name}: found \S+, expected .*{expected}$"):
            check_share(group, "half", name, **ends)


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_infinity_is_in_no_range(value: float) -> None:
    group = SimpleNamespace(rate=value, fine=10**400)
    check_at_least(group, 1, "fine")
    check_positive(group, "fine")
    for check in (lambda: check_at_least(group, 0, "rate"), lambda: check_positive(group, "rate")):
        with pytest.raises(ValueError, match=f"^rate: found {value}, expected a finite number"):
            check()
    with pytest.raises(ValueError, match=f"^rate: found {value}, expected a number from 0 to 1"):
        check_share(group, "rate")


def test_nan_is_no_number_of_any_range() -> None:
    group = SimpleNamespace(rate=float("nan"))
    with pytest.raises(ValueError, match="rate: found .*nan, expected 0 or more"):
        check_at_least(group, 0, "rate")
    with pytest.raises(ValueError, match="rate: found .*nan, expected more than 0"):
        check_positive(group, "rate")
    with pytest.raises(ValueError, match="rate: found .*nan, expected a number from 0 to 1"):
        check_share(group, "rate")

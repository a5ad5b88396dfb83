"""Values of settings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from loreweave.training.settings.fields import check_at_least, check_positive


def test_wrong_values_are_named_and_null_is_allowed() -> None:
    group = SimpleNamespace(way=5, shot=0, share=0.1, count=None)
    check_at_least(group, 1, "way", "count")
    check_positive(group, "way", "share", "count")
    with pytest.raises(ValueError, match=r"^shot: found 0, expected 1 or more$"):
        check_at_least(group, 1, "way", "shot")
    with pytest.raises(ValueError, match=r"^shot: found 0, expected more than 0$"):
        check_positive(group, "share", "shot")

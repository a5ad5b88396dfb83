"""The table of encoder families, and that of kinds of sub-words."""

from __future__ import annotations

import pytest
from family_cases import CASES
from transformers import CONFIG_MAPPING, AutoConfig

from loreweave.encoding.families import FAMILIES, family_of, luke_families


def test_every_row_has_a_case() -> None:
    """A new row needs a tiny encoder in `tests/helpers/family_cases.py`, on which the shared tests run."""
    assert set(FAMILIES) == set(CASES)


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_row_names_what_transformers_has(kind: str) -> None:
    family, config = FAMILIES[kind], CONFIG_MAPPING[kind]()
    assert family.model_type == kind == config.model_type
    for name in (family.hidden_dropout[0], family.attention_dropout[0]):
        assert isinstance(getattr(config, name), float), name


def test_a_family_is_found_by_a_configuration_or_a_file() -> None:
    assert family_of(AutoConfig.for_model("mpnet")) is FAMILIES["mpnet"] is family_of({"model_type": "mpnet"})
    assert family_of({"model_type": "no-family"}) is None and family_of({}) is None


def test_a_luke_is_made_from_families_with_positions_in_a_table() -> None:
    assert luke_families() == ["bert", "roberta", "xlm-roberta", "camembert", "electra"]
    assert all(FAMILIES[kind].positions in ("from_zero", "after_padding") for kind in luke_families())

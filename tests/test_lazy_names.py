"""Public names of packages that are imported on first use."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import loreweave
import loreweave.models
from loreweave.lazy_names import names_on_first_use


def test_a_name_comes_from_its_module_and_an_unknown_one_is_an_error() -> None:
    get = names_on_first_use("a_package", {"OrderedDict": "collections"})
    assert get("OrderedDict") is OrderedDict
    with pytest.raises(AttributeError, match=r"^module 'a_package' has no attribute 'Orderly'$"):
        get("Orderly")


def test_packages_name_themselves_in_the_error() -> None:
    name = "Lukas"
    for package in (loreweave, loreweave.models):
        with pytest.raises(AttributeError, match=f"^module '{package.__name__}' has no attribute '{name}'$"):
            getattr(package, name)


def test_errors_can_be_caught_by_a_public_name() -> None:
    with pytest.raises(loreweave.LoreweaveError, match="no such file"):
        loreweave.load("no/such/folder", task="ner")

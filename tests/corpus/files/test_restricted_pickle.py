from __future__ import annotations

import pickle
from collections import Counter, OrderedDict
from io import BytesIO

import pytest

from loreweave.corpus.files.restricted_pickle import RestrictedUnpickler
from loreweave.errors import DataError


def test_only_the_given_globals_are_called() -> None:
    allowed = {("collections", "OrderedDict"): dict}
    content = BytesIO(pickle.dumps([1, OrderedDict(a=2)]))
    assert RestrictedUnpickler(content, allowed, "containers").load() == [1, {"a": 2}]
    with pytest.raises(DataError, match=r"found collections\.Counter in the pickle, expected only containers; it was not run"):
        RestrictedUnpickler(BytesIO(pickle.dumps(Counter("a"))), allowed, "containers").load()

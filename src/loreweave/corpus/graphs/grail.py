"""GraIL's inductive splits (Teru, Denis, Hamilton, ICML 2020): one graph for training, and another one for testing.

`WN18RR_v1/{train,valid,test}.txt` and `WN18RR_v1_ind/{train,valid,test}.txt` share relations, but no entities.
They become one graph with the splits `train`, `valid`, `test`, `inductive_train` (the context at test time),
`inductive_valid`, `inductive_test`. They have ids only; names and texts come from the original graph.
"""

from __future__ import annotations

from pathlib import Path

from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.graphs.lines import find_splits
from loreweave.corpus.graphs.source import GraphSource
from loreweave.errors import DataError

INDUCTIVE = "inductive_"
_SUFFIX = "_ind"


def grail(folder: Pathname) -> GraphSource:
    """Find the files of `folder` (`.../WN18RR_v1`) and of `<folder>_ind` next to it.

    Raises:
        DataError: one of the folders or a training file is missing.
    """
    base = Path(folder).absolute()
    if base.name.endswith(_SUFFIX):
        raise DataError(f"found the inductive half, expected {base.name.removesuffix(_SUFFIX)} next to it", path=folder)
    other = base.with_name(base.name + _SUFFIX)
    if not other.is_dir():
        raise DataError(f"found no folder {other.name} next to it, the half for testing", path=folder)
    triples = find_splits(base) | {INDUCTIVE + split: path for split, path in find_splits(other).items()}
    return GraphSource("grail", triples, details={"name": base.name})

"""Settings of `loreweave probe`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from loreweave.training.settings.fields import check_positive, check_share

ProbeName = Literal["few_shot", "typing", "mention_types", "relations"]
States = Literal["words", "entities"]
Distance = Literal["cosine", "euclidean"]
Files = dict[str, list[Path]] | list[Path]
"""Name of a data set -> its files; or the files of a single one."""


@dataclass(kw_only=True)
class ProbeConfig:
    """Settings of the probes.

    A label probe fits a logistic regression. Its data set is a training and a test file, a folder with both, or one file, of
    which a part is held out for the test.
    """

    probes: list[ProbeName] | None = None
    """Probes to run on the default data. Null: `few_shot`, `typing` and `mention_types`. Not read if files are given."""
    few_shot: Files = field(default_factory=dict)
    """Files of relations from which episodes are drawn: `few_shot.NAME=FILE`, in any format of few-shot-relation."""
    typing: Files = field(default_factory=dict)
    """Files of entity typing: `typing.NAME=TRAIN,TEST`, in any format of entity-typing."""
    mention_types: Files = field(default_factory=dict)
    """Files of NER, whose gold mentions are classified: `mention_types.NAME=TRAIN,TEST`, in any format of ner."""
    relations: Files = field(default_factory=dict)
    """Files of relations: `relations.NAME=TRAIN,TEST`, in any format of relation-classification."""
    formats: dict[str, str] = field(default_factory=dict)
    """Formats of the files by the name of the data set: `formats.NAME=FORMAT`. Default: recognised."""
    skip_bad: bool = False
    """Whether bad records are left out and counted, instead of being an error."""
    max_texts: int | None = 2000
    """Maximum number of texts of a file that are encoded; they are drawn at random. Null: all."""
    test_fraction: float = 0.25
    """Fraction of a single file that is held out for the test: whole documents if the records name them, otherwise texts."""

    states: list[States] = field(default_factory=lambda: ["words"])
    """Vector of a mention: mean state of its sub-words (`words`), or the state of its [MASK] entity (`entities`, only a LUKE).
    With both, a LUKE has two columns in the table."""
    layer: int = -1
    """Layer whose states are used: 0 for the embeddings, 1 for the first layer, -1 for the last."""
    max_length: int | None = None
    """Maximum number of sub-words per text. Null: the maximum of the encoder."""

    way: int = 5
    """Number of relations in an episode."""
    shots: list[int] = field(default_factory=lambda: [1, 5])
    """Numbers of support sentences per relation."""
    queries: int = 1
    """Number of queries per relation in an episode."""
    episodes: int = 1000
    """Number of episodes."""
    distance: Distance = "cosine"
    """Similarity of a query and the mean vector of a relation's support: `cosine`, or minus the distance (`euclidean`)."""
    unit_length: bool = True
    """Whether the vectors of head and tail are scaled to length 1 before they are joined and averaged."""

    labels: list[int] = field(default_factory=lambda: [10, 50, 200, 1000])
    """Numbers of training labels. Smaller sets are parts of larger ones. All labels of the file are always added."""
    draws: int = 5
    """Number of random draws of each number of labels."""
    regularisation: float = 0.1
    """C of the logistic regression: smaller values regularise more. Vectors are standardised by all those of the training
    file."""
    max_iterations: int = 1000
    """Maximum number of iterations of a regression. Those that stop there are counted."""
    max_types: int = 100
    """Maximum number of types that are learned if a mention can have several; the rarest are left out and count as missed."""
    bootstrap: int = 1000
    """Number of resamples of the test data for 95 % intervals."""
    seed: int = 0
    """Random seed of episodes, of draws of labels and texts, and of resampling."""

    def __post_init__(self) -> None:
        for name in ("few_shot", "typing", "mention_types", "relations"):
            given: Files = getattr(self, name)
            if isinstance(given, list):
                setattr(self, name, {given[0].name.partition(".")[0]: given} if given else {})
        counts = ("max_texts", "queries", "episodes", "draws", "max_iterations", "max_types", "bootstrap")
        least = {**dict.fromkeys(counts, 1), "seed": 0, "way": 2}
        for name, number in least.items():
            found = getattr(self, name)
            if found is not None and found < number:
                raise ValueError(f"{name}: found {found}, expected {number} or more")
        for name, numbers in (("shots", self.shots), ("labels", self.labels)):
            if any(number < 1 for number in numbers):
                raise ValueError(f"{name}: found {', '.join(map(str, numbers))}, expected numbers from 1")
            setattr(self, name, sorted(set(numbers)))
        if not self.shots:
            raise ValueError("shots: found none, expected one number or more")
        check_share(self, "test_fraction", zero=False, one=False)
        check_positive(self, "regularisation")
        if not self.states:
            raise ValueError("states: found none, expected words, entities or both")
        self.states = list(dict.fromkeys(self.states))

    def given(self) -> dict[ProbeName, Mapping[str, Sequence[Path]]]:
        """Data sets that the user named, by probe and name."""
        found: dict[ProbeName, Mapping[str, Sequence[Path]]] = {}
        for name in ("few_shot", "typing", "mention_types", "relations"):
            files: Files = getattr(self, name)
            if files:
                assert isinstance(files, dict), "see __post_init__"
                found[name] = files
        return found

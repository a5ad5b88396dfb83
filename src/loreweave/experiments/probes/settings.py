"""Settings of `loreweave probe`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from loreweave.training.settings.ranges import ANY_NUMBER, BETWEEN_0_AND_1, POSITIVE, SEED, Ranges, at_least, check_ranges

ProbeName = Literal["few_shot", "typing", "mention_types", "relations"]
States = Literal["words", "entities"]
Distance = Literal["cosine", "euclidean"]
Files = dict[str, list[Path]] | list[Path]
"""Name of a data set -> its files; or the files of a single one."""


@dataclass(kw_only=True)
class ProbeConfig:
    """Settings of the probes.

    A data set is a training and a test file, a folder with both, or one file, of which a part is held out for the test.
    """

    RANGES: ClassVar[Ranges] = {
        ("max_texts", "max_length", "queries", "episodes", "draws", "max_iterations", "max_types", "bootstrap"): at_least(1),
        ("shots", "labels"): at_least(1),
        ("way",): at_least(2),
        ("test_fraction",): BETWEEN_0_AND_1,
        ("regularisation",): POSITIVE,
        ("layer",): ANY_NUMBER,
        ("seed",): SEED,
    }

    probes: list[ProbeName] | None = None
    """Probes to run if no files are given: `few_shot`, `typing`, `mention_types` or `relations`. Null: the first three."""
    few_shot: Files = field(default_factory=dict)
    """Files of few-shot relations: `few_shot.NAME=FILE`, in any format of few-shot-relation. Episodes are drawn from a file."""
    typing: Files = field(default_factory=dict)
    """Files of entity typing: `typing.NAME=TRAIN,TEST`, in any format of entity-typing."""
    mention_types: Files = field(default_factory=dict)
    """Files of NER: `mention_types.NAME=TRAIN,TEST`, in any format of ner. The types of the gold mentions are predicted."""
    relations: Files = field(default_factory=dict)
    """Files of relation classification: `relations.NAME=TRAIN,TEST`, in any format of relation-classification."""
    formats: dict[str, str] = field(default_factory=dict)
    """Format of the files of a data set: `formats.NAME=FORMAT`, for the data sets of all probes that have this name. Default:
    recognised."""
    skip_bad: bool = False
    """Leave out bad records and count them. `false`: a bad record is an error."""
    max_texts: int | None = 2000
    """Maximum number of texts per file. If a file has more, a random sample is used. Null: all texts."""
    test_fraction: float = 0.25
    """Fraction of the training file that is held out for the test if there is no test file. Whole documents are held out if all
    records name their document and there are several, otherwise single texts."""

    states: list[States] = field(default_factory=lambda: ["words"])
    """Vector of a mention: the mean hidden state of its sub-words (`words`), or the state of its [MASK] entity (`entities`,
    only for a LUKE). With both, a LUKE has two columns in the table."""
    layer: int = -1
    """Layer whose hidden states are used: 0 for the embeddings, 1 for the first layer, -1 for the last."""
    max_length: int | None = None
    """Maximum number of sub-words per text. Null: the maximum of the encoder."""

    way: int = 5
    """Number of relations in an episode."""
    shots: list[int] = field(default_factory=lambda: [1, 5])
    """Numbers of support sentences per relation in an episode. Each number is scored."""
    queries: int = 1
    """Number of queries per relation in an episode."""
    episodes: int = 1000
    """Number of episodes for each number of support sentences."""
    distance: Distance = "cosine"
    """Measure for comparing a query with the mean vector of the support of a relation: `cosine` similarity or `euclidean`
    distance."""
    unit_length: bool = True
    """Whether the vectors of head and tail are scaled to length 1 before they are joined and averaged."""

    labels: list[int] = field(default_factory=lambda: [10, 50, 200, 1000])
    """Numbers of labelled examples for training a regression. A smaller set is part of a larger one. The complete training file
    is always added."""
    draws: int = 5
    """Number of random sets of labelled examples of each size in `labels`."""
    regularisation: float = 0.1
    """C of the logistic regression; smaller values regularise more. The vectors are standardised by the means and standard
    deviations of the training file."""
    max_iterations: int = 1000
    """Maximum number of iterations of a regression. Regressions that reach it are counted."""
    max_types: int = 100
    """Maximum number of types, for data in which a mention can have several. The rarest types are left out and count as
    missed."""
    bootstrap: int = 1000
    """Number of resamples of the test data for the 95 % intervals."""
    seed: int = 0
    """Random seed of the episodes, of the sets of labelled examples, of the samples of texts, and of the resamples."""

    def __post_init__(self) -> None:
        for name in ("few_shot", "typing", "mention_types", "relations"):
            given: Files = getattr(self, name)
            if isinstance(given, list):
                setattr(self, name, {given[0].name.partition(".")[0]: given} if given else {})
        check_ranges(self)
        self.shots, self.labels = sorted(set(self.shots)), sorted(set(self.labels))
        if not self.shots:
            raise ValueError("shots: found none, expected one number or more")
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

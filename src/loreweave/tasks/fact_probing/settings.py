"""Settings of fact probing: what `key=value` after `loreweave evaluate`, `predict` and `score` may change."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from loreweave.training.settings.conditions import ReadWhen, when
from loreweave.training.settings.ranges import SEED, Ranges, at_least, check_ranges

NAME = "fact-probing"

HeadName = Literal["words", "entities"]
Asked = Literal["template", "sentence"]


@dataclass(kw_only=True)
class HeadSettings:
    """Settings of the head that answers, and of its candidates."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("vocabulary", "other_models"): when(head="words", reason="entities are not words"),
        ("mask_tokens",): when(head="entities", reason="the masked-word head fills one token"),
        ("language",): when(head="entities", reason="words of a model have no language"),
    }
    RANGES: ClassVar[Ranges] = {("mask_tokens",): at_least(1)}

    head: HeadName = "words"
    """Head that answers. `words`: the masked-word head, for objects that are one token. `entities`: the entity head of a LUKE,
    for objects in its entity vocabulary, with names of any length."""
    vocabulary: Path | None = None
    """File of the words that may be answers, one per line, such as LAMA's `common_vocab_cased.txt`. Null: all words."""
    other_models: list[str] = field(default_factory=list)
    """Other models (folders, runs or Hub names): only words that are one token for all of them may be answers, so that
    results are comparable."""
    mask_tokens: int = 1
    """Number of mask tokens in the place of the object, which the entity `[MASK]` covers."""
    language: str | None = None
    """Language of the names of entities, for an entity vocabulary of several languages (`en`)."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(kw_only=True)
class PredictionSettings(HeadSettings):
    """Settings of `loreweave predict fact-probing`."""

    RANGES: ClassVar[Ranges] = {("top",): at_least(1)}

    top: int = 10
    """Number of answers per query."""


@dataclass(kw_only=True)
class ScoringSettings:
    """Settings of what counts as right."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("filtered_aliases",): when(filtered=True, aliases=True, reason="other names are removed where they are right answers"),
    }
    RANGES: ClassVar[Ranges] = {("max_sentence_words",): at_least(1), ("bootstrap",): at_least(0), ("seed",): SEED}

    aliases: bool = True
    """Other names of the object are right answers too. LAMA's files give none."""
    filtered: bool = True
    """Other objects of the same subject and relation are removed from the answers before ranking, as in LAMA's paper. LAMA's
    released code keeps them."""
    filtered_aliases: bool = True
    """Other objects are removed under all of their names. False: under their main name only, as in LAMA's files, which have no
    other names."""
    unhelpful_names: bool = False
    """Leave out facts whose object is part of the name of the subject (`Apple Watch`): the string filter of LAMA-UHN."""
    templates: Path | None = None
    """File of templates in the layout of LAMA's `relations.jsonl`. Null: `relations.jsonl` or `templates.jsonl` in the folder
    of the data or in the one above it."""
    ask: Asked | None = None
    """Text of a question. `template`: the template of its relation. `sentence`: the masked sentences of the file. Null: the
    template, if there is one."""
    max_sentence_words: int = 100
    """Maximum number of words in a masked sentence of the file; facts with a longer one are left out, as in LAMA."""
    bootstrap: int = 1000
    """Number of bootstrap samples for the intervals; 0: no intervals."""
    seed: int = 0
    """Random seed of the bootstrap."""

    @property
    def removes_aliases(self) -> bool:
        """Whether other right objects are removed under all of their names."""
        return self.aliases and self.filtered_aliases

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(kw_only=True)
class FileScoringSettings(ScoringSettings):
    """Settings of `loreweave score fact-probing`."""

    ignore_case: bool = True
    """Compare names without case: `paris` is then the answer `Paris`."""
    missing: Literal["wrong", "left_out"] = "wrong"
    """Whether facts without a prediction count as wrong (`wrong`) or are left out (`left_out`)."""


@dataclass(kw_only=True)
class EvaluationSettings(ScoringSettings, HeadSettings):
    """Settings of `loreweave evaluate fact-probing`."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("subject_entity",): when(head="entities", reason="the masked-word head reads words only"),
    }
    RANGES: ClassVar[Ranges] = {("top",): at_least(1)}

    candidates: Literal["vocabulary", "objects"] = "vocabulary"
    """Answers that are ranked. `vocabulary`: all words or entities. `objects`: the objects of the relation in the data."""
    subject_entity: bool = True
    """Give the subject as an entity of the input too, if it is in the entity vocabulary (mLUKE's prompts with [X] and [Y])."""
    top: int = 10
    """Number of answers per fact in the file of predictions."""

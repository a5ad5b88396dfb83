"""Settings of extractive question answering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, TypeVar

from loreweave.errors import ConfigurationError, DataError
from loreweave.metrics.answers import Language
from loreweave.tasks.extractive_qa.record import NO_ANSWER, QuestionRecord, has_negatives
from loreweave.training.retention import Keep
from loreweave.training.settings.conditions import GIVEN, ReadWhen, when
from loreweave.training.settings.finetuning import Encoded, FinetuningConfig, LukeSettings
from loreweave.training.settings.optimizer import OptimizerConfig
from loreweave.training.settings.ranges import ANY_NUMBER, POSITIVE, SHARE, Ranges, at_least, check_ranges

NAME = "extractive-qa"

Scope = Literal["page", "dictionary", "none"]
"""Which names of a mention dictionary are entities."""
Reader = Literal["documented", "released_code"]
"""How links of articles are read."""

MENTION_SETTINGS = ("mentions", "mention_scope", "mention_reader", "min_link_probability", "mention_language")
"""Settings of the entities that a LUKE reads."""
LIMITS = ("max_query_length", "doc_stride", "max_answer_length", "n_best_size")
"""Settings that are numbers of at least 1."""


@dataclass(kw_only=True)
class QaConfig(FinetuningConfig, LukeSettings):
    """Settings of extractive question answering; the defaults are those of LUKE on SQuAD (Yamada et al. 2020, section 4.5)."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("base", "mentions"): when(encoder="luke"),
        MENTION_SETTINGS[1:]: when(mentions=GIVEN),
        ("entity_aware_attention", "max_mention_length"): when(
            mentions=GIVEN, reason="without a mention dictionary, a LUKE reads the words of the texts and no entities"
        ),
    }
    ENCODED: ClassVar[Encoded] = ("max_query_length", "doc_stride", "max_answer_length")
    RANGES: ClassVar[Ranges] = {LIMITS: POSITIVE, ("min_link_probability",): SHARE}

    max_length: int | None = None
    """Maximum number of sub-words per input, including the question and special tokens. Null: the maximum of the encoder.
    Longer contexts are read in several windows."""
    max_query_length: int = 64
    """Maximum number of sub-words of a question; longer ones are cut at the end, and counted."""
    doc_stride: int = 128
    """Number of sub-words between the beginnings of two windows of a context, as in the code of BERT, LUKE and PaddleNLP. In
    transformers' examples, this name stands for the number of sub-words that two windows share."""
    max_answer_length: int = 30
    """Maximum number of sub-words of a predicted answer."""
    n_best_size: int = 20
    """Number of the largest start scores and end scores per window from which answers are made, and maximum number of answers
    in the list of the best."""
    with_negative: bool | None = None
    """Whether a context may have no answer, as in SQuAD 2.0. `true`: the model may predict that there is none. `false`: it
    always predicts an answer. Null: as in the training file."""
    language: Language | None = None
    """Language whose rules are used to compare answers (en, es, de, ar, hi, vi, zh as in MLQA; ja). Null: the rules of
    SQuAD's scripts."""
    mentions: str | None = None
    """Folder of a mention dictionary (`loreweave build mentions --page-links`). A LUKE then also reads the entities of question
    and context, with the embeddings of its entity vocabulary, which are not trained. Null: it reads words only."""
    mention_scope: Scope = "page"
    """Names that are entities. `page`: those that the article of the question links, as in LUKE's original code; the article
    is the `title` of the data. `dictionary`: any name of the dictionary, as its most frequent entity. `none`: none (the
    original's `--no-entity`)."""
    mention_reader: Reader = "documented"
    """How links of articles are read. `documented`: as the paper describes. `released_code`: as LUKE's released code, which
    exchanges the name and the title of a link."""
    min_link_probability: float = 0.01
    """Minimum link probability of a name."""
    mention_language: str | None = None
    """Language of the titles in the mention dictionary (`de`), for a LUKE whose entity vocabulary has languages (mLUKE). Null:
    the titles begin with the language (`de:Wien`), or the vocabulary has at most one language."""
    epochs: int = 2
    gradient_accumulation_steps: int = 24
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(learning_rate=1.5e-5))
    seed: int = 14
    keep: Keep = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mentions is not None and self.feature_cache is not None:
            raise ConfigurationError(
                "setting 'feature_cache': records with entities of a mention dictionary cannot be stored; leave it out"
            )


@dataclass(kw_only=True)
class _Changes:
    """Settings of the checkpoint that another job can change."""

    RANGES: ClassVar[Ranges] = {
        ("max_length", *LIMITS): POSITIVE,
        ("null_threshold",): ANY_NUMBER,
        ("min_link_probability",): SHARE,
    }

    max_length: int | None = None
    """Maximum number of sub-words per input. Null: that of the checkpoint, otherwise the maximum of the encoder."""
    max_query_length: int | None = None
    """Maximum number of sub-words of a question. Null: that of the checkpoint, otherwise 64."""
    doc_stride: int | None = None
    """Number of sub-words between the beginnings of two windows of a context. Null: that of the checkpoint, otherwise 128."""
    max_answer_length: int | None = None
    """Maximum number of sub-words of a predicted answer. Null: that of the checkpoint, otherwise 30."""
    n_best_size: int | None = None
    """Number of the largest start scores and end scores per window from which answers are made. Null: that of the checkpoint,
    otherwise 20."""
    with_negative: bool | None = None
    """Whether the model may predict that there is no answer. Null: as in the training of the checkpoint. For a checkpoint that
    does not say: whether the data have questions without an answer, and `false` for queries."""
    null_threshold: float | None = None
    """The prediction is "no answer" if its score exceeds that of the best answer by more than this. Null: the threshold that
    was chosen on the dev data of the training, otherwise 0."""

    mentions: str | None = None
    """Folder of a mention dictionary, whose entities a LUKE reads. Null: that of the checkpoint, otherwise none."""
    mention_scope: Scope | None = None
    """Names that are entities: `page`, `dictionary` or `none`. Null: as in the training of the checkpoint, otherwise `page`."""
    mention_reader: Reader | None = None
    """How links of articles are read: `documented` or `released_code`. Null: as in the training of the checkpoint, otherwise
    `documented`."""
    min_link_probability: float | None = None
    """Minimum link probability of a name. Null: that of the checkpoint, otherwise 0.01."""
    mention_language: str | None = None
    """Language of the titles in the mention dictionary, for a LUKE whose entity vocabulary has languages. Null: that of the
    checkpoint, otherwise none."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(kw_only=True)
class EvaluationSettings(_Changes):
    """Settings of `loreweave evaluate extractive-qa`."""

    language: Language | None = None
    """Language whose rules are used to compare answers (en, es, de, ar, hi, vi, zh as in MLQA; ja). Null: that of the
    checkpoint, otherwise the rules of SQuAD's scripts."""


@dataclass(kw_only=True)
class PredictionSettings(_Changes):
    """Settings of `loreweave predict extractive-qa`."""

    RANGES: ClassVar[Ranges] = {("top",): at_least(1)}

    top: int = 1
    """Number of answers per question. With more than one, `n_best` lists them. At most `n_best_size`."""


@dataclass(kw_only=True)
class ScoringSettings:
    """Settings of `loreweave score extractive-qa`."""

    RANGES: ClassVar[Ranges] = {("null_threshold",): ANY_NUMBER}

    language: Language | None = None
    """Language whose rules are used to compare answers (en, es, de, ar, hi, vi, zh as in MLQA; ja). Null: the rules of
    SQuAD's scripts."""
    null_odds: str | None = None
    """File with a JSON object from ids to scores of "no answer" (the `--na-prob-file` of SQuAD 2.0's script), with which the
    best threshold is found. Null: `null_score` of the predictions, if they have it."""
    null_threshold: float | None = None
    """Predictions whose score of "no answer" is higher than this count as "no answer". Null: they count as they are."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class QaSettings:
    """Settings that a checkpoint stores; the defaults are those of published checkpoints, which store none.

    Attributes:
        max_length: maximum number of sub-words per input, if less than the encoder's maximum.
        max_query_length: maximum number of sub-words of a question.
        doc_stride: number of sub-words between the beginnings of two windows.
        max_answer_length: maximum number of sub-words of an answer.
        n_best_size: number of the largest scores from which answers are made, and of answers in the list of the best.
        with_negative: whether "no answer" can be predicted; None: as in the data.
        null_threshold: by how much the score of "no answer" must exceed that of the best answer, if it was chosen.
        language: see `metrics.answers.normalized`.
        mentions, mention_scope, mention_reader, min_link_probability, mention_language: see `mention_entities.entity_finder`.
    """

    max_length: int | None = None
    max_query_length: int = 64
    doc_stride: int = 128
    max_answer_length: int = 30
    n_best_size: int = 20
    with_negative: bool | None = None
    null_threshold: float | None = None
    language: str | None = None
    mentions: str | None = None
    mention_scope: Scope = "page"
    mention_reader: Reader = "documented"
    min_link_probability: float = 0.01
    mention_language: str | None = None

    def predicts_none(self, records: Sequence[QuestionRecord]) -> bool:
        """Whether "no answer" can be predicted for these records."""
        return has_negatives(records) if self.with_negative is None else self.with_negative


S = TypeVar("S", bound=QaSettings)


def changed(settings: S, changes: Any) -> S:
    """The settings with those of a job that are not null."""
    names = {each.name for each in fields(settings)}
    given = {each.name: getattr(changes, each.name) for each in fields(changes) if each.name in names}
    return replace(settings, **{name: value for name, value in given.items() if value is not None})


def settings_for(config: QaConfig, records: Sequence[QuestionRecord]) -> QaConfig:
    """The settings with `with_negative` as in the training records."""
    return replace(config, with_negative=has_negatives(records) if config.with_negative is None else config.with_negative)


def unfit(config: QaConfig, record: QuestionRecord) -> DataError | None:
    """The error of a record that a model cannot learn from; None if it can."""
    way_out = "(--skip-bad leaves such questions out and counts them)"
    if record.answers is None:
        return DataError(f"found no answers, expected a list, which is empty if there is no answer {way_out}", field="answers")
    if record.label == NO_ANSWER and config.with_negative is False:
        return DataError(
            f"found a question without an answer, expected none with with_negative=false {way_out}", field="answers"
        )
    return None


def check_threshold(settings: Any, with_negative: bool) -> None:
    """Refuse a threshold of "no answer" where that is never predicted.

    Raises:
        ConfigurationError: there is one.
    """
    if getattr(settings, "null_threshold", None) is not None and not with_negative:
        raise ConfigurationError(
            "setting 'null_threshold': \"no answer\" is never predicted here; leave it out, or set with_negative=true"
        )

"""Settings of cloze questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from loreweave.errors import DataError
from loreweave.tasks.cloze_qa.record import ClozeRecord
from loreweave.training.settings.conditions import LeftOpen, ReadWhen, never, when
from loreweave.training.settings.finetuning import LUKE_SETTINGS, Encoded, FinetuningConfig, LukeSettings
from loreweave.training.settings.ranges import POSITIVE, Ranges

NAME = "cloze-qa"

CandidateFeatures = Literal["markers", "mentions"]


@dataclass(kw_only=True)
class ClozeConfig(FinetuningConfig, LukeSettings):
    """Settings of cloze questions; the defaults are those of LUKE on ReCoRD (Yamada et al. 2020, section 4.4), per GPU."""

    READ_WHEN: ClassVar[ReadWhen] = {
        LUKE_SETTINGS: when(head="luke"),
        ("train_balance",): never("an answer is one of the candidates of its query, not a class"),
        ("candidate_features",): when(head="markers", reason="a LUKE reads the states of entities"),
    }
    LEFT_OPEN: ClassVar[LeftOpen] = {"head": "auto"}
    PLAIN_HEAD: ClassVar[str] = "markers"
    ENCODED: ClassVar[Encoded] = ("head", "max_query_length", "doc_stride", "released_repetition")
    RANGES: ClassVar[Ranges] = {("max_query_length", "doc_stride"): POSITIVE}

    head: Literal["auto", "luke", "markers"] = "auto"
    """`luke`: a linear layer over the states of two entities, the placeholder and a candidate. `markers`: a linear layer over
    states of words of any plain encoder, with markers around the candidates (see `candidate_features`). `auto`:
    `luke` for a LUKE, `markers` for any other encoder."""
    candidate_features: CandidateFeatures = "markers"
    """`markers`: the states of `[PLACEHOLDER]` and of the candidate's opening marker. `mentions`: the state of `[PLACEHOLDER]`,
    the mean state of the candidate's sub-words with its markers, and the product of the two."""
    max_length: int | None = None
    """Maximum number of sub-words per input, including special tokens. Null: the maximum of the encoder. Longer passages are
    read in several windows."""
    max_query_length: int = 90
    """Maximum number of sub-words of the query, but at most half of the input. Longer queries are cut at the end, or on both
    sides if the placeholder would be lost, and counted."""
    doc_stride: int = 128
    """Number of sub-words between the beginnings of two windows of a passage, but at most half of a window, so that windows
    overlap."""
    released_repetition: bool = False
    """Repeat parts of the passage as the released code does: if there is no space before or after the beginning or end of a
    mention, and `@highlight` stands between it and the next one (or the end of the passage), the text between is read
    twice."""
    dev_split_by: str | None = "passage"
    """Metadata key. `dev_fraction` keeps records with the same value on one side of the split. `passage`: all queries of a
    passage. Null: records with the same query and passage."""
    epochs: int = 2
    batch_size: int = 1
    gradient_accumulation_steps: int = 4
    seed: int = 4


def unfit(config: ClozeConfig, record: ClozeRecord) -> DataError | None:
    """The error of a query that a model cannot learn from; None if it can."""
    if record.answers:
        return None
    way_out = "(--skip-bad leaves such queries out and counts them)"
    return DataError(f"found no answer to the query {record.id!r}, expected one {way_out}", field="answers")

"""Settings of NER."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from loreweave.tasks.ner.decoding import TagScheme
from loreweave.training.retention import Keep
from loreweave.training.settings.conditions import LeftOpen, ReadWhen, when
from loreweave.training.settings.finetuning import Encoded, FinetuningConfig, LukeSettings

NAME = "ner"

MentionUnit = Literal["sub-words", "words"]


@dataclass(kw_only=True)
class NerConfig(FinetuningConfig, LukeSettings):
    """Settings of NER; the defaults are those of LUKE on CoNLL-2003 (Yamada et al. 2020, section 4.3)."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("base", "entity_aware_attention"): when(encoder="luke"),
        ("max_entity_length",): when(head="luke", reason="only spans of words are entities"),
        ("shared_words",): when(head="luke", reason="with tags there are no spans that could read the words"),
        ("span_features",): when(head="luke", reason="a tag is read from the state of one word"),
        ("nested",): when(head="luke", reason="tags of words cannot nest"),
        ("tags",): when(head="tags", reason="spans have no tags"),
        ("tune_threshold",): when(head="luke", dev=True, reason="the threshold of spans is chosen on dev data"),
    }
    LEFT_OPEN: ClassVar[LeftOpen] = {"head": "auto"}
    PLAIN_HEAD: ClassVar[str] = "tags"
    ENCODED: ClassVar[Encoded] = ("head", "document_context", "mention_unit", "max_entity_length", "tags")

    head: Literal["auto", "luke", "tags"] = "auto"
    """`luke`: every span of words is an entity of a LUKE and gets a class. `tags`: the first sub-word of every word gets a
    tag, with any encoder. `auto`: `luke` for a LUKE, `tags` for any other."""
    document_context: bool = True
    """Read surrounding sentences too, as many as fit, if the file says which sentences belong to a document."""
    max_mention_length: int = 16
    """`luke`: maximum length of a candidate span, in units of `mention_unit`. Both heads: minimum context, in
    sub-words, on either side of a part of a sentence that is too long for the encoder (a quarter of the input with
    `mention_unit=words`)."""
    mention_unit: MentionUnit = "sub-words"
    """Unit of `max_mention_length`."""
    max_entity_length: int = 128
    """`luke`: maximum number of candidate spans per input. A sentence with more spans is split into several inputs."""
    shared_words: bool = False
    """`luke`: words do not attend to spans, and a span attends to the words and itself only. This is faster, but it is another
    model than LUKE and must be trained with this setting (transformers cannot run it). Set `max_entity_length` to the number
    of spans of a sentence, or to as many as memory allows."""
    span_features: Literal["all", "words", "entity"] = "all"
    """`luke`: features of a span: `words` (its first and last sub-word), its `entity`, or `all`. `words` and `entity` are the
    original's ablations. With `words`, the encoder reads no entities."""
    nested: bool = False
    """`luke`: keep nested mentions. Otherwise, of overlapping mentions the one with the larger logit is kept."""
    tags: TagScheme = "iob2"
    """`tags`: tag scheme. The most likely legal sequence of tags is predicted."""
    prior_bias: bool = False
    """The bias of the new classifier starts as the logarithm of the share of each class in the training data (spans for `luke`,
    words for `tags`), so that the model knows from the first update how rare mentions are. `false`: the bias starts as 0."""
    negative_weight: float = 1.0
    """Weight in the loss of spans that are no mentions (`luke`) or of words outside mentions (`tags`). Below 1, the model
    predicts more mentions. The loss is divided by the number of spans or words, whatever their weights."""
    tune_threshold: bool = False
    """`luke`: choose on the dev data, after every epoch, how much larger the logit of a type must be than that of no mention,
    so that micro F1 is highest. The checkpoint stores this threshold, and evaluation and prediction use it. `false`: the class
    with the largest logit is predicted."""
    epochs: int = 5
    gradient_accumulation_steps: int = 4
    seed: int = 35
    keep: Keep = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.negative_weight < math.inf:
            raise ValueError(f"negative_weight: found {self.negative_weight}, expected a number above 0")

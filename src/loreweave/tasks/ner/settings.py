"""Settings of NER."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from loreweave.tasks.ner.decoding import TagScheme
from loreweave.training.retention import Keep
from loreweave.training.settings.conditions import LeftOpen, ReadWhen, never, when
from loreweave.training.settings.finetuning import Encoded, FinetuningConfig, LukeSettings
from loreweave.training.settings.ranges import POSITIVE, Ranges, at_least

NAME = "ner"

MentionUnit = Literal["sub-words", "words"]


@dataclass(kw_only=True)
class NerConfig(FinetuningConfig, LukeSettings):
    """Settings of NER; the defaults are those of LUKE on CoNLL-2003 (Yamada et al. 2020, section 4.3)."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("base", "entity_aware_attention"): when(encoder="luke"),
        ("train_balance",): never("the labels are those of mentions, and a sentence can have several"),
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
    RANGES: ClassVar[Ranges] = {("negative_weight",): POSITIVE, ("max_entity_length",): at_least(1)}

    max_length: int | None = None
    """Maximum number of sub-words per input, including special tokens. Null: the maximum of the encoder. Longer sentences are
    read in several parts."""
    head: Literal["auto", "luke", "tags"] = "auto"
    """`luke`: every span of words is an entity in the input of a LUKE and gets a class. `tags`: every word gets a tag, from the
    state of its first sub-word, with any encoder. `auto`: `luke` for a LUKE, `tags` for any other encoder."""
    document_context: bool = True
    """Also read the surrounding sentences of the document, as many as fit, if the file says where documents begin."""
    max_mention_length: int = 16
    """`luke`: maximum length of a candidate span, in units of `mention_unit`. Both heads: if a sentence is too long for the
    encoder, each of its parts is read with this number of sub-words of context on either side, or with more (a quarter of the
    input with `mention_unit=words`)."""
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
    """`luke`: keep mentions inside other mentions. `false`: of overlapping mentions, only the one with the largest logit is
    kept."""
    tags: TagScheme = "iob2"
    """`tags`: tag scheme. The most likely legal sequence of tags is predicted."""
    prior_bias: bool = False
    """Start the bias of the new classifier as the logarithm of the share of each class among the spans (`luke`) or words
    (`tags`) of the training data. The model then knows from the beginning how rare mentions are. `false`: the bias starts as
    0."""
    negative_weight: float = 1.0
    """Factor of the loss of spans that are not mentions (`luke`), or of words outside mentions (`tags`). With less than 1, the
    model predicts more mentions. The loss is divided by the number of spans or words, whatever their factors."""
    tune_threshold: bool = False
    """`luke`: after every epoch, choose the threshold with the highest micro F1 on the dev data. A span is then a mention if
    the logit of its type exceeds that of no mention by the threshold. The checkpoint stores the threshold, and evaluation and
    prediction use it. `false`: the class with the largest logit is predicted."""
    epochs: int = 5
    gradient_accumulation_steps: int = 4
    seed: int = 35
    keep: Keep = "last"

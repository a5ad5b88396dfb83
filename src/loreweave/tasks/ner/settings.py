"""Settings of NER."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loreweave.tasks.ner.decoding import TagScheme
from loreweave.training.settings.finetuning import FinetuningConfig

NAME = "ner"

MentionUnit = Literal["sub-words", "words"]


@dataclass(kw_only=True)
class NerConfig(FinetuningConfig):
    """Settings of NER; the defaults are those of LUKE on CoNLL-2003 (Yamada et al. 2020, section 4.3)."""

    head: Literal["auto", "luke", "tags"] = "auto"
    """`luke`: every span of words is an entity of a LUKE and gets a class. `tags`: the first sub-word of every word gets a
    tag, with any encoder. `auto`: `luke` for a LUKE, `tags` for any other."""
    document_context: bool = True
    """Read surrounding sentences too, as many as fit, if the file says which sentences belong to a document."""
    max_mention_length: int = 16
    """`luke`: maximum length of a candidate span, in units of `mention_unit`."""
    mention_unit: MentionUnit = "sub-words"
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
    epochs: int = 5
    gradient_accumulation_steps: int = 4
    seed: int = 35
    keep: Literal["best", "last"] = "last"

"""Settings of NER."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loreweave.tasks.ner.decoding import TagScheme
from loreweave.training.finetuning_config import FinetuningConfig

NAME = "ner"

MentionUnit = Literal["sub-words", "words"]


@dataclass(kw_only=True)
class NerConfig(FinetuningConfig):
    """Settings of NER; the defaults are those of LUKE on CoNLL-2003 (specs/luke.md 4.0, 4.3)."""

    head: Literal["auto", "luke", "tags"] = "auto"
    """`luke`: every span of words is an entity of a LUKE and gets a class. `tags`: every word's first sub-word gets a tag,
    on any encoder. `auto`: `luke` for a LUKE, `tags` for any other."""
    document_context: bool = True
    """Read the sentences around, as many as fit, where the file says which sentences make a document."""
    max_mention_length: int = 16
    """`luke`: the longest candidate span, in units."""
    mention_unit: MentionUnit = "sub-words"
    max_entity_length: int = 128
    """`luke`: candidate spans of an input; a sentence with more is read several times, each with a part of them."""
    shared_words: bool = False
    """`luke`: words do not read spans, and a span reads the words and itself, so that its answer does not depend on which
    others are asked with it: faster, and another model than LUKE, to be trained that way (transformers cannot run it).
    One pass serves any number of spans: set `max_entity_length` to as many as a sentence has, or as memory holds."""
    span_features: Literal["all", "words", "entity"] = "all"
    """`luke`: what the class of a span is read from: its first and last sub-word and its entity, or one of both alone (the
    original's ablations). With `words` the encoder sees no entities."""
    nested: bool = False
    """`luke`: keep a mention inside another; otherwise the one with the larger logit."""
    tags: TagScheme = "iob2"
    """`tags`: their scheme; the likeliest legal sequence is taken."""
    epochs: int = 5
    gradient_accumulation_steps: int = 4
    seed: int = 35
    keep: Literal["best", "last"] = "last"

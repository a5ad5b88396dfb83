"""Settings of entity linking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from loreweave.training.settings.conditions import LeftOpen, ReadWhen, never, when
from loreweave.training.settings.finetuning import LUKE_SETTINGS, Encoded, FinetuningConfig, LukeSettings
from loreweave.training.settings.ranges import ANY_NUMBER, POSITIVE, POSITIVE_SHARE, SHARE, Ranges, at_least, check_ranges

NAME = "entity-linking"

Mentions = Literal["given", "found"]
Order = Literal["confidence", "natural", "local"]
LinkingHead = Literal["auto", "luke", "descriptions"]
UnknownNames = Literal["nearest", "nil"]
_OF_DESCRIPTIONS = ("nearest", "hard_negatives", "temperature")
_OF_LUKE = ("order", "mask_share", "language", *LUKE_SETTINGS)


@dataclass(kw_only=True)
class EntityLinkingConfig(FinetuningConfig, LukeSettings):
    """Settings of entity linking; the defaults are for a plain encoder over descriptions."""

    READ_WHEN: ClassVar[ReadWhen] = {
        _OF_DESCRIPTIONS: when(head="descriptions"),
        _OF_LUKE: when(head="luke"),
        ("train_balance",): never("a mention has an entity, not a class"),
    }
    LEFT_OPEN: ClassVar[LeftOpen] = {"head": "auto"}
    PLAIN_HEAD: ClassVar[str] = "descriptions"
    ENCODED: ClassVar[Encoded] = ("head", "entities", "dictionary", "candidates")
    RANGES: ClassVar[Ranges] = {
        ("candidates", "temperature"): POSITIVE,
        ("nearest", "hard_negatives"): at_least(0),
        ("max_length",): at_least(3),
        ("description_length",): at_least(8),
        ("mask_share",): POSITIVE_SHARE,
    }

    head: LinkingHead = "auto"
    """`descriptions`: mentions and descriptions of entities are compared by the vectors of one encoder. `luke`: a LUKE predicts
    the masked entities of the mentions among their candidates; entities outside its vocabulary get rows from their
    descriptions. `auto`: `luke` for a LUKE, `descriptions` for any other encoder."""
    entities: str | None = None
    """Entities that mentions can be linked to: JSON Lines of {id, label, description, aliases}, or the folder of a knowledge
    graph. The checkpoint stores a copy. Required."""
    dictionary: str | None = None
    """Dictionary of names with prior probabilities, made by `loreweave build mentions`. Null: the links of the training data,
    which the checkpoint stores. The labels, aliases and titles of the entities are names in either case."""
    candidates: int = 30
    """Maximum number of candidates of a name."""
    nearest: int = 10
    """Number of candidates for a mention whose name is not known: the entities with the most similar texts. 0: such mentions
    are not linked."""
    max_length: int | None = 128
    """Maximum number of sub-words per input, including special tokens. Longer texts are read in several parts that overlap."""
    description_length: int = 64
    """Maximum number of sub-words of an entity's name and description, including special tokens."""
    hard_negatives: int = 2
    """Number of other candidates of each training mention whose texts are read too. All entities of a batch are compared with
    all of its mentions."""
    temperature: float = 0.05
    """Temperature of the training: similarities are divided by it."""
    order: Order = "confidence"
    """`luke`: order in which the mentions of a text are linked. Each pass links one mention, whose entity the next pass reads:
    first the most certain mention (`confidence`), or the first one in the text (`natural`). `local`: one pass links all
    mentions. The training does not depend on it."""
    mask_share: float = 0.9
    """`luke`: share of the mentions of a training text that are masked and predicted. The others show their entities."""
    language: str | None = None
    """`luke`: language of the titles and labels of the entities (`de`), for an entity vocabulary that has languages (mLUKE).
    Null: the titles begin with the language (`de:Wien`), or the vocabulary has at most one language."""
    tune_nil: bool = True
    """After every epoch, choose on the dev data the score below which a mention has no entity (NIL), if the data have such
    mentions. The checkpoint stores it. `false`: every mention with a candidate is linked."""
    batch_size: int = 8
    gradient_accumulation_steps: int = 1
    eval_batch_size: int = 32


@dataclass(kw_only=True)
class KnowledgeSettings:
    """Entities, names and mentions of a checkpoint that `evaluate` and `predict` can change."""

    RANGES: ClassVar[Ranges] = {("link_probability",): SHARE, ("nil",): ANY_NUMBER}
    READ_WHEN: ClassVar[ReadWhen] = {
        ("description_linker",): when(unknown_names="nearest", reason="it links the mentions with unknown names"),
    }

    entities: str | None = None
    """Entities instead of those of the checkpoint."""
    added_entities: str | None = None
    """Further entities, JSON Lines of {id, label, description, aliases}. They can be linked at once, without training."""
    dictionary: str | None = None
    """Dictionary of names instead of that of the checkpoint, made by `loreweave build mentions`."""
    language: str | None = None
    """Language of the titles and labels of the entities, for a LUKE whose entity vocabulary has languages. Null: that of the
    checkpoint."""
    partial_names: bool = False
    """The candidates of an unknown name are the entities whose own names contain all of its words: "Dylan" is a part of "Bob
    Dylan". `false`: such a name is unknown, see `unknown_names`."""
    unknown_names: UnknownNames | None = None
    """Mentions whose names have no candidates. `nearest`: they are compared with the names and descriptions of all entities,
    and the nearest ones are their candidates. `nil`: they are not linked. Null: `nearest` for a linker over descriptions,
    `nil` for a LUKE."""
    description_linker: str | None = None
    """Linker over descriptions that links the mentions with unknown names for a LUKE: a checkpoint of this task with
    `head=descriptions`, or any encoder without training. Null: the words of the LUKE, without training."""
    cache: str | None = None
    """Folder in which the vectors of the entities are stored and memory-mapped, for a linker over descriptions or
    `unknown_names=nearest`. Null: they are computed when needed."""
    mentions: Mentions = "given"
    """`given`: the mentions of the data are linked. `found`: names are found in the text first (end to end)."""
    ner: str | None = None
    """Checkpoint of ner that finds the mentions of a text. Null: they are the names of the dictionary and of the entities."""
    whole_names: bool = True
    """Names in a text that touch further words with capital letters are parts of longer names and are not linked: "New York" in
    "New York Times". `false`: they are linked, as German texts need it, in which all nouns have capital letters."""
    link_probability: float = 0.05
    """Minimum link probability of the names that are looked for in a text. It is 1 for names that no counted text of the
    dictionary contains."""
    nil: float | None = None
    """Score below which a mention has no entity. Null: that of the checkpoint. It does not apply to mentions that a LUKE leaves
    to `unknown_names=nearest`: their scores have another scale."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(kw_only=True)
class EvaluationSettings(KnowledgeSettings):
    """Settings of `loreweave evaluate entity-linking`."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("names",): when(unknown_names=(None, "nearest"), reason="without its name, a mention is linked by descriptions alone"),
    }
    untrained: bool = False
    """Evaluate an encoder that is not trained for linking: its mean states are compared. `entities` is then required."""
    names: bool = True
    """`false`: the names of given mentions are not looked up. Each mention is compared with all entities, and the nearest ones
    are its candidates."""
    order: Order | None = None
    """Order in which a LUKE links the mentions of a text (see that setting of `finetune`). Null: that of the checkpoint."""


@dataclass(kw_only=True)
class PredictionSettings(KnowledgeSettings):
    """Settings of `loreweave predict entity-linking`."""

    RANGES: ClassVar[Ranges] = {("top",): at_least(1)}

    mentions: Mentions = "found"
    """`found`: names are found in texts that come without mentions. `given`: such texts are refused."""
    top: int = 5
    """Maximum number of candidates that an answer lists."""


@dataclass(kw_only=True)
class ScoringSettings:
    """Settings of `loreweave score entity-linking`."""

    mentions: Mentions = "given"
    """`given`: accuracy of the entities of the gold mentions. `found`: strong matching of all predicted mentions."""
    entities: str | None = None
    """Entities of the knowledge base, by which titles and QIDs are compared. A gold entity that is not among them counts as
    NIL. Null: all entities are in the knowledge base, and titles are compared in one spelling (`paris` equals `Paris`, and
    `Oslo` its address in Wikipedia)."""

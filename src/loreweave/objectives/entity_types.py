"""Entity types: a linked mention's state must be nearest to the name of one of the entity's types.

The knowledge is in the names, which the encoder at the start of the run has embedded, and in which entities have which types.
There is no entity vocabulary in the model, and fine-tuning needs no new parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from loreweave.build.entity_types import types_of_vocabulary
from loreweave.build.pretraining_store import PretrainingSet
from loreweave.checkpoints import type_head as side_files
from loreweave.corpus.counts import counted
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.knowledge.entity_types import VocabularyTypes
from loreweave.encoding.collation import pad_ids
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError, DataError
from loreweave.models.type_head import TypeHead, pooled
from loreweave.objectives.base import LeftOut, ObjectiveLoss, RunContext, Tensors, folder_of_head, model_of_run, with_saved_head
from loreweave.objectives.linked_mentions import LinkedMentionsConfig, LinkedMentionsObjective, integers, links_of_run
from loreweave.objectives.windows import Targets, Window
from loreweave.training.runs.inputs import recorded_setting


@dataclass(kw_only=True)
class EntityTypesConfig(LinkedMentionsConfig):
    """Settings of the objective over types of linked entities."""

    types: str
    """File with the types of entities (`loreweave build entity-types`)."""
    no_entity: bool = False
    """Train a class "no entity" on mentions of `[UNK]`, which `loreweave build pretraining --common-words` adds."""
    head: str | None = None
    """Folder of a model or run whose head (a linear map and a vector for the name of each type) is trained further. Null: a new
    head, for which the encoder embeds the names when training begins."""


class EntityTypes(LinkedMentionsObjective):
    """The state of a linked mention is compared with the names of all types; those of the linked entity are correct."""

    name: ClassVar[str] = "entity_types"
    settings = EntityTypesConfig
    config: EntityTypesConfig

    def __init__(self, config: EntityTypesConfig, context: RunContext) -> None:
        super().__init__(config, context)
        links = links_of_run(type(self), context)
        self._warnings = no_entity_warnings(context.data) if config.no_entity else []
        types = types_of_vocabulary(config.types, links)
        if config.head is not None:
            types = self._as_in_head(types, resolve(config.head))
        self.seed = context.seed if config.head is None else self._seed_of_head(resolve(config.head), context.seed)
        self.types = types.shuffled(self.seed) if config.shuffled else types
        self.unk_id = links.unk_id
        self.known = self.types.counts > 0  # [rows of the vocabulary]
        self.known[links.unk_id] = config.no_entity
        assert context.tokenizer is not None
        self.texts = NameTexts.of(types.names, context.tokenizer, config.types)
        self.pad_id = self.words.pad_id
        self._facts = types.summary(links)

    def mask(self, window: Window, rng: np.random.Generator) -> Targets:
        """All mentions of entities with types (or a share of them); some are hidden."""
        return self.choose(window, self.known, rng)

    def batch(self, windows: Sequence[Window], width: int) -> Tensors:
        """Also `types` of each target, padded with -1. [targets, most types of a target]"""
        batch = super().batch(windows, width)
        no_entity = np.array([len(self.types.names)])
        found = [no_entity if row == self.unk_id else self.types.of_row(int(row)) for row in batch["labels"]]
        types = np.full((len(found), max(map(len, found), default=1)), -1)
        for row, names in enumerate(found):
            types[row, : len(names)] = names
        return batch | {"types": integers(types)}

    def head(self, model: PreTrainedModel | None) -> nn.Module:
        """A map onto the vectors of the names; or that of the folder `head`."""
        model = model_of_run(self, model)
        if self.config.head is None:
            vectors = name_vectors(model.base_model, self.texts, self.pad_id)
            return TypeHead(vectors, self.config.temperature, self.config.no_entity)
        folder = resolve(self.config.head)
        head, _ = side_files.load(folder)
        if (head.no_entity is not None) != self.config.no_entity:
            raise ConfigurationError(
                f"{self.name}.no_entity: found {in_json(self.config.no_entity)}, {folder} was trained otherwise"
            )
        if head.names.shape[1] != model.config.hidden_size:
            found = f"vectors of {head.names.shape[1]} numbers in {folder} and of {model.config.hidden_size} in the encoder"
            raise ConfigurationError(f"{self.name}.head: found {found}, expected a head that was trained with such an encoder")
        head.temperature = self.config.temperature
        return head

    def _as_in_head(self, types: VocabularyTypes, folder: Path) -> VocabularyTypes:
        """The same types with the numbers that a saved head gives them. The head may have more.

        Raises:
            ConfigurationError: the head lacks a type.
        """
        _, names = side_files.load(folder)
        lacking = sorted(set(types.names) - set(names))
        if lacking:
            raise ConfigurationError(
                f"{self.name}.types: found other types in {self.config.types} than {folder} was trained with (for example "
                f"{lacking[0]!r})"
            )
        return types.numbered(names)

    def _seed_of_head(self, folder: Path, seed: int) -> int:
        """Seed of the shuffling with which a saved head was trained; `seed` if its types were not shuffled.

        Raises:
            ConfigurationError: the head was trained with types that are shuffled, and `shuffled` is false, or the reverse.
        """
        trained = side_files.training_of(folder)
        shuffled = trained.get("shuffled", False)
        if shuffled != self.config.shuffled:
            raise ConfigurationError(
                f"{self.name}.shuffled: found {in_json(self.config.shuffled)}, {folder} was trained otherwise"
            )
        if not shuffled:
            return seed
        found = trained.get("seed", recorded_setting(folder.parent, "seed"))  # older heads do not store it
        if not isinstance(found, int):
            raise ConfigurationError(
                f"{self.name}.shuffled: found no seed of the shuffling in {folder}, expected it there or in the config.json of "
                "the run beside it"
            )
        return found

    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Tensors) -> ObjectiveLoss:
        """Cross-entropy of each target, the mean over its correct types."""
        states = pooled(batch["states"], batch["mentions"], len(batch["labels"]))
        return types_loss(head(states), batch["types"])

    @classmethod
    def files(cls, config: EntityTypesConfig) -> dict[str, Path]:
        """The file of types, and the folder of the head that is trained further."""
        return {"types": Path(config.types), **folder_of_head(config)}

    @classmethod
    def for_evaluation(cls, config: EntityTypesConfig, model: str | None) -> EntityTypesConfig | LeftOut:
        """With the head of the model's folder, unless the settings name another."""
        return with_saved_head(cls, config, model, side_files.recognises, "type head")

    def summary(self) -> list[str]:
        """Number of entities with types."""
        control = "; control: the types are shuffled among entities" if self.config.shuffled else ""
        alike = self.texts.alike
        read_alike = f"; {counted(alike, 'type')} cannot be told from another by the encoder's sub-words" if alike else ""
        return [f"{self.name}: {self._facts}{read_alike}{control}", *self._warnings]

    def save(self, encoder: nn.Module | None, head: nn.Module, folder: Path) -> None:
        """Save the head next to the encoder, with its training settings."""
        assert isinstance(head, TypeHead)
        side_files.save(folder, head, self.types.names, asdict(self.config) | {"seed": self.seed})


def no_entity_warnings(data: Sequence[PretrainingSet]) -> list[str]:
    """Warnings about sets from which the class "no entity" cannot be learned.

    Raises:
        ConfigurationError: `[UNK]` stands for unknown entities in a set.
    """
    for each in data:
        if each.unknown_entities:
            raise ConfigurationError(
                f"objectives.entity_types.no_entity: found true, but in {each.path} [UNK] stands for entities that the "
                "vocabulary does not have (--include-unknown-entities, or a converted TFRecord); expected a set with marked "
                "words instead (loreweave build pretraining --common-words 0.5), or no_entity=false"
            )
    with_links = [each for each in data if each.manifest["entity_vocabulary"] is not None]
    if not with_links or any(each.common_words != 0 for each in with_links):
        return []
    return [
        "warning: entity_types.no_entity is true, but no set of data was built with --common-words, so that the class "
        '"no entity" is not trained'
    ]


def types_loss(logits: Tensor, types: Tensor) -> ObjectiveLoss:
    """Summed cross-entropy; a mention with several types has the mean over them.

    Args:
        logits: [mentions, types] in float32.
        types: correct types of each mention, padded with -1 [mentions, most types of a mention].
    """
    correct = types >= 0
    log_probabilities = logits.log_softmax(-1).gather(1, types.clamp_min(0))
    total = -(log_probabilities * correct).sum(1) / correct.sum(1)
    best = logits.argmax(-1, keepdim=True) if len(logits) else types[:, :1]
    return ObjectiveLoss(total.sum(), (types == best).any(1).sum())


@dataclass(frozen=True)
class NameTexts:
    """Names of types as an encoder reads them.

    Attributes:
        ids: sub-words of each name with special tokens [names][sub-words].
        inside: 1 for each sub-word of the name, 0 for each special token [names][sub-words].
        alike: number of names with the same sub-words as another one before.
    """

    ids: list[list[int]]
    inside: list[list[int]]
    alike: int

    @classmethod
    def of(cls, names: Sequence[str], tokenizer: PreTrainedTokenizerFast, source: str) -> NameTexts:
        """Tokenise names.

        Raises:
            DataError: a name has no sub-word.
        """
        encoded = tokenizer(list(names), truncation=True, return_special_tokens_mask=True)
        inside = [[1 - special for special in mask] for mask in encoded["special_tokens_mask"]]
        for name, words in zip(names, inside, strict=True):
            if not any(words):
                raise DataError(f"found the type {name!r}, which has no sub-word for the encoder; expected a name", path=source)
        return cls(encoded["input_ids"], inside, len(names) - len({tuple(ids) for ids in encoded["input_ids"]}))


@torch.no_grad()
def name_vectors(encoder: nn.Module, texts: NameTexts, pad_id: int, batch_size: int = 64) -> Tensor:
    """Mean state of the sub-words of each name, without special tokens. [names, hidden]"""
    training = encoder.training
    encoder.eval()
    device = next(encoder.parameters()).device
    parts = []
    for first in range(0, len(texts.ids), batch_size):
        chosen = slice(first, first + batch_size)
        ids, mask = pad_ids(texts.ids[chosen], pad_id)
        inside, _ = pad_ids(texts.inside[chosen], 0)
        states = encoder(input_ids=ids.to(device), attention_mask=mask.to(device)).last_hidden_state
        shares = inside[..., None].to(device, states.dtype)
        parts.append((states * shares).sum(1) / shares.sum(1))
    encoder.train(training)
    return torch.cat(parts)

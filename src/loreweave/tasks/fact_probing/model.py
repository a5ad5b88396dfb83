"""Loads a model that fills the place of an object: with its masked-word head, or with the entity head of a LUKE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from transformers import AutoModelForMaskedLM, PreTrainedModel

from loreweave.checkpoints.fitting import untrained_modules
from loreweave.checkpoints.word_tokenizers import read_word_tokenizer
from loreweave.corpus.counts import counted, listed
from loreweave.encoding.model_names import resolve
from loreweave.encoding.words.tokenizer import stated_limit
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models import LukeForMaskedLM
from loreweave.tasks.contract import Execution
from loreweave.tasks.fact_probing.encoding import EntityQuestions, WordQuestions
from loreweave.tasks.fact_probing.entities import EntityNames
from loreweave.tasks.fact_probing.network import EntityScorer, WordScorer
from loreweave.tasks.fact_probing.settings import HeadSettings
from loreweave.tasks.fact_probing.words import WordVocabulary, common_words, read_words
from loreweave.tasks.model_folders import config_of, is_luke
from loreweave.tasks.starting_points import read_luke, word_limit
from loreweave.tasks.transformers_heads import read_with_head
from loreweave.training.devices import choose_device
from loreweave.training.inference import move
from loreweave.training.quiet import quiet

_WORD_HEAD, _ENTITY_HEAD = "lm_head", "entity_predictions"
_WAY_OUT = "'loreweave pretrain' trains one (objective masked_words)"


@dataclass
class WordFiller:
    """A model that answers with one word.

    Attributes:
        scorer: the encoder with its masked-word head, on its device.
        questions: encodes questions.
        vocabulary: words that are one token.
        allowed: words that may be answers; None: all rows of the head.
        notes: lines for the user about these words.
    """

    scorer: WordScorer
    questions: WordQuestions
    vocabulary: WordVocabulary
    allowed: list[str] | None
    notes: list[str]

    def __post_init__(self) -> None:
        self._pools: dict[bool, Tensor | None] = {}
        self._words: dict[int, str] = {}

    def pool(self, after_space: bool) -> Tensor | None:
        """Which rows of the head are the allowed words; None if all are. [rows]"""
        if self.allowed is None:
            return None
        if after_space not in self._pools:
            ids = [id for id in self.vocabulary.ids_of(self.allowed, after_space=after_space) if id is not None]
            self._pools[after_space] = _mask(ids, self.rows, self.device)
        return self._pools[after_space]

    @property
    def rows(self) -> int:
        """Number of rows of the head."""
        return int(self.scorer.encoder.config.vocab_size)

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return next(self.scorer.parameters()).device

    def name_of(self, id: int) -> str:
        """An answer as text."""
        return self.vocabulary.name_of(id)

    def object_of(self, id: int) -> str:
        """What the tokens of a word with and without a space in front have in common: the word."""
        if id not in self._words:
            self._words[id] = self.name_of(id)
        return self._words[id]

    def in_form(self, ids: Iterable[int], after_space: bool) -> set[int]:
        """The tokens of these words in one form (after a space, or elsewhere); words without such a token are left out."""
        words = sorted({self.object_of(id) for id in ids})
        return {id for id in self.vocabulary.ids_of(words, after_space=after_space) if id is not None}


@dataclass
class EntityFiller:
    """A LUKE that answers with an entity.

    Attributes:
        scorer: the encoder with its entity head, on its device.
        questions: encodes questions.
        names: finds the entities of objects.
    """

    scorer: EntityScorer
    questions: EntityQuestions
    names: EntityNames

    @cached_property
    def pool(self) -> Tensor:
        """Whether each row is an entity of its own: all but special entities and rows without a name. [rows]"""
        vocabulary = self.names.vocabulary
        ids = {id for _, _, id in vocabulary.items()} - vocabulary.special_ids
        return _mask(sorted(ids), self.rows, self.device)

    @property
    def rows(self) -> int:
        """Number of rows of the head, which may be more than the names."""
        return int(self.scorer.encoder.config.entity_vocab_size)

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return next(self.scorer.parameters()).device

    def name_of(self, id: int) -> str:
        """An answer as text."""
        return self.names.title_of(id)

    def object_of(self, id: int) -> int:
        """The entity itself: it has one form."""
        return id


def _mask(ids: Sequence[int], rows: int, device: torch.device) -> Tensor:
    """Whether each row is among some ids. [rows]"""
    mask = torch.zeros(rows, dtype=torch.bool, device=device)
    mask[list(ids)] = True
    return mask


def load_words(model: Path, settings: HeadSettings, execution: Execution) -> WordFiller:
    """A model with a masked-word head.

    Raises:
        CheckpointError: it has none, or cannot be read.
        ConfigurationError: the tokenizer has no mask token, or no allowed word is a token of the model.
    """
    folder = resolve(model)
    loaded, tokenizer = _luke_words(folder, execution.base) if is_luke(str(folder)) else _plain(folder, execution.base)
    if tokenizer.mask_token_id is None:
        raise ConfigurationError(f"{model}: the tokenizer has no mask token, which marks the place of the answer")
    try:
        scorer = WordScorer(loaded)
    except ConfigurationError as error:
        raise CheckpointError(f"{folder}: {error}; {_WAY_OUT}") from None
    move(scorer, choose_device(execution.device)).float().eval()
    questions = WordQuestions(tokenizer, word_limit(loaded, None, stated_limit(tokenizer)))
    vocabulary = WordVocabulary(tokenizer)
    allowed, notes = _allowed(vocabulary, settings)
    return WordFiller(scorer, questions, vocabulary, allowed, notes)


def load_entities(model: Path, settings: HeadSettings, execution: Execution) -> EntityFiller:
    """A LUKE with an entity head.

    Raises:
        CheckpointError: it is another encoder, has no such head or no entities, or cannot be read.
    """
    folder = resolve(model)
    if not is_luke(str(folder)):
        raise CheckpointError(f"{folder}: found an encoder without entities, expected a LUKE for head=entities")
    loaded = _luke(folder, execution.base, _ENTITY_HEAD, "entity head", "head=words asks the masked-word head")
    luke, tokenizer = cast(LukeForMaskedLM, loaded.model), loaded.tokenizer
    assert tokenizer is not None, "checked by read_luke"
    vocabulary = tokenizer.entity_vocabulary
    if len(vocabulary) <= len(vocabulary.special_ids):
        raise CheckpointError(f"{folder}: found special entities only (a lite model), expected an entity vocabulary")
    if "mask_token" not in tokenizer.words.named_tokens:
        raise ConfigurationError(f"{model}: the tokenizer has no mask token, which marks the place of the answer")
    scorer = move(EntityScorer(luke), choose_device(execution.device)).float().eval()
    questions = EntityQuestions(tokenizer, word_limit(luke, None, tokenizer.max_length), settings.mask_tokens)
    return EntityFiller(scorer, questions, EntityNames(vocabulary, settings.language))


def _plain(folder: Path, base: str | None) -> tuple[PreTrainedModel, Any]:
    if base is not None:
        raise ConfigurationError(f"--base is for a LUKE in an older format, found another encoder in {folder}; leave it out")
    model, missing, _ = read_with_head(AutoModelForMaskedLM, str(folder), config_of(str(folder)), "masked words")
    head = [name for name in missing if not name.startswith(f"{model.base_model_prefix}.")]
    if untrained := untrained_modules(model.config):
        problem = f"found an encoder whose masked-word head ({listed(untrained, 3)}) was never trained"
        raise CheckpointError(f"{folder}: {problem}, so that it cannot fill [MASK]; {_WAY_OUT}")
    if head:
        problem = f"found an encoder without a masked-word head (it lacks {listed(head, 3)})"
        raise CheckpointError(f"{folder}: {problem}, so that it cannot fill [MASK]; {_WAY_OUT}")
    return model, read_word_tokenizer(folder)


def _luke_words(folder: Path, base: str | None) -> tuple[PreTrainedModel, Any]:
    loaded = _luke(folder, base, _WORD_HEAD, "masked-word head", _WAY_OUT)
    assert loaded.tokenizer is not None, "checked by read_luke"
    return loaded.model, loaded.tokenizer.word_tokenizer


def _luke(folder: Path, base: str | None, head: str, called: str, way_out: str) -> Any:
    """A LUKE of any format whose head is trained.

    Raises:
        CheckpointError: the files lack the head, or it was never trained.
    """
    with quiet():
        loaded = read_luke(str(folder), LukeForMaskedLM, base)
    if head in (*loaded.report.new_modules, *untrained_modules(loaded.model.config)):
        raise CheckpointError(f"{folder}: found a LUKE without a trained {called}; {way_out}")
    return loaded


def _allowed(vocabulary: WordVocabulary, settings: HeadSettings) -> tuple[list[str] | None, list[str]]:
    """The words that may be answers, and lines about them; None if all may.

    Raises:
        ConfigurationError: none of them is a token of the model.
    """
    words = None if settings.vocabulary is None else read_words(settings.vocabulary)
    notes: list[str] = []
    if settings.other_models:
        others = [WordVocabulary(read_word_tokenizer(name)) for name in settings.other_models]
        words = common_words([vocabulary, *others], words)
        notes.append(f"{counted(len(words), 'allowed word')} of all {len(others) + 1} models")
    if words is None:
        return None, notes
    known = sum(id is not None for id in vocabulary.ids_of(words))
    if not known:
        source = "other_models" if settings.vocabulary is None else str(settings.vocabulary)
        raise ConfigurationError(f"{source}: found no word that is one token of the model")
    if known < len(words):
        notes.append(f"{len(words) - known:,} of {counted(len(words), 'allowed word')} are not one token of the model")
    return words, notes

"""Questions to tensors: sentences with the model's mask token, and its position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from loreweave.corpus.knowledge.relation_templates import MASK_PLACE, Question
from loreweave.encoding.collation import pad_ids
from loreweave.encoding.encoded_text import EncodedText

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from loreweave.encoding import EntityTokenizer
    from loreweave.training.inference import Batch


@dataclass(frozen=True)
class WordInput:
    """A sentence with one masked word that is asked for.

    Attributes:
        ids: sub-words with special tokens.
        position: position of the mask token.
        cut: number of sub-words that did not fit.
    """

    ids: list[int]
    position: int
    cut: int = 0

    @property
    def length(self) -> int:
        """Number of sub-words."""
        return len(self.ids)


@dataclass(frozen=True)
class EntityInput:
    """A sentence with a masked entity in the place of the object.

    Attributes:
        encoded: words and entities; the masked entity is the first one.
        with_subject: whether the subject is among the entities.
        cut: number of sub-words that did not fit.
    """

    encoded: EncodedText
    with_subject: bool = False
    cut: int = 0

    @property
    def length(self) -> int:
        """Number of sub-words."""
        return len(self.encoded.input_ids)


class WordQuestions:
    """Encodes questions for a masked-word head, as transformers' tokenizer does.

    Args:
        tokenizer: tokenizer with a mask token.
        limit: maximum number of sub-words; of longer texts the sub-words around the mask are kept.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, limit: int | None) -> None:
        self.tokenizer, self.limit = tokenizer, limit
        self.mask_id = int(tokenizer.mask_token_id)

    def encode(self, questions: Sequence[Question]) -> list[WordInput]:
        """The questions; every `[MASK]` is masked, and the first one is asked for."""
        mask = str(self.tokenizer.mask_token)
        texts = [question.text.replace(MASK_PLACE, mask) for question in questions]
        if not texts:
            return []
        encoded = self.tokenizer(texts, return_special_tokens_mask=True, verbose=False)
        pairs = zip(encoded["input_ids"], encoded["special_tokens_mask"], strict=True)
        return [self._cut(list(ids), list(special)) for ids, special in pairs]

    def _cut(self, ids: list[int], special: list[int]) -> WordInput:
        place, cut = ids.index(self.mask_id), 0 if self.limit is None else max(0, len(ids) - self.limit)
        if not cut:
            return WordInput(ids, place)
        first = next(number for number, mark in enumerate(special) if not mark)
        last = len(ids) - next(number for number, mark in enumerate(reversed(special)) if not mark)
        room = last - first - cut
        start = min(max(first, place - room // 2), last - room)
        return WordInput(ids[:first] + ids[start : start + room] + ids[last:], place - start + first, cut)

    def collate(self, inputs: Sequence[WordInput]) -> Batch:
        """Tensors of `WordScorer`."""
        pad = self.tokenizer.pad_token_id
        ids, mask = pad_ids([one.ids for one in inputs], 0 if pad is None else pad)
        return {"input_ids": ids, "attention_mask": mask, "positions": torch.tensor([one.position for one in inputs])}


class EntityQuestions:
    """Encodes questions for the entity head of a LUKE: the entity `[MASK]` over mask tokens in the place of the object.

    Args:
        tokenizer: tokenizer with the entity vocabulary.
        limit: maximum number of sub-words.
        mask_tokens: number of mask tokens in the place of the object.
    """

    def __init__(self, tokenizer: EntityTokenizer, limit: int | None, mask_tokens: int = 1) -> None:
        self.tokenizer, self.limit = tokenizer, limit
        self.mask = " ".join([tokenizer.words.named_tokens["mask_token"]] * mask_tokens)

    def encode(self, questions: Sequence[Question], subjects: Sequence[int | None]) -> list[EntityInput | None]:
        """The questions with the ids of their subjects, if they are known; None if the mask is beyond the limit."""
        if not questions:
            return []
        texts, spans, entities = [], [], []
        for question, subject in zip(questions, subjects, strict=True):
            text, place, mention = self._masked(question)
            given = [place] if subject is None or mention is None else [place, mention]
            texts.append(text)
            spans.append(given)
            entities.append([self.tokenizer.entity_vocabulary.mask_id, subject][: len(given)])
        encoded = self.tokenizer.encode_batch(texts, spans, entities, max_length=self.limit)
        return [EntityInput(one, 1 in one.kept, one.report.tokens_dropped) if one.kept[:1] == [0] else None for one in encoded]

    def _masked(self, question: Question) -> tuple[str, tuple[int, int], tuple[int, int] | None]:
        """The text with mask tokens, their characters, and those of the subject."""
        start = question.text.index(MASK_PLACE)
        before, after = question.text[:start], question.text[start + len(MASK_PLACE) :]
        rest = after.replace(MASK_PLACE, self.mask)
        place, subject = (start, start + len(self.mask)), question.subject
        if subject is not None and subject[1] > start:
            shift = len(self.mask) - len(MASK_PLACE)
            between = after[: max(0, subject[0] - start - len(MASK_PLACE))].count(MASK_PLACE)
            moved = shift * (1 + between)
            subject = (subject[0] + moved, subject[1] + moved) if subject[0] >= start + len(MASK_PLACE) else None
        return before + self.mask + rest, place, subject

    def collate(self, inputs: Sequence[EntityInput]) -> Batch:
        """Tensors of `EntityScorer`."""
        return {**self.tokenizer.pad([one.encoded for one in inputs]), "positions": torch.zeros(len(inputs), dtype=torch.long)}

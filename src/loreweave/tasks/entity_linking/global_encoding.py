"""Encodes documents for LUKE's global model: every mention is an entity of the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from loreweave.encoding import EntityTokenizer
from loreweave.models.head_settings import IGNORED
from loreweave.random_streams import stream
from loreweave.tasks.entity_linking.candidates import ENTITIES, NAMES
from loreweave.tasks.entity_linking.description_rows import DescriptionRows
from loreweave.tasks.entity_linking.encoding import DescriptionEncoding, LinkingExample, padded
from loreweave.tasks.entity_linking.record import LinkingRecord
from loreweave.training.inference import Batch


@dataclass(kw_only=True)
class GlobalEncoding(DescriptionEncoding):
    """Windows with their mentions as masked entities, and the candidates of each.

    Attributes:
        rows: ids of the entities in the model.
        original: tokenizer of the model, which the checkpoint gets.
        mask_share: share of the mentions of a training window that are masked.
        seed: seed of the choice of these mentions.
        epoch: number of the pass over the training windows, on which the choice depends too.
    """

    rows: DescriptionRows
    original: EntityTokenizer
    mask_share: float = 0.9
    seed: int = 0
    epoch: int = 0

    def encode(self, records: Sequence[LinkingRecord], labels: Sequence[str] | None = None) -> list[LinkingExample]:
        """See `DescriptionEncoding`; training mentions whose entity is no candidate, which cannot be predicted, are counted."""
        examples = super().encode(records, labels)
        mentions = (pair for one in examples for pair in zip(one.names, one.gold or (), strict=False))
        self.done["training mentions whose entity is not among the candidates"] += sum(
            gold not in (row for row, _ in self.finder.find(name)) for name, gold in mentions
        )
        return examples

    def begin_epoch(self, examples: Sequence[LinkingExample], epoch: int, resumed: bool) -> None:
        """Set the rows of all entities that the training windows need from the present weights, which are then fixed.

        They depend neither on the order of the windows nor on the process. In an epoch that is resumed, they are those of the
        checkpoint.
        """
        self.epoch = epoch
        needed = self._needed(self._candidates(examples)["candidates"].numpy(), _gold(examples))
        if resumed:
            self.rows.keep(needed)
        else:
            self.rows.renew(needed)

    def collate(self, examples: list[LinkingExample]) -> Batch:
        """Tensors of `LukeLinker.forward`; `labels` are places among the candidates."""
        vocabulary = self.tokenizer.entity_vocabulary
        inputs = padded([example.ids for example in examples], self.tokenizer.pad_token_id)
        slots = max(len(example.mentions) for example in examples)
        width = min(self.tokenizer.max_mention_length, max(end - start for one in examples for start, end in one.spans))
        ids = np.full((len(examples), slots), vocabulary.pad_id)
        mask, positions = np.zeros_like(ids), np.full((len(examples), slots, width), -1)
        owners, places = list[int](), list[int]()
        for row, example in enumerate(examples):
            for slot, (start, end) in enumerate(example.spans):
                ids[row, slot], mask[row, slot] = vocabulary.mask_id, 1
                covered = np.arange(start, min(end, start + width))
                positions[row, slot, : len(covered)] = covered
                owners.append(row)
                places.append(slot)
        batch = {name: torch.from_numpy(cells) for name, cells in inputs.items()} | self._candidates(examples)
        candidates, gold = batch["candidates"].numpy(), _gold(examples)
        self.rows.need(self._needed(candidates, gold))
        batch["candidate_ids"] = torch.from_numpy(np.where(candidates >= 0, self.rows.ids[candidates], vocabulary.pad_id))
        if examples[0].gold is not None:
            masked = np.concatenate([self._masked(example) for example in examples])
            batch["labels"] = self._labels(candidates, gold, masked, ids, np.array(owners), np.array(places))
        return batch | {
            "entity_ids": torch.from_numpy(ids), "entity_attention_mask": torch.from_numpy(mask),
            "entity_position_ids": torch.from_numpy(positions), "mention_examples": torch.tensor(owners),
            "mention_slots": torch.tensor(places),
        }  # fmt: skip

    @staticmethod
    def _needed(candidates: np.ndarray, gold: Sequence[int]) -> np.ndarray:
        """Entities whose rows are read."""
        return np.unique([*candidates[candidates >= 0], *(row for row in gold if row >= 0)]).astype(np.int64)

    def _masked(self, example: LinkingExample) -> np.ndarray:
        """Whether each mention of a training window is masked in this epoch."""
        random = stream(self.seed, "masked mentions", self.epoch, example.record, example.mentions[0])
        return random.random(len(example.mentions)) < self.mask_share

    def _labels(
        self,
        candidates: np.ndarray,
        gold: Sequence[int],
        masked: np.ndarray,
        ids: np.ndarray,
        owners: np.ndarray,
        places: np.ndarray,
    ) -> torch.Tensor:
        """Place of the right candidate of each masked mention; the others show their entity in `ids`."""
        labels = np.full(len(gold), IGNORED)
        for number, row in enumerate(gold):
            found = np.flatnonzero(candidates[number] == row)
            if not masked[number]:
                ids[owners[number], places[number]] = self.rows.ids[row]
            elif len(found):
                labels[number] = found[0]
        return torch.from_numpy(labels)

    def save_pretrained(self, folder: Path) -> None:
        """Save the tokenizer, the entities, the dictionary, and the map of descriptions to rows."""
        self.original.save_pretrained(folder)
        self.finder.table.save(folder / ENTITIES)
        if self.finder.dictionary is not None:
            self.finder.dictionary.save(folder / NAMES, overwrite=True)
        self.rows.save(folder)


def _gold(examples: Sequence[LinkingExample]) -> list[int]:
    """Rows of the gold entities of the windows."""
    return [row for example in examples for row in example.gold or ()]

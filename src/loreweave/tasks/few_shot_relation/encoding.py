"""Encodes sentences with marked mentions, alone (proto) or in pairs of support and query (pair); collates episodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loreweave.build.relation_episodes import Draw, EpisodeDraws, EpisodeShape
from loreweave.corpus.counts import tallied
from loreweave.corpus.files.writing import write_json
from loreweave.encoding.encoded_text import EncodedText
from loreweave.tasks.episodes.training import EpisodeNumber
from loreweave.tasks.few_shot_relation.settings import Method, Representation
from loreweave.tasks.mentions.inputs import MentionEncoding, MentionExample
from loreweave.tasks.relations.record import RelationRecord
from loreweave.training.evaluation import Outputs
from loreweave.training.inference import Batch

SOURCE_FILE = "source_relations.json"
"""File next to a checkpoint: the relations drawn in its training."""


@dataclass(frozen=True)
class Drawing:
    """Settings of the episodes that training draws from its source.

    Attributes:
        shape: settings of an episode.
        episodes: number per epoch; every epoch has the same ones in another order.
        seed: seed of the draws.
        relations: relations to draw. Default: all.
    """

    shape: EpisodeShape = EpisodeShape()
    episodes: int = 2000
    seed: int = 0
    relations: tuple[str, ...] | None = None


@dataclass
class EpisodeEncoding:
    """Converts episodes of a source to batches, and single sentences or pairs of them to inputs.

    Attributes:
        sentences: encoding of single sentences.
        method: whether a batch has sentences or pairs.
        representation: states that represent an input.
        drawing: draws of the training.
        source_relations: relations that training draws; empty if they are not known.
    """

    sentences: MentionEncoding
    method: Method
    representation: Representation
    drawing: Drawing = Drawing()
    counts: Counter[str] = field(default_factory=Counter)
    source_relations: tuple[str, ...] = ()

    def encode(self, records: Sequence[RelationRecord], labels: Sequence[str] | None = None) -> list[EpisodeNumber]:
        """Use the records as the source, and return the numbers of its episodes; `labels` come from the records.

        Raises:
            DataError: too few relations have enough sentences.
        """
        wanted = self.drawing.relations
        names = [record.label if wanted is None or record.label in wanted else None for record in records]
        self.counts["sentences of other relations left out"] = names.count(None)
        self.draws = EpisodeDraws(names, self.drawing.shape, self.drawing.seed)
        self.source_relations = tuple(self.draws.classes)
        if self.draws.left_out:
            names_left_out = ", ".join(self.draws.left_out)
            self.counts[f"relations with too few sentences left out: {names_left_out}"] = len(self.draws.left_out)
        self.source = self.sentences.encode(records)
        return [EpisodeNumber(number) for number in range(self.drawing.episodes)]

    def collate(self, examples: list[EpisodeNumber]) -> Batch:
        """Inputs of all episodes, with the rows of each in `support_rows` [episodes, way, shot] and `query_rows` [episodes,
        queries], or in `pair_rows` [episodes, queries, way, shot]; and `labels` [episodes, queries].
        """
        draws = [self.draws.draw(example.number) for example in examples]
        labels = torch.from_numpy(np.stack([draw.targets for draw in draws]))
        inputs = self._pairs(draws) if self.method == "pair" else self._sentences(draws)
        return inputs | {"labels": labels}

    def _sentences(self, draws: Sequence[Draw]) -> Batch:
        flat = [index for draw in draws for index in (*draw.support.ravel().tolist(), *draw.query.tolist())]
        rows = torch.arange(len(flat)).view(len(draws), -1)
        way, shot = draws[0].support.shape
        rows_of = {"support_rows": rows[:, : way * shot].unflatten(1, (way, shot)), "query_rows": rows[:, way * shot :]}
        return self.inputs([self.source[index] for index in flat]) | rows_of

    def _pairs(self, draws: Sequence[Draw]) -> Batch:
        pairs = [
            self.pair(self.source[support], self.source[query])
            for draw in draws
            for query in draw.query.tolist()
            for support in draw.support.ravel().tolist()
        ]
        shape = (len(draws), len(draws[0].query), *draws[0].support.shape)
        return self.inputs(pairs) | {"pair_rows": torch.arange(len(pairs)).view(shape)}

    def pair(self, support: MentionExample, query: MentionExample) -> MentionExample:
        """Support and query as one input with the mentions of both."""
        special = self.sentences.tokenizer.words.special
        first, second = support.encoded, query.encoded
        ids = special.around(first.input_ids[1:-1], second.input_ids[1:-1])
        shift = len(ids) - len(second.input_ids)  # the second text ends like the whole
        start = shift + 1
        segments = [0] * start + [special.second_segment] * (len(ids) - start)
        mentions = [*first.entity_position_ids, *([p + shift for p in positions] for positions in second.entity_position_ids)]
        return MentionExample(EncodedText(ids, segments, [], mentions, [], []))

    def inputs(self, examples: list[MentionExample]) -> Batch:
        """Padded sentences or pairs with the positions to read, `state_positions` [inputs, num_states], or with entities."""
        batch = self.sentences.collate(examples)
        if self.representation == "pooled":
            batch["state_positions"] = torch.zeros(len(examples), 1, dtype=torch.long)
        return batch

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """A row per input: a vector of a sentence, or the two scores of a pair."""
        return list(output.logits.float().cpu().numpy())

    def join(self, examples: Sequence[Any], outputs: Outputs) -> Outputs:
        """Each example is one input."""
        return outputs

    def report(self) -> str:
        """Counts of what was truncated and left out."""
        return ", ".join(filter(None, [tallied(self.counts), self.sentences.report()]))

    def save_pretrained(self, folder: Path) -> None:
        """Save the tokenizer, and the relations of the source."""
        self.sentences.save_pretrained(folder)
        if self.source_relations:
            write_json(Path(folder) / SOURCE_FILE, list(self.source_relations))

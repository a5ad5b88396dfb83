"""Training on episodes drawn from the source: ProtoBERT and NNShot as Few-NERD trains them.

An example of the engine is the number of an episode, whose random numbers draw it when a batch needs it: runs resume as
usual, and episodes are not stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from loreweave.build.episodes import EpisodeSampler, SamplerSettings, types_of
from loreweave.corpus.column_formats.tag_schemes import OUTSIDE
from loreweave.corpus.episodes import Episode
from loreweave.corpus.tokens import TaggedSentence
from loreweave.models.gaussian_embeddings import squared_distances
from loreweave.models.head_settings import IGNORED
from loreweave.tasks.episodes.training import EpisodeNumber
from loreweave.tasks.few_shot_ner.encoding import WordEncoding, WordExample
from loreweave.training.evaluation import Outputs
from loreweave.training.inference import Batch

if TYPE_CHECKING:
    from loreweave.tasks.few_shot_ner.network import WordStates

EpisodicObjective = Literal["protobert", "nnshot"]


@dataclass
class EpisodicEncoding:
    """Converts the sentences of a source to episodes, and episodes to the encoder's tensors.

    Attributes:
        sentences: encoding of single sentences, which a checkpoint stores.
        settings: settings of the draws.
        episodes: number of episodes per epoch.
    """

    sentences: WordEncoding
    settings: SamplerSettings
    episodes: int
    _sampler: EpisodeSampler | None = None

    def encode(self, records: Sequence[TaggedSentence], labels: Sequence[str] | None = None) -> list[EpisodeNumber]:
        """Numbers of an epoch's episodes over these sentences.

        Raises:
            DataError: the sentences have fewer types than an episode.
        """
        self.sentences.encode(records, labels)  # counts transitions, and words without a position
        self._sampler = EpisodeSampler([records], types_of(records), self.settings)
        self._sampler.episode(0)  # raises an error before training if the source has no episode
        return [EpisodeNumber(number) for number in range(self.episodes)]

    def collate(self, examples: list[EpisodeNumber]) -> Batch:
        """The sentences of several episodes in one batch, support before query.

        Adds to `WordEncoding.collate`: `episodes` [words], the index in `examples`; `support_classes` [words],
        `IGNORED` for words of the query; `labels` [words], `IGNORED` for words of the support set. Class 0 is O, the others
        are the episode's types.
        """
        assert self._sampler is not None, "what is collated was encoded"
        encoded: list[WordExample] = []
        columns: dict[str, list[int]] = {"episodes": [], "support_classes": [], "labels": []}
        for place, example in enumerate(examples):
            episode = self._sampler.episode(example.number)
            for half in ("support", "query"):
                of_half = self._encoded(episode, half)
                encoded += of_half
                classes = [label for sentence in of_half for label in sentence.labels or ()]
                nothing = [IGNORED] * len(classes)
                columns["episodes"] += [place] * len(classes)
                columns["support_classes"] += classes if half == "support" else nothing
                columns["labels"] += classes if half == "query" else nothing
        batch = self.sentences.collate(encoded)
        return batch | {name: torch.tensor(values) for name, values in columns.items()}

    def _encoded(self, episode: Episode, half: str) -> list[WordExample]:
        return self.sentences.encode_quietly(getattr(episode, half), [OUTSIDE, *episode.types])

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """States of each sentence's words [words, size]."""
        return self.sentences.unpack(output, batch)

    def join(self, examples: Sequence[Any], outputs: Outputs) -> Outputs:
        """Each record is one example."""
        return outputs

    def report(self) -> str:
        """Words without a state, in words."""
        return self.sentences.report()

    def save_pretrained(self, folder: Path) -> None:
        """Save what a checkpoint needs for prediction."""
        self.sentences.save_pretrained(folder)


def episode_logits(
    states: Tensor, episodes: Tensor, support_classes: Tensor, labels: Tensor, objective: EpisodicObjective
) -> tuple[Tensor, Tensor]:
    """Logits of the query's words [words, classes] and their labels [words], episode by episode.

    Minus the squared distance to the mean of a class's support words (`protobert`) or to the nearest of them (`nnshot`). A
    class without a support word is never predicted. Words whose label has no support word are left out.
    """
    classes = int(support_classes.max()) + 1
    logits, golds = [], []
    for episode in episodes.unique():
        of_episode = episodes == episode
        given, asked = of_episode & (support_classes >= 0), of_episode & (labels >= 0)
        member = F.one_hot(support_classes[given], classes)  # [support, classes]
        present = member.any(0)
        if objective == "protobert":
            means = member.T.to(states) @ states[given] / member.sum(0).clamp_min(1)[:, None]
            scores = -squared_distances(states[asked], means)
        else:
            nearest = -squared_distances(states[asked], states[given])  # [query, support]
            scores = torch.where(member.T[None].bool(), nearest[:, None], -torch.inf).amax(-1)
        known = present[labels[asked].clamp_max(classes - 1)] & (labels[asked] < classes)
        logits.append(scores.masked_fill(~present, -torch.inf)[known])
        golds.append(labels[asked][known])
    return torch.cat(logits), torch.cat(golds)


def episode_loss(objective: EpisodicObjective) -> Callable[..., Tensor]:
    """Loss for the engine: the mean cross-entropy of the query's words over all episodes of an update."""

    def loss(output: WordStates, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        assert output.states is not None and output.episodes is not None and output.support_classes is not None
        states = output.states.float()
        logits, golds = episode_logits(states, output.episodes, output.support_classes, labels, objective)
        total = len(golds) if num_items_in_batch is None else num_items_in_batch
        summed = F.cross_entropy(logits, golds, reduction="sum") if len(golds) else states.sum() * 0
        return summed / torch.as_tensor(total, device=states.device).clamp_min(1)

    return loss

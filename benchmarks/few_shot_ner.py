"""Episodes a second of few-shot NER: CONTaiNER's way of computing an episode beside ours, on the same episodes and encoder.

The baseline is written after the released code's behaviour: for every episode the model is
read from disk, every sentence is padded to 128, the loss makes tensors of pairs x dimension, support and query are encoded
in batches of 8 with heads over all 128 positions, and each query sentence is compared with the support by explicit
differences. It is spared what only its age explains: starting a process per episode, tokenizing in Python, and reading the
training file again.

Dropout is 0, so that both sides must have equal losses and predictions; that is checked before anything is timed.

    python benchmarks/few_shot_ner.py --model minilm --count 40
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from luke_batches import DATA
from torch import Tensor
from torch.nn import functional as F

from loreweave.build.episodes import EpisodeSampler, SamplerSettings, types_of
from loreweave.corpus.annotated_sentences import read_tagged_sentences
from loreweave.corpus.episodes import Episode, Sentences, read_episodes
from loreweave.corpus.tokens import TaggedSentence
from loreweave.encoding.words.tokenizer import WordTokenizer
from loreweave.tasks.contract import Execution
from loreweave.tasks.few_shot_ner.evaluation import Tagger
from loreweave.tasks.few_shot_ner.model import load_any
from loreweave.tasks.few_shot_ner.network import GaussianWordEncoder
from loreweave.tasks.few_shot_ner.settings import EvaluationSettings, SupportTuning
from loreweave.tasks.few_shot_ner.word_vectors import SentenceBank
from loreweave.tasks.model_folders import config_of
from loreweave.training.quiet import quiet

LENGTH, EVALUATED, IGNORED = 128, 8, -100
Labels = list[list[str]]


# ---- the baseline ----------------------------------------------------------------------------------------------------


@dataclass
class PerEpisode:
    """One episode after another from the files of a model."""

    folder: Path
    words: WordTokenizer
    tune: bool
    max_steps: int
    device: torch.device
    losses: list[list[float]] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)

    def label(self, episode: Episode) -> Labels:
        """The labels of the query's words."""
        started = now(self.device)
        config = config_of(str(self.folder))
        with quiet():
            model = GaussianWordEncoder.from_pretrained(self.folder, config=config).to(self.device)  # type: ignore[arg-type]  # hidden by `to`
        labels = ["O", *episode.types]
        support, query = (self.features(half, labels) for half in (episode.support, episode.query))
        self.seconds["load and tokenize"] += now(self.device) - started
        started = now(self.device)
        if self.tune:
            self.losses.append(self.fit(model, support))
        self.seconds["fine-tune"] += now(self.device) - started
        started = now(self.device)
        found = [[labels[index] for index in row] for row in self.nearest(model.eval(), support, query)]
        self.seconds["encode and compare"] += now(self.device) - started
        return found

    def features(self, half: Sentences, labels: Sequence[str]) -> dict[str, Tensor]:
        """`input_ids`, `attention_mask`, `labels`, each [sentences, 128]."""
        rows: dict[str, list[list[int]]] = {"input_ids": [], "attention_mask": [], "labels": []}
        special = self.words.special
        for sentence in half:
            ids, tags = [], []
            for pieces, label in zip(self.words.encode(sentence.tokens), sentence.labels(), strict=True):
                ids += pieces
                tags += [labels.index(label), *[IGNORED] * (len(pieces) - 1)]
            ids = [special.start, *ids[: LENGTH - 2], special.end]
            tags = [IGNORED, *tags[: LENGTH - 2], IGNORED]
            padding = LENGTH - len(ids)
            rows["input_ids"].append(ids + [special.pad] * padding)
            rows["attention_mask"].append([1] * len(ids) + [0] * padding)
            rows["labels"].append(tags + [IGNORED] * padding)
        return {name: torch.tensor(values, device=self.device) for name, values in rows.items()}

    def fit(self, model: GaussianWordEncoder, support: dict[str, Tensor]) -> list[float]:
        """The whole support as one batch, until the loss rises."""
        optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, eps=1e-8, weight_decay=0.0)
        losses: list[float] = []
        model.train()
        while len(losses) < self.max_steps:
            _, mean, variance = self.states(model, support)
            known = support["labels"].view(-1) != IGNORED
            loss = pairwise_loss(mean[known], variance[known], support["labels"].view(-1)[known])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            if len(losses) > 1 and losses[-1] > losses[-2]:
                break
        return losses

    @staticmethod
    def states(model: GaussianWordEncoder, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """States and Gaussians of all positions [sentences x 128, ...]."""
        output = model.encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        states = output.last_hidden_state.flatten(0, 1)
        return (states, *model.gaussian_head(states))

    @torch.no_grad()
    def nearest(self, model: GaussianWordEncoder, support: dict[str, Tensor], query: dict[str, Tensor]) -> list[list[int]]:
        """The label of the nearest support word, sentence by sentence."""
        given, given_labels = [], []
        for states, tags in self.evaluated(model, support):
            given.append(F.normalize(states[tags != IGNORED], dim=-1))
            given_labels.append(tags[tags != IGNORED])
        memory, labels = torch.cat(given), torch.cat(given_labels)
        rows = []
        for states, tags in self.evaluated(model, query):
            asked = F.normalize(states[tags != IGNORED], dim=-1)
            distances = ((asked[:, None] - memory[None]) ** 2).sum(-1)
            rows.append(labels[distances.argmin(1)].tolist())
        return rows

    def evaluated(self, model: GaussianWordEncoder, half: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
        """(states [128, size], labels [128]) of each sentence, batches of 8."""
        found = []
        for start in range(0, len(half["labels"]), EVALUATED):
            batch = {name: tensor[start : start + EVALUATED] for name, tensor in half.items()}
            states, _, _ = self.states(model, batch)
            found += list(zip(states.view(*batch["labels"].shape, -1), batch["labels"], strict=True))
        return found


def pairwise_loss(mean: Tensor, variance: Tensor, labels: Tensor) -> Tensor:
    """CONTaiNER's loss from tensors [points, points, dimension]."""
    size, dimension = mean.shape
    first = [part[:, None].expand(size, size, dimension) for part in (mean, variance)]
    second = [part[None].expand(size, size, dimension) for part in (mean, variance)]
    distances = (kl(*first, *second) + kl(*second, *first)) / 2
    other = ~torch.eye(size, dtype=torch.bool, device=labels.device)
    positive = (labels[:, None] == labels[None]) & other
    near, all_others = torch.exp(-distances) * positive, torch.exp(-distances) * other
    count = positive.sum(1)
    kept = count > 0
    return -torch.log2(near.sum(1)[kept] / count[kept] / all_others.sum(1)[kept]).mean()


def kl(mean_i: Tensor, variance_i: Tensor, mean_j: Tensor, variance_j: Tensor) -> Tensor:
    """KL(j || i) of diagonal Gaussians, [points, points]."""
    ratio = variance_j / variance_i
    inner = ratio + (mean_i - mean_j) ** 2 / variance_i - 1 - torch.log(ratio + 1e-14)
    return inner.sum(-1) / 2


# ---- both sides ------------------------------------------------------------------------------------------------------


def ours(folder: Path, tune: bool, max_steps: int, device: str, together: bool) -> tuple[Tagger, Callable[..., list[Labels]]]:
    """Our tagger, and what labels episodes with it: all together, or (`together` off) each for itself."""
    settings = EvaluationSettings(fine_tune=tune, fine_tuning=SupportTuning(max_steps=max_steps))
    tagger = Tagger.open(folder, settings, Execution(device=device, report=lambda line: None))

    def label(episodes: Sequence[Episode]) -> list[Labels]:
        groups = [episodes] if together else [[episode] for episode in episodes]
        found = []
        for group in groups:
            bank = SentenceBank((s for episode in group for s in episode.support + episode.query), tagger.encoding)
            found += [labelled.labels for labelled in tagger.label(group, bank)]
        return found

    return tagger, label


def sampled_episodes(way: int, shot: int, count: int) -> list[Episode]:
    """From CrossNER's science and AI sentences, types that politics does not have."""
    folder = DATA / "ner_crossner"
    if not folder.is_dir():
        raise SystemExit(f"found no {folder}; set LOREWEAVE_DATA, or give --data EPISODES.jsonl")

    def read(name: str) -> list[TaggedSentence]:
        return read_tagged_sentences(folder / name).records

    sentences = read("science") + read("ai")
    types = types_of(sentences) - types_of(read("politics"))
    settings = SamplerSettings(way=way, shot=shot, query_shot=shot)
    return list(EpisodeSampler([sentences], types, settings).episodes(count))


def without_dropout(model: str, folder: Path) -> Path:
    """The model with dropout 0, in a folder that both sides read."""
    loaded, _ = load_any(Path(model), seed=1, max_length=LENGTH)
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
        setattr(loaded.model.config, name, 0.0)
    loaded.save_pretrained(folder)
    return folder


def check(baseline: PerEpisode, tagger: Tagger, mine: list[Labels], theirs: list[Labels], mine_losses: Any) -> None:
    """Equal losses; and predictions that differ in no more than one word of a thousand (ties of float rounding)."""
    for first, second in zip(mine_losses, baseline.losses, strict=True):
        assert np.allclose(first, second, rtol=1e-3), (first, second)
    pairs = [
        pair
        for one, other in zip(mine, theirs, strict=True)
        for a, b in zip(one, other, strict=True)
        for pair in zip(a, b, strict=True)
    ]
    different = sum(a != b for a, b in pairs)
    print(f"  equal: {len(pairs) - different} of {len(pairs)} labels, {sum(map(len, baseline.losses))} losses")
    assert different <= len(pairs) / 1000, f"{different} of {len(pairs)} labels differ"


def compare(folder: Path, episodes: Sequence[Episode], tune: bool, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Check, then time."""
    words = WordTokenizer(load_any(folder, 1)[0].encoding.tokenizer)  # type: ignore[attr-defined]  # it has one
    device = torch.device(arguments.device)
    baseline = PerEpisode(folder, words, tune, arguments.max_steps, device)
    checked = episodes[: arguments.checked]
    tagger, label = ours(folder, tune, arguments.max_steps, arguments.device, together=True)
    mine_losses: list[list[float]] = []
    if tagger.tuner is not None:
        true_tune = tagger.tuner.tune

        def noted(examples: Any) -> Any:
            tuned = true_tune(examples)
            mine_losses.append(tuned.losses)
            return tuned

        tagger.tuner.tune = noted  # type: ignore[method-assign]  # counts steps
    check(baseline, tagger, label(checked), [baseline.label(episode) for episode in checked], mine_losses)
    baseline.seconds.clear()
    seconds = {"baseline": timed(lambda: [baseline.label(episode) for episode in episodes], device)}
    for name, together in (("ours, each episode for itself", False), ("ours, together", True)):
        _, label = ours(folder, tune, arguments.max_steps, arguments.device, together)
        label(episodes[:1])
        seconds[name] = timed(lambda label=label: label(episodes), device)
    rows = []
    for name, value in seconds.items():
        rate = len(episodes) / value
        row = {"fine_tuning": tune, "side": name, "episodes_per_second": rate, "ratio": seconds["baseline"] / value}
        rows.append(row)
        print(f"  {name:32} {rate:8.2f} episodes/s   {row['ratio']:6.2f} x")
    print("  baseline's seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in baseline.seconds.items()))
    return rows


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Seconds of one run: of one processor core, whatever else the machine does; on a GPU, of the clock."""
    started = now(device)
    work()
    return now(device) - started


def now(device: torch.device) -> float:
    """The time that is measured."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    """Parse, compare with and without fine-tuning, print a JSON summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--data", type=Path, help="episodes; by default 5-way episodes of CrossNER are sampled")
    parser.add_argument("--way", type=int, default=5)
    parser.add_argument("--shot", type=int, default=1)
    parser.add_argument("--count", type=int, default=100, help="episodes without fine-tuning")
    parser.add_argument("--tuned", type=int, default=10, help="episodes with fine-tuning; 0 leaves it out")
    parser.add_argument("--checked", type=int, default=5, help="episodes that are compared first")
    parser.add_argument("--max-steps", type=int, default=20, help="of fine-tuning, on both sides")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    episodes = (
        list(read_episodes(arguments.data))[: arguments.count]
        if arguments.data
        else sampled_episodes(arguments.way, arguments.shot, arguments.count)
    )
    sentences = [sentence.tokens for episode in episodes for sentence in episode.support + episode.query]
    print(f"{len(episodes)} episodes of {len(sentences)} sentences ({len(set(sentences))} distinct), {arguments.model}")
    with TemporaryDirectory() as temporary:
        folder = without_dropout(arguments.model, Path(temporary) / "model")
        print("without fine-tuning")
        rows = compare(folder, episodes, False, arguments)
        if arguments.tuned:
            print(f"with fine-tuning on each support set, {arguments.tuned} episodes")
            rows += compare(folder, episodes[: arguments.tuned], True, arguments)
    print(json.dumps({"model": arguments.model, "sentences": len(sentences), "distinct": len(set(sentences)), "rows": rows}))


if __name__ == "__main__":
    main()

"""ProtoBERT and NNShot trained on episodes of the source."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from loreweave.build.episodes import SamplerSettings
from loreweave.cli.main import main
from loreweave.corpus.files.reading import read_json
from loreweave.errors import DataError
from loreweave.models.head_settings import IGNORED
from loreweave.tasks.few_shot_ner.encoding import WordEncoding
from loreweave.tasks.few_shot_ner.episodic_training import EpisodicEncoding, episode_logits
from loreweave.tasks.few_shot_ner.model import FewShotNerConfig, build
from loreweave.tasks.few_shot_ner.reader import labels_of, read

STATES = torch.tensor([[0.0, 0], [2, 0], [0, 4], [1, 1], [5, 5], [3, 0]])
SUPPORT = torch.tensor([0, 0, 1, IGNORED, 0, IGNORED])
LABELS = torch.tensor([IGNORED, IGNORED, IGNORED, 1, IGNORED, 0])
EPISODES = torch.tensor([0, 0, 0, 0, 1, 1])


def test_logits_of_prototypes_by_hand() -> None:
    logits, golds = episode_logits(STATES, EPISODES, SUPPORT, LABELS, "protobert")
    # First episode: O's mean is (1, 0), that of class 1 (0, 4); the second has no class 1.
    torch.testing.assert_close(logits, torch.tensor([[-1.0, -10.0], [-29.0, -math.inf]]))
    assert golds.tolist() == [1, 0]


def test_logits_of_nearest_words_by_hand() -> None:
    logits, golds = episode_logits(STATES, EPISODES, SUPPORT, LABELS, "nnshot")
    torch.testing.assert_close(logits, torch.tensor([[-2.0, -10.0], [-29.0, -math.inf]]))
    assert golds.tolist() == [1, 0]


def test_a_label_that_no_support_word_has_is_left_out() -> None:
    labels = LABELS.clone()
    labels[5] = 1
    logits, golds = episode_logits(STATES, EPISODES, SUPPORT, labels, "protobert")
    assert golds.tolist() == [1] and len(logits) == 1


def encoding_of(tiny_bert: Path, source_file: Path, way: int = 2) -> tuple[EpisodicEncoding, list[Any]]:
    words: Any = build(str(tiny_bert), ["O"], FewShotNerConfig()).encoding
    assert isinstance(words, WordEncoding)
    made = EpisodicEncoding(words, SamplerSettings(way=way, seed=3), episodes=6)
    records = read(source_file).records
    return made, made.encode(records, labels_of(records))


def test_an_episode_is_the_same_whatever_was_drawn_before(tiny_bert: Path, source_file: Path) -> None:
    encoding, examples = encoding_of(tiny_bert, source_file)
    assert len(examples) == 6
    alone = encoding.collate([examples[4]])
    encoding.collate(examples)
    again = encoding.collate([examples[4]])
    assert all(torch.equal(alone[name], again[name]) for name in alone)
    assert not all(
        alone[name].shape == other.shape and torch.equal(alone[name], other)
        for name, other in encoding.collate([examples[5]]).items()
    )


def test_every_word_is_of_the_support_or_the_query(tiny_bert: Path, source_file: Path) -> None:
    encoding, examples = encoding_of(tiny_bert, source_file)
    batch = encoding.collate(examples[:3])
    assert set(batch["episodes"].tolist()) == {0, 1, 2}
    assert ((batch["labels"] == IGNORED) ^ (batch["support_classes"] == IGNORED)).all()
    assert len(batch["labels"]) == int(batch["first_pieces"].sum())
    for episode in range(3):
        support = batch["support_classes"][batch["episodes"] == episode]
        assert set(support[support >= 0].tolist()) >= {1, 2}


def test_too_few_types(tiny_bert: Path, source_file: Path) -> None:
    with pytest.raises(DataError, match="found 3 types to draw, expected at least 4"):
        encoding_of(tiny_bert, source_file, way=4)


def test_the_loss_of_the_engine(tiny_bert: Path, source_file: Path) -> None:
    config = FewShotNerConfig(objective="protobert", way=2, episodes=4, layers=2, state_dropout=0.0)
    records = read(source_file).records
    built = build(str(tiny_bert), labels_of(records), config)
    batch = built.encoding.collate(built.encoding.encode(records, labels_of(records))[:2])
    labels = batch.pop("labels")
    output = built.model.eval()(**batch)
    logits, golds = episode_logits(output.states, batch["episodes"], batch["support_classes"], labels, "protobert")
    assert built.loss is not None
    torch.testing.assert_close(built.loss(output, labels), F.cross_entropy(logits, golds))
    torch.testing.assert_close(built.loss(output, labels, 2 * len(golds)), F.cross_entropy(logits, golds) / 2)
    assert built.loss(output, torch.full_like(labels, IGNORED)) == 0


@pytest.mark.parametrize("objective", ["protobert", "nnshot"])
def test_commands(tiny_bert: Path, source_file: Path, episode_file: Path, tmp_path: Path, objective: str, capsys: Any) -> None:
    run = tmp_path / "run"
    settings = [f"objective={objective}", "way=2", "episodes=8", "batch_size=2", "layers=1"]
    command = ["finetune", "few-shot-ner", "--model", str(tiny_bert), "--train", str(source_file), "--output", str(run)]
    assert main([*command, *settings]) == 0
    assert read_json(run / "results.json")["updates"] == 4
    evaluate = ["evaluate", "few-shot-ner", "--model", str(run), "--data", str(episode_file)]
    capsys.readouterr()
    assert main([*evaluate, f"method={objective}", "--output", str(tmp_path / "own")]) == 0
    assert "was trained for" not in capsys.readouterr().err
    assert main(evaluate) == 0
    assert f"the model was trained for {objective}; the method is container" in capsys.readouterr().err

"""The encoder with Gaussian heads: what it reads, how it is kept, and its loss in the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel

from loreweave.corpus.tokens import TaggedSentence
from loreweave.errors import CheckpointError
from loreweave.models.gaussian_embeddings import Gaussians, contrastive_loss, pair_distances
from loreweave.tasks.few_shot_ner import TASK
from loreweave.tasks.few_shot_ner.model import FewShotNerConfig, build, load, load_any, optimizer_of
from loreweave.training.optimizers import OptimizerConfig

SENTENCES = [TaggedSentence(("ann", "zoe", "lives")), TaggedSentence(("oslo",))]


def test_word_states_are_those_of_first_pieces(tiny_bert: Path) -> None:
    built = build(str(tiny_bert), ["O", "x"], FewShotNerConfig())
    model: Any = built.model.eval()
    batch = built.encoding.collate(built.encoding.encode(SENTENCES))
    plain = AutoModel.from_pretrained(tiny_bert).eval()
    with torch.no_grad():
        output = plain(batch["input_ids"], attention_mask=batch["attention_mask"], output_hidden_states=True)
        states = output.last_hidden_state
        expected = torch.stack([states[0, 1], states[0, 2], states[0, 5], states[1, 1]])
        torch.testing.assert_close(model(**batch).states, expected)
        both = output.hidden_states[-1] + output.hidden_states[-2]
        torch.testing.assert_close(model.word_states(**batch, layers=2)[0], both[0, 1])
    assert built.labels == ["O", "x"]


def test_a_checkpoint_comes_back_and_its_encoder_loads_anywhere(tiny_bert: Path, tmp_path: Path) -> None:
    config = FewShotNerConfig(dimension=7, optimizer=OptimizerConfig(learning_rate=0.5), max_length=16)
    built = build(str(tiny_bert), ["O", "x"], config)
    built.save_pretrained(tmp_path)
    loaded, trained = load_any(tmp_path, seed=0)
    assert trained and TASK.recognises(tmp_path) and loaded.labels == ["O", "x"]
    for name, tensor in built.model.state_dict().items():
        torch.testing.assert_close(loaded.model.state_dict()[name], tensor)
    encoding: Any = loaded.encoding
    assert optimizer_of(loaded.model).learning_rate == 0.5 and encoding.max_length == 16
    encoder = AutoModel.from_pretrained(tmp_path)
    torch.testing.assert_close(encoder.embeddings.word_embeddings.weight, loaded.model.get_input_embeddings().weight)


def test_a_plain_encoder_gets_heads_of_a_seed(tiny_bert: Path) -> None:
    first, second, third = (load_any(tiny_bert, seed)[0].model.state_dict() for seed in (1, 1, 2))
    torch.testing.assert_close(first, second)
    assert not torch.equal(first["gaussian_head.mean.weight"], third["gaussian_head.mean.weight"])
    assert not load_any(tiny_bert, 1)[1]
    with pytest.raises(CheckpointError, match="found no checkpoint of few-shot-ner"):
        load(tiny_bert)


def test_luke_reads_words_alone(tiny_luke: Path) -> None:
    loaded, trained = load_any(tiny_luke, seed=0)
    batch = loaded.encoding.collate(loaded.encoding.encode(SENTENCES))
    with torch.no_grad():
        assert loaded.model(**batch).states.shape == (4, 32) and not trained


@pytest.mark.parametrize("outside", [True, False])
def test_the_loss_of_the_engine_is_the_contrastive_loss(tiny_bert: Path, outside: bool) -> None:
    built = build(str(tiny_bert), ["O", "x"], FewShotNerConfig(outside_anchors=outside))
    batch = built.encoding.collate(built.encoding.encode(SENTENCES))
    output = built.model.eval()(**batch)
    labels = torch.tensor([0, 1, 0, 1])
    distances = pair_distances(Gaussians(output.mean, output.variance), "gaussian")
    expected = contrastive_loss(distances, labels, None if outside else labels > 0)
    assert built.loss is not None
    torch.testing.assert_close(built.loss(output, labels, torch.tensor(4)), expected)
    torch.testing.assert_close(built.loss(output, labels, torch.tensor(8)), expected / 2)
    ignored = torch.tensor([0, 1, 0, -100])
    assert built.loss(output, torch.full_like(labels, -100)) == 0
    assert built.loss(output, ignored) == built.loss(output, ignored, torch.tensor(3))

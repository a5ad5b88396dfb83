"""Words, a knowledge graph and latent types in one run, on a tiny encoder of every family in the table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from family_cases import CASES, make_encoder
from tiny_encoders import TYPING_ROWS
from tiny_graphs import make_small_graph
from transformers import AutoModelForMaskedLM, AutoTokenizer

from loreweave.build.pretraining_set import build_pretraining_set
from loreweave.checkpoints import latent_typing
from loreweave.cli.main import main
from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import CheckpointError
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run
from loreweave.training.settings.configuration import fill

TEXTS = [row["sent"].lower() for row in TYPING_ROWS]
ENTITIES = EntityVocabulary.from_counts({"Oslo": 3, "Paris": 2})


def _data(encoder: Path, folder: Path) -> Path:
    """A pre-training set of the encoder's sub-words, with one mention a text."""
    texts = []
    for number, text in enumerate(TEXTS):
        city = next(city for city in ("oslo", "paris") if city in text)
        start = text.index(city)
        mention = Mention(start, start + len(city), entity=city.capitalize())
        texts.append(AnnotatedText(id=str(number), text=text, mentions=(mention,)))
    build_pretraining_set(texts, AutoTokenizer.from_pretrained(encoder), ENTITIES, folder, max_length=32, min_sentence_length=1)
    return folder


def _settings(encoder: Path, data: Path, output: Path, **changes: Any) -> PretrainingConfig:
    settings: dict[str, Any] = {
        "model": str(encoder), "data": [str(data)], "output": str(output), "batch_size": 4, "micro_batch_size": 4, "steps": 3,
        "optimizer": {"learning_rate": 1e-3}, "word_only": True, "log_steps": 1, "device": "cpu", "dropout": 0.1,
    }  # fmt: skip
    return fill(PretrainingConfig, settings | changes)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graph") / "graph"
    make_small_graph().save(folder)
    return folder


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind != "luke"])
def test_three_objectives_and_what_is_left(kind: str, graph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _train_and_evaluate(kind, make_encoder(kind, tmp_path / "encoder"), graph, tmp_path, capsys)


@pytest.mark.slow
def test_three_objectives_on_the_real_mpnet(
    mpnet_base: Path, graph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _train_and_evaluate("mpnet", mpnet_base, graph, tmp_path, capsys)


def _train_and_evaluate(kind: str, encoder: Path, graph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    objectives = {
        "masked_words": {},
        "knowledge_embedding": {"graph": str(graph), "micro_batch_size": 3, "text": {"max_length": 16}},
        "latent_typing": {"types": 4},
    }
    found = run(_settings(encoder, _data(encoder, tmp_path / "data"), tmp_path / "run", objectives=objectives))
    assert {f"{name}_loss" for name in objectives} <= set(found.results)
    folder = found.record.model_path
    kept, loading = AutoModelForMaskedLM.from_pretrained(folder, output_loading_info=True)
    assert not loading["missing_keys"], "the head of masked words is kept"
    assert kept.config.model_type == kind and latent_typing.load(folder).head.config.types == 4
    capsys.readouterr()
    asked = ["evaluate", "link-prediction", "--model", str(tmp_path / "run"), "--data", str(graph), "--device", "cpu", "--json"]
    assert main([*asked, "bootstrap=0"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == str(tmp_path / "run")
    assert main(["types", "ann lives in oslo .", "--model", str(tmp_path / "run"), "--json"]) == 0
    typed = json.loads(capsys.readouterr().out)
    assert "".join(token["text"] for token in typed["tokens"]).replace(" ", "") == "annlivesinoslo."


def test_a_new_head_over_frozen_words_on_mpnet(tmp_path: Path) -> None:
    """Stage 1: the folder has no masked-word head; the encoder stays as it is."""
    encoder = make_encoder("mpnet", tmp_path / "encoder")
    data = _data(encoder, tmp_path / "data")
    fast = {"optimizer": {"learning_rate": 0.02}, "schedule": {"warmup_steps": 2}, "steps": 40}
    config = _settings(encoder, data, tmp_path / "run", objectives={"masked_words": {}}, trainable="entities", **fast)
    found = run(config)
    losses = [row["masked_words_loss"] for row in found.record.metrics()]
    assert sum(losses[-5:]) < sum(losses[:5]) - 5, "at least 1 less each"
    before, after = (AutoModelForMaskedLM.from_pretrained(folder) for folder in (encoder, found.record.model_path))
    for name, parameter in after.mpnet.named_parameters():
        assert torch.equal(parameter, before.mpnet.get_parameter(name)), name
    assert after.lm_head.decoder.weight is after.mpnet.embeddings.word_embeddings.weight
    assert not torch.equal(after.lm_head.dense.weight, before.lm_head.dense.weight)


def test_a_luke_from_mpnet_is_refused_with_the_reason(tmp_path: Path) -> None:
    encoder = make_encoder("mpnet", tmp_path / "encoder")
    config = _settings(encoder, _data(encoder, tmp_path / "data"), tmp_path / "run", word_only=False)
    with pytest.raises(CheckpointError, match=r"adds a bias by the distance of two words.*word_only=true"):
        run(config)

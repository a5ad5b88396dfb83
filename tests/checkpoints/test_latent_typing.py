"""Typer and decoder beside an encoder: written, read again, refused where they do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tiny_encoders import make_tiny_bert
from transformers import AutoModel, AutoModelForMaskedLM

from loreweave.checkpoints import latent_typing
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models.sparse_typing import SparseTypingHead, SparseTypingModel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny BERT with a typer of five types."""
    place = make_tiny_bert(tmp_path)
    torch.manual_seed(1)
    head = SparseTypingHead.of(AutoModel.from_pretrained(place), types=5, mask_unselected=True, layer_drop=0.0)
    latent_typing.save(place, head, {"selection": "soft"})
    return place


def test_what_was_saved_is_loaded(folder: Path) -> None:
    model = latent_typing.load(folder)
    again = latent_typing.load_head(folder)
    assert isinstance(model, SparseTypingModel) and not model.training
    assert model.head.config == again.config and model.head.config.mask_unselected and model.head.config.types == 5
    ids = torch.tensor([[2, 5, 6, 3]])
    states, typing = model(ids, torch.ones_like(ids))
    assert torch.equal(typing.types, again.typer(states).types)
    assert json.loads((folder / "latent_typing.json").read_text())["training"] == {"selection": "soft"}


def test_the_folder_stays_a_plain_encoder(folder: Path) -> None:
    assert AutoModelForMaskedLM.from_pretrained(folder).config.model_type == "bert"


def test_a_head_goes_on_with_anothers_weights(folder: Path) -> None:
    encoder = AutoModel.from_pretrained(folder)
    new = SparseTypingHead.of(encoder, types=5, mask_unselected=True)
    latent_typing.load_into(new, str(folder))
    assert torch.equal(new.typer.vars, latent_typing.load_head(folder).typer.vars)
    with pytest.raises(CheckpointError, match="does not fit"):
        latent_typing.load_into(SparseTypingHead.of(encoder, types=7, mask_unselected=True), str(folder))
    with pytest.raises(ConfigurationError, match="mask_unselected: found false, expected true, with which"):
        latent_typing.load_into(SparseTypingHead.of(encoder, types=5), str(folder))


def test_a_folder_without_a_typer_is_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"found no latent_typing\.json, expected a model trained"):
        latent_typing.load(make_tiny_bert(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "found 2, expected 1"),
        ({"config": {"types": 5}}, "missing or unknown"),
        ({"config": None}, "field 'config'"),
    ],
)
def test_other_descriptions_are_refused(folder: Path, change: dict[str, object], message: str) -> None:
    path = folder / "latent_typing.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match=message):
        latent_typing.load(folder)

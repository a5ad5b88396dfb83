"""What a pre-training run reads, by the hash of each file."""

from __future__ import annotations

from pathlib import Path

import pytest

from loreweave.corpus.files.reading import sha256_of
from loreweave.pretraining import inputs
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.training.settings.configuration import fill


def test_a_head_is_hashed_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head is named as a model is: by a folder, a run, or a name on the Hub."""
    typer = tmp_path / "run" / "model" / "latent_typing.json"
    typer.parent.mkdir(parents=True)
    typer.write_text("{}")
    (typer.parent / "config.json").write_text("{}")
    (tmp_path / "run" / "status.json").write_text("{}")
    monkeypatch.setattr("loreweave.encoding.hub.snapshot_download", lambda name, **_: str(typer.parent))
    wanted = {path.name: sha256_of(path) for path in (typer, typer.parent / "config.json")}
    for head in (str(tmp_path / "run"), str(typer.parent), "org/typer"):
        settings = {"output": "out", "data": [], "model": None, "objectives": {"latent_typing": {"head": head}}}
        config = fill(PretrainingConfig, settings)
        assert inputs.inputs_of(config)["objectives.latent_typing.head"] == wanted

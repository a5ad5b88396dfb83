"""Serialization folders of the AllenNLP examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import layouts
import pytest
import torch
import transformers

from loreweave import models
from loreweave.checkpoints import convert, load_luke, recognise
from loreweave.errors import CheckpointError

SPANS = {
    "entity_start_positions": torch.tensor([[1, 4], [1, 0]]),
    "entity_end_positions": torch.tensor([[2, 4], [3, 0]]),
}


def _write(
    folder: Path, model: Any, features: str, bias: torch.Tensor | None = None, labels: int = 3, aware: bool = True
) -> Path:
    (folder / "vocabulary").mkdir(parents=True)
    state = {
        name.replace("luke.", "feature_extractor.embedder.luke_model.", 1): tensor
        for name, tensor in model.state_dict().items()
    }
    if bias is not None:
        state["classifier.bias"] = bias
    torch.save(state, folder / "best.th")
    embedder = {
        "type": "transformers-luke",
        "model_name": "studio-ousia/luke-tiny",
        "use_entity_aware_attention": aware,
    }
    config = {"model": {"type": "any", "feature_extractor": {"type": features, "embedder": embedder}}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocabulary" / "labels.txt").write_text("".join(f"label {n}\n" for n in range(labels)))
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return layouts.write_v4_folder(tmp_path_factory.mktemp("luke") / "luke-tiny", layouts.reference())


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("LukeForEntityClassification", "entity"),
        ("LukeForEntityPairClassification", "entity"),
        ("LukeForEntitySpanClassification", "token+entity"),
    ],
)
def test_heads_and_labels(tmp_path: Path, base: Path, name: str, features: str) -> None:
    reference = layouts.reference(getattr(transformers, name), extra_queries=True, num_labels=3)
    folder = _write(tmp_path / "run", reference, features)
    assert recognise(folder) == recognise(folder / "best.th") == "allennlp"
    loaded = load_luke(folder, base=base)
    assert type(loaded.model).__name__ == name
    assert loaded.model.config.id2label == {0: "label 0", 1: "label 1", 2: "label 2"}
    assert loaded.tokenizer is not None and loaded.vocabulary is not None
    layouts.assert_same(loaded.model, reference, "logits", **(SPANS if "Span" in name else {}))


def test_the_bias_of_a_pair_classifier_counts(tmp_path: Path, base: Path) -> None:
    reference = layouts.reference(transformers.LukeForEntityPairClassification, num_labels=3)
    bias = torch.tensor([1.0, -2.0, 3.0])
    loaded = load_luke(_write(tmp_path / "run", reference, "entity", bias), base=base)
    assert loaded.model.config.classifier_bias
    with torch.no_grad():
        assert torch.allclose(loaded.model(**layouts.inputs()).logits, reference(**layouts.inputs()).logits + bias, atol=1e-5)
    convert(tmp_path / "run", tmp_path / "hf", base=base)
    assert load_luke(tmp_path / "hf").model.classifier.bias.tolist() == bias.tolist()


def test_attention_as_the_configuration_says(tmp_path: Path, base: Path) -> None:
    reference = layouts.reference(transformers.LukeForEntityClassification, num_labels=3, use_entity_aware_attention=False)
    loaded = load_luke(_write(tmp_path / "run", reference, "entity", aware=False), base=base)
    assert not loaded.model.config.use_entity_aware_attention
    layouts.assert_same(loaded.model, reference, "logits")


def test_features_without_a_class(tmp_path: Path, base: Path) -> None:
    reference = layouts.reference(transformers.LukeForEntityPairClassification, num_labels=3)
    with pytest.raises(CheckpointError, match="'token' features"):
        load_luke(_write(tmp_path / "run", reference, "token"), base=base)


def test_labels_that_do_not_fit(tmp_path: Path, base: Path) -> None:
    reference = layouts.reference(transformers.LukeForEntityClassification, num_labels=3)
    with pytest.raises(CheckpointError, match=r"labels\.txt: found 4 labels, the classifier has 3"):
        load_luke(_write(tmp_path / "run", reference, "entity", labels=4), base=base)


def test_another_embedder(tmp_path: Path) -> None:
    torch.save(
        {"classifier.weight": torch.zeros(2, 3), "feature_extractor.embedder.transformer_model.x": torch.zeros(1)},
        tmp_path / "best.th",
    )
    with pytest.raises(CheckpointError, match="transformers-luke embedder"):
        load_luke(tmp_path)


def test_without_base_the_report_asks_for_it(tmp_path: Path) -> None:
    reference = layouts.reference(
        transformers.LukeForEntityClassification, num_labels=3, hidden_size=128, num_attention_heads=2
    )
    loaded = load_luke(_write(tmp_path / "run", reference, "entity"))
    assert loaded.tokenizer is None and any("`base`" in note for note in loaded.report.notes)
    assert type(loaded.model) is models.LukeForEntityClassification
    layouts.assert_same(loaded.model, reference, "logits")

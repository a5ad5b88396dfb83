"""Serialization folders of the AllenNLP examples."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from pathlib import Path
from typing import Any

import layouts
import pytest
import torch
import transformers

from loreweave import models
from loreweave.checkpoints import convert, load_luke, recognise
from loreweave.errors import CheckpointError
from loreweave.tasks.jobs.checkpoints import load_checkpoint_of
from loreweave.tasks.registry import load_training

SPANS = {
    "entity_start_positions": torch.tensor([[1, 4], [1, 0]]),
    "entity_end_positions": torch.tensor([[2, 4], [3, 0]]),
}


def _write(
    folder: Path,
    model: Any,
    features: str,
    bias: torch.Tensor | None = None,
    labels: int = 3,
    aware: bool = True,
    weights: str = "best.th",
    kind: str = "any",
    names: list[str] | None = None,
) -> Path:
    (folder / "vocabulary").mkdir(parents=True)
    state = {
        name.replace("luke.", "feature_extractor.embedder.luke_model.", 1): tensor
        for name, tensor in model.state_dict().items()
    }
    if bias is not None:
        state["classifier.bias"] = bias
    torch.save(state, folder / weights)
    embedder = {
        "type": "transformers-luke",
        "model_name": "studio-ousia/luke-tiny",
        "use_entity_aware_attention": aware,
    }
    config = {"model": {"type": kind, "feature_extractor": {"type": features, "embedder": embedder}}}
    (folder / "config.json").write_text(json.dumps(config))
    named = names or [f"label {n}" for n in range(labels)]
    (folder / "vocabulary" / "labels.txt").write_text("".join(f"{name}\n" for name in named))
    (folder / "vocabulary" / "non_padded_namespaces.txt").write_text("*labels\n*tags\n")
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
    assert loaded.tokenizer is None and any("--base" in note for note in loaded.report.notes)
    assert type(loaded.model) is models.LukeForEntityClassification
    layouts.assert_same(loaded.model, reference, "logits")


def _pack(folder: Path, target: Path, *more: tuple[str, bytes]) -> Path:
    """An archive as AllenNLP packs it: configuration, weights, vocabulary; `more` are further members."""
    with tarfile.open(target, "w:gz") as archive:
        for name in ("config.json", "weights.th", "vocabulary"):
            archive.add(folder / name, name)
        for name, content in more:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target


@pytest.mark.parametrize("weights", ["weights.th", "model_state_e4_b0.th", "model_state_epoch_4.th"])
def test_weights_under_other_names(tmp_path: Path, base: Path, weights: str) -> None:
    reference = layouts.reference(transformers.LukeForEntityClassification, extra_queries=True, num_labels=3)
    folder = _write(tmp_path / "run", reference, "entity", weights=weights)
    assert recognise(folder) == "allennlp"
    layouts.assert_same(load_luke(folder, base=base).model, reference, "logits")


def test_several_states_of_a_training_that_did_not_end(tmp_path: Path, base: Path) -> None:
    reference = layouts.reference(transformers.LukeForEntityClassification, num_labels=3)
    folder = _write(tmp_path / "run", reference, "entity", weights="model_state_e1_b0.th")
    torch.save({}, folder / "model_state_e2_b0.th")
    with pytest.raises(CheckpointError, match="model_state_e1_b0.th, model_state_e2_b0.th"):
        load_luke(folder, base=base)
    layouts.assert_same(load_luke(folder / "model_state_e1_b0.th", base=base).model, reference, "logits")


@pytest.mark.parametrize("name", ["model.tar.gz", "mluke-ner.tgz"])
def test_archives(tmp_path: Path, base: Path, name: str) -> None:
    reference = layouts.reference(transformers.LukeForEntityPairClassification, extra_queries=True, num_labels=3)
    folder = _write(tmp_path / "run", reference, "entity", weights="weights.th")
    archive = _pack(folder, tmp_path / name)
    assert recognise(archive) == "allennlp"
    loaded = load_luke(archive, base=base)
    layouts.assert_same(loaded.model, reference, "logits")
    assert loaded.model.config.id2label == {0: "label 0", 1: "label 1", 2: "label 2"}
    convert(archive, tmp_path / "hf", base=base)
    layouts.assert_same(load_luke(tmp_path / "hf").model, reference, "logits")
    (tmp_path / "only").mkdir()
    archive.rename(tmp_path / "only" / "model.tar.gz")
    assert recognise(tmp_path / "only") == "allennlp"
    layouts.assert_same(load_luke(tmp_path / "only", base=base).model, reference, "logits")


def test_members_of_an_archive_stay_inside(tmp_path: Path, base: Path) -> None:
    reference = layouts.reference(transformers.LukeForEntityClassification, num_labels=3)
    folder = _write(tmp_path / "in" / "run", reference, "entity", weights="weights.th")
    evil = [("../../vocabulary/evil.txt", b"x"), ("/tmp/loreweave-evil/config.json", b"{}"), ("../evil.th", b"x")]
    archive = _pack(folder, tmp_path / "model.tar.gz", *evil)
    before = sorted(path for path in tmp_path.rglob("*"))
    load_luke(_pack(folder, tmp_path / "other.tar.gz", ("deeper/weights.th", b"no weights")), base=base)
    (tmp_path / "other.tar.gz").unlink()
    load_luke(archive, base=base)
    assert sorted(path for path in tmp_path.rglob("*")) == before and not Path("/tmp/loreweave-evil").exists()


def test_a_pickle_with_code_is_not_run(tmp_path: Path, base: Path) -> None:
    reference = layouts.reference(transformers.LukeForEntityClassification, num_labels=3)
    folder = _write(tmp_path / "run", reference, "entity", weights="weights.th")
    (folder / "weights.th").write_bytes(pickle.dumps(Path(tmp_path / "made"), protocol=2))
    with pytest.raises(CheckpointError, match="weights.th"):
        load_luke(_pack(folder, tmp_path / "model.tar.gz"), base=base)


def test_a_broken_archive(tmp_path: Path, base: Path) -> None:
    reference = layouts.reference(transformers.LukeForEntityClassification, num_labels=3)
    archive = _pack(_write(tmp_path / "run", reference, "entity", weights="weights.th"), tmp_path / "model.tar.gz")
    archive.write_bytes(archive.read_bytes()[:20_000])
    with pytest.raises(CheckpointError, match=r"model\.tar\.gz"):
        load_luke(archive, format="allennlp", base=base)


@pytest.mark.parametrize(
    ("features", "states", "ours"), [("token+entity", 3, "all"), ("token", 2, "words"), ("entity", 1, "entity")]
)
def test_every_kind_of_features_of_spans(tmp_path: Path, base: Path, features: str, states: int, ours: str) -> None:
    """The width alone would say a model of pairs or of typing."""
    torch.manual_seed(0)
    reference = models.LukeForEntitySpanClassification(layouts.config(num_labels=3, span_features=ours)).eval()
    assert reference.classifier.in_features == states * layouts.HIDDEN
    folder = _write(tmp_path / "run", reference, features, kind="span_ner", names=["O", "PER", "LOC"])
    loaded = load_luke(folder, base=base)
    assert type(loaded.model).__name__ == "LukeForEntitySpanClassification"
    layouts.assert_same(loaded.model, reference, "logits", **SPANS)
    task = load_checkpoint_of(load_training("ner"), folder, str(base))
    assert task.labels == ["PER", "LOC"]


def test_a_namespace_with_padding(tmp_path: Path, base: Path) -> None:
    reference = layouts.reference(transformers.LukeForEntityClassification, num_labels=4)
    loaded = load_luke(_write(tmp_path / "run", reference, "entity", names=["@@UNKNOWN@@", "a", "b"]), base=base)
    assert loaded.model.config.id2label == {0: "@@PADDING@@", 1: "@@UNKNOWN@@", 2: "a", 3: "b"}

"""Relation models: how they start, that they save and load, and every published layout of a fine-tuned LUKE."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import layouts
import numpy as np
import pytest
import torch
from mention_tokenizers import tokenizer_of
from transformers import LukeForEntityPairClassification as ReferenceLuke

from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.tasks.relation_classification.model import TACRED_LABELS, RelationConfig, build, load
from loreweave.tasks.relation_classification.settings import RelationScoring
from loreweave.tasks.relations.record import RelationRecord
from loreweave.training.task_model import TaskModel

LABELS = ["no_relation", "lives", "works"]
RECORDS = [
    RelationRecord("0", "Ann lives in Oslo .", (0, 3), (13, 17), "lives"),
    RelationRecord("1", "Bob works at a bank ( in Paris ) .", (13, 19), (0, 3), "works"),
]


def logits(made: TaskModel) -> torch.Tensor:
    made.model.eval()
    with torch.no_grad():
        batch = made.encoding.collate(made.encoding.encode(RECORDS))
        return made.model(**batch).logits


@pytest.mark.parametrize(
    ("encoder", "settings"),
    [
        ("tiny_luke", {}),
        ("tiny_luke", {"entity_aware_attention": False}),
        ("tiny_luke", {"classifier_bias": True}),
        ("tiny_bert", {}),
        ("tiny_bert", {"head": "kepler"}),
        ("tiny_bert", {"head": "kepler", "kepler_character_markers": True}),
        ("tiny_luke", {"head": "markers"}),
        ("tiny_bert", {"max_length": 16}),
        ("tiny_bert", {"classifier_bias": False}),
        ("tiny_bert", {"hidden_layer": True}),
        ("tiny_luke", {"head": "markers", "hidden_layer": True, "classifier_bias": False}),
    ],
)
def test_a_model_is_the_same_after_saving(
    encoder: str, settings: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = build(str(request.getfixturevalue(encoder)), LABELS, RelationConfig(**settings))
    made.save_pretrained(tmp_path)
    again = load(tmp_path)
    assert again.labels == LABELS
    torch.testing.assert_close(logits(again), logits(made), rtol=0, atol=0)
    long = RelationRecord("0", "Ann . " + "the river is long " * 30 + "Oslo", (0, 3), (546, 550))
    assert made.encoding.encode([long])[0].encoded.input_ids == again.encoding.encode([long])[0].encoded.input_ids


def test_a_classifier_has_a_bias_as_asked(tiny_luke: Path, tiny_bert: Path) -> None:
    expected = {(tiny_luke, None): False, (tiny_luke, True): True, (tiny_bert, None): True, (tiny_bert, False): False}
    for (encoder, asked), found in expected.items():
        model = build(str(encoder), LABELS, RelationConfig(classifier_bias=asked)).model
        names = [name for name, _ in model.named_parameters() if name.startswith("classifier.")]
        assert any(name.endswith(".bias") for name in names) == found


def test_direction_matters(tiny_luke: Path, tiny_bert: Path) -> None:
    turned = [RelationRecord(r.id, r.text, r.tail, r.head) for r in RECORDS]
    for encoder in (tiny_luke, tiny_bert):
        made = build(str(encoder), LABELS, RelationConfig())
        batch = made.encoding.collate(made.encoding.encode(turned))
        with torch.no_grad():
            assert not torch.allclose(made.model.eval()(**batch).logits, logits(made))


def test_a_saved_luke_is_a_luke_of_transformers(tiny_luke: Path, tmp_path: Path) -> None:
    made = build(str(tiny_luke), LABELS, RelationConfig())
    made.save_pretrained(tmp_path)
    reference = ReferenceLuke.from_pretrained(tmp_path).eval()
    batch = made.encoding.collate(made.encoding.encode(RECORDS))
    with torch.no_grad():
        expected = reference(**batch).logits
    torch.testing.assert_close(logits(made), expected, rtol=1e-5, atol=1e-5)
    assert reference.config.id2label == dict(enumerate(LABELS))


def test_markers_and_the_tail_entity_start_from_their_rows(tiny_luke: Path, tiny_bert: Path) -> None:
    made = build(str(tiny_luke), LABELS, RelationConfig())
    table = made.model.get_input_embeddings().weight
    words = tokenizer_of(made).words
    for marker, source in (("<ent>", "@"), ("<ent2>", "#")):
        assert torch.equal(table[words.id_of(marker)], table[words.id_of(source)])
    entities = made.model.get_entity_embeddings().weight
    assert len(entities) == 4 and torch.equal(entities[3], entities[2])  # [MASK2] from [MASK]
    kepler = build(str(tiny_bert), LABELS, RelationConfig(head="kepler"))
    table = kepler.model.get_input_embeddings().weight
    words = tokenizer_of(kepler).words
    assert torch.equal(table[words.id_of("</e1>")], table[words.id_of("#")])


def test_keplers_head_reads_two_states_through_one_layer(tiny_bert: Path) -> None:
    head = build(str(tiny_bert), LABELS, RelationConfig(head="kepler", dropout=0.3)).model.classifier
    shapes = {name: tuple(parameter.shape) for name, parameter in head.named_parameters()}
    assert shapes == {"dense.weight": (64, 64), "dense.bias": (64,), "out_proj.weight": (3, 64), "out_proj.bias": (3,)}
    assert head.dropout.p == 0.0
    states = torch.randn(2, 64)
    expected = torch.tanh(states @ head.dense.weight.T + head.dense.bias) @ head.out_proj.weight.T + head.out_proj.bias
    torch.testing.assert_close(head(states), expected)


def test_a_hidden_layer_is_linear_relu_dropout_linear(tiny_bert: Path) -> None:
    made = build(str(tiny_bert), LABELS, RelationConfig(hidden_layer=True, dropout=0.3))
    head = made.model.classifier
    shapes = {name: tuple(parameter.shape) for name, parameter in head.named_parameters()}
    assert shapes == {"dense.weight": (32, 64), "dense.bias": (32,), "out_proj.weight": (3, 32), "out_proj.bias": (3,)}
    assert head.dropout.p == 0.3
    states = torch.randn(2, 64)
    hidden = (states @ head.dense.weight.T + head.dense.bias).clamp(min=0)
    torch.testing.assert_close(head.eval()(states), hidden @ head.out_proj.weight.T + head.out_proj.bias)
    with pytest.raises(ConfigurationError, match="hidden_layer is read only with head=markers"):
        build(str(tiny_bert), LABELS, RelationConfig(head="kepler", hidden_layer=True))


def test_the_classifier_of_a_luke_has_a_bias_only_where_asked(tiny_luke: Path) -> None:
    assert build(str(tiny_luke), LABELS, RelationConfig()).model.classifier.bias is None
    assert build(str(tiny_luke), LABELS, RelationConfig(classifier_bias=True)).model.classifier.bias is not None


def test_wrong_encoders_are_named(tiny_bert: Path, tiny_luke: Path) -> None:
    with pytest.raises(ConfigurationError, match="head=luke needs a LUKE"):
        build(str(tiny_bert), LABELS, RelationConfig(head="luke"))
    with pytest.raises(CheckpointError, match="without a classifier"):
        load(tiny_luke)
    with pytest.raises(CheckpointError, match="expected a fine-tuned checkpoint"):
        load(tiny_bert)


# ---- published layouts -------------------------------------------------------------------------------------------------


def check(loaded: TaskModel, reference: Any) -> None:
    """Ours on our inputs, the reference on the same with its own numbers of [MASK] and [MASK2]."""
    records = [
        RelationRecord("0", "Ann, in Oslo, sat", (0, 3), (8, 12)),
        RelationRecord("1", "In Oslo sat Ann", (12, 15), (3, 7)),
    ]
    batch = loaded.encoding.collate(loaded.encoding.encode(records))
    with torch.no_grad():
        expected = reference(**batch | {"entity_ids": torch.tensor([[2, 6], [2, 6]])}).logits
        found = loaded.model.eval()(**batch).logits
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_the_folder_that_transformers_published(tmp_path: Path) -> None:
    """As studio-ousia/luke-large-finetuned-tacred: `<ent>`, `<ent2>`, [MASK2] as the last entity, label names."""
    names = {number: f"relation {number}" for number in range(5)}
    reference = layouts.reference(ReferenceLuke, extra_queries=True, id2label=names, label2id={v: k for k, v in names.items()})
    loaded = load(layouts.write_v4_folder(tmp_path / "published", reference))
    assert loaded.labels == list(names.values())
    check(loaded, reference)


def write_released(folder: Path, reference: Any) -> Path:
    state = {name.removeprefix("luke."): tensor.clone() for name, tensor in reference.state_dict().items()}
    entities = "entity_embeddings.entity_embeddings.weight"
    state[entities] = state[entities][[0, 2, 6]]  # [PAD], [HEAD], [TAIL]; both marker rows are in the word table
    state |= {"pooler.dense.weight": torch.zeros(32, 32), "pooler.dense.bias": torch.zeros(32)}
    folder.mkdir()
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "metadata.json").write_text(json.dumps(layouts.metadata()))
    return folder


def test_a_released_file_of_the_original_code(tmp_path: Path) -> None:
    reference = layouts.reference(ReferenceLuke, extra_queries=True, num_labels=42)
    released = write_released(tmp_path / "released", reference)
    with pytest.raises(CheckpointError, match="give --base FOLDER"):
        load(released)
    loaded = load(released, str(layouts.write_roberta_tokenizer(tmp_path / "roberta")))
    assert loaded.labels == list(TACRED_LABELS) and loaded.labels[:2] == ["no_relation", "org:alternate_names"]
    assert tokenizer_of(loaded).piece_rule == "legacy"
    check(loaded, reference)


def test_a_folder_of_the_newer_examples_with_a_bias(tmp_path: Path) -> None:
    """AllenNLP's, as for KBP37: labels in their own file, a bias that transformers' class has not."""
    reference = layouts.reference(ReferenceLuke, extra_queries=True, num_labels=3)
    folder = tmp_path / "allennlp"
    (folder / "vocabulary").mkdir(parents=True)
    prefix = "feature_extractor.embedder.luke_model."
    state = {name.replace("luke.", prefix, 1): tensor for name, tensor in reference.state_dict().items()}
    bias = torch.tensor([0.5, -1.0, 2.0])
    torch.save(state | {"classifier.bias": bias}, folder / "best.th")
    extractor = {"type": "entity", "embedder": {"type": "transformers-luke", "use_entity_aware_attention": True}}
    (folder / "config.json").write_text(json.dumps({"model": {"feature_extractor": extractor}}))
    (folder / "vocabulary" / "labels.txt").write_text("no_relation\na(e1,e2)\na(e2,e1)\n")
    base = layouts.write_v4_folder(tmp_path / "base", layouts.reference())
    loaded = load(folder, str(base))
    assert loaded.labels == ["no_relation", "a(e1,e2)", "a(e2,e1)"]
    reference.classifier.bias = torch.nn.Parameter(bias)
    check(loaded, reference)


def test_the_labels_of_tacred_are_in_the_order_of_the_classes() -> None:
    assert len(set(TACRED_LABELS)) == 42 and list(TACRED_LABELS[1:]) == sorted(TACRED_LABELS[1:])


@pytest.mark.parametrize("encoder", ["tiny_luke", "tiny_bert"])
def test_the_label_for_none_is_kept(encoder: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    source = str(request.getfixturevalue(encoder))
    build(source, ["NONE", "lives"], RelationConfig(no_label="NONE")).save_pretrained(tmp_path)
    again = load(tmp_path)
    records = [RelationRecord("0", "Ann lives in Oslo .", (0, 3), (13, 17), "NONE"), replace(RECORDS[0], label="lives")]
    outputs = [np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    assert again.scorer is not None
    evaluation = again.scorer(records, outputs, again.labels, RelationScoring())
    assert evaluation.notes == ["micro and macro scores exclude 'NONE'"] and evaluation.metrics["micro_f1"] == 1.0
    every = again.scorer(records, [outputs[0]] * 2, again.labels, RelationScoring(no_label=""))
    assert every.metrics["micro_f1"] == 0.5
    with pytest.raises(ConfigurationError, match="setting 'no_label': 'none' is not a label; did you mean 'NONE'"):
        build(source, ["NONE", "lives"], RelationConfig(no_label="none"))

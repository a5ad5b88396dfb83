"""Typing models: how they start, that they save and load, that plain transformers reads them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import layouts
import numpy as np
import pytest
import torch
from mention_tokenizers import pieces_of, tokenizer_of
from transformers import AutoModel
from transformers import LukeForEntityClassification as ReferenceLuke

from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.tasks.entity_typing.model import EntityTypingConfig, build, load
from loreweave.tasks.entity_typing.reader import COARSE_LABELS, TypingRecord
from loreweave.training.task_model import TaskModel

LABELS = ["city", "person", "place"]
RECORDS = [
    TypingRecord("0", "Ann lives in Oslo .", 13, 17, ("place",)),
    TypingRecord("1", "Bob works at a bank ( in Paris ) .", 0, 3, ("person",)),
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
        ("tiny_bert", {}),
        ("tiny_bert", {"head": "kepler"}),
        ("tiny_bert", {"head": "kepler", "kepler_released_readout": True}),
        ("tiny_bert", {"head": "kepler", "kepler_second_end": True}),
        ("tiny_luke", {"head": "markers"}),
        ("tiny_bert", {"max_length": 16}),
    ],
)
def test_a_model_is_the_same_after_saving(
    encoder: str, settings: dict[str, object], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = build(str(request.getfixturevalue(encoder)), LABELS, EntityTypingConfig(**settings))  # type: ignore[arg-type]
    made.save_pretrained(tmp_path)
    again = load(tmp_path)
    assert again.labels == LABELS
    torch.testing.assert_close(logits(again), logits(made), rtol=0, atol=0)
    long = TypingRecord("0", "the river is long " * 30 + "Oslo", 540, 544)
    assert made.encoding.encode([long])[0].length == again.encoding.encode([long])[0].length


@pytest.mark.parametrize("encoder", ["tiny_luke", "tiny_bert"])
def test_a_checkpoint_keeps_how_its_logits_become_types(encoder: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    source = str(request.getfixturevalue(encoder))
    outputs = [np.array([-1.0, -2.0, -3.0]), np.array([0.3, 0.1, -1.0])]
    for settings, expected in (
        ({"multi_label": False}, [["city"], ["city"]]),
        ({"threshold": 0.2}, [["city"], ["city", "person", "place"]]),
        ({}, [[], ["city", "person"]]),
    ):
        build(source, LABELS, EntityTypingConfig(**settings)).save_pretrained(tmp_path)  # type: ignore[arg-type]
        again = load(tmp_path)
        assert again.scorer is not None and again.answerer is not None
        assert [row["predicted"] for row in again.scorer(RECORDS, outputs, LABELS).predictions] == expected
        assert [row["predicted"] for row in again.answerer(RECORDS, outputs, LABELS)] == expected
        targets = again.encoding.collate(again.encoding.encode(RECORDS, LABELS))["labels"]
        assert targets.tolist() == ([2, 1] if "multi_label" in settings else [[0, 0, 1], [0, 1, 0]])


def test_one_type_needs_one_label_a_mention(tiny_bert: Path) -> None:
    made = build(str(tiny_bert), LABELS, EntityTypingConfig(multi_label=False))
    two = TypingRecord("7", "Ann lives in Oslo .", 13, 17, ("city", "place"))
    with pytest.raises(DataError, match="record 7, field 'labels': found the labels city, place of 'Oslo', expected one"):
        made.encoding.encode([*RECORDS, two], LABELS)
    with pytest.raises(ConfigurationError, match="threshold is read only with multi_label=true"):
        build(str(tiny_bert), LABELS, EntityTypingConfig(multi_label=False, threshold=0.4))


def test_a_saved_luke_is_a_luke_of_transformers(tiny_luke: Path, tmp_path: Path) -> None:
    made = build(str(tiny_luke), LABELS, EntityTypingConfig())
    made.save_pretrained(tmp_path)
    reference = ReferenceLuke.from_pretrained(tmp_path).eval()
    batch = made.encoding.collate(made.encoding.encode(RECORDS))
    with torch.no_grad():
        expected = reference(**batch).logits
    torch.testing.assert_close(logits(made), expected, rtol=1e-5, atol=1e-5)
    assert reference.config.id2label == dict(enumerate(LABELS))


def test_the_encoder_of_a_saved_baseline_loads_in_transformers(tiny_bert: Path, tmp_path: Path) -> None:
    made = build(str(tiny_bert), LABELS, EntityTypingConfig())
    made.save_pretrained(tmp_path)
    encoder = AutoModel.from_pretrained(tmp_path).eval()
    batch = made.encoding.collate(made.encoding.encode(RECORDS))
    batch.pop("state_positions")
    with torch.no_grad():
        states = encoder(**batch).last_hidden_state
        ours = made.model.eval().encoder(**batch).last_hidden_state
    torch.testing.assert_close(ours, states, rtol=0, atol=0)


def test_new_markers_start_from_at_and_hash(tiny_bert: Path) -> None:
    made = build(str(tiny_bert), LABELS, EntityTypingConfig())
    table = made.model.get_input_embeddings().weight
    words = tokenizer_of(made).words
    for marker, source in (("<ent>", "@"), ("<ent2>", "#")):
        torch.testing.assert_close(table[words.id_of(marker)], table[words.id_of(source)], rtol=0, atol=0)


def test_entity_aware_queries_start_as_copies(tiny_luke: Path) -> None:
    aware, ordinary = (
        build(str(tiny_luke), LABELS, EntityTypingConfig(entity_aware_attention=value)) for value in (True, False)
    )
    attention = aware.model.luke.encoder.layer[0].attention.self
    assert torch.equal(attention.e2w_query.weight, attention.query.weight)
    torch.testing.assert_close(logits(aware), logits(ordinary), rtol=1e-5, atol=1e-6)


def test_the_entity_table_holds_special_entities_only(tiny_luke: Path) -> None:
    made = build(str(tiny_luke), LABELS, EntityTypingConfig())
    assert made.model.get_entity_embeddings().num_embeddings == 4


def test_the_seed_makes_the_head(tiny_luke: Path) -> None:
    one, same, other = (
        build(str(tiny_luke), LABELS, EntityTypingConfig(seed=seed)).model.classifier.weight for seed in (1, 1, 2)
    )
    assert torch.equal(one, same) and not torch.equal(one, other)


@pytest.mark.parametrize("encoder", ["tiny_luke", "tiny_bert"])
def test_dropout_spares_attention(encoder: str, request: pytest.FixtureRequest) -> None:
    made = build(str(request.getfixturevalue(encoder)), LABELS, EntityTypingConfig(dropout=0.35))
    rates = {name: m.p for name, m in made.model.named_modules() if isinstance(m, torch.nn.Dropout)}
    assert rates and {p for name, p in rates.items() if not name.endswith("self.dropout")} == {0.35}
    assert made.model.config.attention_probs_dropout_prob == 0.1


def test_kepler_reads_at_the_marker_or_after_it(tiny_bert: Path) -> None:
    places = []
    for released in (False, True):
        config = EntityTypingConfig(head="kepler", kepler_released_readout=released)
        made = build(str(tiny_bert), LABELS, config)
        batch = made.encoding.collate(made.encoding.encode(RECORDS[:1]))
        places.append(batch["state_positions"].tolist())
    assert places == [[[4]], [[5]]]


def test_wrong_encoders_are_named(tiny_bert: Path, tiny_luke: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="head=luke needs a LUKE"):
        build(str(tiny_bert), LABELS, EntityTypingConfig(head="luke"))
    with pytest.raises(CheckpointError, match="without a classifier"):
        load(tiny_luke)
    with pytest.raises(CheckpointError, match="expected a fine-tuned checkpoint"):
        load(tiny_bert)
    with pytest.raises(CheckpointError):
        build(str(tmp_path), LABELS, EntityTypingConfig())


def test_nine_classes_of_a_folder_are_not_taken_for_those_of_open_entity(tiny_luke: Path, tmp_path: Path) -> None:
    names = [f"LABEL_{number}" for number in range(9)]
    build(str(tiny_luke), names, EntityTypingConfig()).save_pretrained(tmp_path)
    assert load(tmp_path).labels == names, "a folder has a place for names, unlike the released files below"


def test_a_released_file_of_the_original_code(tmp_path: Path) -> None:
    """Tiny entity table, one marker row, no label names, word tokenizer elsewhere."""
    reference = layouts.reference(ReferenceLuke, extra_queries=True, num_labels=9)
    state = {name.removeprefix("luke."): tensor for name, tensor in reference.state_dict().items()}
    state |= {f"typing.{part}": state.pop(f"classifier.{part}") for part in ("weight", "bias")}
    words, entities = "embeddings.word_embeddings.weight", "entity_embeddings.entity_embeddings.weight"
    state[words], state[entities] = state[words][: layouts.WORDS + 1], state[entities][[0, 2]]
    state |= {"pooler.dense.weight": torch.zeros(32, 32), "pooler.dense.bias": torch.zeros(32)}
    released = tmp_path / "released"
    released.mkdir()
    torch.save({name: tensor.clone() for name, tensor in state.items()}, released / "pytorch_model.bin")
    (released / "metadata.json").write_text(json.dumps(layouts.metadata()))
    with pytest.raises(CheckpointError, match="give --base FOLDER"):
        load(released)
    base = layouts.write_roberta_tokenizer(tmp_path / "roberta")
    loaded = load(released, str(base))
    assert loaded.labels == list(COARSE_LABELS)
    assert tokenizer_of(loaded).piece_rule == "legacy"
    batch = loaded.encoding.collate(loaded.encoding.encode([TypingRecord("0", "Ann, in Oslo, sat", 8, 12)]))
    expected = reference(**batch | {"entity_ids": torch.tensor([[2]])}).logits
    torch.testing.assert_close(loaded.model(**batch).logits, expected, rtol=1e-5, atol=1e-5)
    tokens = pieces_of(loaded, batch["input_ids"][0].tolist())
    # `<s> left [ENTITY] mention [ENTITY] right </s>`, each piece with a space in front, also the comma's.
    assert "".join(tokens) == "<s>ĠAnn,Ġin<ent>ĠOslo<ent>Ġ,Ġsat</s>"


def test_a_tensor_that_does_not_fit_a_plain_encoder_is_named(tiny_bert: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny_bert, tmp_path, dirs_exist_ok=True)
    tensors = load_file(tmp_path / "model.safetensors")
    name = next(name for name in tensors if name.endswith("layer.0.output.dense.weight"))
    rows, columns = tensors[name].shape
    tensors[name] = torch.zeros(rows, columns - 4)
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=rf"{name} has the shape \[{rows}, {columns - 4}\].*\[{rows}, {columns}\]"):
        build(str(tmp_path), LABELS, EntityTypingConfig())

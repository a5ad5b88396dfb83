"""Fine-tuned models of the original repository: heads, tiny entity tables, extra word rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import layouts
import pytest
import torch
from torch import Tensor

from loreweave import models
from loreweave.checkpoints import load_luke, recognise
from loreweave.errors import CheckpointError


def _encoder(model: Any, marker_rows: int, entity_rows: list[int] | None) -> dict[str, Tensor]:
    """The encoder of a fine-tuned model: with type-specific queries and rows other than in pre-training."""
    state = {
        name.removeprefix("luke."): tensor.clone() for name, tensor in model.state_dict().items() if name.startswith("luke.")
    }
    words = state["embeddings.word_embeddings.weight"]
    state["embeddings.word_embeddings.weight"] = words[: layouts.WORDS + marker_rows]
    entities = state["entity_embeddings.entity_embeddings.weight"]
    state["entity_embeddings.entity_embeddings.weight"] = entities[entity_rows or list(range(6))].clone()
    if "pooler.dense.weight" not in state:
        state |= {"pooler.dense.weight": torch.zeros(32, 32), "pooler.dense.bias": torch.zeros(32)}
    return {name: tensor.clone() for name, tensor in state.items()}


def _write(folder: Path, state: dict[str, Tensor], with_metadata: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state, folder / "pytorch_model.bin")
    if with_metadata:
        (folder / "metadata.json").write_text(json.dumps(layouts.metadata()))
    return folder


def _reference(name: str, **changes: Any) -> Any:
    """A model of transformers; entity rows 0, 2, 6 are [PAD], [MASK], [MASK2]."""
    import transformers

    return layouts.reference(getattr(transformers, name), extra_queries=True, **changes)


# In a loaded model the entity rows are [PAD], [UNK], [MASK], [MASK2]; the reference has [MASK2] at 6.
ENTITIES_HERE = {"entity_ids": torch.tensor([[2, 3], [2, 0]])}
ENTITIES_THERE = {"entity_ids": torch.tensor([[2, 6], [2, 0]])}


def _assert_same_head(loaded: Any, reference: Any, **more: Tensor) -> None:
    with torch.no_grad():
        found = loaded(**(layouts.inputs() | ENTITIES_HERE | more)).logits
        wanted = reference(**(layouts.inputs() | ENTITIES_THERE | more)).logits
    assert torch.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("as_folder", [True, False])
def test_entity_typing(tmp_path: Path, roberta_dir: Path, as_folder: bool) -> None:
    reference = _reference("LukeForEntityClassification", num_labels=9)
    state = _encoder(reference, 1, [0, 2])
    state |= {"typing.weight": reference.classifier.weight, "typing.bias": reference.classifier.bias}
    folder = _write(tmp_path / "typing", {name: tensor.detach() for name, tensor in state.items()})
    path = folder if as_folder else folder / "pytorch_model.bin"
    assert recognise(path) == "luke-finetuned"
    loaded = load_luke(path, base=roberta_dir)
    assert type(loaded.model) is models.LukeForEntityClassification and loaded.model.config.num_labels == 9
    assert loaded.model.config.use_entity_aware_attention and loaded.model.config.vocab_size == layouts.WORDS + 2
    assert loaded.vocabulary is not None and loaded.vocabulary.to_hugging_face() == {
        "[PAD]": 0,
        "[UNK]": 1,
        "[MASK]": 2,
        "[MASK2]": 3,
    }
    table = loaded.model.luke.embeddings.word_embeddings.weight
    assert table[layouts.WORDS + 1].equal(table[layouts.SHARP]), "<ent2> is missing in the file and starts from #"
    _assert_same_head(loaded.model, reference)
    assert loaded.tokenizer is not None
    encoded = loaded.tokenizer.encode("Tokyo", [(0, 5)], task="entity_classification")
    assert encoded.input_ids[1] == layouts.WORDS and encoded.entity_ids == [2]


def test_relation_classification(tmp_path: Path, roberta_dir: Path) -> None:
    reference = _reference("LukeForEntityPairClassification", num_labels=5)
    with torch.no_grad():
        reference.luke.entity_embeddings.entity_embeddings.weight[6] += 1  # [TAIL], trained apart from [HEAD]
    state = _encoder(reference, 2, [0, 2, 6]) | {"classifier.weight": reference.classifier.weight.detach()}
    loaded = load_luke(_write(tmp_path, state), base=roberta_dir)
    assert type(loaded.model) is models.LukeForEntityPairClassification and loaded.model.classifier.bias is None
    _assert_same_head(loaded.model, reference)
    with torch.no_grad():
        here = loaded.model(**(layouts.inputs() | ENTITIES_HERE)).logits
        same_ids = loaded.model(**(layouts.inputs() | {"entity_ids": torch.tensor([[2, 2], [2, 2]])})).logits
    assert not torch.allclose(here[0], same_ids[0]), "head and tail have rows of their own"


def test_named_entities(tmp_path: Path, roberta_dir: Path) -> None:
    reference = _reference("LukeForEntitySpanClassification", num_labels=5)
    state = _encoder(reference, 0, [0, 2])
    state |= {name: tensor for name, tensor in reference.state_dict().items() if name.startswith("classifier")}
    spans = {
        "entity_start_positions": torch.tensor([[1, 4], [1, 0]]),
        "entity_end_positions": torch.tensor([[2, 4], [3, 0]]),
    }
    loaded = load_luke(_write(tmp_path, state), base=roberta_dir)
    assert type(loaded.model) is models.LukeForEntitySpanClassification
    _assert_same_head(loaded.model, reference, **spans)


@pytest.mark.parametrize("with_tokenizer", [True, False])
def test_cloze_over_entities(tmp_path: Path, roberta_dir: Path, with_tokenizer: bool) -> None:
    import transformers

    encoder = layouts.reference(transformers.LukeForEntityClassification, extra_queries=True)
    state = _encoder(encoder, 0, [0, 2])
    rows = torch.randn(3, layouts.HIDDEN)
    state["embeddings.word_embeddings.weight"] = torch.cat([state["embeddings.word_embeddings.weight"], rows])
    state |= {"scorer.weight": torch.randn(1, 64), "scorer.bias": torch.randn(1)}
    loaded = load_luke(_write(tmp_path, state), base=roberta_dir if with_tokenizer else None)
    assert type(loaded.model) is models.LukeForEntityCloze
    first = layouts.WORDS + (2 if with_tokenizer else 0)
    markers = loaded.model.config.marker_token_ids
    assert markers == {"[HIGHLIGHT]": first, "[PLACEHOLDER]": first + 1, "[ENTITY]": first + 2}
    assert loaded.model.luke.embeddings.word_embeddings.weight[first:].equal(rows)
    if loaded.tokenizer is not None:
        assert [loaded.tokenizer.words.id_of(token) for token in markers] == list(markers.values())
    batch = layouts.inputs() | {"entity_ids": torch.tensor([[2, 2], [2, 2]])}
    with torch.no_grad():
        logits = loaded.model(**batch).logits
        entities = encoder.luke(**batch).entity_last_hidden_state
        wanted = torch.cat([entities[:, 0], entities[:, 1]], dim=-1) @ state["scorer.weight"].T + state["scorer.bias"]
    assert torch.allclose(logits[0], wanted[0], atol=1e-5)


def test_reading_comprehension_keeps_the_full_table(tmp_path: Path, roberta_dir: Path) -> None:
    reference = _reference("LukeForQuestionAnswering")
    state = _encoder(reference, 0, None)
    state |= {name: tensor for name, tensor in reference.state_dict().items() if name.startswith("qa_outputs")}
    folder = _write(tmp_path, state)
    layouts.write_tsv(folder)
    loaded = load_luke(folder, base=roberta_dir)
    assert type(loaded.model) is models.LukeForQuestionAnswering and loaded.vocabulary is not None
    assert loaded.vocabulary.id_of("Tokyo") == 3 and loaded.model.config.entity_vocab_size == 7
    layouts.assert_same(loaded.model, reference, "start_logits", "end_logits")


def test_a_reader_with_the_vocabulary_of_its_hugging_face_base(tmp_path: Path) -> None:
    """That one has [MASK2], which the file's table has not."""
    reference = _reference("LukeForQuestionAnswering")
    state = _encoder(reference, 0, None)
    state |= {name: tensor for name, tensor in reference.state_dict().items() if name.startswith("qa_outputs")}
    base = layouts.write_v4_folder(tmp_path / "luke", layouts.reference())
    loaded = load_luke(_write(tmp_path / "squad", state), base=base)
    assert loaded.vocabulary is not None and loaded.vocabulary.mask2_id == 6
    table = loaded.model.luke.entity_embeddings.entity_embeddings.weight
    assert len(table) == 7 and table[6].equal(table[2])
    layouts.assert_same(loaded.model, reference, "start_logits", "end_logits")


def test_only_the_encoder_of_a_fine_tuned_model(tmp_path: Path) -> None:
    reference = _reference("LukeForEntityClassification", num_labels=2)
    state = _encoder(reference, 1, [0, 2])
    state |= {"typing.weight": reference.classifier.weight.detach(), "typing.bias": reference.classifier.bias.detach()}
    loaded = load_luke(_write(tmp_path, state), models.LukeModel)
    assert set(loaded.report.dropped) == {"classifier.weight", "classifier.bias"}
    with torch.no_grad():
        found = loaded.model(**(layouts.inputs() | ENTITIES_HERE)).last_hidden_state
        wanted = reference.luke(**(layouts.inputs() | ENTITIES_THERE)).last_hidden_state
    assert torch.allclose(found, wanted, atol=1e-5)


def test_without_extra_queries_attention_is_ordinary(tmp_path: Path) -> None:
    """The first release had a switch for them."""
    reference = _reference("LukeForEntityClassification", num_labels=2, use_entity_aware_attention=False)
    state = _encoder(reference, 1, [0, 2])
    state |= {"typing.weight": reference.classifier.weight.detach(), "typing.bias": reference.classifier.bias.detach()}
    loaded = load_luke(_write(tmp_path, state))
    assert not loaded.model.config.use_entity_aware_attention and loaded.tokenizer is None
    _assert_same_head(loaded.model, reference)


def test_a_configuration_from_the_shapes_alone(tmp_path: Path) -> None:
    changes = {"hidden_size": 128, "num_attention_heads": 2, "num_labels": 2}
    reference = _reference("LukeForEntityClassification", **changes)
    state = _encoder(reference, 1, [0, 2])
    state |= {"typing.weight": reference.classifier.weight.detach(), "typing.bias": reference.classifier.bias.detach()}
    loaded = load_luke(_write(tmp_path, state, with_metadata=False))
    assert any("the file has no" in note for note in loaded.report.notes)
    _assert_same_head(loaded.model, reference)


def test_ablations_have_no_class(tmp_path: Path) -> None:
    state = _encoder(_reference("LukeForEntityClassification"), 0, [0, 2])
    state |= {"classifier.weight": torch.zeros(5, 4 * layouts.HIDDEN), "classifier.bias": torch.zeros(5)}
    with pytest.raises(CheckpointError, match="reads 128 numbers, expected 1, 2 or 3 times the hidden size 32"):
        load_luke(_write(tmp_path, state))


def test_a_base_of_another_size(tmp_path: Path, roberta_dir: Path) -> None:
    state = _encoder(_reference("LukeForEntityClassification"), 2, [0, 2])
    state |= {"typing.weight": torch.zeros(2, 32), "typing.bias": torch.zeros(2)}
    with pytest.raises(CheckpointError, match="<ent> is 261, the file's base model has 262 word rows"):
        load_luke(_write(tmp_path, state), base=roberta_dir)


def test_a_table_of_another_size(tmp_path: Path) -> None:
    state = _encoder(_reference("LukeForEntityClassification"), 1, [0, 1, 2, 3])
    state |= {"typing.weight": torch.zeros(2, 32), "typing.bias": torch.zeros(2)}
    with pytest.raises(CheckpointError, match="entity table has 4 rows"):
        load_luke(_write(tmp_path, state))

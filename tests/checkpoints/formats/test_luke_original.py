"""Archives of the original repository, in all their shapes."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import layouts
import pytest
import torch
import transformers

from loreweave.checkpoints import convert, load_luke, recognise
from loreweave.checkpoints.formats import luke_original
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models import LukeForEntityClassification, LukeForMaskedLM


@pytest.fixture(scope="module")
def reference() -> Any:
    return layouts.reference()


def _pack(folder: Path, archive: Path, mode: str, prefix: str) -> Path:
    with tarfile.open(archive, mode) as tar:
        for file in folder.iterdir():
            tar.add(file, prefix + file.name)
    return archive


@pytest.mark.parametrize("shape", ["folder", "bin", "luke.bin", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_every_shape_of_an_archive(tmp_path: Path, roberta_dir: Path, reference: Any, shape: str) -> None:
    path = layouts.write_original(tmp_path / "luke", reference, vocabulary="jsonl" if shape == "tar" else "tsv")
    if shape == "bin":
        path = path / "pytorch_model.bin"
    elif shape == "luke.bin":
        path = (path / "pytorch_model.bin").rename(path / "luke.bin").parent
    elif shape != "folder":
        kind = shape.partition(".")[2]
        path = _pack(path, tmp_path / f"luke.{shape}", f"w:{kind}", "./luke_base_500k/" if kind else "")
    assert recognise(path) == "luke-original"
    loaded = load_luke(path, base=roberta_dir)
    assert type(loaded.model) is LukeForMaskedLM
    layouts.assert_same(loaded.model, reference, *layouts.MASKED_LM)
    assert loaded.vocabulary is not None and loaded.vocabulary.id_of("Japan") == 5 and loaded.vocabulary.mask2_id == 6
    assert loaded.tokenizer is not None and loaded.tokenizer.words.id_of("<ent2>") == layouts.WORDS + 1
    assert loaded.model.config.vocab_size == layouts.WORDS + 2 and loaded.model.config.entity_vocab_size == 7
    assert loaded.model.config.use_entity_aware_attention and len(loaded.report.copied) == 6 * layouts.LAYERS
    assert loaded.report.added == [
        f"word row {layouts.WORDS} <ent> from '@'",
        f"word row {layouts.WORDS + 1} <ent2> from '#'",
        "entity row 6 [MASK2] from [MASK]",
    ]


def test_tsv_wins_over_jsonl(tmp_path: Path, reference: Any) -> None:
    folder = layouts.write_original(tmp_path, reference)
    layouts.write_jsonl(folder, [*layouts.TITLES[:3], "A", "B", "C"])
    vocabulary = load_luke(folder).vocabulary
    assert vocabulary is not None and "Tokyo" in vocabulary and "A" not in vocabulary


def test_without_a_word_tokenizer_no_marker_rows_and_a_note(tmp_path: Path, reference: Any) -> None:
    loaded = load_luke(layouts.write_original(tmp_path, reference))
    assert loaded.tokenizer is None and loaded.model.config.vocab_size == layouts.WORDS
    assert any("give --base" in note and "roberta-tiny" in note for note in loaded.report.notes)


def test_old_metadata_without_entity_size_and_padding(tmp_path: Path, roberta_dir: Path) -> None:
    model = layouts.reference(entity_emb_size=layouts.HIDDEN)
    keys = [key for key in layouts.EMBEDDING_KEYS if "dense" not in key or "pooler" in key]
    original, layouts.EMBEDDING_KEYS = layouts.EMBEDDING_KEYS, keys
    try:
        layouts.write_original(tmp_path, model, entity_emb_size=..., pad_token_id=...)
    finally:
        layouts.EMBEDDING_KEYS = original
    loaded = load_luke(tmp_path, base=roberta_dir)
    assert loaded.model.config.entity_emb_size == layouts.HIDDEN and loaded.model.config.pad_token_id == 1
    assert any("pad_token_id" in note for note in loaded.report.notes)
    layouts.assert_same(loaded.model, model, *layouts.MASKED_LM)


def test_a_roberta_that_claims_to_pad_with_0(tmp_path: Path, roberta_dir: Path, reference: Any) -> None:
    loaded = load_luke(layouts.write_original(tmp_path, reference, pad_token_id=0), base=roberta_dir)
    assert any("1 is used" in note for note in loaded.report.notes)
    layouts.assert_same(loaded.model, reference, *layouts.MASKED_LM)


def test_a_multilingual_vocabulary_switches_entity_aware_attention_off(tmp_path: Path, reference: Any) -> None:
    folder = layouts.write_original(tmp_path, reference, vocabulary="jsonl")
    layouts.write_jsonl(folder, languages=("en", "ja"))
    loaded = load_luke(folder)
    assert not loaded.model.config.use_entity_aware_attention
    assert load_luke(folder, entity_aware_attention=True).model.config.use_entity_aware_attention
    assert loaded.vocabulary is not None and loaded.vocabulary.id_of("Tokyo", "ja") == 3


def test_bert_based_archives_count_positions_from_zero(tmp_path: Path) -> None:
    """`cls.*` becomes the masked-word head; the rest of `cls.*` and `cls_entity_predictions` is reported."""
    base = layouts.write_bert_tokenizer(tmp_path / "bert-tiny")
    words = len(layouts.BERT_TOKENS)
    bert = transformers.BertForPreTraining(
        transformers.BertConfig(
            vocab_size=words, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
            max_position_embeddings=39, type_vocab_size=1, initializer_range=0.3,
        )
    ).eval()  # fmt: skip
    luke = layouts.reference(pad_token_id=0, use_entity_aware_attention=False)
    state = {k: v for k, v in layouts.original_state(luke).items() if k.startswith("entity_")}
    state |= {k.removeprefix("bert."): v.clone() for k, v in bert.state_dict().items()}
    state["entity_embeddings.position_embeddings.weight"] = state["entity_embeddings.position_embeddings.weight"][:39]
    state["cls_entity_predictions.bias"] = torch.zeros(8)
    folder = tmp_path / "luke"
    folder.mkdir()
    torch.save(state, folder / "pytorch_model.bin")
    said = {"bert_model_name": "bert-base-uncased", "pad_token_id": ..., "layer_norm_eps": 1e-12, "vocab_size": words}
    (folder / "metadata.json").write_text(json.dumps(layouts.metadata(**said)))
    layouts.write_tsv(folder)
    loaded = load_luke(folder, base=base)
    assert {"cls.seq_relationship.weight", "cls.seq_relationship.bias", "cls_entity_predictions.bias"} <= set(
        loaded.report.dropped
    )
    assert loaded.model.config.max_position_embeddings == 40
    batch = {
        "input_ids": torch.tensor([[2, 9, 10, 4, 3], [2, 11, 3, 0, 0]]),
        "attention_mask": torch.tensor([[1] * 5, [1, 1, 1, 0, 0]]),
    }
    with torch.no_grad():
        ours, theirs = loaded.model(**batch).logits, bert(**batch).prediction_logits
    real = batch["attention_mask"].bool()
    assert torch.allclose(ours[real][:, :words], theirs[real], atol=1e-5)
    convert(folder, tmp_path / "back", to="luke-original", base=base)
    back = torch.load(tmp_path / "back" / "pytorch_model.bin")
    dropped = {"cls.seq_relationship.weight", "cls.seq_relationship.bias", "cls_entity_predictions.bias"}
    assert set(back) == {name for name in state if not name.endswith("position_ids")} - dropped
    assert all(back[name].equal(state[name]) for name in back)


def test_our_file_of_a_bert_says_so_whatever_its_name_and_length(tmp_path: Path) -> None:
    base = layouts.write_bert_tokenizer(tmp_path / "tiny-uncased")
    torch.manual_seed(0)
    config = layouts.config(max_position_embeddings=40, pad_token_id=0, base_model_type="bert")
    model = LukeForMaskedLM(config).eval()
    vocabulary = EntityVocabulary({title: id for id, title in enumerate(layouts.TITLES)})
    luke_original.save(model, None, tmp_path / "out", vocabulary=vocabulary, base=base)
    assert json.loads((tmp_path / "out" / "metadata.json").read_text())["model_config"]["base_model_type"] == "bert"
    loaded = load_luke(tmp_path / "out")
    assert loaded.model.config.base_model_type == "bert"
    position_table = "luke.embeddings.position_embeddings.weight"
    assert loaded.model.state_dict()[position_table].equal(model.state_dict()[position_table])


def test_back_to_the_original_is_the_same_file(tmp_path: Path, roberta_dir: Path, reference: Any) -> None:
    folder = layouts.write_original(tmp_path / "luke", reference)
    convert(folder, tmp_path / "hf", base=roberta_dir)
    report = convert(tmp_path / "hf", tmp_path / "back", to="luke-original")
    assert not report.notes
    before, after = torch.load(folder / "pytorch_model.bin"), torch.load(tmp_path / "back" / "pytorch_model.bin")
    assert set(after) == set(before) - {"embeddings.position_ids"}
    assert all(after[name].equal(before[name]) for name in after)
    told, said = (json.loads((place / "metadata.json").read_text()) for place in (tmp_path / "back", folder))
    assert told["model_config"].pop("base_model_type") == "roberta"  # ours; the original's configuration takes any key
    assert {name: said["model_config"][name] for name in told["model_config"]} == told["model_config"]
    assert told["max_mention_length"] == 30 and told["max_seq_length"] == 38
    again = load_luke(tmp_path / "back", base=roberta_dir)
    layouts.assert_same(again.model, reference, *layouts.MASKED_LM)


def test_trained_extra_queries_and_markers_are_not_lost_silently(tmp_path: Path, roberta_dir: Path) -> None:
    reference = layouts.reference(extra_queries=True)
    with torch.no_grad():
        reference.luke.embeddings.word_embeddings.weight[layouts.WORDS] += 1
        reference.luke.entity_embeddings.entity_embeddings.weight[6] += 1
    folder = layouts.write_v4_folder(tmp_path / "hf", reference)
    with pytest.raises(CheckpointError, match="logits off by up to .*left out the rows of <ent> and <ent2>"):
        convert(folder, tmp_path / "back.tar.xz", to="luke-original", base=roberta_dir)
    report = convert(folder, tmp_path / "back.tar.xz", to="luke-original", base=roberta_dir, lossy=True)
    assert len(report.notes) == 3 and any("logits off" in what for what in report.lost)
    assert any("extra query" in note for note in report.notes)
    loaded = load_luke(tmp_path / "back.tar.xz", base=roberta_dir)
    query = "luke.encoder.layer.1.attention.self.e2e_query.weight"
    assert loaded.model.state_dict()[query].equal(reference.state_dict()[query])


def test_what_the_original_format_cannot_hold(tmp_path: Path, reference: Any) -> None:
    loaded = load_luke(layouts.write_v4_folder(tmp_path / "hf", reference))
    task = load_luke(tmp_path / "hf", LukeForEntityClassification)
    with pytest.raises(CheckpointError, match="LukeForMaskedLM only"):
        luke_original.save(task.model, task.tokenizer, tmp_path / "a")
    with pytest.raises(CheckpointError, match="name of the base model is not known"):
        luke_original.save(loaded.model, loaded.tokenizer, tmp_path / "a")
    with pytest.raises(CheckpointError, match="needs an entity vocabulary"):
        luke_original.save(loaded.model, None, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_archives_are_not_overwritten_unasked(tmp_path: Path, roberta_dir: Path, reference: Any) -> None:
    loaded = load_luke(layouts.write_v4_folder(tmp_path / "hf", reference))
    target = tmp_path / "a.tar.gz"
    luke_original.save(loaded.model, loaded.tokenizer, target, base=roberta_dir)
    with pytest.raises(ConfigurationError, match="exists"):
        luke_original.save(loaded.model, loaded.tokenizer, target, base=roberta_dir)


def test_members_of_a_tar_cannot_leave_it(tmp_path: Path, reference: Any) -> None:
    folder = layouts.write_original(tmp_path / "luke", reference)
    archive = _pack(folder, tmp_path / "luke.tar", "w", "../../outside/")
    load_luke(archive)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["luke", "luke.tar"]


@pytest.mark.parametrize("missing", ["metadata.json", "pytorch_model.bin"])
def test_incomplete_archives(tmp_path: Path, reference: Any, missing: str) -> None:
    folder = layouts.write_original(tmp_path / "luke", reference)
    (folder / missing).unlink()
    with pytest.raises(CheckpointError, match=r"metadata\.json"):
        load_luke(_pack(folder, tmp_path / "luke.tar", "w", ""))


def test_a_vocabulary_that_does_not_fit(tmp_path: Path, reference: Any) -> None:
    folder = layouts.write_original(tmp_path, reference)
    layouts.write_tsv(folder, [*layouts.TITLES, "One", "Two"])
    with pytest.raises(CheckpointError, match="table has 6 rows, the vocabulary has ids up to 7"):
        load_luke(folder)


def test_metadata_without_a_configuration(tmp_path: Path, reference: Any) -> None:
    folder = layouts.write_original(tmp_path, reference)
    (folder / "metadata.json").write_text("{}")
    with pytest.raises(CheckpointError, match="no model_config"):
        load_luke(folder)

"""Models of extractive question answering: parity with transformers' heads, released files, new and kept heads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import layouts
import pytest
import torch
import transformers
from task_jobs import evaluate, silent
from transformers import AutoModelForQuestionAnswering, AutoModelForSequenceClassification, AutoTokenizer

from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models import LukeForQuestionAnswering
from loreweave.tasks.extractive_qa.model import build, load
from loreweave.tasks.extractive_qa.record import QuestionRecord, placed_answer
from loreweave.tasks.extractive_qa.settings import QaConfig
from loreweave.tasks.registry import load_task
from loreweave.training.losses import span_cross_entropy
from loreweave.training.task_model import TaskModel

CONTEXT = "ann lives in oslo and works at a bank"
RECORDS = [
    QuestionRecord("a", "ann lives in", CONTEXT, (placed_answer(CONTEXT, "oslo", None),)),
    QuestionRecord("b", "bank", "the river is long " * 8, ()),
]


def outputs_of(made: TaskModel) -> Any:
    made.model.eval()
    batch = made.encoding.collate(made.encoding.encode(RECORDS, ["answer"]))
    with torch.no_grad():
        return made.model(**{name: tensor for name, tensor in batch.items() if name != "labels"}), batch


def test_the_loss_and_the_scores_are_those_of_transformers(tiny_bert: Path, tmp_path: Path) -> None:
    made = build(str(tiny_bert), ["answer"], QaConfig(max_length=24, doc_stride=8))
    found, batch = outputs_of(made)
    made.save_pretrained(tmp_path)
    theirs = AutoModelForQuestionAnswering.from_pretrained(tmp_path).eval()
    starts, ends = batch.pop("labels").T
    with torch.no_grad():
        expected = theirs(**batch, start_positions=starts, end_positions=ends)
    torch.testing.assert_close(found.start_logits, expected.start_logits)
    torch.testing.assert_close(found.end_logits, expected.end_logits)
    torch.testing.assert_close(span_cross_entropy(found, torch.stack([starts, ends], dim=1)), expected.loss)
    both = [
        span_cross_entropy(_row(found, n), torch.stack([starts, ends], 1)[n : n + 1], 2 * len(starts))
        for n in range(len(starts))
    ]
    torch.testing.assert_close(sum(both), expected.loss)  # micro-steps add up to the loss of the update


def _row(output: Any, number: int) -> Any:
    class Row:
        start_logits, end_logits = output.start_logits[number : number + 1], output.end_logits[number : number + 1]

    return Row


def test_a_saved_luke_is_read_by_transformers(tiny_luke: Path, tmp_path: Path) -> None:
    made = build(str(tiny_luke), ["answer"], QaConfig(max_length=24))
    found, batch = outputs_of(made)
    made.save_pretrained(tmp_path)
    theirs = transformers.LukeForQuestionAnswering.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        expected = theirs(**{name: tensor for name, tensor in batch.items() if name != "labels"})
    torch.testing.assert_close(found.start_logits, expected.start_logits, rtol=1e-5, atol=1e-5)


def test_a_head_is_new_unless_the_source_has_one(tiny_bert: Path, tiny_luke: Path, tmp_path: Path) -> None:
    for source in (tiny_bert, tiny_luke):
        first, same, other = (build(str(source), ["answer"], QaConfig(seed=seed)) for seed in (1, 1, 2))
        weights = [made.model.qa_outputs.weight for made in (first, same, other)]
        assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
        assert not first.keeps_head
        first.save_pretrained(tmp_path / source.parent.name)
        again = build(str(tmp_path / source.parent.name), ["answer"], QaConfig(seed=2))
        assert again.keeps_head and torch.equal(again.model.qa_outputs.weight, weights[0])
    classifier = AutoModelForSequenceClassification.from_pretrained(tiny_bert)
    classifier.save_pretrained(tmp_path / "classes")
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path / "classes")
    assert not build(str(tmp_path / "classes"), ["answer"], QaConfig()).keeps_head
    with pytest.raises(CheckpointError, match="found no fine-tuned model of question answering: it lacks qa_outputs"):
        load(tmp_path / "classes")
    with pytest.raises(CheckpointError, match="found a LUKE without a head for question answering"):
        load(tiny_luke)


def test_settings_of_a_luke_are_refused_for_a_plain_encoder(tiny_bert: Path) -> None:
    with pytest.raises(ConfigurationError, match="base is read only with a LUKE"):
        build(str(tiny_bert), ["answer"], QaConfig(base="other"))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Any]:
    """The fine-tuned reader of 2020 (a plain state dict with the full entity table), its archive, and the same weights."""
    folder = tmp_path_factory.mktemp("released")
    reference = layouts.reference(transformers.LukeForQuestionAnswering, extra_queries=True)
    state = {name.removeprefix("luke."): tensor.clone() for name, tensor in reference.state_dict().items()}
    state["embeddings.word_embeddings.weight"] = state["embeddings.word_embeddings.weight"][: layouts.WORDS].clone()
    table = state["entity_embeddings.entity_embeddings.weight"][: len(layouts.TITLES)]
    state["entity_embeddings.entity_embeddings.weight"] = table.clone()
    (folder / "model").mkdir()
    torch.save(state, folder / "model" / "pytorch_model.bin")
    (folder / "model" / "metadata.json").write_text(json.dumps(layouts.metadata()))
    layouts.write_tsv(folder / "model")
    layouts.write_roberta_tokenizer(folder / "base")
    return folder / "model" / "pytorch_model.bin", folder / "base", reference


def test_the_released_file_of_2020(released: tuple[Path, Path, Any], tmp_path: Path) -> None:
    """Words have a space in front, as in the code that trained it; the scores are those of transformers' class."""
    path, base, reference = released
    made = load(path, str(base))
    assert isinstance(made.model, LukeForQuestionAnswering)
    record = QuestionRecord("a", "b a", "a  b\na", (placed_answer("a  b\na", "b", None),))
    (example,) = made.encoding.encode([record])
    batch = made.encoding.collate([example])
    names = made.encoding.tokenizer.word_tokenizer.convert_ids_to_tokens(batch["input_ids"][0].tolist())
    assert names == ["<s>", "Ġ", "b", "Ġ", "a", "</s>", "</s>", "Ġ", "a", "Ġ", "b", "Ġ", "a", "</s>"]
    with torch.no_grad():
        found, expected = (model.eval()(**batch) for model in (made.model, reference))
    torch.testing.assert_close(found.start_logits, expected.start_logits, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.end_logits, expected.end_logits, rtol=1e-5, atol=1e-5)
    data = tmp_path / "dev.jsonl"
    data.write_text(json.dumps({"question": "b a", "context": "a  b\na", "answers": ["b"]}))
    with pytest.raises(CheckpointError, match="--base"):
        evaluate(load_task("extractive-qa"), path, data, report=silent)


def test_other_families_have_the_head_of_transformers(tmp_path: Path, tiny_bert: Path) -> None:
    torch.manual_seed(0)
    vocabulary = len(AutoTokenizer.from_pretrained(tiny_bert))
    config = transformers.ElectraConfig(
        vocab_size=vocabulary, embedding_size=16, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    transformers.ElectraModel(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path)
    made = build(str(tmp_path), ["answer"], QaConfig(max_length=24))
    assert type(made.model).__name__ == "ElectraForQuestionAnswering"
    found, batch = outputs_of(made)
    assert found.start_logits.shape == batch["input_ids"].shape

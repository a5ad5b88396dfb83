"""Models of text classification: how they start, save and load, and that plain transformers reads them and is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fairseq_roberta as original
import layouts
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertForSequenceClassification, RobertaConfig
from transformers import LukeForSequenceClassification as ReferenceLuke
from transformers import RobertaForSequenceClassification as Roberta

from loreweave.checkpoints import convert
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.tasks.text_classification.model import build, load
from loreweave.tasks.text_classification.record import NUMBER, TextRecord
from loreweave.tasks.text_classification.settings import TextClassificationConfig
from loreweave.training.losses import squared_error
from loreweave.training.task_model import TaskModel

LABELS = ["contradiction", "entailment", "neutral"]
RECORDS = [
    TextRecord("0", "Ann lives in Oslo .", "she works at a bank"),
    TextRecord("1", "the river is long " * 30, "Bob lives in Paris . " * 3),
    TextRecord("2", "Bob", "the river is long " * 40),
    TextRecord("3", "a bank ( in Paris )", ""),
]
SINGLE = [TextRecord("0", "Ann lives in Oslo ."), TextRecord("1", "the river is long " * 30)]


@pytest.fixture(scope="session")
def tiny_roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published RoBERTa with three numbered classes."""
    folder = layouts.write_roberta_tokenizer(tmp_path_factory.mktemp("roberta"))
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=layouts.WORDS, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=40, type_vocab_size=1, num_labels=3, initializer_range=0.2,
    )  # fmt: skip
    Roberta(config).save_pretrained(folder)
    return folder


def logits(made: TaskModel, records: list[TextRecord]) -> torch.Tensor:
    made.model.eval()
    with torch.no_grad():
        return made.model(**made.encoding.collate(made.encoding.encode(records))).logits


def transformers_logits(folder: Path, records: list[TextRecord], cls: Any = AutoModelForSequenceClassification) -> torch.Tensor:
    model, tokenizer = cls.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    texts, pairs = [record.text for record in records], [record.text_pair for record in records]
    limit = model.config.max_position_embeddings - (2 if model.config.model_type in ("roberta", "luke") else 0)
    batch = tokenizer(texts, None if pairs[0] is None else pairs, truncation=True, max_length=limit, padding=True,
                      return_tensors="pt")  # fmt: skip
    with torch.no_grad():
        return model(**{name: batch[name] for name in batch if not name.startswith("entity")}).logits


@pytest.mark.parametrize("records", [RECORDS, SINGLE], ids=["pairs", "texts"])
@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_roberta"])
def test_a_trained_folder_is_one_of_plain_transformers(
    encoder: str, records: list[TextRecord], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    config = TextClassificationConfig(pairs=records is RECORDS)
    made = build(str(request.getfixturevalue(encoder)), LABELS, config)
    made.save_pretrained(tmp_path)
    again = load(tmp_path)
    assert again.labels == made.labels == LABELS
    torch.testing.assert_close(logits(again, records), logits(made, records), rtol=0, atol=0)
    torch.testing.assert_close(transformers_logits(tmp_path, records), logits(made, records))
    assert AutoModelForSequenceClassification.from_pretrained(tmp_path).config.id2label == dict(enumerate(LABELS))


def test_a_luke_reads_its_words_alone(tiny_luke: Path, tmp_path: Path) -> None:
    made = build(str(tiny_luke), LABELS, TextClassificationConfig())
    made.save_pretrained(tmp_path)
    torch.testing.assert_close(logits(load(tmp_path), RECORDS), logits(made, RECORDS), rtol=0, atol=0)
    batch = made.encoding.collate(made.encoding.encode(SINGLE[:1]))
    assert set(batch) <= {"input_ids", "attention_mask", "token_type_ids"}
    with torch.no_grad():
        theirs = ReferenceLuke.from_pretrained(tmp_path).eval()(**batch).logits
    torch.testing.assert_close(theirs, logits(made, SINGLE[:1]))


def test_a_published_folder_is_read(tiny_roberta: Path, tmp_path: Path) -> None:
    made = load(tiny_roberta)
    assert made.labels == ["0", "1", "2"], "as a file without names numbers them"
    torch.testing.assert_close(logits(made, RECORDS), transformers_logits(tiny_roberta, RECORDS))
    assert load(tiny_roberta, labels=LABELS).labels == LABELS
    with pytest.raises(CheckpointError, match=r"has the shape \[3\], \[2\] is that of the 2 classes.*--labels FILE"):
        load(tiny_roberta, labels=["yes", "no"])


def test_a_published_model_of_numbers(tiny_roberta: Path, tmp_path: Path) -> None:
    model = Roberta.from_pretrained(tiny_roberta, num_labels=1, ignore_mismatched_sizes=True)
    model.save_pretrained(layouts.write_roberta_tokenizer(tmp_path))
    made = load(tmp_path)
    assert made.labels == [NUMBER] and made.loss is squared_error
    torch.testing.assert_close(logits(made, RECORDS), transformers_logits(tmp_path, RECORDS))


def test_a_number_is_trained_by_its_squared_error(tiny_bert: Path, tmp_path: Path) -> None:
    made = build(str(tiny_bert), [NUMBER], TextClassificationConfig())
    assert made.loss is squared_error and made.model.config.problem_type == "regression"
    batch = made.encoding.collate(
        made.encoding.encode([TextRecord("0", "Ann", label=4.5), TextRecord("1", "a", label=-1.0)], [NUMBER])
    )
    assert batch["labels"].dtype == torch.float32 and batch["labels"].tolist() == [4.5, -1]
    made.save_pretrained(tmp_path)
    assert load(tmp_path).labels == [NUMBER]
    assert BertForSequenceClassification.from_pretrained(tmp_path).config.num_labels == 1


def test_the_head_of_another_task_is_discarded_whole(tiny_roberta: Path, tmp_path: Path) -> None:
    """MNLI first, then RTE: KEPLER's released scripts keep the encoder and nothing of the head."""
    torch.manual_seed(1)
    made = build(str(tiny_roberta), ["entailment", "not_entailment"], TextClassificationConfig())
    old, new = Roberta.from_pretrained(tiny_roberta).state_dict(), made.model.state_dict()
    for name, tensor in new.items():
        if name.startswith("classifier"):
            assert old[name].shape != tensor.shape or not torch.equal(old[name], tensor) or name.endswith("dense.bias"), name
        else:
            assert torch.equal(old[name], tensor), name
    same = build(str(tiny_roberta), LABELS, TextClassificationConfig())
    assert not torch.equal(same.model.state_dict()["classifier.out_proj.weight"], old["classifier.out_proj.weight"])


def test_the_encoder_of_a_masked_word_model_gets_a_pooler(tiny_bert: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM

    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path)
    encoder = AutoModelForMaskedLM.from_pretrained(tiny_bert)
    encoder.save_pretrained(tmp_path)
    made = build(str(tmp_path), LABELS, TextClassificationConfig())
    key = "bert.encoder.layer.1.output.dense.weight"
    assert torch.equal(made.model.state_dict()[key], encoder.state_dict()[key])
    assert "bert.pooler.dense.weight" in made.model.state_dict()


@pytest.mark.parametrize("version", ["0.8", "0.9"])
def test_kepler_starts_from_its_released_file(version: str, tmp_path: Path) -> None:
    convert(original.write(tmp_path / "in", version), tmp_path / "out")
    made = build(str(tmp_path / "out"), LABELS, TextClassificationConfig(dropout=0.1))
    head = made.model.get_submodule("classifier")
    assert [name for name, _ in head.named_children()] == ["dense", "dropout", "out_proj"]
    assert made.encoding.encode([TextRecord("0", "the city", "a river")])[0].encoded.input_ids.count(2) == 3, (
        "<s> a </s></s> b </s>"
    )


def test_what_is_no_model_of_text_classification(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="found no fine-tuned model of text classification: it lacks classifier"):
        load(tiny_bert)
    made = build(str(tiny_bert), LABELS, TextClassificationConfig())
    made.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"problem_type": "multi_label_classification"}))
    with pytest.raises(
        CheckpointError, match="found a model for multi_label_classification, expected a model that predicts one class"
    ):
        load(tmp_path)


def test_settings_are_kept_in_the_checkpoint(tiny_bert: Path, tmp_path: Path) -> None:
    config = TextClassificationConfig(max_length=16, pairs=False, positive_label="b", dropout=0.3)
    made = build(str(tiny_bert), ["a", "b"], config)
    made.save_pretrained(tmp_path)
    again = load(tmp_path)
    assert again.encoding.encode(SINGLE)[1].length == 16
    assert again.model.config.loreweave["positive_label"] == "b" and again.model.config.hidden_dropout_prob == 0.3
    dropouts = {name: each.p for name, each in made.model.named_modules() if isinstance(each, torch.nn.Dropout)}
    assert dropouts["dropout"] == 0.3 and {p for name, p in dropouts.items() if name.endswith("attention.self.dropout")} == {
        0.1
    }


def test_settings_that_an_encoder_does_not_read(tiny_bert: Path, tiny_luke: Path) -> None:
    with pytest.raises(ConfigurationError, match="base is read only with a LUKE"):
        build(str(tiny_bert), LABELS, TextClassificationConfig(base="folder"))
    with pytest.raises(ConfigurationError, match="max_mention_length is not read: a LUKE reads the words of the texts"):
        build(str(tiny_luke), LABELS, TextClassificationConfig(max_mention_length=3))

"""Records to inputs: pairs, cuts, targets, and a text for a model of pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from loreweave.errors import DataError
from loreweave.tasks.text_classification.encoding import TextEncoding
from loreweave.tasks.text_classification.model import build
from loreweave.tasks.text_classification.record import TextRecord
from loreweave.tasks.text_classification.settings import TextClassificationConfig

MIXED = [TextRecord("0", "Ann lives", "in Oslo", "b"), TextRecord("1", "Bob", None, "a"), TextRecord("2", "a bank", "Ann", "b")]


@pytest.fixture
def encoding(tiny_bert: Path) -> TextEncoding:
    found = build(str(tiny_bert), ["a", "b"], TextClassificationConfig()).encoding
    assert isinstance(found, TextEncoding)
    return found


def pieces(encoding: TextEncoding, ids: list[int]) -> str:
    return " ".join(encoding.tokenizer.word_tokenizer.convert_ids_to_tokens(ids))


def test_texts_and_pairs_keep_their_order(encoding: TextEncoding) -> None:
    examples = encoding.encode(MIXED, ["a", "b"])
    assert [pieces(encoding, example.encoded.input_ids) for example in examples] == [
        "[CLS] ann lives [SEP] in oslo [SEP]", "[CLS] bob [SEP]", "[CLS] a bank [SEP] ann [SEP]",
    ]  # fmt: skip
    assert examples[0].encoded.token_type_ids == [0, 0, 0, 0, 1, 1, 1]
    assert [example.target for example in examples] == [1, 0, 1] and examples[0].length == 7
    batch = encoding.collate(examples)
    assert set(batch) == {"input_ids", "attention_mask", "token_type_ids", "labels"}
    assert batch["labels"].dtype == torch.int64 and batch["attention_mask"].sum(1).tolist() == [7, 3, 6]


def test_without_labels_there_is_no_target(encoding: TextEncoding) -> None:
    assert "labels" not in encoding.collate(encoding.encode(MIXED))


def test_the_longer_text_loses_words_and_is_counted(encoding: TextEncoding) -> None:
    assert encoding.report() == ""
    (example,) = encoding.encode([TextRecord("0", "river " * 100, "Ann lives in Oslo")])
    assert example.length == 64 and pieces(encoding, example.encoded.input_ids).endswith("[SEP] ann lives in oslo [SEP]")
    assert (encoding.done.texts_truncated, encoding.done.tokens_dropped) == (1, 43) and "43" in encoding.report()


def test_a_model_of_pairs_refuses_a_single_text(encoding: TextEncoding) -> None:
    with pytest.raises(DataError, match=r"found one text, expected a pair, .* \(text and text_pair\)"):
        replace(encoding, pairs=True).encode(MIXED)
    with pytest.raises(DataError, match=r"found a pair of texts, expected one text, .* \(text alone\)"):
        replace(encoding, pairs=False).encode(MIXED)

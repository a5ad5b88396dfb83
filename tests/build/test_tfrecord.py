"""The original's TFRecord sets, written here by hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfrecord_sets import ENTITIES, FIRST, SECOND, SHORT, WIDTH, example, field, record, write_set
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.build.sentence_tokenizer import tokenizer_fingerprint
from loreweave.build.tfrecord import (
    TfrecordReport,
    convert_tfrecord_set,
    masked_crc32c,
    parse_example,
    read_tfrecord_set,
    read_tfrecords,
)
from loreweave.errors import DataError


def test_the_checksum_is_that_of_the_standard() -> None:
    # RFC 3720 B.4: 32 bytes of zeros have the CRC-32C 0x8A9136AA; TFRecord rotates it and adds its constant.
    crc = 0x8A9136AA
    assert masked_crc32c(bytes(32)) == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.fixture(scope="module")
def words(minilm_dir: Path) -> PreTrainedTokenizerBase:
    """A tokenizer of 30,522 words."""
    return AutoTokenizer.from_pretrained(minilm_dir)


@pytest.mark.parametrize("packed", [True, False])
def test_windows_of_a_hand_written_set(tmp_path: Path, packed: bool) -> None:
    folder = write_set(tmp_path / "old", [record(example(row, packed)) for row in (FIRST, SECOND)])
    report = TfrecordReport()
    one, two = read_tfrecord_set(folder, report, check=True)
    assert (one.text_id, one.page_entity_id, one.word_ids) == ("dataset.tf:1", 7, [300, 5, 6, 50264, 8])
    assert (one.entity_ids, one.entity_starts, one.entity_lengths) == ([9, 499_999], [0, 4], [3, 1])
    assert (two.page_entity_id, two.entity_ids, two.entity_starts, two.entity_lengths) == (-1, [3], [0], [1])
    assert vars(report) == {"windows": 2, "mentions": 3, "mentions_dropped_without_positions": 1}


def test_a_set_is_converted(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "old", [record(example(FIRST))] * 3)
    assert convert_tfrecord_set(folder, tmp_path / "new", rows_per_shard=2).windows == 3
    opened = open_pretraining_set(tmp_path / "new", verify=True)
    assert opened.dataset[2]["entity_starts"] == [0, 4]
    assert opened.manifest["settings"]["max_mention_length"] == WIDTH
    assert opened.vocabulary.mask_id == 2
    with pytest.raises(DataError, match="no tokenizer"):
        opened.tokenizer()
    write_set(folder, [record(example(FIRST))], items=5)
    with pytest.raises(DataError, match=r"found 1 record, expected 5 as in metadata\.json"):
        convert_tfrecord_set(folder, tmp_path / "new", overwrite=True)
    assert len(open_pretraining_set(tmp_path / "new").dataset) == 3


def test_a_set_is_converted_with_its_tokenizer(tmp_path: Path, words: PreTrainedTokenizerBase) -> None:
    folder = write_set(tmp_path / "old", [record(example(SHORT))] * 2)
    done: list[int] = []
    convert_tfrecord_set(folder, tmp_path / "new", words, advance=done.append)
    opened = open_pretraining_set(tmp_path / "new", verify=True)
    assert opened.tokenizer().get_vocab() == words.get_vocab()
    assert opened.manifest["tokenizer"]["sha256"] == tokenizer_fingerprint(words)
    assert sum(done) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"word_ids": [300, 5, 6, 30_522, 8]}, "line 2: field 'word_ids': found the id 30522, expected 0 to 30521"),
        ({"word_ids": [300, -5, 6, 7, 8]}, "field 'word_ids': found the id -5"),
        ({"entity_ids": [9, ENTITIES]}, "line 2: field 'entity_ids': found the id 500000, expected 0 to 499999"),
        ({"page_id": [ENTITIES]}, "field 'page_id': found the id 500000, expected -1 to 499999"),
        ({"word_ids": [1] * 511}, "field 'word_ids': found 511 ids, expected at most 510"),
        (
            {"entity_ids": [3] * 129, "entity_position_ids": [0, -1, -1, -1] * 129},
            "field 'entity_ids': found 129 ids, expected at most 128",
        ),
    ],
)
def test_ids_and_sizes_must_be_those_of_the_set(
    changes: dict[str, list[int]], message: str, tmp_path: Path, words: PreTrainedTokenizerBase
) -> None:
    folder = write_set(tmp_path / "old", [record(example(SHORT)), record(example({**SHORT, **changes}))])
    with pytest.raises(DataError) as caught:
        convert_tfrecord_set(folder, tmp_path / "new", words)
    assert message in str(caught.value) and str(folder / "dataset.tf") in str(caught.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (record(example({**FIRST, "entity_position_ids": [0, 2, -1, -1, 4, -1, -1, -1]})), "not contiguous"),
        (record(example({**FIRST, "entity_position_ids": [0, 1, -1, -1]})), "found 4 positions, expected 2 x 4"),
        (record(example({**FIRST, "entity_position_ids": [0, -1, -1, -1, 4, 5, -1, -1]})), "outside the 5 words"),
        (record(example({"word_ids": [1]})), "found no feature entity_ids, entity_position_ids"),
        (record(field(1, field(1, field(1, b"word_ids") + field(2, field(1, b"bytes"))))), "no tf.train.Example"),
        (record(b"\x0a\x7f"), "no tf.train.Example"),
        (record(field(1, field(1, field(2, b"")))), "no tf.train.Example"),
        (record(example(FIRST))[:-2], "truncated"),
        (record(example(FIRST))[:5], "truncated"),
        (b"\x01" * 40, "checksum of the record's length"),
        (record(example(FIRST))[:-4] + b"abcd", "checksum of the record's data"),
    ],
)
def test_broken_records_are_named(tmp_path: Path, data: bytes, message: str) -> None:
    folder = write_set(tmp_path / "old", [record(example(FIRST)), data])
    with pytest.raises(DataError, match="line 2") as caught:
        list(read_tfrecord_set(folder, check=True))
    assert message in str(caught.value)


def test_files_that_are_no_sets(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="file not found"):
        list(read_tfrecords(tmp_path / "dataset.tf"))
    folder = write_set(tmp_path / "old", [record(example(FIRST))])
    (folder / "dataset.tf").write_bytes((folder / "dataset.tf").read_bytes()[:-9])
    with pytest.raises(DataError, match="broken compressed file"):
        list(read_tfrecords(folder / "dataset.tf"))
    whole = bytearray(gzip.compress(record(example(FIRST)) * 50))
    whole[10:20] = bytes(10 * [255])
    (folder / "dataset.tf").write_bytes(whole)
    with pytest.raises(DataError, match="broken compressed file"):
        list(read_tfrecords(folder / "dataset.tf"))
    (folder / "metadata.json").write_text("{}")
    with pytest.raises(DataError, match="found no number_of_items"):
        list(read_tfrecord_set(folder))


def test_plain_files_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "a.tf").write_bytes(record(b"one") + record(b""))
    assert list(read_tfrecords(tmp_path / "a.tf", check=True)) == [(1, b"one"), (2, b"")]


@given(st.dictionaries(st.text(max_size=5), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20)), st.booleans())
def test_any_integers_round_trip(features: dict[str, list[int]], packed: bool) -> None:
    parsed = parse_example(example(features, packed))
    assert {name: values.tolist() for name, values in parsed.items()} == features
    assert all(values.dtype == np.int64 for values in parsed.values())

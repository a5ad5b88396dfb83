"""Embeddings in shards: the same vectors however they came about, and no shard that does not belong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from loreweave.errors import CheckpointError, DataError
from loreweave.tasks.embedding_cache import EmbeddingCache, Embeddings, Inputs, batches_by_width, hash_of_folder, padded_lengths

KEY = {"model": "m", "pooling": "first"}


class Texts:
    """Made-up token ids, all different."""

    longest, pad_id = 9, 77

    def __init__(self, count: int = 23, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.ids = [random.integers(99, size=random.integers(2, 8)).astype(np.int32) for _ in range(count)]

    def __len__(self) -> int:
        return len(self.ids)

    def name(self, row: int) -> str:
        return f"the text {row}"

    def inputs(self, rows: np.ndarray) -> Inputs:
        return padded([self.ids[row] for row in rows])


def padded(ids: Sequence[np.ndarray], width: int = 9) -> Inputs:
    """More padding than is needed, with a number that must not count."""
    found = {"input_ids": np.full((len(ids), width), 77), "attention_mask": np.zeros((len(ids), width), np.int64)}
    for row, text in enumerate(ids):
        found["input_ids"][row, : len(text)], found["attention_mask"][row, : len(text)] = text, 1
    return found


class Encoder:
    """Sums of ids and of their squares; remembers how many texts it read, and may fail."""

    def __init__(self, fail_after: int | None = None) -> None:
        self.read, self.fail_after = 0, fail_after

    def __call__(self, inputs: Inputs) -> Tensor:
        ids, kept = inputs["input_ids"], inputs["attention_mask"]
        assert kept.any(0).all(), "no column of padding alone"
        if self.fail_after is not None and self.read + len(ids) > self.fail_after:
            raise KeyboardInterrupt
        self.read += len(ids)
        return torch.from_numpy(np.stack([(ids * kept).sum(1), (ids**2 * kept).sum(1), kept.sum(1)], axis=1)).float()


def expected(texts: Texts) -> Tensor:
    longest = max(len(text) for text in texts.ids)
    return Encoder()(padded(texts.ids, longest))


def all_of(found: Embeddings) -> Tensor:
    return found.rows(np.arange(len(found)))


def test_vectors_are_in_the_order_of_the_texts_with_and_without_a_folder(tmp_path: Path) -> None:
    texts = Texts()
    for folder in (None, tmp_path):
        found = EmbeddingCache(folder, KEY, shard_rows=5).embed(texts, Encoder(), batch_tokens=11)
        assert len(found) == 23 and found.size == 3 and len(found.shards) == 5
        assert torch.equal(all_of(found), expected(texts))
        rows = np.array([22, 0, 4, 5, 4])
        assert torch.equal(found.rows(rows), expected(texts)[rows])
        assert torch.equal(torch.cat(list(found.blocks(4, rows))), expected(texts)[rows])
        assert [len(block) for block in found.blocks(9)] == [9, 9, 5]
        with pytest.raises(IndexError, match="of 23"):
            found.rows(np.array([23]))


def test_what_is_there_is_not_encoded_again_and_a_changed_text_costs_one_shard(tmp_path: Path) -> None:
    texts, encoder, done = Texts(), Encoder(), []
    EmbeddingCache(tmp_path, KEY, shard_rows=5).embed(texts, encoder)
    again = EmbeddingCache(tmp_path, KEY, shard_rows=5)
    again.embed(texts, encoder, advance=done.append)
    assert encoder.read == 23 and (again.encoded, again.reused) == (0, 23) and sum(done) == 23
    texts.ids[7] = np.array([1, 2, 3], dtype=np.int32)
    found = EmbeddingCache(tmp_path, KEY, shard_rows=5).embed(texts, encoder)
    assert encoder.read == 28 and torch.equal(all_of(found), expected(texts))
    EmbeddingCache(tmp_path, KEY | {"model": "other"}, shard_rows=5).embed(texts, encoder)
    assert encoder.read == 51


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    texts = Texts()
    with pytest.raises(KeyboardInterrupt):
        EmbeddingCache(tmp_path, KEY, shard_rows=5).embed(texts, Encoder(fail_after=12))
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2
    assert not list(tmp_path.rglob("*.partial.*"))
    resumed = Encoder()
    found = EmbeddingCache(tmp_path, KEY, shard_rows=5).embed(texts, resumed)
    assert resumed.read == 13 and torch.equal(all_of(found), expected(texts))


def test_two_shares_make_what_one_process_makes(tmp_path: Path) -> None:
    texts, first, second = Texts(), Encoder(), Encoder()

    def other_process() -> None:
        EmbeddingCache(tmp_path, KEY, shard_rows=5, share=(1, 2)).embed(texts, second)

    found = EmbeddingCache(tmp_path, KEY, shard_rows=5, share=(0, 2), wait=other_process).embed(texts, first)
    assert (first.read, second.read) == (13, 10)
    assert torch.equal(all_of(found), expected(texts))
    with pytest.raises(DataError, match="no readable shard"):  # whose process did not wait
        EmbeddingCache(tmp_path / "none", KEY, shard_rows=5, share=(0, 2)).embed(texts, Encoder())


def test_half_precision_is_kept_as_such(tmp_path: Path) -> None:
    texts = Texts()
    found = EmbeddingCache(tmp_path, KEY, dtype=torch.bfloat16).embed(texts, lambda inputs: Encoder()(inputs) + 0.1234567)
    assert found.shards[0].dtype == torch.bfloat16
    assert torch.equal(all_of(found), (expected(texts) + 0.1234567).bfloat16().float())


def test_a_shard_that_is_damaged_or_another_models_is_an_error(tmp_path: Path) -> None:
    texts = Texts(count=5)

    def embed(dtype: torch.dtype = torch.float32) -> Embeddings:
        return EmbeddingCache(tmp_path, KEY, dtype=dtype).embed(texts, Encoder())

    embed()
    (shard,) = tmp_path.rglob("*.safetensors")
    good = shard.read_bytes()
    with pytest.raises(DataError, match="5 vectors of torch.float32, expected 5 of torch.bfloat16"):
        embed(torch.bfloat16)
    shard.write_bytes(good[:-8])
    with pytest.raises(DataError, match="no readable shard of embeddings.*delete it"):
        embed()
    save_file({"embeddings": expected(texts)}, shard, metadata={"key": '{"model": "other"}'})
    with pytest.raises(DataError, match="with the key .*other.*expected .*pooling"):
        embed()


def test_no_text_makes_no_vector() -> None:
    found = EmbeddingCache(None, KEY).embed(Texts(count=0), Encoder())
    assert len(found) == 0 and found.rows(np.array([], dtype=np.int64)).shape == (0, 0)


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 120))
def test_batches_hold_every_text_once_and_no_more_tokens_than_asked(lengths: list[int], most: int) -> None:
    widths = np.array(lengths, np.int64)
    batches = batches_by_width(widths, most)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(set(widths[batch])) == 1 and (len(batch) == 1 or widths[batch].sum() <= most)
    longest = [int(widths[batch[0]]) for batch in batches]
    assert longest == sorted(longest, reverse=True)


def test_a_text_is_padded_by_its_own_length_to_one_of_few() -> None:
    lengths = np.arange(1, 513)
    padded_to = padded_lengths(lengths)
    assert (padded_to >= lengths).all() and (padded_to < lengths * (1 + 1 / 16) + 1).all()
    assert len(set(padded_to.tolist())) <= 31 + 16 * 4 + 1
    assert padded_lengths(np.array([33, 34, 35, 127])).tolist() == [34, 34, 36, 128]


class Uneven(Encoder):
    """An encoder whose vectors depend, like those of a real one in the last bits, on the whole batch."""

    def __call__(self, inputs: Inputs) -> Tensor:
        return super().__call__(inputs) + 1e-3 * inputs["input_ids"].size + 1e-4 * self.read


@pytest.mark.parametrize("keeps", [False, True])
def test_equal_texts_are_read_once_and_share_a_vector(keeps: bool, tmp_path: Path) -> None:
    texts = Texts(12)
    texts.ids = [texts.ids[row] for row in (0, 1, 2, 1, 3, 4, 0, 0, 5, 6, 11, 1)]
    done: list[int] = []
    for tokens in (1, 11, 1000):
        cache, encoder = EmbeddingCache(tmp_path / str(tokens) if keeps else None, KEY, shard_rows=5), Uneven()
        found = all_of(cache.embed(texts, encoder, batch_tokens=tokens, advance=done.append))
        assert encoder.read == cache.encoded == 8 and sum(done) == 12
        assert torch.equal(found[1], found[3]) and torch.equal(found[1], found[11])
        assert torch.equal(found[0], found[6]) and torch.equal(found[0], found[7])
        torch.testing.assert_close(found, expected(texts), rtol=0, atol=0.2)
        done.clear()


def test_texts_that_differ_in_another_input_alone_are_different() -> None:
    class Segments(Texts):
        def inputs(self, rows: np.ndarray) -> Inputs:
            ids = np.array([[5, 6, 7]] * 3)
            segments = np.array([[0, 0, 1], [0, 1, 1], [0, 0, 1]])
            return {"input_ids": ids[rows], "attention_mask": np.ones_like(ids)[rows], "token_type_ids": segments[rows]}

    def encode(inputs: Inputs) -> Tensor:
        return torch.from_numpy(inputs["token_type_ids"].sum(1, keepdims=True)).float()

    assert all_of(EmbeddingCache(None, KEY).embed(Segments(3), encode)).tolist() == [[1], [2], [1]]


def test_the_hash_of_a_model_is_that_of_its_files(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text("{}")
        (tmp_path / folder / "model.safetensors").write_bytes(b"123")
    assert hash_of_folder(tmp_path / "a") == hash_of_folder(tmp_path / "b")
    (tmp_path / "b" / "model.safetensors").write_bytes(b"124")
    assert hash_of_folder(tmp_path / "a") != hash_of_folder(tmp_path / "b")


def test_vectors_that_are_not_finite_are_neither_kept_nor_given(tmp_path: Path) -> None:
    def damaged(inputs: Inputs) -> Tensor:
        vectors = Encoder()(inputs)
        vectors[0, 1] = float("nan")
        return vectors

    with pytest.raises(CheckpointError, match=r"found \d NaN among the .* the embeddings of texts"):
        EmbeddingCache(tmp_path, KEY, shard_rows=50).embed(Texts(), damaged, batch_tokens=10**6)
    assert not list(tmp_path.rglob("*.safetensors"))
    table = torch.tensor([[1.0, 2.0], [float("inf"), 0.0]])
    found = Embeddings([table])
    assert found.rows(np.array([0])).tolist() == [[1.0, 2.0]]
    with pytest.raises(CheckpointError, match="found 1 infinite among the 4 numbers of the embeddings"):
        found.rows(np.array([0, 1]))

from pathlib import Path

import numpy as np
import pytest
from made_attention import made_attention

from loreweave.attention.formats.files import INDEX, read_attention, write_attention
from loreweave.errors import ConfigurationError, DataError


def test_a_folder_gives_back_what_was_captured(tmp_path: Path) -> None:
    examples = [made_attention(), made_attention(seed=1, id="2", types=None, prediction=None, relevance={})]
    assert write_attention(tmp_path / "captured", iter(examples)) == 2
    for found, expected in zip(read_attention(tmp_path / "captured"), examples, strict=True):
        np.testing.assert_array_equal(found.weights, expected.weights)
        assert (found.queries, found.entities, found.types) == (expected.queries, expected.entities, expected.types)
        assert found.prediction == expected.prediction and list(found.relevance) == list(expected.relevance)


def test_examples_layers_and_heads_are_chosen(tmp_path: Path) -> None:
    write_attention(tmp_path / "captured", [made_attention(), made_attention(seed=1, id="2")], dtype="float16")
    (found,) = read_attention(tmp_path / "captured", ids=["2"], layers=[1], heads=[0, 2])
    np.testing.assert_allclose(found.weights, made_attention(seed=1).weights[1:, [0, 2]], atol=1e-3)
    assert found.layers == [1] and found.heads == [0, 2]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "captured"
    write_attention(folder, [made_attention()])
    with pytest.raises(ConfigurationError, match="--overwrite"):
        write_attention(folder, [])
    with pytest.raises(DataError, match=r"index.jsonl, field 'id': found no example '7'"):
        list(read_attention(folder, ids=["7"]))
    with pytest.raises(DataError, match="found the layer 9, expected layers 0 to 1"):
        list(read_attention(folder, layers=[0, 9]))
    (folder / "000001.safetensors").write_bytes(b"broken")
    with pytest.raises(DataError, match="000001.safetensors: found no readable weights"):
        list(read_attention(folder))
    (folder / INDEX).write_text((folder / INDEX).read_text().replace('"version": 1', '"version": 7'))
    with pytest.raises(DataError, match=r"index.jsonl, line 1, field 'version': found version 7, expected 1"):
        list(read_attention(folder))


def test_a_row_that_lacks_something_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "captured"
    write_attention(folder, [made_attention()])
    whole = (folder / INDEX).read_text()
    for before, after in (('"text": "Ann lives."', '"words": "Ann lives."'), ('"layers": [0, 1]', '"layers": null')):
        assert before in whole
        (folder / INDEX).write_text(whole.replace(before, after))
        with pytest.raises(DataError, match=r"index.jsonl, line 1: found an incomplete row .*: capture the attention again"):
            list(read_attention(folder))


def test_an_error_on_the_way_leaves_no_folder(tmp_path: Path) -> None:
    def broken():  # type: ignore[no-untyped-def]
        yield made_attention()
        raise DataError("found something else")

    with pytest.raises(DataError):
        write_attention(tmp_path / "captured", broken())
    assert not (tmp_path / "captured").exists()

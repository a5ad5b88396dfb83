import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from made_attention import made_attention

from loreweave.attention.capture.encoders import TextInput, open_encoder
from loreweave.attention.capture.texts import capture
from loreweave.attention.formats.thesis import read_thesis, write_thesis
from loreweave.errors import ConfigurationError, DataError

SENTENCE = {
    "tokens": ["<s>", "The", "Ġ", "[ENTITY]", "ĠEuro", "pean", "[ENTITY]", "Ġvoted", ".", "</s>", "[MASK]", "[PAD]"],
    "sentence": "The European voted.",
}


def written(path: Path, **changes: object) -> Path:
    size = len(SENTENCE["tokens"])
    attention = torch.softmax(torch.randn(3, 2, size, size, generator=torch.manual_seed(0)), dim=-1)
    positions = torch.full((1, 2, 30), -1)
    positions[0, 0, :4] = torch.tensor([3, 4, 5, 6])
    row = {**SENTENCE, "attention": attention, "entity_position_ids": positions, **changes}
    path.write_bytes(pickle.dumps({"sent_0": row}))
    return path


def test_a_file_of_the_thesis_tools_is_read_without_its_padding(tmp_path: Path) -> None:
    (found,) = read_thesis(written(tmp_path / "output_attentions.p"))
    assert found.id == "sent_0" and found.weights.shape == (3, 2, 11, 11)
    tokens = found.queries
    assert tokens.classes == [
        "special", "word", "word", "marker", "mention", "mention", "marker", "word", "punctuation", "separator", "entity"
    ]  # fmt: skip
    (entity,) = found.entities
    assert found.text[entity.start : entity.end] == "European" and entity.words == [3, 4, 5, 6] and entity.row == 10


def test_what_is_written_is_read_again(tmp_path: Path, tiny_luke: Path) -> None:
    (captured,) = capture(open_encoder(tiny_luke), [TextInput("Ann lives in Oslo.", mentions=[(13, 17)])])
    assert write_thesis(tmp_path / "a.p", [captured]) == 1
    (found,) = read_thesis(tmp_path / "a.p")
    np.testing.assert_allclose(found.weights, captured.weights)
    assert (found.text, found.entities) == (captured.text, captured.entities)


class Harm:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("harm"),)


def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.p").write_bytes(pickle.dumps({"sent_0": Harm()}))
    with pytest.raises(DataError, match=r"bad.p: found .*touch in the pickle|bad.p: found pathlib"):
        list(read_thesis(tmp_path / "bad.p"))
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"attention": torch.ones(2, 2, 3, 3)}, r"sent_0, field 'attention': found weights of shape \[2, 2, 3, 3\], expected"),
        ({"tokens": None}, "sent_0, field 'tokens': found null, expected a list of tokens"),
    ],
)
def test_broken_sentences_are_named(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(read_thesis(written(tmp_path / "bad.p", **changes)))


def test_other_files_are_named(tmp_path: Path) -> None:
    for content, said in (
        (b"nothing", "no readable pickle"), (pickle.dumps([]), "no sentences"), (pickle.dumps({"a": {}}), "'tokens'")
    ):  # fmt: skip
        (tmp_path / "bad.p").write_bytes(content)
        with pytest.raises(DataError, match=said):
            list(read_thesis(tmp_path / "bad.p"))
    with pytest.raises(DataError, match="found 0 entities, expected one"):
        write_thesis(tmp_path / "c.p", [made_attention(entities=[])])
    write_thesis(tmp_path / "c.p", [made_attention()])
    with pytest.raises(ConfigurationError, match="--overwrite"):
        write_thesis(tmp_path / "c.p", [made_attention()])
    assert write_thesis(tmp_path / "c.p", [made_attention(), made_attention()], overwrite=True) == 2

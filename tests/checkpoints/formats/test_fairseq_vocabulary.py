"""The vocabulary of fairseq's RoBERTa: GPT-2's files or a tokenizer in, the ids of `dict.txt` kept, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import fairseq_roberta as original
import pytest
import tiny_fairseq as tiny
from transformers import AutoTokenizer, RobertaForMaskedLM

from loreweave.checkpoints import convert
from loreweave.checkpoints.formats import fairseq
from loreweave.errors import CheckpointError


def test_the_files_of_transformers_4_say_the_same_vocabulary(tmp_path: Path) -> None:
    convert(original.write(tmp_path / "in", "0.8"), tmp_path / "out")
    ids = json.loads((tmp_path / "out" / "vocab.json").read_text(encoding="utf-8"))
    expected = [*tiny.SYMBOLS[:4], *(tiny.GPT2.tokens[id] for id in tiny.ORDER), *tiny.MADE_UP, "<mask>"]
    assert sorted(ids, key=ids.__getitem__) == expected and sorted(ids.values()) == list(range(len(expected)))
    merges = (tmp_path / "out" / "merges.txt").read_text(encoding="utf-8").splitlines()
    assert tuple(merges[1:]) == tiny.MERGES
    assert AutoTokenizer.from_pretrained(tmp_path / "out").get_vocab() == ids


def test_a_checkpoint_without_vocabulary_is_refused(tmp_path: Path) -> None:
    file = original.write(tmp_path / "in", "0.8", vocabulary=False)
    with pytest.raises(CheckpointError, match=r"found no tokenizer: put dict\.txt, encoder\.json and vocab\.bpe next to"):
        convert(file, tmp_path / "out")
    tiny.write_dict(tmp_path / "in")
    with pytest.raises(CheckpointError, match="found no tokenizer"):
        convert(file, tmp_path / "out")


def test_the_tokenizer_may_come_from_a_hugging_face_folder(tmp_path: Path) -> None:
    convert(original.write(tmp_path / "in", "0.8"), tmp_path / "base")
    bare = original.write(tmp_path / "bare", "0.9", vocabulary=False)
    convert(bare, tmp_path / "out", base=tmp_path / "base")
    vocabularies = [AutoTokenizer.from_pretrained(tmp_path / name).get_vocab() for name in ("base", "out")]
    assert vocabularies[0] == vocabularies[1]
    lines = tiny.write_dict(tmp_path / "bare").read_text().splitlines()
    swapped = [lines[1], lines[0], *lines[2:]]
    (tmp_path / "bare" / "dict.txt").write_text("\n".join(swapped) + "\n")
    first = tiny.GPT2.tokens[tiny.ORDER[1]]
    with pytest.raises(CheckpointError) as error:
        convert(bare, tmp_path / "wrong", base=tmp_path / "base")
    assert f"the tokenizer has {first!r} as 5, dict.txt as 4" in str(error.value)


def test_dictionaries_of_another_size_are_refused(tmp_path: Path) -> None:
    file = original.write(tmp_path, "0.8")
    lines = (tmp_path / "dict.txt").read_text().splitlines()
    (tmp_path / "dict.txt").write_text("\n".join(lines[:-1]) + "\n")
    rows = original.VOCABULARY
    with pytest.raises(CheckpointError, match=rf"dict\.txt: found {rows - 1} ids with <mask>.* has {rows} rows"):
        fairseq.load(file)


def test_dictionaries_without_a_sub_word_are_refused(tmp_path: Path) -> None:
    file = original.write(tmp_path, "0.8")
    content = (tmp_path / "dict.txt").read_text().splitlines()
    lost = tiny.GPT2.ids["the"]
    kept = [line if line.split()[0] != str(lost) else "madeupword0009 0" for line in content]
    (tmp_path / "dict.txt").write_text("\n".join(kept) + "\n")
    with pytest.raises(CheckpointError, match=rf"the line of GPT-2's id {lost} \('the'\) is missing"):
        fairseq.load(file)


def test_tokens_of_ones_own_stay(tmp_path: Path) -> None:
    """Added tokens keep their ids where `<mask>` is the last; behind it fairseq has no place for any."""
    convert(original.write(tmp_path / "in", "0.8"), tmp_path / "hugging-face")
    model = RobertaForMaskedLM.from_pretrained(tmp_path / "hugging-face")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "hugging-face")
    tokenizer.add_tokens(["<own>"])
    model.resize_token_embeddings(len(tokenizer))
    with pytest.raises(CheckpointError, match=rf"has '<own>' as {original.VOCABULARY}, fairseq has <mask>"):
        fairseq.save(model, tokenizer, tmp_path / "back")
    assert not (tmp_path / "back").exists()

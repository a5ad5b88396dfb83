from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny_tokenizers as tiny

from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError

TEXTS = ["Tokyo is the capital of Japan.", "a <mask> b <ent> c", "  two  spaces ｆｕｌｌ ½ 🙂", ""]


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target, dirs_exist_ok=True)
    return target


def edit(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.write_text(json.dumps({**content, **changes}), encoding="utf-8")


@pytest.fixture
def luke_4(bpe_folder: Path, tmp_path: Path) -> Path:
    size = len(json.loads((bpe_folder / "vocab.json").read_text(encoding="utf-8")))
    return tiny.write_transformers_4_config(copied(bpe_folder, tmp_path / "luke"), "LukeTokenizer", size)


def test_transformers_4_folder(luke_4: Path, bpe: EntityTokenizer) -> None:
    tokenizer = EntityTokenizer.from_pretrained(luke_4)
    assert [tokenizer.encode(text) for text in TEXTS] == [bpe.encode(text) for text in TEXTS]
    assert tokenizer.words.id_of("<ent2>") == tokenizer.word_vocabulary_size - 1
    assert tokenizer.max_entity_length == 128, "the 32 of the file is transformers' default"
    assert tokenizer.max_length is None
    assert tokenizer.entity_vocabulary.id_of("Tokyo") == 3


def test_a_mask_takes_the_space_before_it(luke_4: Path) -> None:
    tokenizer = EntityTokenizer.from_pretrained(luke_4)
    assert tokenizer.encode("a <mask>").input_ids == tokenizer.encode("a<mask>").input_ids
    assert tokenizer.mask_token_id in tokenizer.encode("a <mask>").input_ids


def test_a_release_of_the_authors_has_no_markers(bpe_folder: Path) -> None:
    assert EntityTokenizer.from_pretrained(bpe_folder).words.id_of("<ent>") is None


def test_wrong_ids_of_added_tokens(luke_4: Path) -> None:
    edit(luke_4 / "added_tokens.json", **{"<ent>": 7000})
    with pytest.raises(CheckpointError, match="for '<ent>', expected 7000"):
        EntityTokenizer.from_pretrained(luke_4)


def test_limits_of_the_model(luke_4: Path) -> None:
    size = EntityTokenizer.from_pretrained(luke_4).word_vocabulary_size
    settings = {"model_type": "luke", "max_position_embeddings": 514, "vocab_size": size, "entity_vocab_size": 6}
    edit(luke_4 / "config.json", **settings)
    assert EntityTokenizer.from_pretrained(luke_4).max_length == 512
    edit(luke_4 / "config.json", pad_token_id=4)
    assert EntityTokenizer.from_pretrained(luke_4).max_length == 509, "the model counts from its own padding"
    edit(luke_4 / "config.json", pad_token_id=None)
    assert EntityTokenizer.from_pretrained(luke_4).max_length == 512
    edit(luke_4 / "config.json", vocab_size=size - 1)
    with pytest.raises(CheckpointError, match=f"found {size} ids in the tokenizer, expected at most vocab_size"):
        EntityTokenizer.from_pretrained(luke_4)
    edit(luke_4 / "config.json", vocab_size=size, entity_vocab_size=5)
    with pytest.raises(CheckpointError, match="expected at most entity_vocab_size=5"):
        EntityTokenizer.from_pretrained(luke_4)


def test_missing_files(tmp_path: Path, bpe_folder: Path) -> None:
    with pytest.raises(CheckpointError, match="found no entity vocabulary"):
        EntityTokenizer.from_pretrained(tmp_path)
    tiny.write_entities(tmp_path)
    with pytest.raises(CheckpointError, match=r"found no word tokenizer, expected tokenizer\.json"):
        EntityTokenizer.from_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CheckpointError, match="found no tokenizer"):
        EntityTokenizer.from_pretrained(tmp_path)


def test_neither_a_folder_nor_a_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError("offline")

    monkeypatch.setattr("loreweave.encoding.hub.snapshot_download", refuse)
    with pytest.raises(CheckpointError, match=r"owner/luke: no such file or folder, and no .* \(offline\)"):
        EntityTokenizer.from_pretrained("owner/luke")
    with pytest.raises(CheckpointError, match=r"^\./luke: no such file or folder$"):
        EntityTokenizer.from_pretrained("./luke")
    with pytest.raises(CheckpointError, match="nowhere: no such file or folder"):
        EntityTokenizer.from_pretrained(tmp_path / "nowhere")
    (tmp_path / "runs" / "typing").mkdir(parents=True)
    with pytest.raises(CheckpointError, match=r"runs/typin: no such file or folder; did you mean '.*/runs/typing'\?$"):
        EntityTokenizer.from_pretrained(tmp_path / "runs" / "typin")
    with pytest.raises(CheckpointError, match=r"no such file or folder \(there is no .*/rums\)$"):
        EntityTokenizer.from_pretrained(tmp_path / "rums" / "typing")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"^runs/typin: no such file or folder; did you mean 'runs/typing'\?$"):
        EntityTokenizer.from_pretrained("runs/typin")


def test_tsv_entities(luke_4: Path) -> None:
    (luke_4 / "entity_vocab.json").unlink()
    (luke_4 / "entity_vocab.tsv").write_text("[PAD]\t0\n[UNK]\t0\n[MASK]\t0\nTokyo\t5\n", encoding="utf-8")
    assert EntityTokenizer.from_pretrained(luke_4).entity_vocabulary.id_of("Tokyo") == 3


def test_transformers_5_mluke_gets_its_ids_back(
    sentencepiece_folder: Path, xlmr: EntityTokenizer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from transformers import MLukeTokenizer

    MLukeTokenizer.from_pretrained(sentencepiece_folder).save_pretrained(tmp_path)
    if not (tmp_path / "entity_vocab.json").is_file():
        assert "entity_vocab" in json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))
    with caplog.at_level(logging.WARNING):
        tokenizer = EntityTokenizer.from_pretrained(tmp_path)
    assert "shifts every id by one" in caplog.text
    assert [tokenizer.encode(text).input_ids for text in TEXTS] == [xlmr.encode(text).input_ids for text in TEXTS]
    shutil.copy(sentencepiece_folder / "sentencepiece.bpe.model", tmp_path)
    exact = EntityTokenizer.from_pretrained(tmp_path)
    assert [exact.encode(text).input_ids for text in TEXTS] == [xlmr.encode(text).input_ids for text in TEXTS]


def test_the_packaged_minilm(minilm_dir: Path, bert: EntityTokenizer) -> None:
    """Its tokenizer.json truncates at 128 and pads; its text is uncased."""
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(minilm_dir)
    ours = EntityTokenizer(theirs, bert.entity_vocabulary)
    text = "Beyoncé lives in Los Angeles [MASK] " * 60
    assert ours.encode(text).input_ids == theirs(text, truncation=True, max_length=512)["input_ids"]
    assert max(ours.encode(text).input_ids) < ours.word_vocabulary_size == 30522
    assert ours.encode("Beyoncé lives", [(0, 7)]).entity_position_ids == [[1]]

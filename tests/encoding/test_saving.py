from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from family_cases import CASES, byte_level_bpe
from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding import EntityTokenizer

TEXTS = ["Tokyo is the capital of Japan.", "a <mask> b <ent> c", "Beyoncé  🙂 [MASK]", ""]
COMMON = {
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "entity_vocab.json",
}


@pytest.mark.parametrize(
    ("kind", "files"),
    [("bpe", {"vocab.json", "merges.txt"}), ("xlmr", set()), ("bert", {"vocab.txt"})],
)
def test_what_is_saved_is_what_was(kind: str, files: set[str], request: pytest.FixtureRequest, tmp_path: Path) -> None:
    tokenizer: EntityTokenizer = request.getfixturevalue(kind)
    settings = {"max_entity_length": 7, "max_mention_length": 5, "max_length": 40, "piece_rule": "legacy"}
    first = EntityTokenizer(tokenizer.word_tokenizer, tokenizer.entity_vocabulary, **settings)
    first.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == COMMON | files
    again = EntityTokenizer.from_pretrained(tmp_path)
    assert {key: getattr(again, key) for key in settings} == settings
    for text in TEXTS:
        spans = [(0, 1)] if text else []
        assert again.encode(text, spans) == first.encode(text, spans)
    assert again.entity_vocabulary.to_hugging_face() == first.entity_vocabulary.to_hugging_face()


def test_a_space_before_texts_is_kept(tmp_path: Path) -> None:
    """The folder of a plain encoder, and of a LUKE, for a tokenizer with `add_prefix_space`."""
    words = byte_level_bpe()
    spaced = json.loads(words.backend_tokenizer.to_str())
    spaced["pre_tokenizer"]["add_prefix_space"] = True
    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(spaced)), **words.special_tokens_map)
    ours = EntityTokenizer(words, EntityVocabulary.from_counts({}).with_mask2())
    wanted = words("ann lives in oslo")["input_ids"]
    assert ours.encode("ann lives in oslo").input_ids == wanted != byte_level_bpe()("ann lives in oslo")["input_ids"]
    ours.word_tokenizer.save_pretrained(tmp_path / "plain")
    ours.save_pretrained(tmp_path / "luke")
    for name in ("plain", "luke"):
        assert AutoTokenizer.from_pretrained(tmp_path / name)("ann lives in oslo")["input_ids"] == wanted
    for again in (
        AutoTokenizer.from_pretrained(tmp_path / "plain"),
        EntityTokenizer.from_pretrained(tmp_path / "luke").word_tokenizer,
    ):
        assert EntityTokenizer(again, ours.entity_vocabulary).encode("ann lives in oslo").input_ids == wanted


def test_each_file_alone_is_enough(bpe: EntityTokenizer, bert: EntityTokenizer, tmp_path: Path) -> None:
    """The files of transformers 4 give the same tokenizer as `tokenizer.json`."""
    for name, tokenizer in (("bpe", bpe), ("bert", bert)):
        tokenizer.save_pretrained(tmp_path / name)
        (tmp_path / name / "tokenizer.json").unlink()
        again = EntityTokenizer.from_pretrained(tmp_path / name)
        assert [again.encode(text) for text in TEXTS] == [tokenizer.encode(text) for text in TEXTS]


def test_keys_of_transformers_4(bpe: EntityTokenizer, tmp_path: Path) -> None:
    bpe.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))
    plain = {key: config[key] for key in ("tokenizer_class", "entity_token_1", "mask_token", "entity_mask2_token")}
    assert plain == {
        "tokenizer_class": "LukeTokenizer",
        "entity_token_1": "<ent>",
        "mask_token": "<mask>",
        "entity_mask2_token": "[MASK2]",
    }
    assert "entity_vocab" not in config, "half a million titles belong into a file of their own"
    size = bpe.word_vocabulary_size
    added = json.loads((tmp_path / "added_tokens.json").read_text(encoding="utf-8"))
    assert added == {"<ent>": size - 2, "<ent2>": size - 1}
    assert (tmp_path / "merges.txt").read_text(encoding="utf-8").startswith("#version: 0.2\n")


def test_the_sentencepiece_model_goes_along(sentencepiece_folder: Path, tmp_path: Path) -> None:
    name = "sentencepiece.bpe.model"
    EntityTokenizer.from_pretrained(sentencepiece_folder).save_pretrained(tmp_path / "a")
    tokenizer = EntityTokenizer.from_pretrained(tmp_path / "a")
    derived = EntityTokenizer(tokenizer.word_tokenizer, tokenizer.entity_vocabulary)
    derived.save_pretrained(tmp_path / "b")
    derived.save_pretrained(tmp_path / "a")
    for folder in ("a", "b"):
        assert (tmp_path / folder / name).read_bytes() == (sentencepiece_folder / name).read_bytes()


def test_other_files_stay_and_nothing_half_written_is_left(bert: EntityTokenizer, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    bert.save_pretrained(tmp_path)
    bert.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == COMMON | {"vocab.txt", "model.safetensors"}


def test_a_vocabulary_that_transformers_will_refuse_is_said(
    bpe: EntityTokenizer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small = EntityVocabulary({"[PAD]": 0, "[UNK]": 1, "[MASK]": 2})
    with caplog.at_level(logging.WARNING):
        EntityTokenizer(bpe.word_tokenizer, small).save_pretrained(tmp_path)
    assert "with_mask2()" in caplog.text


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind != "luke"])
def test_transformers_reads_the_words_of_every_family(kind: str, tmp_path: Path) -> None:
    """One text and a pair: MPNet's words are WordPiece like BERT's, its special tokens are RoBERTa's."""
    words = CASES[kind].tokenizer()
    wanted = [words("ann lives in oslo")["input_ids"], words("ann", "oslo")["input_ids"]]
    EntityTokenizer(words, EntityVocabulary.from_counts({}).with_mask2()).save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert [again("ann lives in oslo")["input_ids"], again("ann", "oslo")["input_ids"]] == wanted
    ours = EntityTokenizer.from_pretrained(tmp_path)
    assert [ours.encode("ann lives in oslo").input_ids, ours.encode("ann", text_pair="oslo").input_ids] == wanted

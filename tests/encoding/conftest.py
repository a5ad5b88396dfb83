"""The three kinds of tokenizers, with markers."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_tokenizers as tiny

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding import EntityTokenizer, add_marker_tokens
from loreweave.encoding.loading import load_word_tokenizer


def with_markers(folder: Path, **settings: int) -> EntityTokenizer:
    words = load_word_tokenizer(folder)
    add_marker_tokens(words)
    return EntityTokenizer(words, EntityVocabulary(tiny.ENTITIES), **settings)


@pytest.fixture(scope="session")
def bpe_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_byte_bpe(tmp_path_factory.mktemp("bpe"))


@pytest.fixture(scope="session")
def sentencepiece_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sentencepiece", reason="sentencepiece trains the tiny model of these tests")
    return tiny.write_sentencepiece(tmp_path_factory.mktemp("sentencepiece"))


@pytest.fixture(scope="session")
def wordpiece_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_wordpiece(tmp_path_factory.mktemp("wordpiece"))


@pytest.fixture(scope="session")
def bpe(bpe_folder: Path) -> EntityTokenizer:
    return with_markers(bpe_folder)


@pytest.fixture(scope="session")
def xlmr(sentencepiece_folder: Path) -> EntityTokenizer:
    return with_markers(sentencepiece_folder)


@pytest.fixture(scope="session")
def bert(wordpiece_folder: Path) -> EntityTokenizer:
    return with_markers(wordpiece_folder)

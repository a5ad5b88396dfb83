"""Column files: separators, schemes, documents, broken lines, and the real ones."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from loreweave.corpus.columns import ColumnLayout, read_column_sentences, read_columns
from loreweave.errors import DataError


def write(folder: Path, content: str, name: str = "train.txt") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_sentences_become_texts_with_mentions(tmp_path: Path) -> None:
    first, second = read_columns(write(tmp_path, "Ann\tB-PER\nHill\tI-PER\nsang\tO\n\n\nOslo\tB-LOC\n"))
    assert first.to_dict() == {
        "id": "train:1",
        "text": "Ann Hill sang",
        "mentions": [{"start": 0, "end": 8, "label": "PER"}],
        "metadata": {"tokens": [[0, 3], [4, 8], [9, 13]]},
    }
    assert second.id == "train:2" and second.mentions[0].label == "LOC"


def test_four_columns_with_spaces_and_documents(tmp_path: Path) -> None:
    content = "-DOCSTART- -X- -X- O\n\nAnn NNP B-NP I-PER\nBo NNP B-NP B-PER\n\n-DOCSTART- -X- -X- O\nHi UH O O\n"
    ann, hi = read_columns(write(tmp_path, content))
    assert [ann.surface(mention) for mention in ann.mentions] == ["Ann", "Bo"]  # IOB1
    assert (ann.metadata["doc"], hi.metadata["doc"]) == ("1", "2")
    (chunks, _) = read_columns(tmp_path / "train.txt", ColumnLayout(tag=2))
    assert [mention.label for mention in chunks.mentions] == ["NP", "NP"]


def test_a_no_break_space_is_a_token_and_spaces_in_tokens_stay(tmp_path: Path) -> None:
    (sentence,) = read_column_sentences(write(tmp_path, "\u00a0\tO\r\nNew York\tperson-actor\r\n"))
    assert sentence.tokens == ("\u00a0", "New York") and sentence.tags == ("O", "person-actor")
    (text,) = read_columns(tmp_path / "train.txt")
    assert text.mentions[0].label == "person-actor" and text.metadata["tokens"] == [[0, 1], [2, 10]]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_compressed_files_and_other_orders(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"dev.txt{suffix}"
    path.write_bytes(pack(b"B-LOC Oslo\nO is\n"))
    (text,) = read_columns(path, ColumnLayout(token=1, tag=0))
    assert text.text == "Oslo is" and text.surface(text.mentions[0]) == "Oslo" and text.id == "dev:1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Ann B-PER\nsang\n", "line 2: found 1 column: 'sang', expected 2 as on the lines before"),
        ("Ann\n", "line 1: found 1 column: 'Ann', expected a token and a tag"),
        ("Ann\tB-PER\n\tO\n", "line 2: found an empty token"),
        ("Ann\tB-PER\nHill\tperson\n", "line 2: found the tags 'B-PER' and 'person'"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_columns(write(tmp_path, content))
    assert message in str(caught.value) and "train.txt" in str(caught.value)


def test_bad_sentences_may_be_kept_with_their_error(tmp_path: Path) -> None:
    content = "Ann B-PER\nsang\nwell O\n\nOslo\n\nBob B-PER\n"
    first, second, third = read_column_sentences(write(tmp_path, content), keep_bad=True)
    assert first.tokens == ("Ann",) and first.error is not None and first.error.line == 2
    assert second.error is not None and (second.line, second.error.line) == (5, 5)
    assert third.error is None and third.tokens == ("Bob",)


def test_comments_are_passed_over_and_a_sharp_is_a_token(tmp_path: Path) -> None:
    content = "# id 7 domain=en\n# newdoc\n# text = # x\n#\tO\nx\tO\n\n# sent_id = 2\n\ny\tO\n"
    first, second = read_column_sentences(write(tmp_path, content))
    assert first.tokens == ("#", "x") and (first.line, second.tokens) == (4, ("y",))


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 1: found 2 columns, expected columns 0 and 3"):
        read_columns(write(tmp_path, "Ann O\n"), ColumnLayout(tag=3))


@pytest.mark.parametrize(
    ("name", "sentences", "mentions"),
    [
        ("ner_wnut17/wnut17train.conll.gz", 3394, 1975),
        ("ner_wnut17/emerging.test.annotated.gz", 1287, 1079),
        ("ner_crossner/ai/test.txt.gz", 431, None),
    ],
)
def test_the_real_files(shared_data: Path, name: str, sentences: int, mentions: int | None) -> None:
    texts = read_columns(shared_data / name)
    assert len(texts) == sentences
    assert mentions is None or sum(len(text.mentions) for text in texts) == mentions

"""Blocks of plain text: each mode's rule, nothing lost or doubled, and the set that they become."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.build.text_blocks import BREAK_MODES, BreakMode, TokenLine, build_text_blocks, cut_blocks
from loreweave.errors import ConfigurationError, DataError
from loreweave.objectives import WordVocabulary
from loreweave.pretraining.stream import TextStream

END = 0


def lines(*sizes: int) -> list[TokenLine]:
    """Lines of so many sub-words, numbered through from 1; 0 is a blank line."""
    ends = list(accumulate(sizes))
    spans = zip(ends, sizes, strict=True)
    return [TokenLine(str(i), list(range(end - size + 1, end + 1))) for i, (end, size) in enumerate(spans)]


def cut(mode: BreakMode, size: int, *sizes: int) -> list[list[int]]:
    return [block.ids for block in cut_blocks(lines(*sizes), mode, size, END)]


def test_none_fills_every_block() -> None:
    # the stream: 1 2 3 E | 4 5 E; a block of 4 ids if the last is an end token, else of 3
    assert cut("none", 4, 3, 2) == [[1, 2, 3, END], [4, 5, END]]
    assert cut("none", 4, 5, 1) == [[1, 2, 3], [4, 5, END], [6, END]]


def test_complete_takes_whole_lines_over_the_ends_of_documents() -> None:
    assert cut("complete", 6, 2, 2, 0, 2) == [[1, 2, END, 3, 4, END], [END, 5, 6, END]]


def test_complete_doc_ends_at_blank_lines() -> None:
    assert cut("complete_doc", 6, 1, 0, 2, 2, 1, 0, 0) == [[1, END], [2, 3, END, 4, 5, END], [6, END]]


def test_eos_takes_one_line_a_block() -> None:
    assert cut("eos", 6, 1, 0, 2) == [[1, END], [END], [2, 3, END]]


@pytest.mark.parametrize("mode", ["complete", "complete_doc"])
def test_a_line_that_is_too_long_stands_alone(mode: BreakMode) -> None:
    assert cut(mode, 3, 1, 5, 1) == [[1, END], [2, 3, 4, 5, 6, END], [7, END]]


def fairseq_slices(sizes: Sequence[int], mode: str, size: int) -> list[tuple[int, int]]:
    """The published rule over line lengths with end tokens: [start, end) of each block in the stream of tokens."""
    bounds = [0, *accumulate(sizes)]
    if mode == "none":
        return [(start, min(start + size, bounds[-1])) for start in range(0, bounds[-1], size)]
    if mode == "eos":
        return list(zip(bounds, bounds[1:], strict=False))
    slices, first = [], 0
    for index in range(len(sizes)):
        separator = mode == "complete_doc" and sizes[index] == 1
        if first < index and (separator or bounds[index + 1] - bounds[first] > size):
            slices.append((bounds[first], bounds[index]))
            first = index
        if separator:
            first = index + 1
    if first < len(sizes):
        slices.append((bounds[first], bounds[-1]))
    return slices


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=30), st.integers(2, 12), st.sampled_from(BREAK_MODES))
def test_blocks_are_fairseqs(sizes: list[int], size: int, mode: BreakMode) -> None:
    stream = [id for line in lines(*sizes) for id in (*line.ids, END)]
    blocks = cut(mode, size, *sizes)
    if mode == "none":
        # nothing lost or doubled; each as long as the rule says, but the last
        assert [id for block in blocks for id in block] == stream
        assert all(len(b) == size - 1 or (len(b) == size and b[-1] == END) for b in blocks[:-1])
        assert not blocks or len(blocks[-1]) <= size - (blocks[-1][-1] != END)
    else:
        slices = fairseq_slices([size + 1 for size in sizes], mode, size)
        assert blocks == [stream[start:end] for start, end in slices]
        kept = [id for block in blocks for id in block]
        if mode == "complete_doc":  # blank lines alone are left out
            kept, stream = [id for id in kept if id != END], [id for id in stream if id != END]
        assert kept == stream


def words(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


@pytest.fixture
def book(tmp_path: Path) -> Path:
    file = tmp_path / "book.txt"
    file.write_text("w1 w2 w3\nw4\n\nw5 w6\n" + " ".join(f"w{i}" for i in range(20)) + "\n\n\nw7\n")
    return file


def test_the_set_holds_what_was_reported(tmp_path: Path, book: Path, one_word_one_id: PreTrainedTokenizerFast) -> None:
    report = build_text_blocks([book], one_word_one_id, tmp_path / "set", break_mode="complete_doc", max_length=10)
    opened = open_pretraining_set(tmp_path / "set", verify=True)
    end, w = 1, [index + 4 for index in range(40)]
    assert opened.dataset["word_ids"][:] == [[w[1], w[2], w[3], end, w[4]], [w[5], w[6]], [w[7]]]
    assert opened.dataset["text_id"][:] == ["book.txt:1", "book.txt:4", "book.txt:8"]
    assert opened.vocabulary is None and opened.manifest["entity_vocabulary"] is None
    assert opened.manifest["counts"] == report.to_dict()
    settings = {"break_mode": "complete_doc", "max_length": 10, "max_entities": 0, "split_long_lines": False}
    settings |= {"sentences": None, "unwrap": False}
    assert opened.manifest["settings"] == settings
    counted = {name: count for name, count in report.to_dict().items() if count}
    assert counted == {
        "files": 1, "documents": 3, "lines": 5, "blank_lines": 3, "characters": 8 + 2 + 5 + 69 + 2, "sub_words": 27,
        "sub_words_kept": 7, "sub_words_dropped_long": 20, "end_tokens_inside": 1, "blocks": 3, "blocks_dropped_long": 1,
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 30), max_size=12), min_size=1, max_size=12),
    st.integers(3, 16),
    st.sampled_from(BREAK_MODES),
    st.booleans(),
)
def test_no_sub_word_is_lost_or_doubled(
    tmp_path_factory: pytest.TempPathFactory,
    one_word_one_id: PreTrainedTokenizerFast,
    content: list[list[int]],
    max_length: int,
    mode: BreakMode,
    split: bool,
) -> None:
    folder = tmp_path_factory.mktemp("blocks")
    (folder / "a.txt").write_text("".join(" ".join(f"w{i}" for i in line) + "\n" for line in content))
    room = max_length - 2
    all_kept = split or mode == "none"
    try:
        report = build_text_blocks(
            [folder / "a.txt"],
            one_word_one_id,
            folder / "set",
            break_mode=mode,
            max_length=max_length,
            split_long_lines=split,
        )
    except DataError:
        assert not any(0 < len(line) <= room or (line and all_kept) for line in content)
        return
    rows = open_pretraining_set(folder / "set").dataset["word_ids"][:]
    assert all(0 < len(row) <= room for row in rows)
    expected = [i + 4 for line in content if all_kept or len(line) <= room for i in line]
    assert [id for row in rows for id in row if id != 1] == expected
    assert report.sub_words == sum(map(len, content)) == report.sub_words_kept + report.sub_words_dropped_long
    assert report.sub_words_kept == len(expected) and report.blocks == len(rows)
    assert report.end_tokens_inside == sum(row.count(1) for row in rows)


def test_long_lines_are_split_if_wanted(tmp_path: Path, book: Path, one_word_one_id: PreTrainedTokenizerFast) -> None:
    report = build_text_blocks(
        [book], one_word_one_id, tmp_path / "set", break_mode="complete_doc", max_length=10, split_long_lines=True
    )
    end, w = 1, [index + 4 for index in range(40)]
    rows = open_pretraining_set(tmp_path / "set").dataset["word_ids"][:]
    assert rows == [[w[1], w[2], w[3], end, w[4]], [w[5], w[6]], w[:8], w[8:16], w[16:20], [w[7]]]
    assert report.lines_split == 1 and report.sub_words_kept == report.sub_words == 27


def test_sentences_become_lines(tmp_path: Path, one_word_one_id: PreTrainedTokenizerFast) -> None:
    """Broken lines are joined, and each sentence is a block of its own."""
    (tmp_path / "a.txt").write_text("w1 w2\nw3。w4 w5\nw6 w8。\n\nw7。\n", encoding="utf-8")
    report = build_text_blocks(
        [tmp_path / "a.txt"], one_word_one_id, tmp_path / "set", break_mode="eos", sentences="xx", unwrap=True
    )
    found = [len(ids) for ids in open_pretraining_set(tmp_path / "set").dataset["word_ids"][:]]
    assert found == [4, 5, 2] and (report.lines, report.documents, report.blank_lines) == (3, 2, 1)


def test_lines_are_tokenised_as_texts_of_their_own(tmp_path: Path, byte_level: PreTrainedTokenizerFast) -> None:
    (tmp_path / "a.txt").write_text("Tokyo is large\n  the city <mask>\n")
    build_text_blocks([tmp_path / "a.txt"], byte_level, tmp_path / "set")
    row = open_pretraining_set(tmp_path / "set").dataset["word_ids"][0]
    first, second = row[: row.index(2)], row[row.index(2) + 1 :]
    assert first == words(byte_level, "Tokyo is large")
    assert byte_level.decode(second) == "the city <mask>" and byte_level.mask_token_id not in second


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, book: Path, one_word_one_id: PreTrainedTokenizerFast) -> None:
    for name in ("a", "b"):
        build_text_blocks([book], one_word_one_id, tmp_path / name, rows_per_shard=2)
    contents = [{f.name: f.read_bytes() for f in (tmp_path / name).iterdir() if f.is_file()} for name in ("a", "b")]
    assert contents[0] == contents[1] and "entity_vocab.jsonl" not in contents[0]


def test_the_text_stream_reads_blocks(tmp_path: Path, byte_level: PreTrainedTokenizerFast) -> None:
    (tmp_path / "a.txt").write_text("Tokyo is large.\nThe city is old.\n" * 5)
    build_text_blocks([tmp_path / "a.txt"], byte_level, tmp_path / "set", max_length=20)
    dataset = open_pretraining_set(tmp_path / "set").dataset
    stream = TextStream([dataset], [], WordVocabulary.of(byte_level), None, batch_size=1, length=len(dataset), seed=0)
    rows = [stream[item]["windows"]["input_ids"][0].tolist() for item in range(len(dataset))]
    lines = [words(byte_level, line) for line in ("Tokyo is large.", "The city is old.")]
    pair = [0, *lines[0], 2, *lines[1], 2]  # two lines fit, three do not
    assert len(pair) <= 20 < len(pair) + 1 + len(lines[0]) and rows == [pair] * 5


def test_impossible_settings_are_refused(tmp_path: Path, book: Path, one_word_one_id: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ConfigurationError, match="'doc', expected one of none, complete"):
        build_text_blocks([book], one_word_one_id, tmp_path / "set", break_mode="doc")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="--max-length: found 2"):
        build_text_blocks([book], one_word_one_id, tmp_path / "set", max_length=2)
    endless = PreTrainedTokenizerFast(tokenizer_object=one_word_one_id.backend_tokenizer)
    with pytest.raises(ConfigurationError, match="no separator and no end token"):
        build_text_blocks([book], endless, tmp_path / "set")


def test_text_without_a_block_is_an_error_with_counts(tmp_path: Path, one_word_one_id: PreTrainedTokenizerFast) -> None:
    (tmp_path / "a.txt").write_text("\nw1 w2 w3 w4\n")
    with pytest.raises(DataError, match=r"--split-long-lines.* blocks dropped long \(1\), blocks dropped empty \(1\)"):
        build_text_blocks([tmp_path / "a.txt"], one_word_one_id, tmp_path / "set", max_length=5)
    assert not (tmp_path / "set").exists()


def test_unknown_sub_words_are_counted(tmp_path: Path, one_word_one_id: PreTrainedTokenizerFast) -> None:
    (tmp_path / "a.txt").write_text("w1 what w3\nwhy\n")
    report = build_text_blocks([tmp_path / "a.txt"], one_word_one_id, tmp_path / "set")
    assert (report.sub_words, report.sub_words_unknown) == (4, 2)
